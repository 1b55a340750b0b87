"""Study that no provider reports: the person proves it, an official reviews it (S1-12, S1-18, S0-22).

Credits are those of the proof, within the limit of one record; the policy says whether, and until when, it may be claimed.
"""

from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct

from services.ledger.policy.judging.admission import is_out_of_range, unknown_category
from services.ledger.policy.judging.awards import Award
from services.ledger.policy.judging.make_up_gates import gate_of
from services.ledger.policy.language.categories import Category
from services.ledger.policy.language.days import begins
from services.ledger.policy.language.decisions import Rejected
from services.ledger.policy.language.facts import Account
from services.ledger.policy.policy import MakeUpTerms, Policy, Sourced
from services.ledger.policy.rules.route import Route
from services.ledger.policy.rules.tiers import mode_refusal
from services.ledger.policy.rules.units import to_cents
from services.ledger.policy.rules.window import outside

STUDY = "study"
"""The form under which proven study is claimed."""


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
    if is_out_of_range(year, now):
        return Rejected("year-out-of-range", None, {"year": str(year)})
    if policy is None:
        return Rejected("no-policy", None, {"place": place, "year": str(year)})
    completed = begins(study.completed_on)
    if completed > now:
        return Rejected("completed-in-future")
    if study.credits <= 0:
        return Rejected("credits-not-positive")
    if not policy.categories.knows(study.category):
        return unknown_category(policy)
    if study.credits > policy.record_limit:
        return Rejected(
            "credits-above-limit", policy.record_limit_clause, {"limit": str(policy.record_limit)}
        )
    terms = policy.terms_of(study.mode)
    if terms.limits is not None:
        refused = mode_refusal(terms.limits.modes_of_tier, study.qualification, study.mode)
        if refused is not None:
            return refused
    if policy.ordinary and terms.study.begins <= completed < terms.study.ends:
        if not terms.allowed:
            return Rejected("mode-not-allowed", terms.modes_clause, {"mode": study.mode})
        route = _claimable(policy, study.mode)
        if route is None:
            return Rejected("mode-not-claimed", terms.modes_clause, {"mode": study.mode})
        return outside(terms, "apply", now) or _awarded(study, route.clause, make_up=False)
    return _made_up(policy, study, year, now, account)


def _claimable(policy: Policy, mode: str) -> Sourced[Route] | None:
    """The clause that lets persons claim study of this mode themselves."""
    for name, sourced in sorted(policy.settings.items()):
        if name.startswith("route.") and "person" in sourced.value.reporters and mode in sourced.value.modes:
            found: Sourced[Route] = sourced
            return found
    return None


def _made_up(
    policy: Policy, study: ProvenStudy, year: int, now: datetime, account: Account | None
) -> Award | Rejected:
    """Make-up by application: the window is that of applying, so the moment of the claim counts (B-08)."""
    refusal: Rejected | None = None
    for window in policy.make_up:
        if window.channel != "application" or (window.modes is not None and study.mode not in window.modes):
            continue
        if not window.begins <= now < window.ends:
            until = window.until.isoformat() if window.until else ""
            refusal = refusal or Rejected("window-closed", window.clause, {"year": str(year), "until": until})
            continue
        gate = gate_of(
            policy, window, study.category, account, special_reason=study.special_reason, by_application=True
        )
        if gate is not None:
            refusal = gate
            continue
        return _awarded(study, window.clause, make_up=True)
    return refusal or Rejected(
        "make-up-not-by-application", _last_clause(policy.make_up), {"year": str(year)}
    )


def _awarded(study: ProvenStudy, clause: str, *, make_up: bool) -> Award:
    return Award(
        credits=to_cents(study.credits),
        category=study.category,
        fill=(),
        clause=clause,
        make_up=make_up,
    )


def _last_clause(windows: tuple[MakeUpTerms, ...]) -> str | None:
    return windows[-1].clause if windows else None
