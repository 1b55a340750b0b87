"""Publication of notices: a notice becomes an event of its place's authority, once for each content."""

from contracts.divisions import authority_of, contains
from services.kit.clock import Clock
from services.kit.database import Databases
from services.kit.event_store import EventStore, WrongExpectedVersion
from services.ledger.policy import Notice, notice_hash
from services.ledger.store.execution import ATTEMPTS_MAX
from services.ledger.store.published_policies import PolicyShelf
from services.ledger.store.unit import GroupState
from services.ledger.streams.notice import publish, stream_of
from services.ledger.streams.problems import OutsidePlaceError

_NOTICE_VERSION = "select version, notice_hash from notices where log = $1 and stream_id = $2"
_WRITE_NOTICE = """
insert into notices (log, stream_id, version, notice_hash) values ($1, $2, $3, $4)
on conflict (log, stream_id) do update set version = excluded.version, notice_hash = excluded.notice_hash
"""


class PolicyPublisher:
    """The command that publishes a notice."""

    def __init__(self, databases: Databases, store: EventStore, shelf: PolicyShelf, clock: Clock) -> None:
        self._databases = databases
        self._store = store
        self._shelf = shelf
        self._clock = clock

    async def publish_policy(
        self, notice: Notice, *, within: str | None = None, unless_published: bool = False
    ) -> bool:
        """Publish a notice to the log of its place's authority; False when exactly this content is in force.

        With `unless_published` a notice that was ever published is left as it is: what a bureau corrected is not undone.

        Raises OutsidePlaceError when `within`, the caller's place, does not contain the notice's place.
        """
        if within is not None and not contains(within, notice.place):
            raise OutsidePlaceError
        log = authority_of(notice.place)
        stream_id = stream_of(notice)
        digest = notice_hash(notice)
        for attempt in range(ATTEMPTS_MAX):
            try:
                published = await self._publish(log, stream_id, notice, digest, unless_published)
            except WrongExpectedVersion:
                if attempt + 1 == ATTEMPTS_MAX:
                    raise
            else:
                break
        await self._shelf.refresh()
        return published

    async def _publish(
        self, log: str, stream_id: str, notice: Notice, digest: str, unless_published: bool
    ) -> bool:
        async with self._databases.of(log).transaction() as conn:
            row = await conn.fetchrow(_NOTICE_VERSION, log, stream_id)
            if row is not None and (unless_published or row["notice_hash"] == digest):
                await self._store.touch(conn)
                return False
            version = (row["version"] if row else 0) + 1
            state = GroupState(log, self._clock())
            state.append(stream_id, version, publish(notice))
            await conn.execute(_WRITE_NOTICE, log, stream_id, version, digest)
            await self._store.append(conn, log, state.new_events)
        self._store.notifications.notify(self._databases.of(log), log)
        return True
