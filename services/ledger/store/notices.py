"""Published notices as rows, and the word that none will come: which content of a notice its place's authority published
last."""

from collections.abc import Sequence

from services.kit import events as codec
from services.kit.database import Connection
from services.kit.event_store import RecordedEvent
from services.ledger.streams.notice import NoNoticeDeclared, PolicyPublished

_FIND = "select version, notice_hash from notices where log = $1 and stream_id = $2"
_WRITE = """
insert into notices (log, stream_id, version, notice_hash) values ($1, $2, $3, $4)
on conflict (log, stream_id) do update set version = excluded.version, notice_hash = excluded.notice_hash
"""


async def find_notice(conn: Connection, log: str, stream_id: str) -> tuple[int, str | None]:
    """The version of a notice's stream and the hash of what was published last; 0 and None before the first."""
    row = await conn.fetchrow(_FIND, log, stream_id)
    return (0, None) if row is None else (row[0], row[1])


async def write_notice(
    conn: Connection, log: str, stream_id: str, version: int, event: PolicyPublished | NoNoticeDeclared
) -> None:
    """Write what one publication says; the word that none will come has no hash."""
    hash_ = event.notice_hash if isinstance(event, PolicyPublished) else None
    await conn.execute(_WRITE, log, stream_id, version, hash_)


class NoticeRows:
    """The read model: one row for every notice that was ever published, and for every word that none will come."""

    name = "notices"
    topics = frozenset({PolicyPublished.TOPIC, NoNoticeDeclared.TOPIC})
    tables: Sequence[str] = ("notices",)

    async def apply(self, conn: Connection, log: str, events: Sequence[RecordedEvent]) -> None:
        """Write the rows of these events, in order."""
        for recorded in events:
            event = codec.decode(recorded.topic, recorded.state)
            assert isinstance(event, PolicyPublished | NoNoticeDeclared), "the topic asks for no other"
            await write_notice(conn, log, recorded.stream_id, recorded.version, event)
