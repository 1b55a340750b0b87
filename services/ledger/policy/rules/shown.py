"""The rules that are carried as data: equivalences, reporting routes, filings, time limits, duties, systems, uses.

Each keeps what its clause says in words a program can read. None decides about a completion; the services that act on
them (claims, filings, registry, transfer, sync) read them from the resolved policy.
"""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from msgspec import Meta

from services.ledger.policy.language.rule import (
    CategoryPath,
    Code,
    Credits,
    Day,
    Mode,
    MonthDay,
    Part,
    Rule,
    Text,
    by_mode,
)
from services.ledger.policy.rules.credit_year import CountedFrom, Decreed
from services.ledger.policy.rules.route import Reporter

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

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each category."""
        for category, subjects in self.subjects.items():
            yield f"contents.{category}", subjects


class RoleCredits(Part, frozen=True):
    """按角色折算的学分。Credits by the person's role in the work."""

    role: Literal["sole", "first", "lead", "other"]
    credits: Credits


class ScoreBand(Part, frozen=True, rename={"since": "from"}):
    """分数段: 达到此分数起折算的学分, 取所达到的最高一段。Credits from this score on, up to the next band."""

    since: Credits
    credits: Credits


class Coverage(Part, frozen=True):
    """折算学分计入的科目: 某一科目, 或依次补足 (fill)。What equivalence credits count for (A-03, B-01)."""

    category: CategoryPath | None = None
    fill: tuple[CategoryPath, ...] = ()


class EquivalenceForm(Part, frozen=True):
    """一种折算形式。One kind of recognised activity: credits per unit, by role, or by the score reached.

    `decreed` names the days whose activities count for the year, instead of the calendar year of a day (A-05).
    """

    form: Code
    name: Text
    per: Literal["subject", "course", "project", "paper", "book", "day", "event", "hours"]
    credits: Credits | None = None
    roles: tuple[RoleCredits, ...] = ()
    bands: tuple[ScoreBand, ...] = ()
    covers: Coverage | None = None
    credit_year: CountedFrom | None = None
    decreed: Decreed | None = None
    requires: tuple[Text, ...] = ()


class Equivalence(Rule, frozen=True, tag="equivalence"):
    """折算: 每种形式折算多少学分。How other activities become credits; a nearer rule replaces a form at a time (B-02)."""

    forms: Annotated[tuple[EquivalenceForm, ...], Meta(min_length=1)]

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each form."""
        for form in self.forms:
            yield f"equivalence.{form.form}", form


class Conversion(Rule, frozen=True, tag="conversion"):
    """学时折算: 若干学时折合若干学分。Hours into credits: at a threshold, or in proportion (A-07)."""

    name: Code
    hours: Credits
    credits: Credits
    category: CategoryPath
    style: Literal["threshold", "proportional"] = "threshold"
    per_year: Annotated[int, Meta(ge=1)] = 1
    source: Text | None = None
    evidence: tuple[Text, ...] = ()

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each named conversion."""
        yield f"conversion.{self.name}", self


class Filing(Rule, frozen=True, tag="filing"):
    """备案: 培训前备案或报计划, 培训后若干工作日内报送名单。Filing before a training, roster after it."""

    modes: tuple[Mode, ...] = ()
    before: Literal["approved", "submitted", "account"] | None = None
    report_working_days: Annotated[int, Meta(ge=0, le=250)] | None = None
    reporters: tuple[Reporter, ...] = ()
    submits: tuple[Text, ...] = ()
    accounts_by: tuple[Text, ...] = ()

    def settings(self) -> Iterator[tuple[str, Any]]:
        """Each part is a setting of its own, for each mode."""
        for field in ("before", "report_working_days", "reporters", "submits", "accounts_by"):
            value = getattr(self, field)
            if value is not None and value != ():
                yield from by_mode(f"filing.{field}", self.modes, value)


class TimeLimit(Rule, frozen=True, tag="time_limit"):
    """时限: 工作日。A limit in working days; the day of the event is day 0 (B-18); not firm is a target."""

    subject: Subject
    working_days: Annotated[int, Meta(ge=0, le=250)]
    firm: bool = True

    def settings(self) -> Iterator[tuple[str, Any]]:
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

    def settings(self) -> Iterator[tuple[str, Any]]:
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

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each duty of each actor."""
        yield f"duty.{self.who}.{self.what}", self


class Platform(Rule, frozen=True, tag="platform", rename={"since": "from"}):
    """平台: 某项业务在哪个系统办理, 自何时起。Which system does what, and since when."""

    name: Text
    roles: Annotated[tuple[Code, ...], Meta(min_length=1)]
    address: Text | None = None
    since: Day | None = None
    replaces: Text | None = None

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each role."""
        for role in self.roles:
            yield f"platform.{role}", self


class Recognition(Rule, frozen=True, tag="recognition"):
    """认定: 登记之外是否另行认定。Whether credits are recognised in an act of its own after registration (B-11)."""

    category: CategoryPath
    separate: bool
    levels: tuple[Text, ...] = ()

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each category."""
        yield f"recognition.{self.category}", self


class Certificate(Rule, frozen=True, tag="certificate"):
    """证书: 由谁出具、何时、是否盖章。Who issues the certificate and how it is printed."""

    issued_by: Text
    printed_by: Literal["person"] | None = None
    stamped_by: Literal["employer"] | None = None


class Identity(Rule, frozen=True, tag="identity"):
    """身份核对: 姓名、证件号码须一致。Which facts must agree, and with what."""

    agree: Annotated[tuple[Literal["name", "id_number"], ...], Meta(min_length=1)]
    between: tuple[Text, ...] = ()
    on_mismatch: Text | None = None


class Use(Rule, frozen=True, tag="use"):
    """结果运用: 继续教育情况用于何处。What the answer is used for by third parties."""

    purposes: Annotated[tuple[Code, ...], Meta(min_length=1)]
    weight: Text | None = None

    def settings(self) -> Iterator[tuple[str, Any]]:
        """A setting for each purpose."""
        for purpose in self.purposes:
            yield f"use.{purpose}", self.weight


class Archive(Rule, frozen=True, tag="archive"):
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
