"""Equivalence (折算): what an exam, a degree, research, a paper, a book or a conference is worth, and for which year.

The policy converts; nobody types a score (S0-12 to S0-20).
"""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from services.ledger.policy.language.days import day_of
from services.ledger.policy.language.facts import ANY, ROOTS, Category, CreditCategory, Rejected
from services.ledger.policy.language.findings import NO_SUCH_DAY, At, Finding, Kind, OwnClauses
from services.ledger.policy.language.rule import CategoryPath, Code, Credits, Day, Part, Text
from services.ledger.policy.language.settings import Sourced, YearTerms
from services.ledger.policy.language.target import PERSONS, TargetedRule
from services.ledger.policy.language.words import RejectionWords
from services.ledger.policy.rules.categories import not_known
from services.ledger.policy.rules.credit_year import other_year
from services.ledger.policy.rules.units import to_cents

AllowanceReason = Literal["scope", "quality", "contribution", "duration", "other"]
"""Why a reviewer allowed so many credits, where the notice leaves that to them within bounds."""
Role = Literal["sole", "first", "lead", "other"]
FILL_DEFAULT: tuple[Category, ...] = ROOTS
"""A-03: ninety equivalence credits are a full year's requirement."""
CountedFrom = Literal[
    "event", "exam", "training", "publication", "result", "admission", "graduation", "decreed"
]
"""The first four name the day it happened, `result` the day the result was told, the next two the day of a document."""


class Decreed(Part, frozen=True, rename={"since": "from"}):
    """指定期间: 此期间内的事项计入本年度, 首尾均含。The days whose activities count for the year, both included."""

    since: Day
    until: Day


class RoleCredits(Part, frozen=True):
    """按角色折算的学分。Credits by the person's role in the work."""

    role: Literal["sole", "first", "lead", "other"]
    credits: Credits


class ScoreBand(Part, frozen=True, rename={"since": "from"}):
    """分数段: 达到此分数起折算的学分, 取所达到的最高一段。Credits from this score on, up to the next band."""

    since: Credits
    credits: Credits


class Coverage(Part, frozen=True):
    """折算学分计入的科目: 某一科目, 或依次补足 (fill); year 表示视同完成全年, 包括必修课程等。

    What equivalence credits count for (A-03, B-01); with `year` they stand for the year's courses and singled minima, too.
    """

    category: CategoryPath | None = None
    fill: tuple[CategoryPath, ...] = ()
    year: bool = False


class Between(Part, frozen=True, rename={"least": "from", "most": "to"}):
    """学分范围: 由审核人在此范围内核定, 并写明理由。Within these bounds the reviewer says how many, with a reason."""

    least: Credits
    most: Credits


FactKey = Annotated[
    str, Meta(pattern="^[a-z][a-z0-9_]{0,39}$", description="区分事项的信息, 如 project_number; day 为日期。")
]


class EquivalenceForm(Part, frozen=True):
    """一种折算形式。One kind of recognised activity: credits per unit, by role, or by the score reached.

    `decreed` names the days whose activities count for the year, instead of the calendar year of a day (A-05). `lifted` ends
    a form that a wider or an earlier notice recognises. `facts` are what tells two facts of the form apart, as the evidence
    names it; with `day` among them what was done on another day is another fact. Left out, they are the usual ones.
    """

    form: Code
    name: Text
    per: Literal["subject", "course", "project", "paper", "book", "day", "event", "hours"]
    credits: Credits | None = None
    between: Between | None = None
    roles: tuple[RoleCredits, ...] = ()
    bands: tuple[ScoreBand, ...] = ()
    covers: Coverage | None = None
    credit_year: CountedFrom | None = None
    decreed: Decreed | None = None
    requires: tuple[Text, ...] = ()
    facts: tuple[FactKey, ...] = ()
    lifted: bool = False


class Equivalence(TargetedRule, frozen=True, tag="equivalence"):
    """折算: 每种形式折算多少学分。How other activities become credits; a nearer rule replaces a form at a time (B-02)."""

    forms: Annotated[tuple[EquivalenceForm, ...], Meta(min_length=1)]

    def settings(self) -> Iterator[tuple[str, object]]:
        """A setting for each form."""
        for form in self.forms:
            yield f"equivalence.{form.form}", form


class Activity(Struct, frozen=True, kw_only=True):
    """What somebody did: the form as the policy names it, when it counts from, the role, how much of it, and how well.

    `happened_on` is the day of the exam, training, publication or conclusion; `result_on` the day its result was told;
    `document_on` that of the admission document or the graduation certificate. `quantity` counts what the form counts:
    subjects, days, papers, hours. `score` is the points reached, `sat_in` the province where an exam was sat, `allowed` the
    credits that a reviewer allowed, where the form leaves that to them; until then the least of them are named.
    """

    form: str
    happened_on: date
    result_on: date | None = None
    document_on: date | None = None
    role: Role | None = None
    quantity: Decimal = Decimal(1)
    score: Decimal | None = None
    sat_in: str | None = None
    allowed: Decimal | None = None


class Award(Struct, frozen=True, kw_only=True):
    """What the activity is worth. `category` is "any" when `fill` says in which order it counts (B-01). `rate_clause` says
    what it is worth where another `clause` than that registers it."""

    credits: Decimal
    category: CreditCategory
    fill: tuple[Category, ...]
    clause: str
    make_up: bool = False
    rate_clause: str | None = None


def fact_keys(policy: YearTerms | None, form: str) -> tuple[str, ...]:
    """What the clauses say tells two facts of the form apart (A-15); nothing where they leave it at what is usual."""
    said = policy.settings.get(f"equivalence.{form}") if policy is not None else None
    return said.value.facts if said is not None else ()


def refused_for_year(form: Sourced[EquivalenceForm], activity: Activity, year: int) -> Rejected | None:
    """Why an activity does not count in the year; None when it does (A-05).

    Without a decreed span, `decreed` leaves the year to whoever reviews. A result or a document's day that is asked for and
    not given is a refusal of its own.
    """
    span, counted_from = _decreed(form.value, year), form.value.credit_year
    if span is not None:
        since, until = span
        if since <= activity.happened_on <= until:
            return None
        details = {"since": since.isoformat(), "until": until.isoformat(), "year": str(year)}
        return Rejected("outside-decreed-days", form.clause, details)
    match counted_from:
        case "decreed":
            return None
        case "result":
            day = activity.result_on
        case "admission" | "graduation":
            day = activity.document_on
        case _:
            day = activity.happened_on
    if day is None:
        return Rejected("day-needed", form.clause, {"day": str(counted_from)})
    return other_year(day.year, year, form.clause)


def _decreed(form: EquivalenceForm, year: int) -> tuple[date, date] | None:
    if form.decreed is None:
        return None
    since, until = day_of(form.decreed.since, year), day_of(form.decreed.until, year)
    return (since, until) if since is not None and until is not None else None


def worth(form: Sourced[EquivalenceForm], activity: Activity) -> Award | Rejected:
    """The credits of an activity of the form, by role, by score or by unit."""
    value = form.value
    if value.lifted:
        return Rejected("form-lifted", form.clause, {"form": value.form})
    per_unit = value.credits
    if value.roles:
        by_role = {role.role: role.credits for role in value.roles}
        if activity.role is None or activity.role not in by_role:
            return Rejected("role-not-recognised", form.clause, {"form": value.form})
        per_unit = by_role[activity.role]
    if value.bands:
        if activity.score is None:
            return Rejected("score-needed", form.clause, {"form": value.form})
        reached = [band for band in value.bands if band.since <= activity.score]
        if not reached:
            lowest = min(band.since for band in value.bands)
            return Rejected("score-below-bands", form.clause, {"minimum": str(lowest)})
        per_unit = max(reached, key=lambda band: band.since).credits
    if value.between is not None:
        return _allowed(form, value.between, activity.allowed)
    if activity.allowed is not None:
        return Rejected("credits-not-discretionary", form.clause, {"form": value.form})
    if per_unit is None:
        return Rejected("form-not-recognised", form.clause, {"form": value.form, "year": ""})
    units = activity.quantity.to_integral_value() if value.per != "hours" else activity.quantity
    if units != activity.quantity:
        return Rejected("quantity-not-whole", form.clause, {"per": value.per})
    return _award(form, to_cents(per_unit * units))


def _allowed(form: Sourced[EquivalenceForm], between: Between, allowed: Decimal | None) -> Award | Rejected:
    if allowed is None:
        return _award(form, to_cents(between.least))
    if between.least <= allowed <= between.most:
        return _award(form, to_cents(allowed))
    details = {"from": str(between.least), "to": str(between.most)}
    return Rejected("credits-outside-bounds", form.clause, details)


def _award(form: Sourced[EquivalenceForm], credits: Decimal) -> Award:
    covers = form.value.covers
    category: CreditCategory = ANY
    fill: tuple[Category, ...] = FILL_DEFAULT
    if covers is not None and covers.category is not None:
        category, fill = covers.category, ()
    elif covers is not None and covers.fill:
        fill = covers.fill
    return Award(credits=credits, category=category, fill=fill, clause=form.clause)


def whole_forms(settings: Mapping[str, Sourced[Any]]) -> frozenset[str]:
    """The forms that stand for the whole year, its courses and singled minima too."""
    forms = (said.value for name, said in settings.items() if name.startswith("equivalence."))
    return frozenset(form.form for form in forms if form.covers is not None and form.covers.year)


def faults(rule: Equivalence, at: At) -> Iterator[Finding]:
    """Bands that begin at one score, decreed days that do not exist."""
    for index, form in enumerate(rule.forms):
        here = at.field(f"forms/{index}")
        starts = [band.since for band in form.bands]
        if len(set(starts)) != len(starts):
            yield here.found("bands", "duplicate", "分数段起点重复", "two bands begin at one score")
        if form.between is not None and form.between.least > form.between.most:
            yield here.found("between", "order", "下限应不大于上限", "from must not be more than to")
        if form.between is not None and (form.credits is not None or form.roles or form.bands):
            yield here.found(
                "between", "two-amounts", "学分范围不与其他学分同写", "bounds go with no other amount"
            )
        if form.decreed is None:
            continue
        since, until = day_of(form.decreed.since, 2024), day_of(form.decreed.until, 2024)
        for name, day in (("from", since), ("until", until)):
            if day is None:
                yield here.found(f"decreed/{name}", *NO_SUCH_DAY)
        if since is not None and until is not None and since > until:
            yield here.found(
                "decreed/until", "order", "截止日应不早于起始日", "until must not be before from"
            )


def warnings(rule: Equivalence, at: At) -> Iterator[Finding]:
    """A form worth nothing, or by role and by score at once."""
    for index, form in enumerate(rule.forms):
        here = at.field(f"forms/{index}")
        if (
            not form.lifted
            and form.credits is None
            and not form.roles
            and not form.bands
            and form.between is None
        ):
            yield here.found(
                "",
                "worth-nothing",
                "未写“credits”、“roles”或“bands”，折算不出学分",
                "without credits, roles or bands it is worth nothing",
            )
        if form.bands and form.roles:
            yield here.found(
                "roles",
                "bands-win",
                "有分数段时，按角色的学分不起作用",
                "where there are bands, credits by role are not used",
            )


def year_warnings(policy: YearTerms, own: OwnClauses) -> Iterator[Finding]:
    """Credits in a category that the year's set does not have."""
    for name, form in policy.settings.items():
        if name.startswith("equivalence.") and (covers := form.value.covers) is not None:
            awarded = (covers.category,) if covers.category is not None else covers.fill
            yield from not_known(policy, own, name, form, awarded)


KIND = Kind(
    rule=Equivalence,
    selectors=PERSONS,
    faults=faults,
    warnings=warnings,
    year_warnings=year_warnings,
    rejections={
        "day-needed": RejectionWords(
            "须填写相应日期",
            "A day is needed",
            "此形式按 {day} 日期确定年度，须填写该日期。",
            "The year of this form follows from the day of the {day}, which must be given.",
        ),
        "outside-decreed-days": RejectionWords(
            "不在通知规定的期间内",
            "Outside the days the notice names",
            "计入 {year} 年度的期间为 {since} 至 {until}。",
            "For {year} counts what happened from {since} to {until}.",
        ),
        "score-needed": RejectionWords(
            "须填写分数",
            "The score is needed",
            "此折算形式（{form}）按分数段折算，须填写分数。",
            "Credits of {form} depend on the score, which must be given.",
        ),
        "score-below-bands": RejectionWords(
            "分数未达到折算要求",
            "The score is too low",
            "分数须不低于 {minimum}。",
            "A score of {minimum} or more is converted.",
        ),
        "form-not-recognised": RejectionWords(
            "不认可该折算形式",
            "This form of activity is not recognised",
            "本地政策没有此折算形式：{form}。",
            "The policy here recognises no form {form}.",
        ),
        "form-lifted": RejectionWords(
            "不再认可该折算形式",
            "This form of activity is no longer recognised",
            "本地政策已取消此折算形式：{form}。",
            "The policy here no longer recognises {form}.",
        ),
        "role-not-recognised": RejectionWords(
            "须说明承担的角色",
            "The role is not one the form knows",
            "此折算形式（{form}）按角色计分，所填角色不在其中。",
            "Credits of {form} depend on the role, and the form does not know this one.",
        ),
        "credits-outside-bounds": RejectionWords(
            "核定学分超出范围",
            "The credits are outside the bounds",
            "核定学分应在 {from} 至 {to} 之间。",
            "A reviewer may allow from {from} to {to} credits.",
        ),
        "credits-not-discretionary": RejectionWords(
            "此形式的学分不由审核人核定",
            "The credits of this form are not the reviewer's to say",
            "此折算形式（{form}）的学分由通知规定。",
            "The notice says what {form} is worth.",
        ),
        "quantity-not-whole": RejectionWords(
            "数量须为整数",
            "The quantity must be whole",
            "此折算形式按 {per} 计，数量须为整数。",
            "This form counts by {per}, in whole numbers.",
        ),
    },
)
