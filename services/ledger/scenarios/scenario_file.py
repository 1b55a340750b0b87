"""Form of a scenario file, and its reader: errors name the file, the line and the scenario."""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from contracts.divisions import is_known
from services.kit.clock import SHANGHAI
from services.ledger.policy import Accreditation, ProviderStanding
from services.ledger.policy.document.yaml_faults import YamlFault
from services.ledger.policy.document.yaml_source import read_yaml


class ScenarioPart(Struct, kw_only=True, forbid_unknown_fields=True):
    """A part of a scenario file; a field nobody knows is an error."""


class Grounds(ScenarioPart, kw_only=True):
    """Why somebody is obliged, if they are."""

    qualified_on: date | None = None
    working_since: date | None = None
    student: bool = False
    qualification: str | None = None
    birth_month: str | None = None
    employer: str | None = None
    affiliation: str | None = None
    groups: tuple[str, ...] = ()
    graduated_on: date | None = None
    left_on: date | None = None
    retired_on: date | None = None


class Teacher(ScenarioPart, kw_only=True):
    """A provider as the registry knows it."""

    name: str
    uscc: str | None = None
    accredited: list[Accreditation] = []
    disqualified_from: date | None = None
    suspended: list[tuple[date, date]] = []

    def standing(self, provider: str) -> ProviderStanding:
        """Its standing, as the policy asks for it."""
        return ProviderStanding(
            organization_id=provider,
            name=self.name,
            uscc=self.uscc,
            accreditations=tuple(self.accredited),
            disqualified_from=self.disqualified_from,
            suspended=tuple(self.suspended),
        )


class Earned(ScenarioPart, kw_only=True):
    """Credits that are in the account before anything happens."""

    credits: Decimal
    category: str = "professional"
    on: str
    mode: str = "online"
    provider: str | None = None
    make_up: bool = False
    fill: list[str] = []
    state: str = "registered"
    recognised: str | None = None
    course: str = ""
    year: int | None = None


class Deferred(ScenarioPart, kw_only=True):
    """More time that an authority gave: the new last day, and why."""

    until: date
    reason: str


class Given(ScenarioPart, kw_only=True):
    """Who, where, which year, and what is in the account already."""

    place: str
    year: int
    person: Grounds
    credits: list[Earned] = []
    exempt: str | None = None
    exempt_until: date | None = None
    deferred: Deferred | None = None
    special_reason: str | None = None
    before_notices: list[str] = []
    notices: list[str] = []
    no_notice: bool = False


class CourseStep(ScenarioPart, kw_only=True):
    """A completed course, as its provider reports it."""

    provider: str
    credits: Decimal | None = None
    hours: Decimal | None = None
    completed: str
    category: str = "professional"
    mode: str = "online"
    exam: str | None = None
    evaluated: str | None = None
    tier: str | None = None
    course: str = ""
    started: date | None = None
    reported: str | None = None
    filed: bool = True
    year: int | None = None


class Exam(ScenarioPart, kw_only=True):
    """A provider's exam, or its evaluation, passed."""

    provider: str
    passed: str
    of: Literal["exam", "evaluation"] = "exam"
    year: int | None = None


class ActivityStep(ScenarioPart, kw_only=True):
    """An activity other than a course, for which the person applies."""

    form: str
    on: date
    role: str | None = None
    quantity: Decimal = Decimal(1)
    result_on: date | None = None
    document_on: date | None = None
    score: Decimal | None = None
    sat_in: str | None = None
    by: Literal["person", "employer", "collective"] = "person"
    claimed: str | None = None
    year: int | None = None


class Proof(ScenarioPart, kw_only=True):
    """Study with a certificate, for which the person applies."""

    mode: str
    credits: Decimal
    on: date
    claimed: str
    category: str = "professional"
    special_reason: bool = False
    year: int | None = None


class Organised(ScenarioPart, kw_only=True):
    """Training that the authority itself organised, and registers from its own list."""

    credits: Decimal
    on: date
    registered: str
    mode: str = "face_to_face"
    category: str = "professional"
    year: int | None = None


class Enrol(ScenarioPart, kw_only=True):
    """An enrolment with a provider."""

    provider: str
    on: date
    mode: str = "online"
    paid: date | None = None
    tier: str | None = None
    year: int | None = None


class Ending(ScenarioPart, kw_only=True):
    """A step's credits are withdrawn, revoked or recognised; steps count from 1."""

    step: int
    at: str


class Merge(ScenarioPart, kw_only=True):
    """Another profile of the same person, with these credits, becomes part of this one at a moment."""

    credits: list[Earned]
    at: str


class Step(ScenarioPart, kw_only=True):
    """One thing that happens, and what must come of it."""

    study: CourseStep | None = None
    exam: Exam | None = None
    claim: ActivityStep | None = None
    proof: Proof | None = None
    enrol: Enrol | None = None
    organised: Organised | None = None
    withdraw: Ending | None = None
    revoke: Ending | None = None
    recognise: Ending | None = None
    merge: Merge | None = None
    outcome: str
    problem: str | None = None
    reason: str | None = None
    clause: str | UnsetType | None = UNSET
    late: bool = False
    make_up: bool = False
    credits: Decimal | None = None
    counts_for: str | None = None
    registers: int = 0


class Answer(ScenarioPart, kw_only=True):
    """The answer for a year on a day; what is left out is not looked at."""

    on: date
    status: str
    year: int | None = None
    regime: str = "accounting"
    total: Decimal | None = None
    by_category: dict[str, Decimal] | None = None
    missing: dict[str, Decimal] | None = None
    excess: Decimal | None = None
    first_obliged_year: int | UnsetType | None = UNSET
    clauses: list[str] | None = None
    not_counted: list[str] | None = None
    deadlines: list[dict[str, Any]] | None = None
    make_up: dict[str, Any] | UnsetType | None = UNSET
    basis: str | None = None
    provisional: bool | None = None
    periods: list[dict[str, Any]] | None = None
    purposes: dict[str, bool | None] | None = None


class InForce(ScenarioPart, kw_only=True):
    """A value of the policy with the clause it comes from."""

    setting: str
    clause: str
    says: Any = UNSET
    document: str | None = None


class Scenario(ScenarioPart, kw_only=True):
    """One story."""

    name: str
    clauses: list[str]
    given: Given
    when: list[Step] = []
    then: list[Answer] = []
    in_force: list[InForce] = []


class ScenarioFile(ScenarioPart, kw_only=True):
    """One file: what all its scenarios share, and the scenarios."""

    about: str
    providers: dict[str, Teacher] = {}
    scenarios: list[Scenario]
    given: dict[str, Any] = {}


class ScenarioFault(ValueError):
    """A file that is no scenario file: the line, and the words, which begin with the scenario where it is known."""

    def __init__(self, source: str, line: int | None, zh: str, en: str) -> None:
        super().__init__(f"{source}:{line}: {en}")
        self.line = line
        self.zh = zh
        self.en = en


def read_scenarios(text: str, source: str) -> ScenarioFile:
    """The scenarios of a file; ScenarioFault when it cannot be read, or a story in it cannot be told."""
    try:
        data, lines = read_yaml(text)
    except YamlFault as fault:
        raise ScenarioFault(source, fault.line, fault.zh, fault.en) from None
    common = data.get("given") if isinstance(data, dict) else None
    scenarios = data.get("scenarios") if isinstance(data, dict) else None
    for scenario in scenarios if isinstance(scenarios, list) else []:
        if isinstance(scenario, dict) and isinstance(common or {}, dict):
            own = scenario.get("given") or {}
            scenario["given"] = (common or {}) | own if isinstance(own, dict) else own
    try:
        read = msgspec.convert(data, ScenarioFile, strict=False)
    except msgspec.ValidationError as error:
        raise _located(str(error), data, lines, source) from None
    for index, one in enumerate(read.scenarios):
        for pointer, zh, en in _faults(one, read.providers):
            at = f"/scenarios/{index}{pointer}"
            at = at if at in lines or not pointer.startswith("/given") else pointer
            raise ScenarioFault(source, _line(at, lines), f"“{one.name}”：{zh}", f"{one.name}: {en}")
    return read


_KINDS = ("study", "exam", "claim", "proof", "enrol", "organised", "withdraw", "revoke", "recognise", "merge")
_MOMENTS = ("completed", "exam", "evaluated", "reported", "passed", "claimed", "registered", "at", "on")
_NO_DAY = ("没有这一天或这一时刻", "there is no such day or moment")


def _faults(scenario: Scenario, providers: Mapping[str, Teacher]) -> Iterator[tuple[str, str, str]]:
    """What a story cannot be told by: the field, and words in both languages."""
    if not scenario.when and not scenario.then and not scenario.in_force:
        yield "", "没有写明应有的结果", "it expects nothing"
    if not is_known(scenario.given.place):
        yield "/given/place", "行政区划代码不存在", "no such administrative division"
    yield from _earned_faults("/given", scenario.given.credits)
    for number, step in enumerate(scenario.when):
        at = f"/when/{number}"
        said = [kind for kind in _KINDS if getattr(step, kind) is not None]
        if len(said) != 1:
            yield at, "一步只写一件事", "a step says one thing that happens"
            continue
        part = getattr(step, said[0])
        provider = getattr(part, "provider", None)
        if provider is not None and provider not in providers:
            yield f"{at}/{said[0]}/provider", "没有列出此机构", "no such provider is listed"
        if isinstance(part, CourseStep) and part.credits is None and part.hours is None:
            yield f"{at}/study", "须写明学分“credits”或学时“hours”", "credits or hours are required"
        if isinstance(part, Ending) and not 1 <= part.step <= number:
            yield (
                f"{at}/{said[0]}/step",
                "没有这一步，步数从 1 数起",
                "no earlier step has this number, from 1",
            )
        yield from _earned_faults(f"{at}/merge", part.credits if isinstance(part, Merge) else ())
        for name in _MOMENTS:
            value = getattr(part, name, None)
            if isinstance(value, str) and not _is_moment(value):
                yield f"{at}/{said[0]}/{name}", *_NO_DAY


def _earned_faults(at: str, credits: Iterable[Earned]) -> Iterator[tuple[str, str, str]]:
    for number, earned in enumerate(credits):
        if not _is_moment(earned.on):
            yield f"{at}/credits/{number}/on", *_NO_DAY


def _is_moment(text: str) -> bool:
    try:
        moment(text)
    except ValueError:
        return False
    return True


def _located(message: str, data: Any, lines: dict[str, int], source: str) -> ScenarioFault:
    what, _, path = message.partition(" - at `")
    pointer = path.rstrip("`").lstrip("$").replace("[...]", "").replace(".", "/")
    pointer = pointer.replace("[", "/").replace("]", "")
    zh = next((words for begins, words in _ZH.items() if what.startswith(begins)), "不符合格式")
    named = re.search("`([A-Za-z_]+)`$", what)
    zh += f"“{named[1]}”" if named and "field" in what else ""
    parts = pointer.split("/")
    if len(parts) > 2 and parts[1] == "scenarios":
        told = data["scenarios"][int(parts[2])]
        name = told.get("name") if isinstance(told, dict) else None
        zh, what = f"“{name or '未命名'}”：{zh}", f"{name or 'without a name'}: {what}"
    if pointer not in lines and parts[3:4] == ["given"]:
        pointer = "/" + "/".join(parts[3:])
    return ScenarioFault(source, _line(pointer, lines), zh, what)


_ZH: Mapping[str, str] = {
    "Object contains unknown field": "没有这个字段",
    "Object missing required field": "缺少字段",
    "Expected `date`": "应为日期，年月日以连字符相连",
    "Invalid RFC3339": "应为日期，年月日以连字符相连",
    "Expected `array`": "应为列表",
    "Expected `object`": "应为一组字段",
    "Expected `str`": "应为文本，请加引号",
    "Expected `int`": "应为整数",
    "Expected `bool`": "应为“true”或“false”",
    "Expected `decimal`": "应为数值",
    "Invalid decimal": "应为数值",
    "Invalid enum value": "没有这个取值",
}
"""What the decoder finds, by the beginning of its words, in Chinese."""


def _line(pointer: str, lines: Mapping[str, int]) -> int:
    while pointer not in lines and pointer:
        pointer = pointer.rpartition("/")[0]
    return lines.get(pointer, 1)


def moment(text: str) -> datetime:
    """A moment as a scenario writes it: its zone stays, as no judgement may depend on it."""
    read = datetime.fromisoformat(text)
    if len(text) == 10:
        read += timedelta(hours=12)
    return read if read.tzinfo else read.replace(tzinfo=SHANGHAI)
