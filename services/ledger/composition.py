"""Composition of the ledger's parts, once for a process."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from hashlib import blake2b

from contracts.divisions import AUTHORITIES, NATION, authority_of, watchers_of
from contracts.identity import IdentityHashers
from services.kit.audit import Audit, Whereabouts
from services.kit.budgets import Budget, Budgets
from services.kit.clock import Clock, utc_now
from services.kit.database import Database, Databases
from services.kit.event_store import EventStore
from services.kit.key_checks import DIGEST_KEY, IDENTITY_KEY, check_value_of, must_hold_the_keys
from services.kit.quotas import Quotas, QuotaTerms
from services.ledger.answers.attestations import Attestations
from services.ledger.answers.queries import CreditListing, LedgerQueries
from services.ledger.answers.transcripts import Transcripts
from services.ledger.answers.units import Units
from services.ledger.cases.claims import Claims
from services.ledger.cases.collective import CollectiveClaims
from services.ledger.cases.filings import Filings
from services.ledger.cases.registrations import Registrations
from services.ledger.cases.roster_rows import RosterPreparer
from services.ledger.cases.rosters import Rosters
from services.ledger.counting.archive import Archives
from services.ledger.counting.registrations import RegistrationCounts
from services.ledger.counting.reviews import ReviewCounts
from services.ledger.counting.scorecards import ScorecardCounts
from services.ledger.counting.standing_counts import EmployerCounts, StandingCounts
from services.ledger.counting.trials import PolicyTrials
from services.ledger.intake.api_feed import OrganizationFeed
from services.ledger.intake.intake import Intake
from services.ledger.intake.posted_completions import PostedCompletions
from services.ledger.intake.posted_records import PostedRecords
from services.ledger.intake.records import Preparer
from services.ledger.intake.reporting import Reporter
from services.ledger.moving.arrivals import Arrivals
from services.ledger.moving.departures import Departures
from services.ledger.officials.anomaly_review import AnomalyReviews
from services.ledger.officials.closing import YearActs
from services.ledger.officials.publication import PolicyPublisher
from services.ledger.officials.recognition import Recognitions
from services.ledger.officials.relief import Reliefs
from services.ledger.officials.revocation import Revocations
from services.ledger.policy import bundled_notices
from services.ledger.reactions.reactions import Reactions
from services.ledger.reactions.rehash import LedgerRehash
from services.ledger.settings import BUDGETS, LedgerSettings
from services.ledger.store.filings import ClosedYears
from services.ledger.store.people import Employers, People
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.store.unit import write_path
from services.ledger.streams.facts import Facts

SCHEMA = "ledger"


class Ledger:
    """The ledger of one process: its databases, and all that reads and writes them."""

    def __init__(
        self,
        databases: Databases,
        hashers: IdentityHashers,
        *,
        digest_key: bytes,
        audit_key: bytes,
        store: EventStore | None = None,
        clock: Clock = utc_now,
        budgets: Mapping[str, Budget] = BUDGETS,
        quotas: QuotaTerms | None = None,
    ) -> None:
        self.databases = databases
        self.clock = clock
        self.audit = Audit(databases, clock, key=audit_key, where=_where)
        self.store = store or EventStore()
        self.hashers = hashers
        self.policies = PublishedPolicies(databases, self.store)
        self.budgets = Budgets(databases.of(NATION), NATION, budgets, clock)
        self.quotas = Quotas(databases.of(NATION), NATION, quotas or QuotaTerms(), clock)
        self.people = People(databases)
        self.employers = Employers(databases)
        closed = ClosedYears(self.store)
        path = write_path(databases, self.store, closed, clock)
        self.intake = Intake(databases, self.store, path, closed, self.policies, clock)
        self.publisher = PolicyPublisher(path, self.policies)
        self.digest_check = check_value_of(digest_key)
        self.facts = Facts(digest_key)
        # Bodies hold ID numbers; a fingerprint of them is kept.
        self.fingerprint_key = blake2b(b"idempotency", key=digest_key[:64], digest_size=32).digest()
        # The registry holds the same key: neither has to ask the other for a client's secret.
        self.signing_key = digest_key
        self.claims = Claims(databases, path, self.policies, self.people, self.facts)
        self.registrations = Registrations(path, self.policies, self.facts)
        self.attestations = Attestations(databases, self.store, path, self.policies, self.people, clock)
        self.listing = CreditListing(databases)
        self.registration_counts = RegistrationCounts(databases)
        self.standing_counts = StandingCounts(databases)
        self.scorecard_counts = ScorecardCounts(databases)
        self.employer_counts = EmployerCounts(databases)
        self.review_counts = ReviewCounts(databases, self.policies, clock)
        self.queries = LedgerQueries(databases, self.store, self.policies, self.people, clock)
        self.transcripts = Transcripts(databases, self.people)
        self.units = Units(self.employers, self.people, self.policies, clock)
        self.posted = PostedCompletions(databases, self.store, self.people)
        self.posted_records = PostedRecords(databases, self.store)
        self.feed = OrganizationFeed(databases, self.store)
        preparer = Preparer(hashers)
        self.reporter = Reporter(self.intake, self.posted, databases, preparer, self.budgets, clock)
        self.filings = Filings(databases, path, self.policies, clock)
        rows = RosterPreparer(hashers)
        self.rosters = Rosters(databases, path, self.policies, self.filings, self.facts, rows, clock)
        self.departures = Departures(databases, self.store, path, self.policies, self.people, clock)
        self.arrivals = Arrivals(databases, path, lambda: self.policies.book, self.facts)
        self.reliefs = Reliefs(path, self.policies, self.people)
        self.anomalies = AnomalyReviews(databases, self.store, path)
        self.collective_claims = CollectiveClaims(databases, path, self.policies, self.people, self.claims)
        self.recognitions = Recognitions(databases, path, self.policies)
        self.revocations = Revocations(databases, path, self.policies, self.people)
        self.years = YearActs(databases, path, self.policies, self.people, self.facts)
        self.trials = PolicyTrials(databases, self.policies, clock)
        self.archives = Archives(databases, self.policies, self.years, clock)
        self.rehash = LedgerRehash(databases, self.store, path)
        self.reactions = Reactions(databases, path, self.policies, self.facts)

    async def prepare(self) -> None:
        """Open every log, publish the notices that come with this release, and read all that are published.

        Publishing what is published already changes nothing, so every process may do it at its start. Raises SettingsError
        when a key or an algorithm is not this database's.
        """
        for database, logs in self.databases.grouped(AUTHORITIES).items():
            async with database.acquire() as conn:
                await self.store.open_logs(conn, logs)
                await must_hold_the_keys(conn, logs, IDENTITY_KEY, self.hashers.checks)
                await must_hold_the_keys(conn, logs, DIGEST_KEY, [self.digest_check])
        for notice in bundled_notices():
            await self.publisher.publish_policy(notice, unless_published=True)
        await self.policies.refresh()

    async def close(self) -> None:
        """Finish what was taken on, then close the databases."""
        await self.intake.close()
        await self.quotas.close()
        await self.store.notifications.close()
        await self.databases.close()


def _where(place: str | None) -> Whereabouts:
    """Readings are on record beside the people they were of."""
    chain = watchers_of(place)
    return Whereabouts(authority_of(chain[0]), chain)


async def connect(settings: LedgerSettings, process: str) -> Databases:
    """The ledger's databases, each checked before it is used.

    Raises UnsafeDatabaseError and SchemaRevisionError.
    """
    urls = settings.ledger_databases
    by_dsn: dict[str, Database] = {}
    try:
        for dsn in dict.fromkeys([settings.ledger_database_url, *urls.values()]):
            by_dsn[dsn] = await Database.connect_checked(
                dsn,
                service=SCHEMA,
                process=process,
                size_max=settings.ledger_pool_size,
                waits=settings.waits(process),
            )
    except BaseException:
        for database in by_dsn.values():
            await database.close()
        raise
    return Databases(by_dsn[settings.ledger_database_url], {log: by_dsn[dsn] for log, dsn in urls.items()})


@asynccontextmanager
async def open_ledger(
    settings: LedgerSettings, process: str, store: EventStore | None = None
) -> AsyncIterator[Ledger]:
    """A ledger that is ready for use, closed at the end."""
    hashers, digest_key = settings.hashers, settings.digest_key_bytes
    databases = await connect(settings, process)
    ledger = Ledger(
        databases,
        hashers,
        digest_key=digest_key,
        budgets=settings.budgets,
        quotas=settings.ledger_quotas,
        audit_key=settings.audit_key_bytes,
        store=store,
    )
    try:
        await ledger.prepare()
        yield ledger
    finally:
        await ledger.close()
