"""The commands of a filing (备案): load, decide, append; its queue, and what the organization sees of its own."""

import uuid
from datetime import datetime, timedelta
from typing import Any

from contracts.divisions import AUTHORITIES, NATION, authority_of
from services.kit.clock import Clock, local_date
from services.kit.command import WritePath
from services.kit.database import Connection, Databases
from services.kit.idempotency import CommandKey, StoredAnswer
from services.kit.pydantic_models import view
from services.kit.review import Place, Step
from services.kit.rows import Entry
from services.ledger.cases.commands import Actor, FileTraining
from services.ledger.cases.views import FilingOutcome
from services.ledger.policy import Policy, Rejected, hours_within
from services.ledger.store.filings import FILING_OF_FACT, FILING_ROWS
from services.ledger.store.paging import cases_of, cases_of_place
from services.ledger.store.published_policies import PublishedPolicies
from services.ledger.store.unit import LedgerUnit
from services.ledger.streams import filing as filings
from services.ledger.streams.filing import (
    FILINGS,
    Filed,
    FilingAmended,
    FilingDuplicateError,
    FilingStep,
    FilingSubmitted,
    FilingTooLateError,
    FilingWorthUnclearError,
    HoursBeyondClockError,
    TrainingFiling,
    UnknownFilingError,
)
from services.ledger.streams.filing_terms import TrainingTerms
from services.ledger.streams.problems import (
    MomentImplausibleError,
    NotAProviderError,
    OutsidePlaceError,
    refusal_of,
)

AHEAD_MAX = timedelta(days=731)
"""How far ahead a training may be planned."""


def cursor_of(filing: TrainingFiling) -> Place:
    """A filing's place in the queue."""
    return filing.submitted_at, filing.filing_id


class Filings:
    """Submits, reviews and lists filings."""

    def __init__(
        self, databases: Databases, path: WritePath[LedgerUnit], policies: PublishedPolicies, clock: Clock
    ) -> None:
        self._databases = databases
        self._policies = policies
        self.now = clock
        self._path = path

    async def submit(self, command: FileTraining, actor: Actor, key: CommandKey) -> StoredAnswer:
        """File a training before it is held (S1-14, S3B-10).

        Raises NotAProviderError, FilingTooLateError, FilingWorthUnclearError, FilingDuplicateError, and a refusal of the
        policy.
        """
        if actor.organization is None:
            raise NotAProviderError
        filing_id = str(uuid.uuid4())

        async def act(unit: LedgerUnit) -> tuple[int, Any]:
            event = FilingSubmitted(**self._filed(command, actor, filing_id, unit.now))
            await _must_be_new(unit, event)
            return 201, _said(await _append(unit, None, event))

        return await self._path.execute(authority_of(command.place), key, act)

    async def amend(
        self, filing_id: str, command: FileTraining, actor: Actor, key: CommandKey
    ) -> StoredAnswer:
        """Correct a returned filing; it goes to the end of the queue. Raises UnknownFilingError, FilingStateError and as
        `submit`; the place cannot be changed (OutsidePlaceError)."""
        entry = await self._own(filing_id, actor)
        if command.place != entry.state.place:
            raise OutsidePlaceError(pointer="/place")

        async def act(unit: LedgerUnit) -> tuple[int, Any]:
            fresh = await load(unit.conn, entry.log, filing_id)
            event = FilingAmended(**self._filed(command, actor, filing_id, unit.now))
            FILINGS.must_allow("amend", fresh.state, actor.subject)
            await _must_be_new(unit, event)
            return 200, _said(await _append(unit, fresh, event))

        return await self._path.execute(entry.log, key, act)

    async def take(
        self, step: Step, filing_id: str, actor: Actor, key: CommandKey, **fields: Any
    ) -> StoredAnswer:
        """Take a step of the table; `fields` are those of its event.

        Raises UnknownFilingError and FilingStateError; NotAProviderError and FilingTooLateError for the organization's
        step, OutsidePlaceError and OwnFilingError for a reviewer's.
        """
        reviewed = step.by is filings.REVIEWER
        entry = await (self._reviewed if reviewed else self._own)(filing_id, actor)

        async def act(unit: LedgerUnit) -> tuple[int, Any]:
            fresh = await load(unit.conn, entry.log, filing_id)
            if reviewed:
                event = FILINGS.decide(step.name, fresh.state, by=actor.subject, at=unit.now, **fields)
            else:
                event = filings.withdraw(fresh.state, by=actor.subject, at=unit.now)
            return 200, _said(await _append(unit, fresh, event))

        return await self._path.execute(entry.log, key, act)

    async def find(self, filing_id: str, actor: Actor) -> Entry[TrainingFiling]:
        """A filing that the actor may see: an official of its place, or its organization. Raises UnknownFilingError."""
        entry = await self.lookup(filing_id, actor)
        if actor.covers(entry.state.place) or _owns(actor, entry.state):
            return entry
        raise UnknownFilingError

    async def lookup(self, filing_id: str, actor: Actor) -> Entry[TrainingFiling]:
        """A filing wherever it is, as far as the actor's place leaves logs open. Raises UnknownFilingError."""
        logs = [authority_of(actor.place)] if actor.place not in (None, NATION) else AUTHORITIES
        for database, there in self._databases.grouped(logs).items():
            async with database.acquire() as conn:
                entry = await FILING_ROWS.find(conn, there, filing_id)
            if entry is not None:
                return entry
        raise UnknownFilingError

    async def queue(self, place: str, states: list[str], after: Place, limit: int) -> list[TrainingFiling]:
        """The filings of a place and all under it, in order of submission."""
        return await cases_of_place(self._databases, FILING_ROWS, place, states, after, limit)

    async def own(self, organization_id: str, after: Place, limit: int) -> list[TrainingFiling]:
        """An organization's filings in all places, in order of submission."""
        return await cases_of(
            self._databases, FILING_ROWS, "organization_id", organization_id, after, limit, cursor=cursor_of
        )

    def terms_of(self, filing: TrainingFiling) -> TrainingTerms:
        """What the notice of the filing's place and year asks."""
        return TrainingTerms(self._policies.book.resolve(filing.place, filing.year), filing.mode)

    async def _own(self, filing_id: str, actor: Actor) -> Entry[TrainingFiling]:
        entry = await self.find(filing_id, actor)
        if not _owns(actor, entry.state):
            raise NotAProviderError
        return entry

    async def _reviewed(self, filing_id: str, actor: Actor) -> Entry[TrainingFiling]:
        entry = await self.find(filing_id, actor)
        if not actor.covers(entry.state.place):
            raise OutsidePlaceError
        return entry

    def _filed(self, command: FileTraining, actor: Actor, filing_id: str, now: datetime) -> dict[str, Any]:
        policy = self._policies.book.resolve(command.place, command.year)
        if policy is None:
            raise refusal_of(Rejected("no-policy", None, {"place": command.place, "year": str(command.year)}))
        _must_be_allowed(policy, command)
        begins = min(session.starts_at for session in command.sessions)
        if now >= begins:
            before = TrainingTerms(policy, command.mode).before
            raise FilingTooLateError(clause=before.clause if before else None)
        if max(session.ends_at for session in command.sessions) > now + AHEAD_MAX:
            raise MomentImplausibleError(pointer="/sessions")
        return {
            "filing_id": filing_id,
            "organization_id": actor.organization,
            "place": command.place,
            "year": command.year,
            "title": command.title,
            "mode": command.mode,
            "category": command.category,
            "sessions": tuple(sorted(command.sessions, key=lambda session: session.starts_at)),
            "conversion": command.conversion,
            "expected": command.expected,
            "courses": command.courses,
            "provisional": policy.provisional,
            "by": actor.subject,
            "at": now,
        }


async def _must_be_new(unit: LedgerUnit, event: Filed) -> None:
    other = await unit.find(FILING_OF_FACT, event.fact, besides=event.filing_id)
    if other is not None:
        raise FilingDuplicateError(filing_id=other)


def _must_be_allowed(policy: Policy, command: FileTraining) -> None:
    terms = policy.terms_of(command.mode)
    if not terms.allowed:
        raise refusal_of(Rejected("mode-not-allowed", terms.modes_clause, {"mode": command.mode}))
    if not policy.categories.knows(command.category):
        raise refusal_of(policy.categories.unknown())
    said = [session.credits is not None for session in command.sessions]
    by_hours = terms.units is not None and terms.units.convert and not any(said)
    if command.conversion is None and not all(said) and not by_hours:
        raise FilingWorthUnclearError(pointer="/sessions")
    if command.conversion is not None and any(said):
        raise FilingWorthUnclearError(pointer="/sessions")
    for session in command.sessions:
        most = hours_within(terms.units, int((session.ends_at - session.starts_at).total_seconds() // 60))
        if most is not None and session.hours > most:
            raise HoursBeyondClockError(
                pointer="/sessions", clause=terms.units.clause if terms.units else None
            )
    if command.conversion is not None and f"conversion.{command.conversion}" not in policy.settings:
        details = {"form": command.conversion, "year": str(command.year)}
        raise refusal_of(Rejected("form-not-recognised", None, details))


async def load(conn: Connection, log: str, filing_id: str) -> Entry[TrainingFiling]:
    """The filing as it is in this transaction. Raises UnknownFilingError."""
    entry = await FILING_ROWS.find(conn, [log], filing_id)
    if entry is None:
        raise UnknownFilingError
    return entry


async def _append(
    unit: LedgerUnit, entry: Entry[TrainingFiling] | None, event: Filed | FilingStep
) -> TrainingFiling:
    return (await FILING_ROWS.append(unit, filings.stream_of(event.filing_id), entry, event)).state


def _owns(actor: Actor, filing: TrainingFiling) -> bool:
    return actor.organization is not None and actor.organization == filing.organization_id


def _said(filing: TrainingFiling) -> FilingOutcome:
    decided_at = filing.decided_at if filing.state == "approved" else None
    return view(
        FilingOutcome,
        filing,
        in_time=decided_at < filing.begins_at if decided_at is not None else None,
        begins_on=local_date(filing.begins_at),
    )
