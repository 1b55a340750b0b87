"""What an activity other than a course is worth: exams, degrees, research, papers, books, conferences, public hours.

The policy converts; nobody types a score (S0-12 to S0-20, S1-10). `award` is pure and total.
"""

from datetime import date
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from services.ledger.policy.judging.admission import YEAR_FIRST
from services.ledger.policy.language.categories import ANY, ROOTS, Category, CreditCategory
from services.ledger.policy.language.days import day_of
from services.ledger.policy.language.decisions import Rejected
from services.ledger.policy.language.facts import Account, Credit
from services.ledger.policy.policy import Policy, Sourced
from services.ledger.policy.rules.credit_year import Dates, counts_in, other_year
from services.ledger.policy.rules.shown import Conversion, EquivalenceForm
from services.ledger.policy.rules.units import to_cents

Role = Literal["sole", "first", "lead", "other"]
FILL_DEFAULT: tuple[Category, ...] = ROOTS
"""A-03: ninety equivalence credits are a full year's requirement."""

_ZERO = Decimal(0)


class Activity(Struct, frozen=True, kw_only=True):
    """What somebody did: the form as the policy names it, when it counts from, the role, how much of it, and how well.

    `happened_on` is the day of the exam, training, publication or conclusion; `result_on` the day its result was told;
    `document_on` that of the admission document or the graduation certificate. `quantity` counts what the form counts:
    subjects, days, papers, hours. `score` is the points reached, `sat_in` the province where an exam was sat.
    """

    form: str
    happened_on: date
    result_on: date | None = None
    document_on: date | None = None
    role: Role | None = None
    quantity: Decimal = Decimal(1)
    score: Decimal | None = None
    sat_in: str | None = None


class Award(Struct, frozen=True, kw_only=True):
    """What the activity is worth. `category` is "any" when `fill` says in which order it counts (B-01)."""

    credits: Decimal
    category: CreditCategory
    fill: tuple[Category, ...]
    clause: str
    make_up: bool = False


def award(policy: Policy | None, activity: Activity, place: str, year: int, today: date) -> Award | Rejected:
    """The credits of an activity for a credit year, by the form's own clause; or why there are none."""
    if not YEAR_FIRST <= year <= today.year + 1:
        return Rejected("year-out-of-range", None, {"year": str(year)})
    if policy is None:
        return Rejected("no-policy", None, {"place": place, "year": str(year)})
    if activity.happened_on > today or (activity.result_on is not None and activity.result_on > today):
        return Rejected("completed-in-future")
    if activity.quantity <= _ZERO:
        return Rejected("credits-not-positive")
    converted: Sourced[Conversion] | None = policy.settings.get(f"conversion.{activity.form}")
    if converted is not None:
        refused = other_year(activity.happened_on.year, year, converted.clause)
        return refused or _convert(converted, activity.quantity)
    form: Sourced[EquivalenceForm] | None = policy.settings.get(f"equivalence.{activity.form}")
    if form is None:
        return Rejected("form-not-recognised", None, {"form": activity.form, "year": str(year)})
    dates = Dates(
        happened_on=activity.happened_on, result_on=activity.result_on, document_on=activity.document_on
    )
    refused = counts_in(form.value.credit_year, dates, _decreed(form.value, year), year, form.clause)
    if refused is not None:
        return refused
    return _by_form(form, activity)


def used_up(policy: Policy, form: str, account: Account) -> Credit | None:
    """The credit by which a conversion has been used as often as its clause allows in a year (S1-10, B-17), if it has."""
    converted: Sourced[Conversion] | None = policy.settings.get(f"conversion.{form}")
    if converted is None:
        return None
    counted = [credit for credit in account.credits if credit.form == form and credit.state == "registered"]
    if len(counted) < converted.value.per_year:
        return None
    return min(counted, key=lambda credit: (credit.registered_at, credit.credit_id))


def _decreed(form: EquivalenceForm, year: int) -> tuple[date, date] | None:
    if form.decreed is None:
        return None
    since, until = day_of(form.decreed.since, year), day_of(form.decreed.until, year)
    return (since, until) if since is not None and until is not None else None


def _by_form(form: Sourced[EquivalenceForm], activity: Activity) -> Award | Rejected:
    value = form.value
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
    if per_unit is None:
        return Rejected("form-not-recognised", form.clause, {"form": value.form, "year": ""})
    units = activity.quantity.to_integral_value() if value.per != "hours" else activity.quantity
    if units != activity.quantity:
        return Rejected("quantity-not-whole", form.clause, {"per": value.per})
    category: CreditCategory = ANY
    fill: tuple[Category, ...] = FILL_DEFAULT
    if value.covers is not None and value.covers.category is not None:
        category, fill = value.covers.category, ()
    elif value.covers is not None and value.covers.fill:
        fill = value.covers.fill
    return Award(credits=to_cents(per_unit * units), category=category, fill=fill, clause=form.clause)


def _convert(rule: Sourced[Conversion], hours: Decimal) -> Award | Rejected:
    value = rule.value
    if value.style == "threshold":
        # A-07, B-17: all or nothing, and more hours earn no more.
        if hours < value.hours:
            return Rejected("hours-below-threshold", rule.clause, {"hours": str(value.hours)})
        credits = value.credits
    else:
        credits = hours * value.credits / value.hours
    return Award(credits=to_cents(credits), category=value.category, fill=(), clause=rule.clause)
