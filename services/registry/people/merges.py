"""Merges of profiles (合并) as changes: the other profile that a case names, and its return when the merge was wrong."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from services.kit.command import Question
from services.registry.store.commands import Unit
from services.registry.streams.actor import Actor
from services.registry.streams.change import SEPARATION, Change
from services.registry.streams.merge import MERGE, must_be_mergeable, refused
from services.registry.streams.person import Person
from services.registry.streams.problems import OutsidePlaceError

OPEN = Question("changes", "change_id", {"person_id": "text"}, "state in ('submitted', 'returned')")
"""A person's change that is under way: they have one at a time."""


async def mergeable(unit: Unit, by: Actor, person: Person, items: Mapping[str, Any]) -> Person:
    """The other profile of a merge, which an official of both places asks for, or confirms.

    Raises OutsidePlaceError, also where there is no such person, and MergeRefusedError.
    """
    other = await unit.get_if_any(Person, UUID(items[MERGE]["person_id"]))
    if other is None:
        raise OutsidePlaceError(pointer="/items/merge")
    by.must_cover(person.profile.place)
    by.must_cover(other.profile.place, pointer="/items/merge")
    must_be_mergeable(person, other)
    pending = await unit.find(OPEN, str(other.id))
    if pending is not None:
        raise refused("change_pending", change_id=pending)
    return other


def stand_alone(merged: Person, change: Change, by: Actor, at: datetime) -> None:
    """Put a profile that was merged by mistake on record by itself again, with the names and numbers that it had.

    Raises OutsidePlaceError.
    """
    by.must_cover(merged.profile.place)
    merged.stand_alone(by=by, at=at)
    merged.change_info(
        change_id=change.id,
        cause=SEPARATION,
        items=[MERGE],
        identity_hash=merged.identity_hash,
        claim=None,
        former=merged.former,
        profile=merged.profile,
        by=by,
        at=at,
    )
