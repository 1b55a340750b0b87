"""Composition of the registry's parts, once for a process."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from contracts.divisions import watchers_of
from services.kit.audit import Audit, Whereabouts
from services.kit.budgets import Budgets
from services.kit.clock import Clock, utc_now
from services.kit.database import Database, Databases
from services.kit.event_store import EventStore
from services.kit.key_checks import check_value_of
from services.kit.projection import Checkpoints
from services.registry.accounts.accounts import AccountQueries, Accounts
from services.registry.accounts.sign_ins import SignIns
from services.registry.accounts.tokens import TokenIssuer
from services.registry.bulk.bulk import BulkCollections
from services.registry.moves.handover import Arrivals, Completing, Departures
from services.registry.organizations.organizations import OrganizationQueries, Organizations
from services.registry.people.changes import Changes
from services.registry.people.collections import Collections
from services.registry.people.own_view import OwnView
from services.registry.people.queries import PeopleQueries
from services.registry.people.rehash import Rehash
from services.registry.personal_data.disclosure import DeliveryDisclosures, Unmasking
from services.registry.personal_data.erasure import Erasures
from services.registry.personal_data.evidence import EvidenceFiles, EvidenceStore
from services.registry.personal_data.keys import must_fit
from services.registry.personal_data.vault import Vault
from services.registry.settings import RegistrySettings
from services.registry.store.tables import LOG
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
        vault, hashers = Vault(settings.wrapper), settings.hashers
        self.database = database
        self.hashers = hashers
        self.databases = Databases(database)
        self.store = store
        audit = Audit(self.databases, clock, key=settings.audit_key_bytes, where=_where)
        self.audit = audit
        files = EvidenceStore(settings.evidence_folder)
        limits = settings.evidence_limits
        self.erasures = Erasures(
            database, store, vault=vault, shares=settings.shares, files=files, clock=clock
        )
        self._settings = settings
        budgets = Budgets(database, LOG, settings.budgets, clock)
        parts = (
            budgets,
            self.erasures,
            audit,
            Unmasking(audit, vault),
            DeliveryDisclosures(audit, vault),
            EvidenceFiles(database, vault=vault, audit=audit, store=files, limits=limits, clock=clock),
            Worklists(database, store, clock=clock),
            Organizations(database, store, clock=clock),
            OrganizationQueries(database, store, clock=clock),
            Collections(database, store, vault=vault, hashers=hashers, budgets=budgets, clock=clock),
            Changes(database, store, vault=vault, hashers=hashers, budgets=budgets, clock=clock),
            Rehash(database, store, vault=vault, hashers=hashers, budgets=budgets, clock=clock),
            PeopleQueries(
                database, store, vault=vault, hashers=hashers, budgets=budgets, audit=audit, clock=clock
            ),
            OwnView(database, vault=vault, audit=audit, clock=clock),
            Accounts(database, store, digest=settings.secret_digest, clock=clock),
            AccountQueries(database, store, clock=clock),
            TokenIssuer(
                database,
                store,
                key=settings.token_key,
                issuer=settings.issuer,
                lifetime_seconds=settings.token_lifetime_seconds,
                now=lambda: clock().timestamp(),
            ),
            SignIns(
                database,
                settings.sign_in_issuers,
                hashers=hashers,
                key=settings.token_key,
                issuer=settings.issuer,
                lifetime_seconds=settings.token_lifetime_seconds,
                now=lambda: clock().timestamp(),
            ),
            BulkCollections(database, store, vault=vault, hashers=hashers, budgets=budgets, clock=clock),
            Departures(store, vault=vault, audit=audit),
            Arrivals(
                database,
                store,
                vault=vault,
                hashers=hashers,
                budgets=budgets,
                erasures=self.erasures,
                clock=clock,
            ),
            Completing(database),
        )
        self.parts: Mapping[type, object] = {type(each): each for each in parts}
        """What carries out commands and answers queries, by class: routes ask for it (`web.routes.part`)."""

    async def prepare(self) -> None:
        """Open the log, so that a first append does not have to, and end what an erasure may have left over.

        Raises SettingsError when the keys are not this database's.
        """
        async with self.database.acquire() as conn:
            await self.store.open_logs(conn, [LOG])
            told = self._settings
            await must_fit(conn, told.shares, told.hashers.checks, check_value_of(told.digest_key_bytes))
        await self.erasures.finish()

    async def followed(self) -> dict[str, int]:
        """How far the other services' facts have come in."""
        async with self.database.acquire() as conn:
            return {FOLLOWED: await Checkpoints(CHECKPOINT).get(conn, LOG, FOLLOWED)}

    async def close(self) -> None:
        """Send the last notifications, then close the database."""
        await self.store.notifications.close()
        await self.database.close()


def _where(place: str | None) -> Whereabouts:
    return Whereabouts(LOG, watchers_of(place))


async def connect(settings: RegistrySettings, process: str, *, size_max: int | None = None) -> Database:
    """The database, checked before it is used. Raises UnsafeDatabaseError and SchemaRevisionError."""
    return await Database.connect_checked(
        settings.registry_database_url,
        service=SCHEMA,
        process=process,
        size_max=size_max or settings.registry_pool_size,
        waits=settings.waits(process),
    )


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
