"""The worklist of credits that await recognition, and the commands that recognise them: named, or all of a worklist."""

from typing import Any

from contracts.divisions import authority_of, contains
from services.kit.clock import Clock
from services.kit.database import Connection, Databases
from services.kit.errors import Language, Problem, problem_body
from services.kit.event_store import EventStore
from services.kit.idempotency import CommandKey, StoredAnswer
from services.ledger.accounts.account import stream_of
from services.ledger.accounts.profile import Profile
from services.ledger.accounts.profile_rows import read_profiles
from services.ledger.accounts.walking import walk
from services.ledger.execution import Execution
from services.ledger.intake.state import AccountEntry, GroupState
from services.ledger.policy import Credit
from services.ledger.problems import OutsidePlaceError, UnknownPersonError
from services.ledger.publication.shelf import PolicyShelf
from services.ledger.recognitions.answers import (
    AwaitingCredit,
    AwaitingWorklist,
    Recognised,
    RecognitionAnswer,
)
from services.ledger.recognitions.commands import NamedCredit, RecogniseCredits, RecogniseWorklist
from services.ledger.recognitions.recognising import awaiting, recognise


class Recognitions:
    """Lists and recognises credits for officials of the persons' place."""

    def __init__(self, databases: Databases, store: EventStore, shelf: PolicyShelf, clock: Clock) -> None:
        self._databases = databases
        self._shelf = shelf
        self._execution = Execution(databases, store, clock)

    async def worklist(self, place: str, year: int, after: str | None, limit: int) -> AwaitingWorklist:
        """What awaits recognition of the next `limit` people of a place and all under it, in order of place and person."""
        log = authority_of(place)
        async with self._databases.of(log).acquire() as conn:
            page = await walk(conn, log, place, year, after, limit)
        results = [
            _awaiting(profile, year, credit, clause)
            for profile, _, account in page.people
            for credit, clause in awaiting(self._shelf.book.resolve(profile.person.place, year), account)
        ]
        return AwaitingWorklist(results=results, log=log, position=page.position, next=page.next)

    async def recognise_named(
        self, command: RecogniseCredits, key: CommandKey, language: Language
    ) -> StoredAnswer:
        """Recognise the credits named; each is answered, and those that can be are recognised together."""
        log = authority_of(command.authority)

        async def act(conn: Connection, state: GroupState) -> tuple[int, Any]:
            persons = sorted({named.person_id for named in command.credits})
            profiles = await read_profiles(conn, log, persons)
            await state.read_accounts(conn, persons, sorted({named.year for named in command.credits}))
            results = []
            for named in command.credits:
                try:
                    self._recognise(state, profiles, named, command)
                except Problem as problem:
                    results.append(_refused(named, problem_body(problem, language)))
                else:
                    results.append(_done(named.credit_id, named.person_id))
            return 200, RecognitionAnswer(results=results)

        return await self._execution.execute(log, key, act)

    async def recognise_worklist(self, command: RecogniseWorklist, key: CommandKey) -> StoredAnswer:
        """Recognise all that awaits it of the next people of a place and year."""
        log = authority_of(command.place)

        async def act(conn: Connection, state: GroupState) -> tuple[int, Any]:
            page = await walk(conn, log, command.place, command.year, command.after, command.limit)
            results = []
            for profile, version, account in page.people:
                person = profile.person
                policy = self._shelf.book.resolve(person.place, command.year)
                found = awaiting(policy, account)
                if account is None or not found:
                    continue
                entry = AccountEntry(version, account, stream_of(person.person_id, command.year))
                for credit, _ in found:
                    event = recognise(
                        policy,
                        account,
                        credit.credit_id,
                        authority=command.authority,
                        decided_by=command.decided_by,
                        now=state.now,
                    )
                    state.append_to_account(entry, event)
                    results.append(_done(credit.credit_id, person.person_id))
            return 200, RecognitionAnswer(results=results, next=page.next)

        return await self._execution.execute(log, key, act)

    def _recognise(
        self,
        state: GroupState,
        profiles: dict[str, tuple[int, Profile]],
        named: NamedCredit,
        command: RecogniseCredits,
    ) -> None:
        known = profiles.get(named.person_id)
        if known is None:
            raise UnknownPersonError
        place = known[1].person.place
        if not contains(command.authority, place):
            raise OutsidePlaceError
        entry = state.account(named.person_id, named.year)
        event = recognise(
            self._shelf.book.resolve(place, named.year),
            entry.account,
            named.credit_id,
            authority=command.authority,
            decided_by=command.decided_by,
            now=state.now,
        )
        state.append_to_account(entry, event)


def _awaiting(profile: Profile, year: int, credit: Credit, clause: str) -> AwaitingCredit:
    return AwaitingCredit(
        credit_id=credit.credit_id,
        person_id=profile.person.person_id,
        place=profile.person.place,
        year=year,
        category=credit.category,
        credits=credit.credits,
        mode=credit.mode,
        route=credit.route,
        provider_id=credit.provider,
        completed_at=credit.completed_at,
        registered_at=credit.registered_at,
        clause=clause,
    )


def _done(credit_id: str, person_id: str) -> Recognised:
    return Recognised(credit_id=credit_id, person_id=person_id, outcome="recognised")


def _refused(named: NamedCredit, problem: dict[str, Any]) -> Recognised:
    return Recognised(
        credit_id=named.credit_id, person_id=named.person_id, outcome="refused", problem=problem
    )
