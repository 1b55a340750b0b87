"""A seeded workload: what providers, officials and the registry do to the ledger in a year, good and bad, repeated and
out of order. The same seed makes the same commands."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from services.cli.demo import fictitious
from services.cli.demo.fictitious import FictitiousPerson
from tests.simulation.auditor import DALIAN, JINCHENG, LIAONING, SHANXI, SHENYANG, Firm, day

START = datetime(2024, 10, 1, 4, tzinfo=UTC)
ROUNDS = 60
FIRMS = {
    "北京东奥时代教育科技有限公司": Firm(
        True, {LIAONING: ("online", "face_to_face"), SHANXI: ("online", "face_to_face")}
    ),
    "会计之星": Firm(False, {SHANXI: ("online",)}),
    "沈阳某某会计培训学校": Firm(False, {LIAONING: ("face_to_face",)}),
    "东北财经大学": Firm(True, {LIAONING: ("online", "face_to_face")}, {LIAONING: day("2025-08-01")}),
}
YEAR_OF = {SHENYANG: 2025, JINCHENG: 2024, DALIAN: 2025}
AUTHORITY_OF = {SHENYANG: LIAONING, JINCHENG: SHANXI, DALIAN: DALIAN}
CREDITS = ("0.01", "3", "10.5", "29.99", "30", "30.00", "60", "90", "90.00")


@dataclass(frozen=True)
class Person:
    """Somebody simulated; where they will be collected."""

    who: FictitiousPerson
    place: str


@dataclass
class Batch:
    """What one provider posts at once; `good` tells which records are well-formed."""

    provider: str
    records: list[dict[str, Any]] = field(default_factory=list)
    good: list[bool] = field(default_factory=list)


@dataclass
class Round:
    """A moment, and all that happens at it: batches of one round concern different people and may overlap."""

    now: datetime
    collect: list[Person] = field(default_factory=list)
    batches: list[Batch] = field(default_factory=list)
    decisions: list[tuple[Literal["withdraw", "revoke", "exempt"], float]] = field(default_factory=list)
    """What is decided, and a number between 0 and 1 that says about which of the things there are."""


class Workload:
    """Rounds of commands, made one after another from one seed."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        places = [SHENYANG] * 10 + [JINCHENG] * 10 + [DALIAN] * 3
        self.people = [
            Person(fictitious.person(seed % 997 * 40 + n), place) for n, place in enumerate(places)
        ]
        self.sent: dict[str, list[dict[str, Any]]] = {firm: [] for firm in FIRMS}
        self._numbers = 0

    def rounds(self) -> Iterator[Round]:
        """A year or so."""
        now = START
        uncollected = self.people[:]
        self.random.shuffle(uncollected)
        for number in range(ROUNDS):
            now += timedelta(days=self.random.uniform(0, 10 if number < ROUNDS / 2 else 20))
            round_ = Round(now)
            for _ in range(self.random.choice([0, 0, 1, 2]) if number else 12):
                if uncollected:
                    round_.collect.append(uncollected.pop())
            round_.batches = self._batches(now)
            for _ in range(self.random.choice([0, 1, 2])):
                kind: Any = self.random.choice(["withdraw", "withdraw", "revoke", "revoke", "exempt"])
                round_.decisions.append((kind, self.random.random()))
            yield round_

    def _batches(self, now: datetime) -> list[Batch]:
        """Batches of several providers, each about people of its own."""
        shuffled = self.people[:]
        self.random.shuffle(shuffled)
        batches = []
        for number, firm in enumerate(FIRMS):
            batch, about = Batch(firm), shuffled[number :: len(FIRMS)]
            for _ in range(self.random.randint(1, 8)):
                record, good = self._record(firm, about, now)
                batch.records.append(record)
                batch.good.append(good)
                if good:
                    self.sent[firm].append(record)
            batches.append(batch)
        return batches

    def _record(self, firm: str, about: list[Person], now: datetime) -> tuple[dict[str, Any], bool]:
        known = {person.who.id_number for person in about}
        earlier = [record for record in self.sent[firm] if record["person"]["id_number"] in known]
        dice = self.random.random()
        if earlier and dice < 0.15:
            return self._in_other_words(self.random.choice(earlier)), True
        if earlier and dice < 0.25:
            return self._contradicted(self.random.choice(earlier), about), True
        if self.random.random() < 0.7:
            about = [
                person for person in about if AUTHORITY_OF[person.place] in FIRMS[firm].accredited
            ] or about
        record = self._new(firm, self.random.choice(about), now)
        if dice < 0.31:
            return self._malformed(record), False
        return record, True

    def _new(self, firm: str, person: Person, now: datetime) -> dict[str, Any]:
        dice = self.random
        self._numbers += 1
        late = timedelta(days=dice.choice([0, 0, 1, 20, 100]), minutes=dice.randint(10, 600))
        at = now - late if dice.random() < 0.97 else now + timedelta(days=1)
        name = person.who.name if dice.random() < 0.95 else "别的名字"
        record = {
            "id": f"{person.place}-{self._numbers}",
            "person": {"id_type": "resident_id", "id_number": person.who.id_number, "name": name},
            "year": YEAR_OF[person.place] if dice.random() < 0.97 else 2031,
            "category": dice.choice(["professional", "professional", "public"]),
            "credits": dice.choice(CREDITS) if dice.random() < 0.96 else dice.choice(["0", "360.01"]),
            "mode": dice.choice(["online", "online", "online", "face_to_face"]),
            "course": f"C-{self._numbers}",
            "completed_at": at.replace(microsecond=0).isoformat(),
            "authority": AUTHORITY_OF[person.place],
        }
        if dice.random() < 0.06:
            record["authority"] = dice.choice([LIAONING, SHANXI])
        elif dice.random() < 0.3:
            accredited = list(FIRMS[firm].accredited)
            if accredited == [record["authority"]] or dice.random() < 0.1:
                del record["authority"]
        return record

    def _in_other_words(self, record: dict[str, Any]) -> dict[str, Any]:
        """The same again, perhaps written in another way."""
        credits, at = record["credits"], datetime.fromisoformat(record["completed_at"])
        if self.random.random() < 0.5:
            return dict(record)
        elsewhere = timedelta(hours=self.random.choice([-5, 0, 8]))
        return record | {
            "credits": f"{float(credits):.2f}" if "." not in credits else credits,
            "completed_at": (at + elsewhere).replace(tzinfo=None).isoformat()
            + {-5: "-05:00", 0: "Z", 8: "+08:00"}[round(elsewhere.total_seconds() / 3600)],
        }

    def _contradicted(self, record: dict[str, Any], about: list[Person]) -> dict[str, Any]:
        """The same id with something else in it."""
        other = self.random.choice(about).who
        changes: list[dict[str, Any]] = [
            {"credits": "89.99" if record["credits"] != "89.99" else "1"},
            {"course": "C-9", "mode": "face_to_face" if record["mode"] == "online" else "online"},
            {"year": 2031},
            {"completed_at": "2024-12-24T10:00:00+08:00"},
            {"person": record["person"] | {"name": "又一名字"}},
            {"person": {"id_type": "resident_id", "id_number": other.id_number, "name": other.name}},
        ]
        return record | self.random.choice(changes)

    def _malformed(self, record: dict[str, Any]) -> dict[str, Any]:
        number = record["person"]["id_number"]
        wrong = number[:-1] + ("1" if number[-1] != "1" else "2")
        broken: list[dict[str, Any]] = [
            {"credits": 30.0},
            {"credits": "30.001"},
            {"person": record["person"] | {"id_number": wrong}},
            {"completed_at": record["completed_at"][:19]},
            {"authority": "999999"},
            {"mode": "radio"},
            {"extra": number},
        ]
        return record | self.random.choice(broken)
