"""How the registry's parts are put together, once for a process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from services.kit.checkpoints import Checkpoints
from services.kit.clock import Clock, utc_now
from services.kit.database import Database, Databases
from services.kit.event_store import EventStore
from services.kit.migrations import head_revision
from services.registry.accounts.accounts import Accounts
from services.registry.accounts.tokens import TokenIssuer
from services.registry.bulk.bulk import BulkCollections
from services.registry.evidence.files import EvidenceFiles
from services.registry.evidence.store import EvidenceStore
from services.registry.moves.arrivals import Arrivals
from services.registry.moves.completing import Completing
from services.registry.moves.departures import Departures
from services.registry.organizations.organizations import Organizations
from services.registry.organizations.queries import OrganizationQueries
from services.registry.people.change_cases import Changes
from services.registry.people.collection import Collections
from services.registry.people.own_view import OwnView
from services.registry.personal_data.audit import Audit
from services.registry.personal_data.delivery import DeliveryDisclosures
from services.registry.personal_data.erasure import Erasures
from services.registry.personal_data.key_store import must_fit
from services.registry.personal_data.unmasking import Unmasking
from services.registry.personal_data.vault import Vault
from services.registry.queries import RegistryQueries
from services.registry.settings import RegistrySettings
from services.registry.tables import LOG
from services.registry.worklists.case_queries import CaseQueries
from services.registry.worklists.worklists import Worklists

SCHEMA = "registry"
FOLLOWED = "transfer"
"""The log of another service that the registry follows."""
CHECKPOINT = "transfer"
"""The name the position in it is saved under, for ever."""


class Registry:
    """The registry of one process: its database, and all that reads and writes it."""

    def __init__(
        self, settings: RegistrySettings, database: Database, store: EventStore, clock: Clock = utc_now
    ) -> None:
        vault, hasher = Vault(settings.wrapper), settings.hasher
        self.database = database
        self.databases = Databases(database)
        self.store = store
        self.organizations = Organizations(database, store, clock=clock)
        self.organization_queries = OrganizationQueries(database, store, clock=clock)
        self.accounts = Accounts(database, store, clock=clock)
        self.collections = Collections(database, store, vault=vault, hasher=hasher, clock=clock)
        self.changes = Changes(database, store, vault=vault, hasher=hasher, clock=clock)
        self.queries = RegistryQueries(database, store, vault=vault, hasher=hasher, clock=clock)
        self.bulk = BulkCollections(database, store, vault=vault, hasher=hasher, clock=clock)
        self.audit = Audit(database, clock)
        self.worklists = Worklists(database, store, clock=clock)
        self.own_view = OwnView(database, vault=vault, audit=self.audit, clock=clock)
        self.case_queries = CaseQueries(database, store, vault=vault, hasher=hasher, clock=clock)
        self.unmasking = Unmasking(self.audit, vault)
        self.delivery_disclosures = DeliveryDisclosures(self.audit, vault)
        files = EvidenceStore(settings.evidence_folder)
        self.evidence = EvidenceFiles(
            database, vault=vault, audit=self.audit, store=files, limits=settings.evidence_limits, clock=clock
        )
        self.erasures = Erasures(
            database, store, vault=vault, shares=settings.shares, files=files, clock=clock
        )
        self.departures = Departures(store, vault=vault, audit=self.audit)
        self.completing = Completing(database)
        self.arrivals = Arrivals(
            database, store, vault=vault, hasher=hasher, erasures=self.erasures, clock=clock
        )
        self._settings = settings
        self.issuer = TokenIssuer(
            database,
            store,
            key=settings.token_key,
            issuer=settings.issuer,
            lifetime_seconds=settings.token_lifetime_seconds,
            now=lambda: clock().timestamp(),
        )

    async def prepare(self) -> None:
        """Open the log, so that a first append does not have to, and end what an erasure may have left over.

        Raises SettingsError when the keys are not this database's.
        """
        async with self.database.acquire() as conn:
            await self.store.open_logs(conn, [LOG])
            await must_fit(conn, self._settings.shares, self._settings.hasher.algorithm)
        await self.erasures.finish()

    async def followed(self) -> dict[str, int]:
        """How far the other services' facts have come in."""
        async with self.database.acquire() as conn:
            return {FOLLOWED: await Checkpoints(CHECKPOINT).get(conn, LOG, FOLLOWED)}

    async def close(self) -> None:
        """Send the last notifications, then close the database."""
        await self.store.notifications.close()
        await self.database.close()


async def connect(settings: RegistrySettings, process: str, *, size_max: int | None = None) -> Database:
    """The database, checked before it is used. Raises UnsafeDatabaseError and SchemaRevisionError."""
    database = await Database.connect(
        settings.registry_database_url,
        schema=SCHEMA,
        application_name=f"xuefen.registry.{process}",
        size_max=size_max or settings.registry_pool_size,
    )
    try:
        await database.check(revision=head_revision(SCHEMA))
    except BaseException:
        await database.close()
        raise
    return database


@asynccontextmanager
async def open_registry(
    settings: RegistrySettings, process: str, store: EventStore, clock: Clock = utc_now
) -> AsyncIterator[Registry]:
    """The registry, connected and ready; closed at the end."""
    registry = Registry(settings, await connect(settings, process), store, clock)
    try:
        await registry.prepare()
        yield registry
    finally:
        await registry.close()
