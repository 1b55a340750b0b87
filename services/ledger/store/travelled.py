"""Completions that left a log while they waited to be registered: their provider may still take them back where it
reported them, and the destination is told."""

from services.kit import events as codec
from services.kit.database import Connection
from services.kit.event_store import EventStore
from services.ledger.streams import account as accounts
from services.ledger.streams.account_events import AccountArrived, AccountLeft, HeldCompletionWithdrawn


async def travelled_waiting(
    conn: Connection, store: EventStore, log: str, person_id: str, year: int
) -> set[tuple[str, str]]:
    """The completions, by provider and id, that waited in the account when the person left and were not taken back since."""
    stream_id = accounts.stream_of(person_id, year)
    account, travelled = accounts.empty(person_id, year), set[tuple[str, str]]()
    for recorded in (await store.load(conn, log, [stream_id])).get(stream_id, []):
        event = codec.decode(recorded.topic, recorded.state)
        match event:
            case AccountLeft():
                travelled |= {(item.provider, item.completion_id) for item in account.waiting}
            case AccountArrived():
                travelled.clear()
            case HeldCompletionWithdrawn():
                travelled.discard((event.provider_id, event.completion_id))
            case _:
                pass
        accounts.evolve(account, event)
    return travelled
