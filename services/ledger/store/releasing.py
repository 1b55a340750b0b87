"""Release of what waited in an account and need not any longer: for the total, whoever completes it, or for the exam
(B-05, S0-11)."""

from services.ledger.policy import Held, Policy, reconsidered
from services.ledger.store.unit import AccountEntry, LedgerUnit
from services.ledger.streams import account as accounts
from services.ledger.streams.account import held_again, released
from services.ledger.streams.waiting import identity_of


def credit_id_of(log: str, provider_id: str, completion_id: str) -> str:
    """The id of the credit that a provider's completion earns."""
    return accounts.credit_id_of(log, identity_of("completion", provider_id, completion_id))


def release_waiting(unit: LedgerUnit, policy: Policy, entry: AccountEntry, place: str) -> list[str]:
    """Register what waited and need not any longer (S2B-07, S0-11); the ids of those completions.

    Called after whatever adds to an account, by whatever route. What waits was accepted before a close of the year, and
    is let in after it.
    """
    account, registered = entry.account, []
    if not account.waiting:
        return []
    answers = reconsidered(policy, account, unit.now)
    waiting = {(item.provider, item.completion_id): item for item in account.waiting}
    for key, answer in answers.items():
        if isinstance(answer, Held):
            again = held_again(waiting[key], account, policy, answer, unit.now)
            unit.append_to_account(entry, again)
            continue
        credit_id = credit_id_of(unit.log, *key)
        event = released(waiting[key], account, place, policy, answer, credit_id, unit.now)
        unit.append_to_account(entry, event)
        registered.append(key[1])
    return registered
