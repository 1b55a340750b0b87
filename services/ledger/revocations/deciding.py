"""Whether a credit may be revoked, and by which clause: pure decisions about one account."""

from datetime import date, datetime

from services.kit.clock import local_date
from services.ledger.accounts.account import ending
from services.ledger.events import CreditRevoked
from services.ledger.policy import Account, Credit, Policy
from services.ledger.problems import AlreadyEndedError, UnknownCreditError
from services.ledger.revocations.commands import RevocationReason


def clause_of(policy: Policy | None, reason: RevocationReason) -> str | None:
    """The clause that speaks of the reason: of misconduct (S1-21), or of a provider's standing (S0-25)."""
    if policy is None:
        return None
    if reason == "provider_disqualified":
        return policy.disqualification_clause
    misconduct = policy.settings.get("misconduct")
    if misconduct is not None and reason in misconduct.value.acts:
        return misconduct.clause
    return None


def revoke_credit(
    account: Account,
    credit_id: str,
    *,
    reason: RevocationReason,
    authority: str,
    decided_by: str,
    now: datetime,
    clause: str | None = None,
) -> CreditRevoked:
    """Revoke a credit with a reason code (S1-21, A-12). Raises UnknownCreditError, AlreadyEndedError."""
    for credit in account.credits:
        if credit.credit_id == credit_id:
            if credit.state != "registered":
                raise AlreadyEndedError(credit_id=credit_id)
            return CreditRevoked(
                **ending(account, credit),
                reason=reason,
                clause=clause,
                authority=authority,
                decided_by=decided_by,
                revoked_at=now,
            )
    raise UnknownCreditError


def of_provider(
    account: Account, provider_id: str, completed_from: date | None, completed_until: date | None
) -> list[Credit]:
    """The standing credits that a provider reported, of studies completed on these days, both included."""
    return [
        credit
        for credit in account.credits
        if credit.state == "registered"
        and credit.provider == provider_id
        and (completed_from is None or local_date(credit.completed_at) >= completed_from)
        and (completed_until is None or local_date(credit.completed_at) <= completed_until)
    ]
