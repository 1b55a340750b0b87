"""Later notices and what was taken before them by the nation's rule (B-20): it stays, and this says by which clause the
notice would not have taken it. Pure and total."""

from collections.abc import Callable
from datetime import date

from msgspec.structs import replace

from services.kit.pydantic_models import fields_of
from services.ledger.policy.judging.admission import admit
from services.ledger.policy.judging.awards import (
    AUTHORITY_TRAINING,
    STUDY,
    ProvenStudy,
    award_organised,
    award_study,
    is_converted,
)
from services.ledger.policy.language.days import day_at
from services.ledger.policy.language.facts import (
    Account,
    Accreditation,
    CompletionFacts,
    Credit,
    Person,
    ProviderStanding,
    Rejected,
    Route,
    Study,
)
from services.ledger.policy.language.settings import Sourced
from services.ledger.policy.policy import Policy
from services.ledger.policy.rules.equivalence import Activity, EquivalenceForm, refused_for_year


def refused_since(
    policy: Policy, credit: Credit, person: Person, account: Account, provider: ProviderStanding
) -> Rejected | None:
    """Why the notice that judges the year now would have refused a credit of it that was taken before; None where it would
    have taken it, or let it wait, and of every credit that was not taken provisionally.

    `provider` is the standing of whoever reported it. Of an activity the account keeps the form and the day alone: what
    depends on a score, a role or another day is not asked again.
    """
    if not credit.provisional or policy.basis != "notice":
        return None
    others = replace(account, credits=[one for one in account.credits if one.credit_id != credit.credit_id])
    return _ASKED[credit.route](policy, credit, person, others, provider)


def _completion(
    policy: Policy, credit: Credit, person: Person, others: Account, provider: ProviderStanding
) -> Rejected | None:
    # What counts in an order is of the category that comes first in it.
    category = next(iter(credit.fill), credit.category)
    study = fields_of(Study, credit) | {"category": category}
    facts = CompletionFacts(**study, provider_id=provider.organization_id, year=others.year)
    answer = admit(policy, facts, person, others, provider, credit.registered_at, credit.route)
    return answer if isinstance(answer, Rejected) else None


def _training(
    policy: Policy, credit: Credit, person: Person, others: Account, provider: ProviderStanding
) -> Rejected | None:
    """The approval of its filing was the admission of whoever held it, unless the notice closes its list."""
    years = (others.year, day_at(credit.completed_at).year)
    filed = Accreditation(place=policy.place, years=years, modes=(credit.mode,))
    return _completion(policy, credit, person, others, replace(provider, accreditations=(filed,)))


def _activity(
    policy: Policy, credit: Credit, person: Person, others: Account, provider: ProviderStanding
) -> Rejected | None:
    day = day_at(credit.completed_at)
    if credit.form == STUDY:
        proven = _study(credit, person, day)
        answer = award_study(policy, proven, policy.place, others.year, credit.registered_at, others)
        return answer if isinstance(answer, Rejected) else None
    if credit.form == AUTHORITY_TRAINING and not is_converted(policy, credit.form):
        organised = _study(credit, person, day)
        answer = award_organised(policy, organised, policy.place, others.year, credit.registered_at, others)
        return answer if isinstance(answer, Rejected) else None
    if f"conversion.{credit.form}" in policy.settings:
        return None
    form: Sourced[EquivalenceForm] | None = policy.settings.get(f"equivalence.{credit.form}")
    if form is None:
        details = {"form": credit.form or "", "year": str(others.year)}
        return Rejected("form-not-recognised", None, details)
    refused = refused_for_year(form, Activity(form=credit.form or "", happened_on=day), others.year)
    return None if refused is None or refused.problem == "day-needed" else refused


def _study(credit: Credit, person: Person, day: date) -> ProvenStudy:
    return ProvenStudy(
        mode=credit.mode,
        category=credit.category,
        credits=credit.credits,
        completed_on=day,
        special_reason=True,
        qualification=person.qualification,
    )


def _listed(
    policy: Policy, credit: Credit, person: Person, others: Account, provider: ProviderStanding
) -> Rejected | None:
    """History and corrections are an authority's own word; a notice may only not know their category, or their amount."""
    if not policy.categories.knows(credit.category):
        return policy.categories.unknown()
    return policy.record_limit.refusal(credit.credits)


_Asked = Callable[[Policy, Credit, Person, Account, ProviderStanding], Rejected | None]
_ASKED: dict[Route, _Asked] = {
    "provider": _completion,
    "roster": _training,
    "claim": _activity,
    "direct": _activity,
    "import": _listed,
    "correction": _listed,
}
