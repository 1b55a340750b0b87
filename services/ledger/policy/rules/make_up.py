"""Make-up (补学): which past years may be made up, in which windows, and which of them stand when several notices speak.

Windows of different places stand beside each other, since each opens a chance of its own. A notice replaces what was
issued before it by its own place or by a wider one; what a wider place issues later is added. So a city's deadline
narrows its province's earlier one, a province's later offer still reaches the city, and "no more make-up" (S2A-04)
closes what was open without binding what is issued afterwards (C-04).
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Literal, NamedTuple

from msgspec import Meta, Struct

from services.ledger.policy.language.days import begins, day_after, day_of, ends
from services.ledger.policy.language.facts import Category
from services.ledger.policy.language.findings import At, Finding, Kind, OwnClauses, day_faults, year_faults
from services.ledger.policy.language.rule import (
    CategoryPath,
    ClauseId,
    Credits,
    Mode,
    Need,
    OpeningDay,
    Part,
    ProviderRule,
    RegistrationMoment,
    Years,
)
from services.ledger.policy.language.selector import RequirementTerms
from services.ledger.policy.language.settings import Sourced, YearTerms
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.language.words import RejectionWords, day_zh
from services.ledger.policy.rules.providers import Providers, ProviderTerms, provider_terms
from services.ledger.policy.rules.registration import needs_of
from services.ledger.policy.rules.requirement import minimum_of
from services.ledger.policy.rules.window import WindowTerms


class Prerequisite(Part, frozen=True):
    """补学前提: 该年度此科目已达到的学分。What the account must hold in a category before it may be made up."""

    category: CategoryPath
    minimum: Credits
    clause: ClauseId | None = None


MakeUpCondition = Literal["special_reason", "shortfall", "enrolled", "paid"]
"""Who may make up: with a special reason that an official approved or hears with the application (A-06), who fell short in
the year itself, who had enrolled, or paid, in time."""


class MakeUpRequirement(Part, frozen=True):
    """补学达标学分: 补学后该年度按此标准判断, 不写则按该年度原标准 (A-08)。What makes up the year, where it is another."""

    total: Credits
    categories: Annotated[dict[CategoryPath, Credits], Meta(min_length=1)] | None = None


class MakeUpWindow(Part, frozen=True, rename={"since": "from"}):
    """补学窗口: 途径、起止日、机构、范围。A time in which a past year may be made up, and how.

    Without a start it opens the day after the year's own window, or with the notice if that is later (B-08); without an
    end it stays open. The days of a window by application are those of applying; `study_until` is the last day of the study
    that is applied for (B-23). `providers_of` names the clause of the same notice whose list applies (B-03). All
    `conditions` must hold; with `once` a year that another window was used for is not made up again; with
    `one_at_a_time` a course begins when the one before it is over; `fee` in yuan is shown.
    """

    channel: Literal["automatic", "application"]
    since: OpeningDay | None = None
    until: OpeningDay | None = None
    study_until: OpeningDay | None = None
    act: Literal["study", "register"] = "study"
    modes: tuple[Mode, ...] = ()
    categories: tuple[CategoryPath, ...] = ()
    prerequisite: Prerequisite | None = None
    conditions: tuple[MakeUpCondition, ...] = ()
    once: bool = False
    one_at_a_time: bool = False
    fee: Credits | None = None
    requirement: MakeUpRequirement | None = None
    providers: ProviderRule = "accredited"
    providers_of: ClauseId | None = None
    registration: RegistrationMoment | None = None


class MakeUp(TargetedRule, frozen=True, tag="make_up"):
    """补学: 哪些年度, 哪些窗口; never 表示不组织补学 (C-04: 以后的通知仍可开放)。Which past years may be made up."""

    years: Years
    windows: tuple[MakeUpWindow, ...] = ()
    never: bool = False

    def settings(self) -> Iterator[tuple[str, object]]:
        """None: windows of several notices stand beside each other, see `make_up.py`."""
        yield from ()

    def is_empty(self) -> bool:
        """Never: it has windows, or says that there are none."""
        return False


class MakeUpWindowTerms(Struct, frozen=True):
    """One window in which this year may be made up. `modes` and `categories` are None when all are meant.

    `ends` closes the window to whoever applies or reports, `study_ends` to study; they differ by application alone (B-23).
    """

    channel: Literal["automatic", "application"]
    act: Literal["study", "register"]
    since: date
    until: date | None
    begins: datetime
    ends: datetime
    study_until: date | None
    study_ends: datetime
    modes: frozenset[str] | None
    categories: frozenset[str] | None
    prerequisite_category: Category | None
    prerequisite_minimum: Decimal
    prerequisite_clause: str | None
    conditions: tuple[str, ...]
    once: bool
    one_at_a_time: bool
    fee: Decimal | None
    requirement: tuple[RequirementTerms, ...]
    providers: ProviderTerms
    needs: tuple[Need, ...] | None
    clause: str
    document: str
    place: str
    text: str

    @property
    def own_study_until(self) -> date | None:
        """The last day of the study that is applied for, where it is another than that of applying (B-23)."""
        return self.study_until if self.study_until != self.until else None

    @property
    def registers(self) -> bool:
        """Whether the notice speaks of registering what was studied (补登), not of studying it now (补学)."""
        return self.act == "register" or "补登" in self.text


class MakeUpTerms(Struct, frozen=True):
    """The windows of a year in order of opening, and the clause that says there is none, where one stands."""

    windows: tuple[MakeUpWindowTerms, ...]
    never: Sourced[None] | None


class Offer(NamedTuple):
    """What one notice says about making up one year, with the lists of providers in its clauses."""

    dated: date
    specificity: int
    order: int
    rules: tuple[Sourced[MakeUp], ...]
    lists: Mapping[str, Providers]


def standing(offers: Iterable[Offer]) -> list[Offer]:
    """The offers that stand, the nearest place first."""
    stand: list[Offer] = []
    for offer in sorted(offers, key=lambda o: (o.dated, o.specificity, o.order)):
        stand = [earlier for earlier in stand if earlier.specificity > offer.specificity]
        stand.append(offer)
    return sorted(stand, key=lambda o: -o.specificity)


def terms_of(offers: Iterable[Offer], year: int, own_end: date) -> MakeUpTerms:
    """The windows of the offers that stand. `own_end` is the last day of the year's own study (B-08)."""
    said = [(offer, rule) for offer in offers for rule in offer.rules]
    made = [
        _window(offer, rule, window, year, own_end) for offer, rule in said for window in rule.value.windows
    ]
    return MakeUpTerms(
        windows=tuple(
            sorted(made, key=lambda window: (window.begins, window.ends, window.channel == "application"))
        ),
        never=next((rule.carrying(None) for _, rule in said if rule.value.never), None),
    )


def _window(
    offer: Offer, rule: Sourced[MakeUp], window: MakeUpWindow, year: int, own_end: date
) -> MakeUpWindowTerms:
    issued = offer.dated
    since = day_of(window.since, year, issued) if window.since else max(day_after(own_end), issued)
    until = day_of(window.until, year, issued) if window.until else None
    assert since is not None, "the parser refuses days that do not exist"
    study_until = day_of(window.study_until, year, issued) if window.study_until else until
    gate = window.prerequisite
    listed = offer.lists[window.providers_of] if window.providers_of is not None else None
    return MakeUpWindowTerms(
        channel=window.channel,
        act=window.act,
        since=since,
        until=until,
        begins=begins(since),
        ends=ends(until),
        study_until=study_until,
        study_ends=min(ends(study_until), ends(until)),
        modes=frozenset(window.modes) or None,
        categories=frozenset(window.categories) or None,
        prerequisite_category=gate.category if gate else None,
        prerequisite_minimum=gate.minimum if gate else Decimal(0),
        prerequisite_clause=(gate.clause or rule.clause) if gate else None,
        conditions=window.conditions,
        once=window.once,
        one_at_a_time=window.one_at_a_time,
        fee=window.fee,
        requirement=_requirement(rule, window.requirement),
        providers=provider_terms(listed, rule.clause),
        needs=needs_of(window.registration) if window.registration is not None else None,
        clause=rule.clause,
        document=rule.document,
        place=rule.place,
        text=rule.text,
    )


def _requirement(rule: Sourced[MakeUp], asked: MakeUpRequirement | None) -> tuple[RequirementTerms, ...]:
    """The minima by which a made-up year is judged where they are others than the year's own (A-08)."""
    if asked is None:
        return ()
    by_category = sorted((asked.categories or {}).items())
    return (
        minimum_of(None, asked.total, rule),
        *(minimum_of(category, minimum, rule) for category, minimum in by_category),
    )


def faults(rule: MakeUp, at: At) -> Iterator[Finding]:
    """Windows beside `never`, days that do not exist, a list that is not there."""
    yield from year_faults(rule.years, at.field("years"))
    if rule.never == bool(rule.windows):
        yield at.found(
            "windows", "make_up", "须写“windows”或“never: true”之一", "give windows, or never: true"
        )
    for index, window in enumerate(rule.windows):
        here = at.field(f"windows/{index}")
        yield from day_faults(window.since, window.until, here)
        yield from day_faults(None, window.study_until, here)
        if window.study_until is not None and window.channel == "automatic":
            yield here.found(
                "study_until",
                "channel",
                "自动补学以“until”为学习截止日，“study_until”只用于申请补学",
                "make-up by itself ends with until: study_until is for make-up by application alone",
            )
        listed = at.clauses.get(window.providers_of or "", ())
        if (window.providers == "listed") != (window.providers_of is not None):
            yield here.found(
                "providers_of",
                "list",
                "“listed”须以“providers_of”注明名单条款",
                "providers: listed goes with providers_of",
            )
        elif window.providers_of is not None and not any(isinstance(r, Providers) and r.list for r in listed):
            yield here.found(
                "providers_of", "reference", "没有这个名单条款", "no clause of that id has a list"
            )


def warnings(rule: MakeUp, at: At) -> Iterator[Finding]:
    """Years that are not past, a reason that nobody hears, a prerequisite of nothing."""
    first = rule.years.first
    if first is not None and at.issued is not None and first >= at.issued.year and not rule.never:
        yield at.found(
            "years",
            "no-past-year",
            "没有一个已经过去的年度可补",
            "none of these years is past when the notice is issued",
        )
    for index, window in enumerate(rule.windows):
        here, gate = at.field(f"windows/{index}"), window.prerequisite
        if gate is not None and gate.minimum == 0:
            yield here.found(
                "prerequisite/minimum", "no-minimum", "前提学分为 0", "a prerequisite of nothing"
            )


def year_warnings(policy: YearTerms, own: OwnClauses) -> Iterator[Finding]:
    """A window that never opens, or opens before the year's own study does and makes up nothing."""
    first = policy.any_mode.of(WindowTerms).study.since
    for window in policy.of(MakeUpTerms).windows:
        pointer, since, until = own.pointer(window), window.since, window.until
        if pointer is None:
            continue
        if until is not None and since > until:
            yield Finding(
                pointer,
                "never-open",
                f"{policy.year}年度的补学截止日{day_zh(until)}早于起始日{day_zh(since)}",
                f"the make-up of {policy.year} ends on {until}, before it opens on {since}",
            )
        if policy.ordinary and first is not None and since < first:
            yield Finding(
                pointer,
                "before-the-year",
                f"{policy.year}年度的补学自{day_zh(since)}起，早于该年度学习的开始（{day_zh(first)}）",
                f"the make-up of {policy.year} opens on {since}, before the year's own study on {first}",
            )


KIND = Kind(
    rule=MakeUp,
    selectors=PERSONS | {"courses", "routes"},
    faults=faults,
    warnings=warnings,
    year_warnings=year_warnings,
    rejections={
        "make-up-by-application": RejectionWords(
            "须由本人申请补登",
            "Make-up is by application",
            "{year} 年度的补学须由本人提交申请和证明材料，由属地财政部门审核。",
            "The year {year} is made up by the person's own application, reviewed by the local authority.",
        ),
        "make-up-category": RejectionWords(
            "该科目不能补学",
            "This category cannot be made up",
            "补学不含此科目：{category}。",
            "The make-up does not include this category: {category}.",
        ),
        "make-up-prerequisite": RejectionWords(
            "未满足补学前提",
            "The condition for the make-up is not met",
            "该年度 {category} 须先达到 {minimum} 学分，方可补登。",
            "The year needs {minimum} {category} credits before it can be made up.",
        ),
        "make-up-for-enrolled": RejectionWords(
            "补学限当年已报名人员",
            "The make-up is for who had enrolled",
            "{year} 年度的补学限此前已报名的人员。",
            "The year {year} is made up by those who had enrolled before.",
        ),
        "make-up-for-paid": RejectionWords(
            "补学限当年已缴费人员",
            "The make-up is for who had paid",
            "{year} 年度的补学限此前已缴费的人员。",
            "The year {year} is made up by those who had paid before.",
        ),
        "make-up-not-needed": RejectionWords(
            "该年度已达标，无需补学",
            "The year needs no make-up",
            "{year} 年度已达到规定学分，不再补学。",
            "The year {year} was met in time and is not made up.",
        ),
        "make-up-used": RejectionWords(
            "该年度已补学过",
            "The year has been made up before",
            "{year} 年度只能补学一次。",
            "The year {year} can be made up once only.",
        ),
        "make-up-one-at-a-time": RejectionWords(
            "补学一次只学一门课程",
            "Make-up takes one course at a time",
            "补学期间须学完一门再学下一门，此课程与 {course} 的学习时间重叠。",
            "A course is made up after the one before it; this one was studied beside {course}.",
        ),
        "special-reason-needed": RejectionWords(
            "须说明特殊原因",
            "A special reason is needed",
            "{year} 年度的补学须有特殊原因，并附证明材料，由属地财政部门认可。",
            "Making up {year} needs a special reason, with proof, that the local authority approves.",
        ),
        "make-up-not-by-application": RejectionWords(
            "该年度不受理补学申请",
            "This year is not made up by application",
            "{year} 年度目前没有可申请的补学。",
            "No make-up by application is open for {year}.",
        ),
    },
)
