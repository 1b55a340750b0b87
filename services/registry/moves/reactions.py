"""Reactions to completed transfers: a person stands under the place that has them, or is marked as departed."""

from collections.abc import Sequence
from uuid import UUID

from contracts.envelope import PublishedEvent
from contracts.transfer import ProfileTransferred
from services.registry.store.commands import Unit
from services.registry.streams.person import Person


class UnknownArrivalError(Exception):
    """A profile moved of somebody whom this registry has never collected.

    The transfer service knows people from our own feed alone, so one of the two was restored from an older backup:
    following waits until somebody has looked.
    """


async def react(unit: Unit, facts: Sequence[PublishedEvent]) -> None:
    """Move people where their profiles have arrived, fact by fact; a transfer heard of before changes nothing.

    Raises UnknownArrivalError.
    """
    arrivals = [fact for fact in facts if isinstance(fact, ProfileTransferred)]
    # In one order, so that two workers cannot wait for each other.
    wanted = [UUID(each) for each in sorted({fact.person_id for fact in arrivals})]
    found = await unit.get_all(Person, wanted)
    missing = [str(each) for each in wanted if each not in found]
    if missing:
        raise UnknownArrivalError(", ".join(missing))
    for fact in arrivals:
        _take(found[UUID(fact.person_id)], fact)
    unit.keep(*(found[each] for each in wanted))


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
