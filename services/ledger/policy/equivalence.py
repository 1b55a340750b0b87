"""What an activity other than a course is worth: exams, degrees, research, papers, books, conferences, public hours.

The policy converts; nobody types a score (S0-12 to S0-20, S1-10). `award` is pure and total.
"""

from datetime import date
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from services.ledger.policy.account import Account, Category, Credit, CreditCategory
from services.ledger.policy.admission import YEAR_FIRST, Rejected
from services.ledger.policy.described import Conversion, DirectRegistration, EquivalenceForm
from services.ledger.policy.policy import Policy, Sourced

Role = Literal["sole", "first", "lead", "other"]
FILL_DEFAULT: tuple[Category, ...] = ("professional", "public")
"""A-03: ninety equivalence credits are a full year's requirement."""

_ZERO = Decimal(0)
_CENT = Decimal("0.01")


class Activity(Struct, frozen=True, kw_only=True):
    """What somebody did: the form as the policy names it, when it counts from, the role, and how much of it.

    `happened_on` is the day of the exam, training, publication or conclusion; `result_on` the day its result was told.
    `quantity` counts what the form counts: subjects, days, papers, hours.
    """

    form: str
    happened_on: date
    result_on: date | None = None
    role: Role | None = None
    quantity: Decimal = Decimal(1)


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
        if activity.happened_on.year != year:
            return _other_year(converted, activity.happened_on.year, year)
        return _convert(converted, activity.quantity)
    form: Sourced[EquivalenceForm] | None = policy.settings.get(f"equivalence.{activity.form}")
    if form is None:
        return Rejected("form-not-recognised", None, {"form": activity.form, "year": str(year)})
    counted_from = activity.happened_on
    if form.value.credit_year == "result" and activity.result_on is not None:
        counted_from = activity.result_on
    if form.value.credit_year != "decreed" and counted_from.year != year:
        return _other_year(form, counted_from.year, year)
    return _by_form(form, activity)


def registered_directly(policy: Policy, form: str) -> Sourced[DirectRegistration] | None:
    """The clause by which an authority registers this form from its own lists, so that nobody applies (S0-13, S2B-09)."""
    direct: Sourced[DirectRegistration] | None = policy.settings.get("direct_registration")
    if direct is None or form not in direct.value.forms or direct.value.application_needed:
        return None
    return direct


def used_up(policy: Policy, form: str, account: Account) -> Credit | None:
    """The credit by which a conversion has been used as often as its clause allows in a year (S1-10, B-17), if it has."""
    converted: Sourced[Conversion] | None = policy.settings.get(f"conversion.{form}")
    if converted is None:
        return None
    counted = [credit for credit in account.credits if credit.form == form and credit.state == "registered"]
    if len(counted) < converted.value.per_year:
        return None
    return min(counted, key=lambda credit: (credit.registered_at, credit.credit_id))


def _by_form(form: Sourced[EquivalenceForm], activity: Activity) -> Award | Rejected:
    value = form.value
    per_unit = value.credits
    if value.roles:
        by_role = {role.role: role.credits for role in value.roles}
        if activity.role is None or activity.role not in by_role:
            return Rejected("role-not-recognised", form.clause, {"form": value.form})
        per_unit = by_role[activity.role]
    if per_unit is None:
        return Rejected("form-not-recognised", form.clause, {"form": value.form, "year": ""})
    units = activity.quantity.to_integral_value() if value.per != "hours" else activity.quantity
    if units != activity.quantity:
        return Rejected("quantity-not-whole", form.clause, {"per": value.per})
    category: CreditCategory = "any"
    fill: tuple[Category, ...] = FILL_DEFAULT
    if value.covers is not None and value.covers.category is not None:
        category, fill = value.covers.category, ()
    elif value.covers is not None and value.covers.fill:
        fill = value.covers.fill
    return Award(credits=(per_unit * units).quantize(_CENT), category=category, fill=fill, clause=form.clause)


def _convert(rule: Sourced[Conversion], hours: Decimal) -> Award | Rejected:
    value = rule.value
    if value.style == "threshold":
        # A-07, B-17: all or nothing, and more hours earn no more.
        if hours < value.hours:
            return Rejected("hours-below-threshold", rule.clause, {"hours": str(value.hours)})
        credits = value.credits
    else:
        credits = (hours * value.credits / value.hours).quantize(_CENT)
    return Award(credits=credits.quantize(_CENT), category=value.category, fill=(), clause=rule.clause)


def _other_year(source: Sourced[EquivalenceForm] | Sourced[Conversion], counted: int, year: int) -> Rejected:
    return Rejected("activity-of-other-year", source.clause, {"counted": str(counted), "year": str(year)})
