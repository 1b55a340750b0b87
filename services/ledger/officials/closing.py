"""The close of a year, corrections after it, and what waits when a year is closed or a notice comes: commands, and how the
year stands (S2A-08, B-07)."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct

from contracts.divisions import NATION, authority_of, chain_of, contains
from services.kit.clock import start_of_day
from services.kit.command import WritePath
from services.kit.database import Connection, Databases
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.projection import Checkpoints
from services.kit.pydantic_models import view
from services.ledger.policy import Category, Policy, Rejected
from services.ledger.policy.policy import Basis
from services.ledger.store.filings import YEAR_ROWS, closures_of
from services.ledger.store.people import Keeper, People
from services.ledger.store.profiles import read_profiles
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.store.unit import LedgerUnit, release_waiting
from services.ledger.streams import account as accounts
from services.ledger.streams import year as years
from services.ledger.streams.account_events import CreditEarned
from services.ledger.streams.facts import Facts, identity_in
from services.ledger.streams.problems import (
    NoPolicyHereError,
    OutsidePlaceError,
    UnknownCreditError,
    refusal_of,
)
from services.ledger.streams.who_judges import must_judge
from services.ledger.streams.year import Closure, CorrectionReason, YearNotClosedError

_BY_CLOSES, _BY_NOTICES = Checkpoints("ended-waiting"), Checkpoints("freed-waiting")
_WAITING = """
select person_id, year from accounts
 where log = $1 and (person_id, year) > ($2, $3) and position('"waiting":['::bytea in state) > 0
 order by person_id, year limit $4
"""


class CloseYear(Struct, frozen=True, kw_only=True):
    """Close a credit year for a place and all under it (S2A-08)."""

    place: str
    year: int
    decided_by: str


class CorrectYear(Struct, frozen=True, kw_only=True):
    """Register credits in a person's closed year, on an official's word (B-07).

    `reference` is the number of the decision or file it rests on, by which a repeat is told; `corrects` the ended credit it
    stands for, where there is one.
    """

    person_id: str
    year: int
    category: Category
    credits: Decimal
    mode: str
    completed_on: date
    reason: CorrectionReason
    reference: str
    authority: str
    decided_by: str
    corrects: str | None = None


class YearAnswer(Struct, frozen=True, kw_only=True):
    """How a credit year stands at a place; `closed_at_place` is the place whose close binds it, null while it is open.

    `last_day` is the last day of study or registration by the notices in force here, or, once closed, of those the close
    looked at. `basis` and `provisional` say by what the year is judged (B-20).
    """

    place: str
    year: int
    state: str
    last_day: date
    basis: Basis
    provisional: bool
    clause: str | None = None
    closed_at_place: str | None = None
    closed_at: datetime | None = None


class ClosedYear(Struct, frozen=True, kw_only=True):
    """A year that was closed: for which place, after which last day, by which clause."""

    place: str
    year: int
    state: str
    last_day: date
    clause: str
    closed_at: datetime


class CorrectedYear(Struct, frozen=True, kw_only=True):
    """The credit that a correction registered."""

    person_id: str
    year: int
    credit_id: str
    credits: Decimal
    correction: CorrectionReason


class YearActs:
    """Closes years, corrects closed ones, and says which are closed."""

    def __init__(
        self,
        databases: Databases,
        path: WritePath[LedgerUnit],
        policies: PublishedPolicies,
        people: People,
        facts: Facts,
    ) -> None:
        self._databases = databases
        self._policies = policies
        self._people = people
        self._facts = facts
        self._path = path

    async def close(self, command: CloseYear, key: CommandKey) -> StoredAnswer:
        """Close a year: from this commit on the log takes only make-up and corrections for it (B-07).

        Raises NoPolicyHereError, YearAlreadyClosedError, YearUndecidedError and YearNotOverError.
        """
        log = authority_of(command.place)
        await self._policies.refresh()

        async def act(unit: LedgerUnit) -> tuple[int, object]:
            policy = self.policy_of(command.place, command.year)
            before = await self._closure_of(unit.conn, log, command.place, command.year)
            event = years.close(
                policy,
                self._under(command.place, command.year),
                before,
                decided_by=command.decided_by,
                now=unit.now,
            )
            stream_id = years.stream_of(command.place, command.year)
            await YEAR_ROWS.append(unit, stream_id, None, event)
            unit.binding = True
            return 201, view(ClosedYear, event, state="closed")

        return await self._path.execute(log, key, act)

    async def correct(self, command: CorrectYear, key: CommandKey) -> StoredAnswer:
        """Register credits in a closed year, marked as a correction with its reason.

        Raises UnknownPersonError, OutsidePlaceError, NoPolicyHereError, YearNotClosedError, UnknownCreditError,
        FactCountedError, as `must_judge`, and a refusal when the credits are not plausible.
        """
        home = await self._people.keeper_of(command.person_id, command.authority)
        place = home.profile.person.place
        if not contains(command.authority, place):
            raise OutsidePlaceError
        must_judge(home.profile, command.year, self._policies.book)

        async def act(unit: LedgerUnit) -> tuple[int, object]:
            if unit.closures.find(place, command.year) is None:
                raise YearNotClosedError
            policy = self.policy_of(place, command.year).of_person(home.profile.person)
            _must_be_plausible(policy, command)
            await unit.read_accounts([command.person_id], [command.year])
            entry = unit.account(command.person_id, command.year)
            if command.corrects is not None and not any(
                credit.credit_id == command.corrects for credit in entry.account.credits
            ):
                raise UnknownCreditError(pointer="/corrects")
            evidence = {"reference": command.reference}
            fact = self._facts.digest(command.year, "correction", evidence)
            identity = identity_in(entry.account, fact)
            event = _corrected(command, home, policy, fact, identity, unit)
            unit.append_to_account(entry, event, identity)
            release_waiting(unit, policy, entry, place)
            return 201, view(CorrectedYear, event, correction=command.reason)

        return await self._path.execute(home.log, key, act)

    async def reconsider_waiting(self, log: str, *, page: int = 500) -> int:
        """Look again at what waits in a log, once after every close and every notice: what a notice frees is registered, and
        what waits in vain ends; how many completions wait no longer.

        Harmless to repeat, and begun anew when it breaks off: a page of accounts in each transaction.
        """
        after: tuple[str, int] | None = ("", 0)
        settled, goal = 0, dict[tuple[Checkpoints, str], int]()

        async def act(unit: LedgerUnit) -> tuple[tuple[str, int] | None, int]:
            assert after is not None
            # What came meanwhile is of the next walk: it has not been asked of the pages before.
            goal.update(goal or self._said(unit))
            behind = [
                (marks, source, position)
                for (marks, source), position in goal.items()
                if await marks.lock(unit.conn, log, source) < position
            ]
            if not behind:
                return None, 0
            found = [(row[0], row[1]) for row in await unit.conn.fetch(_WAITING, log, *after, page)]
            if len(found) < page:
                for marks, source, position in behind:
                    await marks.advance(unit.conn, log, source, position)
            return found[-1] if len(found) == page else None, await self._settle(unit, found)

        while after is not None:
            after, count = await self._path.store(log, act)
            settled += count
        return settled

    def _said(self, unit: LedgerUnit) -> dict[tuple[Checkpoints, str], int]:
        """How far the closes of a log have come, and the notices that reach it."""
        book, closed = self._policies.book, unit.closures
        generation = (closed.generation or 0) if closed.by_year else 0
        return {
            (_BY_CLOSES, unit.log): generation,
            (_BY_NOTICES, unit.log): book.last_position(unit.log),
            (_BY_NOTICES, NATION): book.last_position(NATION),
        }

    async def _settle(self, unit: LedgerUnit, keys: Sequence[tuple[str, int]]) -> int:
        persons = sorted({person_id for person_id, _ in keys})
        await unit.read_accounts(persons, sorted({year for _, year in keys}))
        profiles, before = await read_profiles(unit.conn, unit.log, persons), 0
        for person_id, year in keys:
            profile, entry = profiles[person_id][1], unit.account(person_id, year)
            policy = self._policies.book.policy_for(profile.person, year)
            if policy is not None and profile.left is None:
                before += len(entry.account.waiting)
                release_waiting(unit, policy, entry, profile.person.place)
                before -= len(entry.account.waiting)
        return before

    async def closure(self, place: str, year: int) -> Closure | None:
        """The close that binds a place in a year, its own or one above it; None while the year is open."""
        log = authority_of(place)
        async with self._databases.of(log).acquire() as conn:
            return await self._closure_of(conn, log, place, year)

    def policy_of(self, place: str, year: int) -> Policy:
        """What governs the year at the place. Raises NoPolicyHereError."""
        policy = self._policies.book.resolve(place, year)
        if policy is None:
            raise NoPolicyHereError
        return policy

    def _under(self, place: str, year: int) -> list[Policy]:
        """The policies of the places under one that have notices of their own."""
        book = self._policies.book
        codes = sorted(
            {entry.notice.place for entry in book if contains(place, entry.notice.place)} - {place}
        )
        return [policy for code in codes if (policy := book.resolve(code, year)) is not None]

    async def _closure_of(self, conn: Connection, log: str, place: str, year: int) -> Closure | None:
        chain = chain_of(place)
        found = await closures_of(conn, log, chain, year)
        return next((found[code] for code in chain if code in found), None)


def _must_be_plausible(policy: Policy, command: CorrectYear) -> None:
    if command.credits <= 0:
        raise refusal_of(Rejected("credits-not-positive"))
    if (refused := policy.record_limit.refusal(command.credits)) is not None:
        raise refusal_of(refused)
    if not policy.categories.knows(command.category):
        raise refusal_of(policy.categories.unknown())


def _corrected(
    command: CorrectYear, home: Keeper, policy: Policy, fact: str, identity: str, unit: LedgerUnit
) -> CreditEarned:
    completed_at = start_of_day(command.completed_on)
    if completed_at > unit.now:
        raise refusal_of(Rejected("completed-in-future"))
    credit_id = accounts.credit_id_of(home.log, identity)
    return CreditEarned(
        credit_id=credit_id,
        person_id=command.person_id,
        year=command.year,
        category=command.category,
        credits=command.credits,
        mode=command.mode,
        completion_id=command.corrects or credit_id,
        completed_at=completed_at,
        content=fact,
        route="correction",
        decided_by=command.decided_by,
        fact=fact,
        place=home.profile.person.place,
        clause=policy.requirements[0].clause,
        policy=policy.hash,
        registered_at=unit.now,
        correction=command.reason,
        provisional=policy.provisional,
    )
