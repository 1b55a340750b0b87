"""The commands of a roster: uploaded after the training, decided by its bureau, registered with the decision."""

from collections.abc import Sequence

import msgspec

from contracts.divisions import AUTHORITIES, NATION, authority_of
from services.kit.clock import Clock, local_date
from services.kit.command import WritePath
from services.kit.database import Connection, Databases
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.review import Place
from services.kit.rows import Entry
from services.kit.table_reader import Table
from services.ledger.cases.commands import Actor, ReviewRoster, UploadRoster
from services.ledger.cases.filings import Filings, load
from services.ledger.cases.roster_registry import Registrar
from services.ledger.cases.roster_rows import RosterPreparer
from services.ledger.cases.roster_upload import Uploading
from services.ledger.cases.views import FileColumn, RosterAnswer, summary_of
from services.ledger.store.filings import ROSTER_ROWS, rosters_of_filing
from services.ledger.store.nation import Nation
from services.ledger.store.paging import cases_of, cases_of_place
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.store.unit import LedgerUnit, find_profiles, read_providers
from services.ledger.streams import roster as rosters
from services.ledger.streams.facts import Facts
from services.ledger.streams.problems import NotAProviderError, OutsidePlaceError
from services.ledger.streams.profile import Profile
from services.ledger.streams.roster import (
    Reporter,
    Roster,
    RosterFaultyError,
    RosterReviewed,
    RosterUploaded,
    RowDecision,
    UnknownRosterError,
)
from services.ledger.streams.year import CorrectionReason


def cursor_of(roster: Roster) -> Place:
    """A roster's place in the queue."""
    return roster.uploaded_at, roster.roster_id


class Rosters:
    """Takes rosters in, has them reviewed, and lists them."""

    def __init__(
        self,
        databases: Databases,
        path: WritePath[LedgerUnit],
        policies: PublishedPolicies,
        filings: Filings,
        facts: Facts,
        preparer: RosterPreparer,
        clock: Clock,
    ) -> None:
        self._databases = databases
        self._policies = policies
        self._filings = filings
        self._facts = facts
        self._preparer = preparer
        self._clock = clock
        self._nation = Nation(databases)
        self._path = path

    async def upload(self, command: UploadRoster, actor: Actor, key: CommandKey) -> StoredAnswer:
        """Report who attended a training (S1-15, S3B-10); every row is answered.

        Raises NotAProviderError, UnknownFilingError, ReporterNotAllowedError, FilingNotApprovedError,
        HeldBeforeApprovalError, TrainingNotEndedError, RosterLateError, WorkingDaysUnknownError, and RosterFaultyError
        when rows cannot be taken.
        """
        if actor.organization is None:
            raise NotAProviderError
        entry = await self._filings.lookup(command.filing_id, actor)
        now = self._clock()
        prepared = self._preparer.prepare(command.table, local_date(now))
        hashes = sorted({item.row.identity_hash for item in prepared if item.row is not None})
        elsewhere = await self._elsewhere(entry.log, hashes)
        await self._nation.learn({actor.organization, entry.state.organization_id})
        organization = actor.organization

        async def act(unit: LedgerUnit) -> tuple[int, object]:
            filing = (await load(unit.conn, entry.log, command.filing_id)).state
            terms = self._filings.terms_of(filing)
            reporter: Reporter = "provider" if organization == filing.organization_id else "employer"
            terms.must_report(reporter)
            terms.must_have_come_before(filing, unit.now)
            reported = terms.reported(filing, unit.now, command.late_reason)
            before = await rosters_of_filing(unit.conn, entry.log, filing.filing_id)
            unit.elsewhere = elsewhere
            await self._read(unit, hashes, filing.year, filing.organization_id)
            registrar = self._registrar(unit)
            uploading = Uploading(
                unit,
                registrar,
                command,
                filing,
                before,
                organization,
                self._employer(reporter, organization),
            )
            answers, rows = uploading.decide(prepared)
            answer = RosterAnswer(results=answers, summary=summary_of(answers))
            _say_columns(answer, command.table.table)
            if uploading.faulty and (not command.partial or not rows):
                raise RosterFaultyError(results=msgspec.to_builtins(answers), summary=answer.summary)
            if not rows:
                answer.roster_id = answers[0].roster_id
                return 200, answer
            uploaded = RosterUploaded(
                roster_id=f"{filing.filing_id}-{len(before) + 1}",
                filing_id=filing.filing_id,
                organization_id=organization,
                reporter=reporter,
                place=filing.place,
                year=filing.year,
                rows=tuple(rows),
                due=reported.due,
                late=reported.late,
                late_reason=command.late_reason if reported.late else None,
                clause=reported.clause,
                by=actor.subject,
                at=unit.now,
            )
            await append(unit, None, uploaded)
            answer.roster_id, answer.late, answer.due = uploaded.roster_id, uploaded.late, uploaded.due
            answer.clause = uploaded.clause
            return 201, answer

        return await self._path.execute(entry.log, key, act)

    async def review(self, command: ReviewRoster, actor: Actor, key: CommandKey) -> StoredAnswer:
        """Approve rows, or refuse them with a reason; approved rows are in the accounts when the answer comes.

        Raises UnknownRosterError, OutsidePlaceError, OwnFilingError, UnknownRowError and RosterDecidedError.
        """
        entry = await self.find(command.roster_id, actor)
        roster: Roster = entry.state
        if not actor.covers(roster.place):
            raise OutsidePlaceError
        hashes = sorted({row.identity_hash for row in roster.rows})
        elsewhere = await self._elsewhere(entry.log, hashes)
        filing = await self._filings.lookup(roster.filing_id, actor)
        await self._nation.learn({filing.state.organization_id, roster.organization_id})

        async def act(unit: LedgerUnit) -> tuple[int, object]:
            fresh = await load_roster(unit.conn, entry.log, command.roster_id)
            rows = rosters.to_decide(
                command.step, fresh.state, command.rows, by=actor.subject, organization=actor.organization
            )
            if command.reason is not None:
                refused = tuple(
                    RowDecision(row_id=row.row_id, outcome="refused", reason=command.reason) for row in rows
                )
                return 200, await self._reviewed(unit, fresh, refused, actor)
            unit.elsewhere = elsewhere
            hashes = sorted({row.identity_hash for row in rows})
            await self._read(unit, hashes, fresh.state.year, filing.state.organization_id)
            await unit.read_rooms(hashes)
            registrar = self._registrar(unit, command.correction)
            employer = self._employer(fresh.state.reporter, fresh.state.organization_id)
            decisions = tuple(
                registrar.approve(filing.state, fresh.state, row, employer, actor.subject) for row in rows
            )
            answer = await self._reviewed(unit, fresh, decisions, actor)
            return 200, answer

        return await self._path.execute(entry.log, key, act)

    async def find(self, roster_id: str, actor: Actor) -> Entry[Roster]:
        """A roster that the actor may see: an official of its place, or who uploaded it. Raises UnknownRosterError."""
        logs = [authority_of(actor.place)] if actor.place not in (None, NATION) else AUTHORITIES
        for database, there in self._databases.grouped(logs).items():
            async with database.acquire() as conn:
                entry = await ROSTER_ROWS.find(conn, there, roster_id)
            if entry is not None:
                own = actor.organization is not None and actor.organization == entry.state.organization_id
                if own or actor.covers(entry.state.place):
                    return entry
        raise UnknownRosterError

    async def queue(self, place: str, states: list[str], after: Place, limit: int) -> list[Roster]:
        """The rosters of a place and all under it, in order of upload."""
        return await cases_of_place(
            self._databases, ROSTER_ROWS, place, states, after, limit, at="uploaded_at"
        )

    async def own(self, organization_id: str, after: Place, limit: int) -> list[Roster]:
        """What an organization uploaded in all places, in order."""
        return await cases_of(
            self._databases,
            ROSTER_ROWS,
            "organization_id",
            organization_id,
            after,
            limit,
            cursor=cursor_of,
            at="uploaded_at",
        )

    def _registrar(self, unit: LedgerUnit, correction: CorrectionReason | None = None) -> Registrar:
        return Registrar(unit, self._policies.book, self._nation.providers, self._facts, correction)

    def _employer(self, reporter: Reporter, organization_id: str) -> str | None:
        """The code by which an employer's people are told, when an employer reports; one nobody knows employs nobody."""
        if reporter == "provider":
            return None
        known = self._nation.providers.get(organization_id)
        return (known.uscc if known is not None else None) or "unknown"

    async def _read(self, unit: LedgerUnit, hashes: list[str], year: int, organization_id: str) -> None:
        await unit.read_people(hashes, [year])
        unit.providers |= await read_providers(unit.conn, unit.log, [organization_id])

    async def _reviewed(
        self,
        unit: LedgerUnit,
        entry: Entry[Roster],
        decisions: Sequence[RowDecision],
        actor: Actor,
    ) -> dict[str, object]:
        roster: Roster = entry.state
        event = RosterReviewed(
            roster_id=roster.roster_id,
            filing_id=roster.filing_id,
            organization_id=roster.organization_id,
            place=roster.place,
            year=roster.year,
            rows=tuple(decisions),
            by=actor.subject,
            at=unit.now,
        )
        after = await append(unit, entry, event)
        return {"roster_id": roster.roster_id, "state": after.state, "results": decisions}

    async def _elsewhere(self, log: str, hashes: Sequence[str]) -> dict[str, Profile]:
        """The profiles that the persons have in other logs (design 15)."""
        others = [other for other in AUTHORITIES if other != log]
        found: dict[str, Profile] = {}
        for database, there in self._databases.grouped(others).items():
            async with database.acquire() as conn:
                found |= await find_profiles(conn, there, hashes)
        return found


async def load_roster(conn: Connection, log: str, roster_id: str) -> Entry[Roster]:
    """The roster as it is in this transaction. Raises UnknownRosterError."""
    entry = await ROSTER_ROWS.find(conn, [log], roster_id)
    if entry is None:
        raise UnknownRosterError
    return entry


async def append(
    unit: LedgerUnit, entry: Entry[Roster] | None, event: RosterUploaded | RosterReviewed
) -> Roster:
    """Add an event to the roster's stream and write its row; the roster as it then stands."""
    return (await ROSTER_ROWS.append(unit, rosters.stream_of(event.roster_id), entry, event)).state


def _say_columns(answer: RosterAnswer, table: Table | None) -> None:
    if table is not None:
        answer.columns = [
            FileColumn(name=table.form.column(each.name).en, header=each.header, letter=each.letter)
            for each in table.columns
        ]
        answer.not_taken = list(table.not_taken)
