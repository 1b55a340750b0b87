"""One group of waiting requests becomes one transaction of one log."""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from contracts.divisions import AUTHORITIES
from services.kit.clock import Clock
from services.kit.database import Databases
from services.kit.event_store import Appended, EventStore
from services.ledger.intake.decide import Decider
from services.ledger.intake.records import Completion, Prepared, Record
from services.ledger.intake.schemas import Decided
from services.ledger.policy import PolicyBook
from services.ledger.store.nation import Nation
from services.ledger.store.unit import LedgerUnit, find_profiles, read_providers
from services.ledger.store.years import ClosedYears
from services.ledger.streams.profile import Profile


class Work(Struct):
    """The part of one request that belongs to one log."""

    provider_id: str
    records: Sequence[Prepared]


class IntakeWriter:
    """Loads, decides and appends for a group; `commit` is what the group commit calls."""

    def __init__(
        self,
        databases: Databases,
        store: EventStore,
        book: Callable[[], PolicyBook],
        closed: ClosedYears,
        clock: Clock,
    ) -> None:
        self._databases = databases
        self._store = store
        self._book = book
        self._clock = clock
        self._nation = Nation(databases)
        self._closed = closed

    async def commit(self, log: str, works: list[Work]) -> list[list[Decided]]:
        """Decide every record of the group and store what follows, in one transaction.

        Raises WrongExpectedVersion when another process was faster (decide again), and what the database raises.
        """
        prepared = [record for work in works for record in work.records]
        await self._nation.learn({work.provider_id for work in works})
        strangers: dict[str, Profile | None] = {}
        while True:
            async with self._databases.of(log).transaction() as conn:
                unit = LedgerUnit(conn, self._store, log, self._clock(), await self._closed.of(conn, log))
                # Whoever is refused is told what was so when they asked; a group of thousands is not decided anew for it.
                unit.confirms_accounts = False
                await read_for_records(unit, prepared, (work.provider_id for work in works))
                unknown = _strangers(unit, prepared) - strangers.keys()
                if not unknown:
                    unit.elsewhere = {
                        key: profile for key, profile in strangers.items() if profile is not None
                    }
                    decided = self._decide(unit, works)
                    appended = await unit.commit()
                    break
            # Outside the transaction: whoever holds one connection while waiting for another may wait for ever.
            strangers |= await self._look_elsewhere(log, unknown)
        if appended is not None:
            self._store.notifications.notify(self._databases.of(log), log)
        for answers in decided:
            for answer in answers:
                _place(answer, log, appended)
        return decided

    def _decide(self, unit: LedgerUnit, works: list[Work]) -> list[list[Decided]]:
        decider = Decider(unit, self._book(), self._nation.providers)
        return [[decider.decide(work.provider_id, record) for record in work.records] for work in works]

    async def _look_elsewhere(self, log: str, strangers: set[str]) -> dict[str, Profile | None]:
        """The profile that each stranger to this log has in another (design 15)."""
        others = [other for other in AUTHORITIES if other != log]
        found: dict[str, Profile] = {}
        for database, there in self._databases.grouped(others).items():
            async with database.acquire() as conn:
                found |= await find_profiles(conn, there, sorted(strangers))
        return {stranger: found.get(stranger) for stranger in strangers}


def _strangers(unit: LedgerUnit, prepared: Sequence[Prepared]) -> set[str]:
    """The persons of new records that this log holds no profile of."""
    return {
        record.identity_hash
        for record in prepared
        if record.identity_hash not in unit.profiles and record.identity not in unit.earlier
    }


def _place(answer: Decided, log: str, appended: Appended | None) -> None:
    """Say where the record's event stands, now that it is committed."""
    if answer.event is not None and appended is not None:
        answer.outcome.log = log
        answer.outcome.position = appended.first + answer.event


async def read_for_records(
    unit: LedgerUnit,
    prepared: Sequence[Prepared],
    provider_ids: Iterable[str],
) -> None:
    """Read all that the records ask for from this log."""
    await unit.read_earlier([record.identity for record in prepared])
    hashes = list({record.identity_hash for record in prepared})
    await unit.read_people(hashes, sorted({record.record.year for record in prepared}))
    unit.providers |= await read_providers(unit.conn, unit.log, provider_ids)
    await unit.read_filings({cited for record in prepared if (cited := _cited(record.record)) is not None})
    strangers = [identity_hash for identity_hash in hashes if identity_hash not in unit.profiles]
    profiles = unit.profiles
    misnamed = {
        record.identity_hash
        for record in prepared
        if (profile := profiles.get(record.identity_hash)) is not None
        and not profile.is_called(record.identity_hash, record.name_hash)
    }
    absent = misnamed | {
        identity_hash for identity_hash, profile in profiles.items() if profile.left is not None
    }
    if strangers or absent:
        await unit.read_rooms([*strangers, *absent])


def _cited(record: Record) -> str | None:
    return record.filing if isinstance(record, Completion) else None
