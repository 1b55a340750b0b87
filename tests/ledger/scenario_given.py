"""The givens of a scenario: the person, and the account as it stands before anything happens."""

from datetime import date

import msgspec

from services.ledger.policy import Account, Credit, Deferral, Exemption, Person, SpecialReason
from services.ledger.policy.language.facts import Traits
from services.ledger.streams import account as accounts
from tests.ledger.scenario_file import Earned, Given, moment

PERSON = "somebody"


def person_of(given: Given) -> Person:
    """The person of the scenario, under an id of their own."""
    known = msgspec.structs.asdict(given.person)
    traits = Traits(**{name: known.pop(name) for name in Traits.__struct_fields__})
    return Person(person_id=PERSON, place=given.place, traits=traits, **known)


def account_of(given: Given) -> Account:
    """The account of the scenario's year: its credits, and what an authority granted on the year's first day."""
    account = accounts.empty(PERSON, given.year)
    account.credits.extend(_credit(earned, n) for n, earned in enumerate(given.credits, start=1))
    granted_on = date(given.year, 1, 1)
    if given.exempt is not None:
        account.exempt = Exemption(
            reason=given.exempt, authority=given.place, granted_on=granted_on, until=given.exempt_until
        )
    if given.deferred is not None:
        account.deferred = Deferral(
            until=given.deferred.until,
            reason=given.deferred.reason,
            authority=given.place,
            granted_on=granted_on,
        )
    if given.special_reason is not None:
        account.special_reason = SpecialReason(
            reason=given.special_reason, authority=given.place, granted_on=granted_on
        )
    return account


def _credit(earned: Earned, number: int) -> Credit:
    at = moment(earned.on)
    return Credit(
        credit_id=f"given-{number}",
        completion_id=f"given-{number}",
        category=earned.category,  # type: ignore[arg-type]
        credits=earned.credits,
        mode=earned.mode,
        provider=earned.provider,
        completed_at=at,
        registered_at=at,
        make_up=earned.make_up,
        fill=tuple(earned.fill),  # type: ignore[arg-type]
        state=earned.state,  # type: ignore[arg-type]
        recognised_at=moment(earned.recognised) if earned.recognised else None,
    )
