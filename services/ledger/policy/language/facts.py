"""The facts that rules need of an account, a person and a completion, and no others.

The ledger builds these from its events. Credits are decimals with two places, moments are aware, ids are opaque.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from services.ledger.policy.language.days import day_at

Category = str
"""A path of codes from the root down: `professional`, `professional/ethics`, a place's own such as `hr_public`."""
CreditCategory = str
"""A category, or `any`: credits of an equivalence that count for what is missing, in the order of `Credit.fill` (A-03)."""
ANY: CreditCategory = "any"

ACCOUNTING = "accounting"
"""The regime (制度) of everybody's accounts: the continuing education of accounting professionals. Other duties of the same
person, such as an institute's, are regimes beside it."""

CATEGORY_PATTERN = "^[a-z][a-z0-9_]{0,39}(?:/[a-z][a-z0-9_]{0,39}){0,3}"
"""How a path is written, up to four codes; whoever uses it closes it in the way of their dialect."""
ROOTS: tuple[Category, ...] = ("professional", "public")
"""The categories of every place whose notices name no others (专业科目, 公需科目)."""


def root_of(category: Category) -> Category:
    """The first code of a path."""
    return category.partition("/")[0]


def lies_under(category: Category, above: Category) -> bool:
    """Whether a path is the other one or continues it."""
    return category == above or category.startswith(above + "/")


def lies_under_any(category: Category, above: Iterable[Category]) -> bool:
    """Whether a path is one of the others or continues one."""
    return any(lies_under(category, one) for one in above)


Route = Literal["provider", "roster", "claim", "direct", "import", "correction"]
"""How credits came into an account: a provider's report, an approved roster, an approved claim, an authority's own list,
history that another system held, or an official's correction of a closed year."""
CreditState = Literal["registered", "withdrawn", "revoked", "duplicate"]
"""What a credit is: it stands, or was ended; or it is of the same real fact as another credit of the person, which came to
light when two profiles of theirs were merged (A-15)."""
WaitingReason = Literal["below_total", "exam_pending", "evaluation_pending", "enrolment_pending"]
HoldReason = Literal[
    "below_total",
    "exam_pending",
    "evaluation_pending",
    "enrolment_pending",
    "not_collected",
    "name_differs",
    "profile_elsewhere",
]
"""Why a record waits: the first four are judged here by the policy, the rest by the ledger before it asks."""


class Study(Struct, frozen=True, kw_only=True, gc=False):
    """What was studied: the facts of one completed piece that every event, state, answer and handover of it repeats.

    `completion_id` is the id of the record it is known by: the provider's own, or of a claim, a roster row, a list.
    `started_on` is its first day, where it has several (B-22). `filing` is the filed training that it was part of, where the
    report names one (S1-14, S3B-10). Where the policy made the credits of hours or of an activity, `rate_clause` says what
    it is worth, and `cut` are credits of the hours beyond the most that count in a day.
    """

    completion_id: str
    category: CreditCategory
    credits: Decimal
    mode: str
    completed_at: datetime
    course: str = ""
    tier: str | None = None
    filing: str | None = None
    started_on: date | None = None
    rate_clause: str | None = None
    cut: Decimal | None = None

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day of the study by Shanghai's calendar; one day where no first one is known."""
        last = day_at(self.completed_at)
        return min(self.started_on or last, last), last


class ReportedStudy(Study, frozen=True, kw_only=True, gc=False):
    """What a provider said about one completed course; the part that everything about it repeats while it is decided.

    `hours` is what was reported where the policy made the credits from them. `content` is a keyed digest of what the
    posted record means, by which a repeat is told from a conflict. `reported_at` is when it was first reported, by which
    ends of registering are judged whenever it is decided (B-25); None where that is the moment of the decision.
    `repeat_of` is the provider's id of the record of which this is a new attempt (B-21).
    """

    title: str | None = None
    exam_passed_at: datetime | None = None
    evaluated_at: datetime | None = None
    hours: Decimal | None = None
    content: str = ""
    reported_at: datetime | None = None
    repeat_of: str | None = None


class Credit(Study, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """Credits in an account for one year, as awarded, with the `clause` by which they were. `ended_at` is when they were
    withdrawn or revoked, by `ended_clause` where one speaks of it (S1-21), `recognised_at` when an official recognised them
    where the notice asks for that after registration (S4-03, B-11).

    `form` names the kind of activity, None for a course. `provisional`: taken by the nation's rule before a notice of the
    year was out (B-20); it stays whatever the notice says. `duplicate_of` is the credit that counts instead of a duplicate.
    """

    credit_id: str
    provider: str | None
    registered_at: datetime
    make_up: bool = False
    late: bool = False
    place: str = ""
    route: Route = "provider"
    form: str | None = None
    fill: tuple[Category, ...] = ()
    fact: str | None = None
    confirmed_by: tuple[Route, ...] = ()
    correction: str | None = None
    clause: str | None = None
    provisional: bool = False
    state: CreditState = "registered"
    duplicate_of: str | None = None
    reason: str | None = None
    ended_at: datetime | None = None
    ended_clause: str | None = None
    recognised_at: datetime | None = None


class Waiting(ReportedStudy, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """A completion that is in the account but not registered: for an enrolment, the exam (S0-11), an evaluation, or for
    the total (S2B-07).
    """

    provider: str
    reason: WaitingReason
    held_at: datetime
    clause: str | None = None
    provisional: bool = False


class Enrolled(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The person enrolled with a provider for the year (S1-07); open until it is withdrawn. `paid_on` is when the fee was
    paid, as the provider says.
    """

    enrolment_id: str
    provider: str
    mode: str
    enrolled_on: date
    tier: str | None = None
    paid_on: date | None = None
    provisional: bool = False


class Exemption(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """An authority freed the person of the year's duty (A-14); `reason` is a code.

    `until` is the last day it holds, that day included; None where nobody has ended it.
    """

    reason: str
    authority: str
    granted_on: date
    until: date | None = None


class Deferral(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """An authority gave the person more time for the year (A-14): `until` is its new last day, that day included.

    `reason` is a code; `clause` is the one that allows it, None where only the authority's decision does.
    """

    until: date
    reason: str
    authority: str
    granted_on: date
    clause: str | None = None


class SpecialReason(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """An official approved the special reason for which the person missed the year (S0-22, A-06): what providers report for
    its make-up counts, until `ended_on`, where somebody has ended that."""

    reason: str
    authority: str
    granted_on: date
    ended_on: date | None = None


class PassedExam(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """The person passed a provider's exam over the year's study (S0-09), or its evaluation of it."""

    provider: str
    passed_at: datetime
    of: Literal["exam", "evaluation"] = "exam"


class Account(Struct, kw_only=True, gc=False, omit_defaults=True):
    """One person's year. The order of `credits`, `waiting` and `exams` never matters to a judgement. `merged_into` is the
    person whose account took over what was in it, where two profiles of one person were merged.
    """

    person_id: str
    year: int
    credits: list[Credit] = []
    waiting: list[Waiting] = []
    exempt: Exemption | None = None
    deferred: Deferral | None = None
    special_reason: SpecialReason | None = None
    exams: list[PassedExam] = []
    enrolments: list[Enrolled] = []
    merged_into: str | None = None


class Traits(Struct, frozen=True, kw_only=True, gc=False, omit_defaults=True):
    """What the registry states of a person for rules that are for some (`for:`): the month of birth as `1990-09`, whose
    unit the employer is, groups by their codes, the day of graduation; None, or empty, where nobody has stated it."""

    birth_month: str | None = None
    affiliation: str | None = None
    groups: tuple[str, ...] = ()
    graduated_on: date | None = None

    @property
    def born(self) -> date | None:
        """The first day of the month of birth."""
        return date.fromisoformat(f"{self.birth_month}-01") if self.birth_month is not None else None


NO_TRAITS = Traits()


class Person(Struct, frozen=True, kw_only=True, gc=False):
    """The two grounds of a duty (S0-03): a qualification and accounting work; students owe nothing (B-09).

    `qualification` is the level on record as the registry codes it; the tier of courses follows from it (S1-08). `employer`
    is the unit's code.
    """

    person_id: str
    place: str
    qualified_on: date | None = None
    working_since: date | None = None
    student: bool = False
    left_on: date | None = None
    retired_on: date | None = None
    qualification: str | None = None
    employer: str | None = None
    traits: Traits = NO_TRAITS


class CompletionFacts(ReportedStudy, frozen=True, kw_only=True, gc=False):
    """One completed course as its provider reports it, for the credit year it was studied for (B-04)."""

    provider_id: str
    year: int


class Accreditation(Struct, frozen=True, kw_only=True):
    """A finance bureau filed and published a provider for a place and all under it, for years and modes (B-14), perhaps
    until a day that is the first it does not cover.
    """

    place: str
    years: tuple[int, ...]
    modes: tuple[str, ...]
    until: date | None = None


class ProviderStanding(Struct, frozen=True, kw_only=True):
    """A provider as the registry knows it. `disqualified_from` is the date for the place that is asked about (A-12);
    `suspended` are the times it lost its standing there and got it back, the last day excluded.
    """

    organization_id: str
    name: str
    uscc: str | None = None
    accreditations: tuple[Accreditation, ...] = ()
    disqualified_from: date | None = None
    suspended: tuple[tuple[date, date], ...] = ()

    def barred_since(self, day: date) -> date | None:
        """Since when the provider had no standing on this day; None when it had."""
        if self.disqualified_from is not None and day >= self.disqualified_from:
            return self.disqualified_from
        return next((since for since, until in self.suspended if since <= day < until), None)


class Registered(Struct, frozen=True):
    """The completion becomes credits now. `clause` says why at this moment; `late` after the deadline (B-07)."""

    late: bool
    make_up: bool
    clause: str


class Held(Struct, frozen=True):
    """The completion waits: for an enrolment, an exam (S0-11), an evaluation, or until the total is reached (S2B-07)."""

    reason: WaitingReason
    clause: str
    make_up: bool = False


class Rejected(Struct, frozen=True):
    """The completion is refused. `problem` is a code of `judging.rejections.REJECTIONS`, `details` fills its sentence."""

    problem: str
    clause: str | None = None
    details: dict[str, str] = {}


Decision = Registered | Held | Rejected
