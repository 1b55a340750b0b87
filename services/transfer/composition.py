"""The parts of the transfer service, put together once for a process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from contracts.divisions import watchers_of
from services.kit.audit import Audit, Whereabouts
from services.kit.clock import Clock, utc_now
from services.kit.command import WritePath
from services.kit.database import Database, Databases
from services.kit.event_store import EventStore
from services.transfer.application import TransferApplication, begin
from services.transfer.peers import Peers, open_peers
from services.transfer.places import OpenedAuthorities
from services.transfer.queries import TransferQueries
from services.transfer.settings import TransferSettings
from services.transfer.tables import LOG

SCHEMA = "transfer"


class Transfers:
    """The transfer service of one process: its database, and all that reads and writes it."""

    def __init__(
        self,
        database: Database,
        store: EventStore,
        opened: OpenedAuthorities,
        peers: Peers,
        clock: Clock = utc_now,
        *,
        audit_key: bytes,
    ) -> None:
        self.database = database
        self.databases = Databases(database)
        self.store = store
        self.clock = clock
        self.audit = Audit(self.databases, clock, key=audit_key, where=_where)
        self.peers = peers
        self.path = WritePath(self.databases, store, clock, begin)
        self.application = TransferApplication(
            self.databases, store, self.path, opened=opened, ledger=peers.ledger
        )
        self.queries = TransferQueries(database, store, clock)

    async def prepare(self) -> None:
        """Open the log, so that a first append does not have to."""
        async with self.database.acquire() as conn:
            await self.store.open_logs(conn, [LOG])

    async def close(self) -> None:
        """Send the last notifications, then close the database."""
        await self.store.notifications.close()
        await self.database.close()


def _where(place: str | None) -> Whereabouts:
    return Whereabouts(LOG, watchers_of(place))


@asynccontextmanager
async def open_transfers(
    settings: TransferSettings, process: str, store: EventStore
) -> AsyncIterator[Transfers]:
    """A transfer service that is ready for use, closed at the end. Raises OpenedAuthoritiesError for a bad list."""
    opened = OpenedAuthorities.from_file(settings.transfer_opened_authorities_file)
    _ = settings.authorities
    async with open_peers(settings) as peers:
        database = await Database.connect_checked(
            settings.transfer_database_url,
            service=SCHEMA,
            process=process,
            size_max=settings.transfer_pool_size,
            waits=settings.waits(process),
        )
        transfers = Transfers(database, store, opened, peers, audit_key=settings.audit_key_bytes)
        try:
            await transfers.prepare()
            yield transfers
        finally:
            await transfers.close()
