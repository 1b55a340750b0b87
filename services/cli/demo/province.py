"""A province of the demo: thousands of fictitious people who were collected, study, claim, move and wait in every queue.

Everything goes by the commands that officials, providers and employers send: the people come as tables, and each passes
both reviews. Which city does how well is drawn once and for all, so that every demo shows the same province.
"""

import csv
import io
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from typing import Any

from contracts.divisions import parts_of
from services.cli.demo.routes import YEAR
from services.cli.demo.stage import Collected, Provider, Stage
from services.kit.clock import local_date, utc_now
from services.kit.spreadsheets import CSV_TYPE

PROVINCE = "140000"
PROVIDERS = ("并州会计网络学校", "汾河会计培训中心", "太行财会进修学院")
_COLUMNS = ("id_number", "name", "place", "employer", "level", "obtained_on")
_LEVELS = ("junior", "junior", "junior", "intermediate", "intermediate", "senior")
_ROWS = 500
_HANDS = 6
"""Requests that are on their way at once."""
_FIRST, _LAST = date(YEAR, 4, 1), date(YEAR, 12, 31)
"""Online study of the province's notice (S3B-04)."""
_FOLLOW_SECONDS = 600.0
_UNREVIEWED, _HALF_REVIEWED, _RETURNED = 0.015, 0.01, 0.005
_REASONS = ("illness", "childbirth", "abroad")

Advance = Callable[[str, int], None]
"""Told how many steps of which kind are done."""


@dataclass
class Province:
    """What there is of it, as far as it has come."""

    stage: Stage
    count: int
    advance: Advance
    draw: Random = field(default_factory=lambda: Random(YEAR))  # noqa: S311 - nothing secret
    people: list[tuple[Collected, str]] = field(default_factory=list)
    """Those who passed both reviews, with their counties."""

    @property
    def counties(self) -> list[str]:
        """The counties of the province, city by city."""
        return [county for city in parts_of(PROVINCE) for county in parts_of(city)]

    def diligence(self, place: str) -> float:
        """How likely somebody of a city has studied enough, between 0.35 and 0.9."""
        return 0.35 + 0.55 * Random(place[:4]).random()  # noqa: S311 - nothing secret

    def fill(self) -> None:
        """Collect the people, and let them study, claim, ask and wait."""
        employers = [self._employer(number) for number in range(max(2, min(60, self.count // 50)))]
        self.collect(employers)
        self.stage.wait_until_followed(_FOLLOW_SECONDS)
        self.study()
        self.ask()

    def collect(self, employers: Sequence[str]) -> None:
        """Hand the people in as tables, and review nearly all of them."""
        waiting: list[tuple[str, Collected, str]] = []
        for start in range(0, self.count, _ROWS):
            waiting += self._handed_in(min(_ROWS, self.count - start), employers)
        with ThreadPoolExecutor(_HANDS) as hands:
            fates = [self.draw.random() for _ in waiting]
            for each, passed in zip(waiting, hands.map(self._review, waiting, fates), strict=True):
                if passed:
                    self.people.append(each[1:])
                self.advance("reviewed", 1)

    def _employer(self, number: int) -> str:
        code = self.stage.next_code()
        body = {"name": f"晋地演示企业第{number + 1}号", "uscc": code, "kind": "employer", "place": PROVINCE}
        self.stage.call("registry", "POST", "/v1/organizations", body, self.stage.official("100000"))
        self.stage.clerks.append((f"晋地演示企业第{number + 1}号", "employer", code))
        return code

    def _handed_in(self, count: int, employers: Sequence[str]) -> Iterator[tuple[str, Collected, str]]:
        people = [self.stage.stranger(PROVINCE[:2]) for _ in range(count)]
        places = [self.draw.choice(self.counties) for _ in people]
        table = io.StringIO()
        writer = csv.writer(table)
        writer.writerow(_COLUMNS)
        for person, place in zip(people, places, strict=True):
            level, qualified = self.draw.choice(_LEVELS), date(self.draw.randint(2005, YEAR), 9, 10)
            writer.writerow(
                (person.id_number, person.name, place, self.draw.choice(employers), level, qualified)
            )
        answer = self.stage.sends(
            "registry",
            "/v1/collections/bulk",
            table.getvalue().encode("utf-8-sig"),
            CSV_TYPE,
            self.stage.official(PROVINCE, "clerk"),
        )
        self.advance("collected", count)
        for person, place, row in zip(people, places, answer["rows"], strict=True):
            self.stage.cast.append((person, place))
            yield row["collection_id"], Collected(row["person_id"], person), place

    def _review(self, case: tuple[str, Collected, str], fate: float) -> bool:
        """Whether both reviews passed; a few cases are left in the queue, and a few go back."""
        path = f"/v1/collections/{case[0]}"
        if fate < _UNREVIEWED:
            return False
        if fate > 1 - _RETURNED:
            body = {"decision": "return", "reason": "documents_unclear"}
            self._post("registry", f"{path}/initial-review", body, "initial-reviewer")
            return False
        self._post("registry", f"{path}/initial-review", {"decision": "pass"}, "initial-reviewer")
        if fate < _UNREVIEWED + _HALF_REVIEWED:
            return False
        self._post("registry", f"{path}/final-review", {"decision": "pass"}, "final-reviewer")
        return True

    def study(self) -> None:
        """Report what the people have studied until today, in batches of their providers."""
        providers = [self.stage.provides(name, [PROVINCE]) for name in PROVIDERS]
        reports: dict[str, list[dict[str, Any]]] = {name: [] for name in PROVIDERS}
        for who, place in self.people:
            provider = self.draw.choice(providers)
            reports[provider.name] += self._studied(provider, who, place)
        for provider in providers:
            records = reports[provider.name]
            for start in range(0, len(records), _ROWS):
                batch = records[start : start + _ROWS]
                provider.posts(*batch)
                self.advance("reported", len(batch))

    def _studied(self, provider: Provider, who: Collected, place: str) -> Iterator[dict[str, Any]]:
        diligent = self.draw.random() < self.diligence(place)
        parts = (("60.00", "professional"), ("30.00", "public")) if diligent else (("24.00", "professional"),)
        if not diligent and self.draw.random() < 0.3:
            return
        days = max((min(local_date(utc_now()) - timedelta(days=1), _LAST) - _FIRST).days, 0)
        for credits, category in parts:
            day = _FIRST + timedelta(days=self.draw.randint(0, days))
            yield provider.completion(who, YEAR, credits, f"{day}T19:30:00+08:00", category=category)

    def ask(self) -> None:
        """Claims, changes and reliefs: some are decided, some wait."""
        some = self.draw.sample(self.people, min(len(self.people), max(12, self.count // 20)))
        third = len(some) // 3
        for number, (who, _) in enumerate(some[:third]):
            self._claim(number, who)
        for who, _ in some[third : 2 * third]:
            items = {"items": {"working_since": f"{self.draw.randint(2008, 2015)}-07-01"}}
            self._post("registry", f"/v1/persons/{who.person_id}/changes", items, "clerk")
            self.advance("asked", 1)
        for who, _ in some[2 * third :]:
            relief = {"year": YEAR, "reason": self.draw.choice(_REASONS)}
            self._post("ledger", f"/v1/persons/{who.person_id}/exemptions", relief, "finance-bureau")
            self.advance("asked", 1)

    def _claim(self, number: int, who: Collected) -> None:
        """A paper, claimed; of five one is approved, one accepted, one sent back, and two wait."""
        fact = {
            "cn_number": "CN14-1234/F",
            "issue": f"{YEAR}-{number % 12 + 1:02d}",
            "title": f"论内部控制之{number + 1}",
        }
        body = {
            "person_id": who.person_id, "year": YEAR, "form": "paper", "role": self.draw.choice(("sole", "first")),
            "happened_on": f"{YEAR}-03-10", "fact": fact,
        }  # fmt: skip
        path = f"/v1/claims/{self._post('ledger', '/v1/claims', body, 'clerk')['claim_id']}"
        steps: dict[int, tuple[str, ...]] = {
            0: ("acceptance", "approval"),
            1: ("acceptance",),
            2: ("return",),
        }
        for step in steps.get(number % 5, ()):
            reason = {"reason": "evidence_missing"} if step == "return" else None
            self._post("ledger", f"{path}/{step}", reason, "reviewer")
        self.advance("asked", 1)

    def _post(self, service: str, path: str, body: object, desk: str) -> Any:
        return self.stage.call(service, "POST", path, body, self.stage.official(PROVINCE, desk))


def steps_of(count: int) -> int:
    """About how many steps a province of so many people takes, for a progress bar."""
    return 4 * count + max(12, count // 20)
