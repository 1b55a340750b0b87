"""Whether a relief may be granted or ended: pure decisions about one account."""

from datetime import date

from services.ledger.policy import Account, Policy
from services.ledger.policy.reliefs import deferral_on, exemption_on
from services.ledger.reliefs.commands import EndRelief, GrantDeferral, GrantExemption
from services.ledger.reliefs.events import DeferralEnded, DeferralGranted, ExemptionEnded, ExemptionGranted
from services.ledger.reliefs.problems import (
    AlreadyDeferredError,
    AlreadyExemptError,
    DeferralNotLaterError,
    NoReliefError,
)
from services.ledger.years.year import last_day_of


def grant_exemption(account: Account, command: GrantExemption, today: date) -> ExemptionGranted:
    """Free the person of the year. Raises AlreadyExemptError while an exemption holds."""
    if exemption_on(account, today) is not None:
        raise AlreadyExemptError
    return ExemptionGranted(
        person_id=account.person_id,
        year=account.year,
        reason=command.reason,
        authority=command.authority,
        decided_by=command.decided_by,
        granted_on=today,
        until=command.until,
    )


def grant_deferral(account: Account, policy: Policy, command: GrantDeferral, today: date) -> DeferralGranted:
    """Give the person until a later day. Raises AlreadyDeferredError and DeferralNotLaterError."""
    held = deferral_on(account, today)
    if held is not None:
        raise AlreadyDeferredError(until=held.until.isoformat())
    last_day = last_day_of([policy])
    if command.until <= max(last_day, today):
        raise DeferralNotLaterError(pointer="/until", last_day=last_day.isoformat())
    return DeferralGranted(
        person_id=account.person_id,
        year=account.year,
        reason=command.reason,
        authority=command.authority,
        decided_by=command.decided_by,
        granted_on=today,
        until=command.until,
    )


def end_relief(account: Account, command: EndRelief, today: date) -> ExemptionEnded | DeferralEnded:
    """End what was granted with a day that becomes the last it holds. Raises NoReliefError when it ends no later anyway."""
    until = command.until or today
    granted = account.exempt if command.kind == "exemption" else account.deferred
    if granted is None or (granted.until is not None and granted.until <= until):
        raise NoReliefError
    ended = ExemptionEnded if command.kind == "exemption" else DeferralEnded
    return ended(
        person_id=account.person_id,
        year=account.year,
        reason=command.reason,
        authority=command.authority,
        decided_by=command.decided_by,
        until=until,
        ended_on=today,
    )
