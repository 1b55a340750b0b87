"""What leaving and arriving do to an account. Taking parts in is a merge: each credit is there once, by its id, whatever the
order in which parts come and however often."""

from msgspec.structs import replace

from services.kit.events import Event
from services.ledger.moving.events import AccountArrived, AccountLeft
from services.ledger.policy import Account, Credit


def take_move(account: Account, event: Event) -> None:
    """Apply one event of a move in place; others change nothing."""
    match event:
        case AccountLeft():
            # What waited is decided at the destination, and must not be registered here as well.
            account.waiting = []
        case AccountArrived():
            _arrive(account, event)
        case _:
            pass


def _arrive(account: Account, event: AccountArrived) -> None:
    places = {credit.credit_id: index for index, credit in enumerate(account.credits)}
    for credit in event.credits:
        index = places.get(credit.credit_id)
        if index is None:
            places[credit.credit_id] = len(account.credits)
            account.credits.append(credit)
        else:
            account.credits[index] = _merged(account.credits[index], credit)
    reported = {(credit.provider, credit.completion_id) for credit in account.credits}
    reported |= {(item.provider, item.completion_id) for item in account.waiting}
    account.waiting = [
        *account.waiting,
        *(item for item in event.waiting if (item.provider, item.completion_id) not in reported),
    ]
    account.exams = [*account.exams, *(passed for passed in event.exams if passed not in account.exams)]
    account.exempt = event.exempt or account.exempt
    account.deferred = event.deferred or account.deferred


def _merged(here: Credit, arrived: Credit) -> Credit:
    """A credit that two logs know: what ended it in either ends it, and every list that confirmed it does."""
    ends = [each for each in (here, arrived) if each.ended_at is not None]
    ended = min(ends, key=lambda each: (each.ended_at, each.state)) if ends else here
    return replace(
        here,
        state=ended.state,
        reason=ended.reason,
        ended_at=ended.ended_at,
        recognised_at=here.recognised_at or arrived.recognised_at,
        confirmed_by=tuple(sorted({*here.confirmed_by, *arrived.confirmed_by})),
    )
