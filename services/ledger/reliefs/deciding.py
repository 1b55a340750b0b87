"""Whether a relief may be granted or ended: pure decisions about one account."""

from datetime import date

from services.ledger.policy import Account, Policy, granted_for
from services.ledger.policy.judging.reliefs import deferral_on, exemption_on
from services.ledger.reliefs.commands import EndRelief, GrantDeferral, GrantExemption
from services.ledger.reliefs.events import DeferralEnded, DeferralGranted, ExemptionEnded, ExemptionGranted
from services.ledger.reliefs.problems import (
    AlreadyDeferredError,
    AlreadyExemptError,
    DeferralNotLaterError,
    DeferralTooLongError,
    NoReliefError,
    ReliefNotAllowedError,
)
from services.ledger.years.year import last_day_of


def grant_exemption(
    account: Account, policy: Policy | None, command: GrantExemption, today: date
) -> ExemptionGranted:
    """Free the person of the year. Raises AlreadyExemptError while an exemption holds, and ReliefNotAllowedError where the
    notice speaks of the reason and frees nobody for it."""
    allowed = granted_for(policy.settings, command.reason, account.year) if policy is not None else None
    if allowed is not None and allowed.effect != "exempt":
        raise ReliefNotAllowedError(pointer="/reason", clause=allowed.clause)
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
    """Give the person until a later day. Raises AlreadyDeferredError, DeferralNotLaterError and, where the notice speaks of
    the reason, ReliefNotAllowedError and DeferralTooLongError."""
    allowed = granted_for(policy.settings, command.reason, account.year)
    if allowed is not None and allowed.effect == "none":
        raise ReliefNotAllowedError(pointer="/reason", clause=allowed.clause)
    if allowed is not None and allowed.until is not None and command.until > allowed.until:
        raise DeferralTooLongError(
            pointer="/until", clause=allowed.clause, last_day=allowed.until.isoformat()
        )
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
        clause=allowed.clause if allowed is not None else None,
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
