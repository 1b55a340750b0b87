"""One group of waiting requests becomes one transaction of one log."""

from collections.abc import Callable, Sequence

from msgspec import Struct

from contracts.divisions import AUTHORITIES
from services.kit.clock import Clock
from services.kit.database import Databases
from services.kit.event_store import Appended, EventStore
from services.ledger.intake.decide import Decider
from services.ledger.intake.outcomes import Decided
from services.ledger.intake.state import GroupState
from services.ledger.policy import PolicyBook
from services.ledger.provider import Provider
from services.ledger.records import Prepared


class Work(Struct):
    """The part of one request that belongs to one log."""

    provider_id: str
    records: Sequence[Prepared]


class IntakeWriter:
    """Loads, decides and appends for a group; `commit` is what the group commit calls."""

    def __init__(
        self, databases: Databases, store: EventStore, book: Callable[[], PolicyBook], clock: Clock
    ) -> None:
        self._databases = databases
        self._store = store
        self._book = book
        self._clock = clock
        self._names: dict[str, Provider] = {}

    async def commit(self, log: str, works: list[Work]) -> list[list[Decided]]:
        """Decide every record of the group and store what follows, in one transaction.

        Raises WrongExpectedVersion when another process was faster (decide again), and what the database raises.
        """
        state = GroupState(log, self._clock())
        prepared = [record for work in works for record in work.records]
        await self._learn_names(state, {work.provider_id for work in works})
        async with self._databases.of(log).transaction() as conn:
            await state.read(conn, self._store, prepared, (work.provider_id for work in works))
            await self._find_strangers(state, prepared)
            decider = Decider(state, self._book(), self._names)
            decided = [
                [decider.decide(work.provider_id, record) for record in work.records] for work in works
            ]
            appended = None
            if state.new_events:
                await state.write(conn)
                appended = await self._store.append(conn, log, state.new_events)
            else:
                await self._store.touch(conn)
        if appended is not None:
            self._store.hints.announce(self._databases.of(log), log)
        for answers in decided:
            for answer in answers:
                _place(answer, log, appended)
        return decided

    async def _learn_names(self, state: GroupState, provider_ids: set[str]) -> None:
        for provider_id in provider_ids - self._names.keys():
            named = await state.name_provider(self._databases, provider_id)
            if named is not None:
                self._names[provider_id] = named

    async def _find_strangers(self, state: GroupState, prepared: Sequence[Prepared]) -> None:
        strangers = {
            record.identity_hash
            for record in prepared
            if record.identity_hash not in state.profiles and record.identity not in state.earlier
        }
        if strangers:
            others = [other for other in AUTHORITIES if other != state.log]
            await state.look_elsewhere(self._databases, others, sorted(strangers))


def _place(answer: Decided, log: str, appended: Appended | None) -> None:
    """Say where the record's event stands, now that it is committed."""
    if answer.event is not None and appended is not None:
        answer.outcome.log = log
        answer.outcome.position = appended.first + answer.event
