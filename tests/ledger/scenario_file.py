"""The form of a scenario file, and its reader: errors name the file, the line and the scenario."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

from services.kit.clock import SHANGHAI
from services.ledger.policy import Accreditation, ProviderStanding
from services.ledger.policy.document.yaml_faults import YamlFault
from services.ledger.policy.document.yaml_source import read_yaml


class Part(Struct, kw_only=True, forbid_unknown_fields=True):
    """A part of a scenario file; a field nobody knows is an error."""


class Grounds(Part, kw_only=True):
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


class Teacher(Part, kw_only=True):
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


class Earned(Part, kw_only=True):
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


class Deferred(Part, kw_only=True):
    """More time that an authority gave: the new last day, and why."""

    until: date
    reason: str


class Given(Part, kw_only=True):
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


class Study(Part, kw_only=True):
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


class Exam(Part, kw_only=True):
    """A provider's exam, or its evaluation, passed."""

    provider: str
    passed: str
    of: Literal["exam", "evaluation"] = "exam"
    year: int | None = None


class Claimed(Part, kw_only=True):
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


class Proof(Part, kw_only=True):
    """Study with a certificate, for which the person applies."""

    mode: str
    credits: Decimal
    on: date
    claimed: str
    category: str = "professional"
    special_reason: bool = False
    year: int | None = None


class Organised(Part, kw_only=True):
    """Training that the authority itself organised, and registers from its own list."""

    credits: Decimal
    on: date
    registered: str
    mode: str = "face_to_face"
    category: str = "professional"
    year: int | None = None


class Enrol(Part, kw_only=True):
    """An enrolment with a provider."""

    provider: str
    on: date
    mode: str = "online"
    paid: date | None = None
    tier: str | None = None
    year: int | None = None


class Ending(Part, kw_only=True):
    """A step's credits are withdrawn, revoked or recognised; steps count from 1."""

    step: int
    at: str


class Step(Part, kw_only=True):
    """One thing that happens, and what must come of it."""

    study: Study | None = None
    exam: Exam | None = None
    claim: Claimed | None = None
    proof: Proof | None = None
    enrol: Enrol | None = None
    organised: Organised | None = None
    withdraw: Ending | None = None
    revoke: Ending | None = None
    recognise: Ending | None = None
    outcome: str
    problem: str | None = None
    reason: str | None = None
    clause: str | UnsetType | None = UNSET
    late: bool = False
    make_up: bool = False
    credits: Decimal | None = None
    counts_for: str | None = None
    registers: int = 0


class Answer(Part, kw_only=True):
    """The answer for a year on a day; what is left out is not looked at."""

    on: date
    status: str
    year: int | None = None
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


class InForce(Part, kw_only=True):
    """A value of the policy with the clause it comes from."""

    setting: str
    clause: str
    says: Any = UNSET
    document: str | None = None


class Scenario(Part, kw_only=True):
    """One story."""

    name: str
    clauses: list[str]
    given: Given
    when: list[Step] = []
    then: list[Answer] = []
    in_force: list[InForce] = []


class ScenarioFile(Part, kw_only=True):
    """One file: what all its scenarios share, and the scenarios."""

    about: str
    providers: dict[str, Teacher] = {}
    scenarios: list[Scenario]
    given: dict[str, Any] = {}


class ScenarioFault(ValueError):
    """A file that is no scenario file; the message begins with file, line and scenario."""


def read_scenarios(text: str, source: str) -> ScenarioFile:
    """The scenarios of a file; ScenarioFault when it cannot be read."""
    try:
        data, lines = read_yaml(text)
    except YamlFault as fault:
        raise ScenarioFault(f"{source}:{fault.line}: {fault.en}") from None
    common = data.get("given") if isinstance(data, dict) else None
    scenarios = data.get("scenarios") if isinstance(data, dict) else None
    for scenario in scenarios if isinstance(scenarios, list) else []:
        if isinstance(scenario, dict):
            scenario["given"] = (common or {}) | (scenario.get("given") or {})
    try:
        read = msgspec.convert(data, ScenarioFile, strict=False)
    except msgspec.ValidationError as error:
        raise ScenarioFault(_located(str(error), data, lines, source)) from None
    for index, one in enumerate(read.scenarios):
        if not one.when and not one.then and not one.in_force:
            raise ScenarioFault(f"{source}:{lines[f'/scenarios/{index}']}: {one.name}: it expects nothing")
    return read


def _located(message: str, data: Any, lines: dict[str, int], source: str) -> str:
    what, _, path = message.partition(" - at `")
    pointer = path.rstrip("`").lstrip("$").replace("[...]", "").replace(".", "/")
    pointer = pointer.replace("[", "/").replace("]", "")
    name = ""
    parts = pointer.split("/")
    if len(parts) > 2 and parts[1] == "scenarios":
        name = f"{data['scenarios'][int(parts[2])].get('name', 'without a name')}: "
    if pointer not in lines and parts[3:4] == ["given"]:
        pointer = "/" + "/".join(parts[3:])
    while pointer not in lines and pointer:
        pointer = pointer.rpartition("/")[0]
    return f"{source}:{lines.get(pointer, 1)}: {name}{what}"


def moment(text: str) -> datetime:
    """A moment as a scenario writes it: its zone stays, as no judgement may depend on it."""
    read = datetime.fromisoformat(text)
    if len(text) == 10:
        read += timedelta(hours=12)
    return read if read.tzinfo else read.replace(tzinfo=SHANGHAI)
