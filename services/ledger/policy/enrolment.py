"""Whether an enrolment or an exam pass may be recorded: the provider and the mode must be ones the year's rules know.

Days of study are judged when the completion comes; somebody may enrol before a window opens (S1-07, S3B-07).
"""

from datetime import date

from services.ledger.policy.account import Person, ProviderStanding
from services.ledger.policy.admission import Rejected
from services.ledger.policy.policy import Policy, ProviderTerms
from services.ledger.policy.providers import is_accredited, is_listed


def admit_enrolment(
    policy: Policy | None,
    provider: ProviderStanding,
    person: Person,
    year: int,
    mode: str,
    day: date,
) -> Rejected | None:
    """The reason why the provider may not enrol the person for the year in this mode on this day; None when it may."""
    if policy is None:
        return Rejected("no-policy", None, {"place": person.place, "year": str(year)})
    terms = policy.terms_of(mode)
    make_up = [
        window.providers
        for window in policy.make_up
        if window.channel == "automatic" and (window.modes is None or mode in window.modes)
    ]
    if not terms.allowed and not make_up:
        return Rejected("mode-not-allowed", terms.modes_clause, {"mode": mode})
    accepted = [terms.providers, *make_up] if terms.allowed else make_up
    if not any(_suits(policy, one, provider, (year, day.year), mode, day) for one in accepted):
        first = accepted[0]
        if first.names is not None:
            return Rejected("provider-not-listed", first.clause, {"year": str(year)})
        return Rejected("provider-not-accredited", first.clause, {"year": str(year), "mode": mode})
    barred = provider.barred_since(day)
    if barred is not None:
        return Rejected("provider-disqualified", policy.disqualification_clause, {"from": barred.isoformat()})
    return None


def _suits(
    policy: Policy,
    terms: ProviderTerms,
    provider: ProviderStanding,
    years: tuple[int, int],
    mode: str,
    day: date,
) -> bool:
    if terms.names is not None:
        return is_listed(terms, provider)
    return is_accredited(policy.chain, years, mode, provider, day)
