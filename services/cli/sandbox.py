"""Sandbox of a provider: fictitious people with known numbers, collected through the registry's own routes by officials of
its issuer, and the table of what becomes of a completion of each (`sandbox.yaml`)."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import yaml
from cyclopts import App

from services.cli.settings import StackSettings
from services.cli.sign_in import SCOPES, sign
from services.cli.stack import StackError
from services.cli.state_dir import StateDir, issuer_of, signing_key
from services.kit.settings import PREFIX, SettingsError

TABLE = Path(__file__).with_name("sandbox.yaml")
_QUALIFIED_ON = "2016-09-10"

app = App(name="sandbox", help="The fictitious people of a sandbox. 沙箱")
Sign = Callable[[str, str], str]
"""A token of an official, by subject and place."""


@dataclass(frozen=True)
class Row:
    """A completion, at a moment, and what becomes of it: its outcome, and the reason it is held or the problem's code."""

    zh: str
    en: str
    person: dict[str, Any]
    now: str
    record: dict[str, Any]
    posted_before: dict[str, Any] | None
    outcome: str
    why: str | None
    late: bool

    @property
    def identity(self) -> dict[str, str]:
        """The person as the provider names them."""
        return {"id_type": "resident_id", "id_number": self.person["number"], "name": self.person["name"]}


@cache
def people() -> dict[str, dict[str, Any]]:
    """Everybody in the sandbox: name and number, with the place where they are collected if they are."""
    found: dict[str, dict[str, Any]] = _table()["people"]
    return found


def rows() -> list[Row]:
    """The table of outcomes."""
    table = _table()
    return [
        Row(
            zh=row["zh"],
            en=row["en"],
            person=people()[row["person"]] | ({"name": row["name"]} if "name" in row else {}),
            now=row.get("now", table["now"]),
            record=table["record"] | row.get("record", {}),
            posted_before=row.get("posted_before"),
            outcome=row["outcome"],
            why=row.get("why"),
            late=row.get("late", False),
        )
        for row in table["outcomes"]
    ]


_WORDS = {
    "zh": (
        "沙箱结果一览",
        "沙箱中的人都是虚构的。下表每一行都由测试上报并核对；未写明的字段同第一行。“时间”写在表示沙箱时间的请求头中，见快速入门。",
        ("情形", "姓名", "证件号码", "上报内容", "时间", "结果"),
        "先上报",
    ),
    "en": (
        "Outcomes of the sandbox",
        "Nobody in the sandbox is real. A test posts every row and compares; fields that a row does not name are as in"
        " the first. The moment is the header `Xuefen-Sandbox-Now`.",
        ("situation", "name", "number", "posted", "moment", "outcome"),
        "posted before",
    ),
}


def outcomes_page(language: str) -> str:
    """The table of outcomes as a page of the documentation, in `zh` or `en`."""
    title, words, heads, before = _WORDS[language]
    lines = [f"# {title}", "", words, "", f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    first = rows()[0].record
    for number, row in enumerate(rows()):
        said = {key: text for key, text in row.record.items() if number == 0 or first[key] != text}
        posted = " ".join(f"`{key}: {text}`" for key, text in said.items())
        if row.posted_before is not None:
            changed = " ".join(f"`{key}: {text}`" for key, text in row.posted_before.items()) or "="
            posted = f"{posted} {before}: {changed}".strip()
        outcome = " ".join(
            f"`{word}`" for word in (row.outcome, row.why, "late" if row.late else None) if word
        )
        cells = (getattr(row, language), row.person["name"], row.person["number"], posted, row.now, outcome)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, ""])


@cache
def _table() -> dict[str, Any]:
    table: dict[str, Any] = yaml.safe_load(TABLE.read_text(encoding="utf-8"))
    return table


def collect(registry: str, sign_official: Sign) -> int:
    """Collect everybody who has a place; how many. Who has been collected already stays as they are.

    Raises StackError with the problem's own words when the registry refuses.
    """
    with httpx.Client(base_url=registry, trust_env=False, timeout=30.0) as client:
        found = [(key, person) for key, person in people().items() if "place" in person]
        for key, person in found:
            collect_person(client, sign_official, key, person)
    return len(found)


def collect_person(client: httpx.Client, sign_official: Sign, key: str, person: dict[str, Any]) -> None:
    """One person: submitted, and reviewed by two other officials (S2C-08). The commands' keys are the person's."""
    place = person["place"]

    def post(path: str, step: str, body: dict[str, Any]) -> httpx.Response:
        token = sign_official(f"sandbox-{step}-{place}", place)
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": f"sandbox-{key}-{step}"}
        return client.post(path, json=body, headers=headers)

    identity = {"id_type": "resident_id", "id_number": person["number"], "name": person["name"]}
    qualification = {"level": "junior", "obtained_on": _QUALIFIED_ON}
    submitted = post(
        "/v1/collections",
        "submission",
        {"person": identity, "place": place, "qualifications": [qualification]},
    )
    if submitted.status_code == httpx.codes.CONFLICT:
        return
    for answer in _steps(submitted, post):
        if answer.status_code >= httpx.codes.BAD_REQUEST:
            raise StackError(f"the sandbox cannot collect {key}: {answer.status_code} {answer.text}")


def _steps(
    submitted: httpx.Response, post: Callable[[str, str, dict[str, Any]], httpx.Response]
) -> list[httpx.Response]:
    if submitted.status_code >= httpx.codes.BAD_REQUEST:
        return [submitted]
    case = f"/v1/collections/{submitted.json()['collection_id']}"
    return [post(f"{case}/{step}-review", step, {"decision": "pass"}) for step in ("initial", "final")]


@app.command(name="collect")
def collect_one(who: str, /, *, place: str = "140403") -> None:
    """Play the bureau: collect somebody of `xuefen up --sandbox`, so that what waits for them is released.

    Parameters
    ----------
    who
        The person by their key in the table of outcomes, such as not_collected.
    place
        Where.
    """
    if who not in people():
        raise SettingsError(f"there is nobody called {who!r}; there are {', '.join(people())}")
    settings = StackSettings.of_sandbox()
    home = StateDir(settings.home)
    record = home.read_record()
    addresses = {} if record is None else {each.name: each.address for each in record.processes}
    if "registry" not in addresses:
        raise StackError("no sandbox is running here; `xuefen up --sandbox` starts one")
    with httpx.Client(base_url=addresses["registry"], trust_env=False, timeout=30.0) as client:
        collect_person(client, _signing(settings, home), f"{who}-later", people()[who] | {"place": place})
    print(f"{people()[who]['name']}: {place}")


@app.command(name="people")
def collect_people() -> None:
    """Collect the people of a hosted sandbox, in the registry of XUEFEN_REGISTRY_URL. Harmless to repeat."""
    settings = StackSettings.load()
    if not settings.sandbox:
        raise SettingsError(f"{PREFIX}SANDBOX is not set: fictitious people belong into a sandbox alone")
    home = StateDir(settings.home)
    print(f"Collected: {collect(settings.registry_url, _signing(settings, home))}.")


def _signing(settings: StackSettings, home: StateDir) -> Sign:
    key, issuer = signing_key(settings, home), issuer_of(settings, home)

    def official(subject: str, place: str) -> str:
        return sign(key, issuer=issuer, subject=subject, scopes=SCOPES["official"], place=place)

    return official
