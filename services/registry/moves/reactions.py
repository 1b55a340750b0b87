"""Reactions to completed transfers: a person stands under the place that has them, or is marked as departed."""

from collections.abc import Iterable, Sequence
from uuid import UUID

from contracts.envelope import PublishedEvent
from contracts.transfer import ProfileTransferred
from services.kit.aggregates import Aggregates
from services.kit.database import Connection
from services.kit.event_store import EventStore
from services.registry.store.projection import project
from services.registry.store.tables import LOG
from services.registry.streams.person import Person


class UnknownArrivalError(Exception):
    """A profile moved of somebody whom this registry has never collected.

    The transfer service knows people from our own feed alone, so one of the two was restored from an older backup:
    following waits until somebody has looked.
    """


class TransferReaction:
    """Moves people where their profiles have arrived; a transfer heard of before changes nothing."""

    def __init__(self, store: EventStore) -> None:
        self._aggregates = Aggregates(store, LOG)

    async def react(self, conn: Connection, facts: Sequence[PublishedEvent]) -> None:
        """Store the rows and events of a batch of facts, in order, in the caller's transaction.

        The append is the last statement here: commit at once. Raises UnknownArrivalError, and WrongExpectedVersion when
        a command has just changed the same person.
        """
        arrivals = [fact for fact in facts if isinstance(fact, ProfileTransferred)]
        people = await self._people(conn, {fact.person_id for fact in arrivals})
        for fact in arrivals:
            _take(people[fact.person_id], fact)
        moved = [person for person in people.values() if person.pending_events]
        if not moved:
            return
        for person in moved:
            await project(conn, LOG, tuple(person.pending_events))
        await self._aggregates.save(conn, *moved)

    async def _people(self, conn: Connection, ids: Iterable[str]) -> dict[str, Person]:
        """In one order, so that two workers cannot wait for each other."""
        wanted = sorted(ids)
        found = await self._aggregates.get_all(conn, Person, [UUID(each) for each in wanted])
        people = {str(person.id): person for person in found.values()}
        missing = [each for each in wanted if each not in people]
        if missing:
            raise UnknownArrivalError(", ".join(missing))
        return {each: people[each] for each in wanted}


def _take(person: Person, fact: ProfileTransferred) -> None:
    """The origin tells last: if the profile has arrived here, it departed to nowhere else."""
    if fact.end == "origin":
        person.depart(transfer_id=fact.transfer_id, to_place=fact.to_place, at=fact.transferred_at)
        return
    person.move(
        transfer_id=fact.transfer_id,
        place=fact.to_place,
        employer=fact.employer,
        at=fact.transferred_at,
        arrived=fact.end == "destination",
    )
