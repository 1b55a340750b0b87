"""The kinds that are only shown, and read by the services that act on them: time limits, duties, systems, uses.

Each keeps what its clause says in words a program can read. None decides about a completion or an account.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta

from services.ledger.policy.language.days import day_of
from services.ledger.policy.language.findings import NO_SUCH_DAY, At, Finding, Kind
from services.ledger.policy.language.rule import (
    CategoryPath,
    Code,
    Credits,
    Day,
    MonthDay,
    Reporter,
    Rule,
    Text,
)
from services.ledger.policy.language.settings import Sourced
from services.ledger.policy.language.target import PERSONS, TargetedRule

Case = Literal["collection", "change", "transfer", "transfer_within", "transfer_out", "transfer_in"]
Subject = Literal[
    "collection_review",
    "change_review",
    "transfer_review",
    "filing_report",
    "certificate",
    "filing_approval",
    "claim_review",
    "roster_review",
]


class Scope(Rule, frozen=True, tag="scope"):
    """适用范围: 单位类别与人员。Which organizations and persons the notice is about."""

    organizations: tuple[Text, ...] = ()
    persons: tuple[Literal["qualified", "working"], ...] = ()


class Belonging(Rule, frozen=True, tag="belonging"):
    """属地: 依次按隶属关系、工作单位、学校、户籍或居住地。Whose authority a person belongs to, in order.

    `affiliated` names the units that belong to a higher or a central authority wherever they stand. The registry keeps the
    place that follows from this, and every policy is that of the place.
    """

    order: Annotated[tuple[Literal["affiliation", "work", "school", "residence"], ...], Meta(min_length=1)]
    affiliated: tuple[Text, ...] = ()


class Contents(Rule, frozen=True, tag="contents"):
    """学习内容: 公需科目与专业科目的主题。The subjects of each category."""

    subjects: Annotated[dict[CategoryPath, tuple[Text, ...]], Meta(min_length=1)]

    def settings(self) -> Iterator[tuple[str, object]]:
        """A setting for each category."""
        for category, subjects in self.subjects.items():
            yield f"contents.{category}", subjects


class Precondition(TargetedRule, frozen=True, tag="precondition"):
    """前提: 完成信息采集后方可学习或登记。A person must be collected first (B-19)."""

    collected_in: Text
    before: Literal["study", "registration"]
    address: Text | None = None


class TimeLimit(Rule, frozen=True, tag="time_limit"):
    """时限: 工作日。A limit in working days; the day of the event is day 0 (B-18); not firm is a target."""

    subject: Subject
    working_days: Annotated[int, Meta(ge=0, le=250)]
    firm: bool = True

    def settings(self) -> Iterator[tuple[str, object]]:
        """A setting for each thing that is limited."""
        yield f"time_limit.{self.subject}", self


class Procedure(Rule, frozen=True, tag="procedure"):
    """办理流程: 步骤、退回、阻断条件。The steps of a case, what blocks it and where a refusal leads."""

    case: Case
    steps: tuple[Text, ...] = ()
    blocked_by: tuple[Text, ...] = ()
    on_refusal: Text | None = None
    on_timeout: Text | None = None
    evidence: tuple[Text, ...] = ()
    order: Literal["submission"] | None = None
    persons: tuple[Text, ...] = ()

    def settings(self) -> Iterator[tuple[str, object]]:
        """Each part of each case is a setting of its own, so that clauses may add to one another."""
        for field in ("steps", "blocked_by", "on_refusal", "on_timeout", "evidence", "order", "persons"):
            value = getattr(self, field)
            if value is not None and value != ():
                yield f"procedure.{self.case}.{field}", value


class Duty(Rule, frozen=True, tag="duty"):
    """义务: 谁须在每年何时前提交什么。What somebody owes every year, by which day, to whom."""

    who: Code
    what: Code
    due: MonthDay | None = None
    to: Text | None = None
    contents: tuple[Text, ...] = ()

    def settings(self) -> Iterator[tuple[str, object]]:
        """A setting for each duty of each actor."""
        yield f"duty.{self.who}.{self.what}", self


class Platform(Rule, frozen=True, tag="platform", rename={"since": "from"}):
    """平台: 某项业务在哪个系统办理, 自何时起。Which system does what, and since when."""

    name: Text
    roles: Annotated[tuple[Code, ...], Meta(min_length=1)]
    address: Text | None = None
    since: Day | None = None
    replaces: Text | None = None

    def settings(self) -> Iterator[tuple[str, object]]:
        """A setting for each role."""
        for role in self.roles:
            yield f"platform.{role}", self


class Certificate(Rule, frozen=True, tag="certificate"):
    """证书: 由谁出具、何时、是否盖章。Who issues the certificate and how it is printed."""

    issued_by: Text
    printed_by: Literal["person"] | None = None
    stamped_by: Literal["employer"] | None = None


class IdentityRule(Rule, frozen=True, tag="identity"):
    """身份核对: 姓名、证件号码须一致。Which facts must agree, and with what."""

    agree: Annotated[tuple[Literal["name", "id_number"], ...], Meta(min_length=1)]
    between: tuple[Text, ...] = ()
    on_mismatch: Text | None = None


class Use(Rule, frozen=True, tag="use"):
    """结果运用: 继续教育情况用于何处。What the answer is used for by third parties."""

    purposes: Annotated[tuple[Code, ...], Meta(min_length=1)]
    weight: Text | None = None

    def settings(self) -> Iterator[tuple[str, object]]:
        """A setting for each purpose."""
        for purpose in self.purposes:
            yield f"use.{purpose}", self.weight


class ArchiveRule(Rule, frozen=True, tag="archive"):
    """归档: 年度登记结束后纳入何处。Where the year's result goes after it closes."""

    into: Text
    after: Literal["year_close"] = "year_close"


class Misconduct(Rule, frozen=True, tag="misconduct"):
    """不良行为: 作弊、代学等。Acts for which credits are revoked."""

    acts: Annotated[tuple[Code, ...], Meta(min_length=1)]


class Fee(Rule, frozen=True, tag="fee"):
    """收费 (仅供展示)。Shown to people; no payment is in the ledger."""

    yuan: Credits
    credits: Credits | None = None
    collected_by: Reporter = "provider"


def hold_clause(settings: Mapping[str, Sourced[Any]], reason: str) -> str | None:
    """The clause by which a record waits for its person: names and numbers that must agree (S0-23), or the collection that
    comes before study or registration (S1-06, S3B-02)."""
    names = ("identity", "precondition") if reason == "name_differs" else ("precondition", "identity")
    return next((settings[name].clause for name in names if name in settings), None)


def duty_faults(rule: Duty, at: At) -> Iterator[Finding]:
    """A day that no year has."""
    if rule.due is not None and day_of(f"2024-{rule.due}", 2024) is None:
        yield at.found("due", *NO_SUCH_DAY)


def platform_faults(rule: Platform, at: At) -> Iterator[Finding]:
    """A day that does not exist."""
    if rule.since is not None and day_of(rule.since, 2024) is None:
        yield at.found("from", *NO_SUCH_DAY)


SHOWN: tuple[Kind[Any], ...] = (
    Kind(rule=Scope),
    Kind(rule=Belonging),
    Kind(rule=Contents),
    Kind(rule=Precondition, selectors=PERSONS),
    Kind(rule=TimeLimit),
    Kind(rule=Procedure),
    Kind(rule=Duty, faults=duty_faults),
    Kind(rule=Platform, faults=platform_faults),
    Kind(rule=Certificate),
    Kind(rule=IdentityRule),
    Kind(rule=Use),
    Kind(rule=ArchiveRule),
    Kind(rule=Misconduct),
    Kind(rule=Fee),
)
