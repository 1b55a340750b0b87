"""Admission of an enrolment: by whom, in which mode, when, and for whom it may be recorded.

Days of study are judged when the completion comes; somebody may enrol before a study window opens (S1-07, S3B-07).
"""

from datetime import date, datetime

from services.ledger.policy.judging.make_up_gates import not_enrolled
from services.ledger.policy.judging.requirements import time_given
from services.ledger.policy.language.days import begins
from services.ledger.policy.language.facts import Account, Enrolled, Person, ProviderStanding, Rejected
from services.ledger.policy.language.target import Learning
from services.ledger.policy.policy import Policy
from services.ledger.policy.rules.make_up import MakeUpWindowTerms
from services.ledger.policy.rules.modes import ModesTerms
from services.ledger.policy.rules.provider_choice import ProviderChoiceTerms
from services.ledger.policy.rules.tiers import TierTerms


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
    if policy.targets is not None:
        return _of_some_category(policy, provider, person, year, mode, day)
    terms = policy.terms_of(mode)
    make_up = [
        window.providers
        for window in policy.make_up
        if window.channel == "automatic" and (window.modes is None or mode in window.modes)
    ]
    if not terms.allowed and not make_up:
        return Rejected("mode-not-allowed", terms.modes_clause, {"mode": mode})
    accepted = [terms.providers, *make_up] if terms.allowed else make_up
    years = (year, day.year)
    refusals = [one.refusal(provider, policy.chain, years, mode, day) for one in accepted]
    return refusals[0] if all(refusals) else policy.disqualification.refusal(provider, day)


def _of_some_category(
    policy: Policy, provider: ProviderStanding, person: Person, year: int, mode: str, day: date
) -> Rejected | None:
    """An enrolment is of no category: it is taken where study of any one could follow from it."""
    own, refused = policy.of_person(person), list[Rejected]()
    for category in sorted(policy.categories.codes):
        learning = Learning(categories=(category,), mode=mode, route="provider")
        answer = admit_enrolment(own.of_learning(learning), provider, person, year, mode, day)
        if answer is None:
            return None
        refused.append(answer)
    return refused[0]


def admit_terms(
    policy: Policy, enrolled: Enrolled, person: Person, account: Account | None
) -> Rejected | None:
    """What the mode asks of the enrolment itself: the windows to enrol and to pay, the tier, one provider a year.

    An enrolment inside an automatic make-up window is of the make-up, and bound by none of the year's own windows; it is
    refused where that window is for those alone who had enrolled, or paid, before.
    """
    if policy.targets is not None:
        policy = policy.of_person(person).of_learning(Learning(mode=enrolled.mode, route="provider"))
    terms, tiers = policy.terms_of(enrolled.mode), policy.get(TierTerms)
    day, own = begins(enrolled.enrolled_on), person.qualification
    refused = terms.of(ModesTerms).refusal(own, enrolled.mode)
    if refused is None and tiers is not None:
        refused = tiers.refusal(own, enrolled.tier or own, "professional")
    if refused is not None:
        return refused
    taken = [window for window in policy.make_up if _takes(window, enrolled.mode, day)]
    barred = [not_enrolled(policy, window, account) for window in taken]
    if taken and None in barred:
        return None
    if taken and not (policy.ordinary and day < max(terms.study.ends, time_given(account))):
        # Nothing that is left takes study of who was not enrolled before.
        return barred[0]
    choice = terms.get(ProviderChoiceTerms)
    given = time_given(account)
    refused = terms.windows.outside("enrol", day, given) or terms.windows.not_paid(enrolled, given)
    if refused is None and choice is not None:
        return choice.refusal(account, enrolled.provider, enrolled.mode)
    return refused


def _takes(window: MakeUpWindowTerms, mode: str, day: datetime) -> bool:
    """Whether study of this mode is made up by itself in the window on this day."""
    return (
        window.channel == "automatic"
        and (window.modes is None or mode in window.modes)
        and window.begins <= day < window.ends
    )
