"""Which credits of an account await recognition, and what recognising one says: pure decisions."""

from datetime import datetime

from services.ledger.policy import Account, Credit, Policy
from services.ledger.policy.rules.recognition import awaits
from services.ledger.problems import AlreadyEndedError, UnknownCreditError
from services.ledger.recognitions.events import CreditRecognised
from services.ledger.recognitions.problems import AlreadyRecognisedError, NotAwaitingError


def awaiting(policy: Policy | None, account: Account | None) -> list[tuple[Credit, str]]:
    """The standing credits that count only once recognised, each with the clause that asks for it."""
    if policy is None or account is None or not policy.recognition:
        return []
    return [
        (credit, clause)
        for credit in account.credits
        if credit.state == "registered"
        and credit.recognised_at is None
        and (clause := awaits(policy.recognition, credit)) is not None
    ]


def recognise(
    policy: Policy | None, account: Account, credit_id: str, *, authority: str, decided_by: str, now: datetime
) -> CreditRecognised:
    """Recognise one credit.

    Raises UnknownCreditError, AlreadyEndedError, AlreadyRecognisedError, and NotAwaitingError where no notice asks for it.
    """
    credit = next((each for each in account.credits if each.credit_id == credit_id), None)
    if credit is None:
        raise UnknownCreditError
    if credit.state != "registered":
        raise AlreadyEndedError(credit_id=credit_id)
    if credit.recognised_at is not None:
        raise AlreadyRecognisedError
    clause = awaits(policy.recognition, credit) if policy is not None else None
    if clause is None:
        raise NotAwaitingError
    return CreditRecognised(
        credit_id=credit_id,
        person_id=account.person_id,
        year=account.year,
        place=credit.place,
        category=credit.category,
        credits=credit.credits,
        clause=clause,
        authority=authority,
        decided_by=decided_by,
        recognised_at=now,
    )
