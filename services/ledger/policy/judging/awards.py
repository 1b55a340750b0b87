"""Awards: what an activity other than a course is worth, and study that no provider reports (S0-12 to S0-22, S1-10, S1-18).

The policy converts; nobody types a score. Proven study is worth the credits of its proof, within the limit of one record;
the policy says whether, and until when, it may be claimed.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Literal

from msgspec import Struct

from services.kit.clock import local_date
from services.ledger.policy.judging.admission import YEAR_FIRST, is_out_of_range, no_policy
from services.ledger.policy.judging.make_up_gates import gate_of
from services.ledger.policy.judging.requirements import time_given
from services.ledger.policy.language.days import begins
from services.ledger.policy.language.facts import Account, Category, Credit, Rejected
from services.ledger.policy.language.settings import Sourced
from services.ledger.policy.language.target import Learning
from services.ledger.policy.policy import Policy
from services.ledger.policy.rules import conversion, equivalence
from services.ledger.policy.rules.conversion import Conversion
from services.ledger.policy.rules.credit_year import other_year
from services.ledger.policy.rules.direct_registration import registered_directly
from services.ledger.policy.rules.equivalence import Activity, Award, EquivalenceForm
from services.ledger.policy.rules.make_up import MakeUpWindowTerms
from services.ledger.policy.rules.modes import ModesTerms
from services.ledger.policy.rules.prerequisite import PrerequisiteTerms
from services.ledger.policy.rules.route import claimable
from services.ledger.policy.rules.units import to_cents

STUDY = "study"
"""The form under which proven study is claimed."""


AUTHORITY_TRAINING = "authority_training"
"""The form under which an authority registers training that it organised itself (N-11)."""


class ProvenStudy(Struct, frozen=True, kw_only=True):
    """Study with a certificate: how, of what, when completed, and whether a special reason is given (A-06).

    `qualification` is the person's level on record, where a notice leaves modes to tiers.
    """

    mode: str
    category: Category
    credits: Decimal
    completed_on: date
    special_reason: bool = False
    qualification: str | None = None


def award(policy: Policy | None, activity: Activity, place: str, year: int, today: date) -> Award | Rejected:
    """The credits of an activity for a credit year, by the form's own clause; or why there are none."""
    out_of_range = not YEAR_FIRST <= year <= today.year + 1
    if policy is None or out_of_range:
        return no_policy(place, year, out_of_range=out_of_range)
    if activity.happened_on > today or (activity.result_on is not None and activity.result_on > today):
        return Rejected("completed-in-future")
    if activity.quantity <= 0:
        return Rejected("credits-not-positive")
    converted: Sourced[Conversion] | None = policy.settings.get(f"conversion.{activity.form}")
    if converted is not None:
        refused = other_year(activity.happened_on.year, year, converted.clause)
        return refused or conversion.worth(converted, activity.quantity)
    form: Sourced[EquivalenceForm] | None = policy.settings.get(f"equivalence.{activity.form}")
    if form is None:
        return Rejected("form-not-recognised", None, {"form": activity.form, "year": str(year)})
    return equivalence.refused_for_year(form, activity, year) or equivalence.worth(form, activity)


def used_up(policy: Policy, form: str, account: Account) -> Credit | None:
    """The credit by which a conversion has been used as often as its clause allows in a year (S1-10, B-17), if it has."""
    converted: Sourced[Conversion] | None = policy.settings.get(f"conversion.{form}")
    if converted is None:
        return None
    counted = [credit for credit in account.credits if credit.form == form and credit.state == "registered"]
    if len(counted) < converted.value.per_year:
        return None
    return min(counted, key=lambda credit: (credit.registered_at, credit.credit_id))


def award_study(
    policy: Policy | None,
    study: ProvenStudy,
    place: str,
    year: int,
    now: datetime,
    account: Account | None = None,
) -> Award | Rejected:
    """The credits of proven study for a credit year, claimed at this moment; or why it may not be claimed.

    `account` is that year's, for make-up that asks what is in it already.
    """
    out_of_range = is_out_of_range(year, now)
    if policy is None or out_of_range:
        return no_policy(place, year, out_of_range=out_of_range)
    policy = policy.of_learning(Learning(categories=(study.category,), mode=study.mode, route="claim"))
    completed = begins(study.completed_on)
    if completed > now:
        return Rejected("completed-in-future")
    if study.credits <= 0:
        return Rejected("credits-not-positive")
    if not policy.categories.knows(study.category):
        return policy.categories.unknown()
    terms = policy.terms_of(study.mode)
    refused = policy.record_limit.refusal(study.credits) or terms.of(ModesTerms).refusal(
        study.qualification, study.mode
    )
    if refused is not None:
        return refused
    given = time_given(account)
    if policy.ordinary and terms.study.begins <= completed < max(terms.study.ends, given):
        if not terms.allowed:
            return Rejected("mode-not-allowed", terms.modes_clause, {"mode": study.mode})
        route = claimable(policy, study.mode)
        if route is None:
            made_up = _made_up(policy, study, year, now, account, act="register")
            not_claimed = Rejected("mode-not-claimed", terms.modes_clause, {"mode": study.mode})
            return made_up or not_claimed
        first = policy.get(PrerequisiteTerms)
        refused = first.refusal(account, study.category) if first is not None else None
        refused = refused or terms.windows.outside("apply", now, given)
        return refused or _awarded(study, route.clause, make_up=False)
    return _made_up(policy, study, year, now, account) or Rejected(
        "make-up-not-by-application",
        policy.make_up[-1].clause if policy.make_up else None,
        {"year": str(year)},
    )


def is_converted(policy: Policy, form: str) -> bool:
    """Whether a clause says what the form is worth."""
    return f"equivalence.{form}" in policy.settings or f"conversion.{form}" in policy.settings


def award_organised(
    policy: Policy | None,
    study: ProvenStudy,
    place: str,
    year: int,
    now: datetime,
    account: Account | None = None,
) -> Award | Rejected:
    """The credits of training that the authority itself organised, as it states them (N-11, B-26): within the year's study,
    in a category of the year, within the limit of one record. No list of providers and no enrolment binds the authority."""
    out_of_range = is_out_of_range(year, now)
    if policy is None or out_of_range:
        return no_policy(place, year, out_of_range=out_of_range)
    direct = registered_directly(policy, AUTHORITY_TRAINING)
    if direct is None:
        return Rejected("not-registered-directly", None, {"form": AUTHORITY_TRAINING})
    held = Learning(categories=(study.category,), mode=study.mode, route="direct", organiser="authority")
    policy = policy.of_learning(held)
    completed = begins(study.completed_on)
    if completed > now:
        return Rejected("completed-in-future")
    if study.credits <= 0:
        return Rejected("credits-not-positive")
    if not policy.categories.knows(study.category):
        return policy.categories.unknown()
    if (refused := policy.record_limit.refusal(study.credits)) is not None:
        return refused
    span, details = policy.terms_of(study.mode).study, {"year": str(year)}
    if completed < span.begins:
        since = span.since.isoformat() if span.since else ""
        return Rejected("not-yet-open", span.since_clause, details | {"since": since})
    if completed >= max(span.ends, time_given(account)):
        until = span.until.isoformat() if span.until else ""
        return Rejected("window-closed", span.until_clause or span.since_clause, details | {"until": until})
    return _awarded(study, direct.clause, make_up=False)


def _made_up(
    policy: Policy,
    study: ProvenStudy,
    year: int,
    now: datetime,
    account: Account | None,
    act: Literal["register"] | None = None,
) -> Award | Rejected | None:
    """Make-up by application: the window is that of applying, so the moment of the claim counts (B-08), and the study has
    a last day of its own where the notice gives one (B-23). With `act` only windows for what was studied in its year are
    asked (补登, S4-08). None where no window speaks of it."""
    refusal: Rejected | None = None
    for window in policy.make_up:
        if window.channel != "application" or (window.modes is not None and study.mode not in window.modes):
            continue
        if act is not None and window.act != act:
            continue
        closed = _closed(policy, window, study, now)
        if closed is not None:
            refusal = refusal or closed
            continue
        gate = gate_of(
            policy, window, study.category, account, special_reason=study.special_reason, by_application=True
        )
        if gate is not None:
            refusal = gate
            continue
        return _awarded(study, window.clause, make_up=True)
    return refusal


def _closed(policy: Policy, window: MakeUpWindowTerms, study: ProvenStudy, now: datetime) -> Rejected | None:
    """Why an application of this moment for study of that day is outside the window; None when it is inside."""
    year, completed = {"year": str(policy.year)}, begins(study.completed_on)
    if not window.begins <= now < window.ends:
        until = window.until.isoformat() if window.until else ""
        return Rejected("window-closed", window.clause, year | {"until": until})
    if completed >= window.study_ends:
        until = window.study_until.isoformat() if window.study_until else ""
        return Rejected("window-closed", window.clause, year | {"until": until})
    if window.act == "register" and completed < policy.study_begins:
        since = local_date(policy.study_begins).isoformat()
        return Rejected("not-yet-open", window.clause, year | {"since": since})
    return None


def _awarded(study: ProvenStudy, clause: str, *, make_up: bool) -> Award:
    return Award(
        credits=to_cents(study.credits),
        category=study.category,
        fill=(),
        clause=clause,
        make_up=make_up,
    )
