"""Reactions to the registry, whose facts become this service's own events: where each profile is, and which code each
organization has."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from contracts.envelope import PublishedEvent
from contracts.registry import InfoCollected, OrganizationRegistered, PersonErased, ProfilesMerged
from services.kit.command import UnitOfWork
from services.kit.database import Connection
from services.transfer.places import (
    HomeRecorded,
    OrganizationRecorded,
    ProfileHome,
    home_stream,
    organization_stream,
    record_home,
    record_merge,
)
from services.transfer.projection import project
from services.transfer.tables import LOG

# In one order, so that two workers cannot wait for each other.
_HOMES = """
select person_id, place, employer, version, transfer_id, merged_into from homes
 where log = $1 and person_id = any($2::text[]) order by person_id for update
"""
_ORGANIZATIONS = """
select organization_id, uscc, version from organizations where log = $1 and organization_id = any($2::text[])
"""

_FORGET_REMARKS = """
delete from remarks using transfers
 where remarks.log = $1 and transfers.log = $1 and transfers.transfer_id = remarks.transfer_id
   and transfers.person_id = any($2::text[])
"""


async def react(unit: UnitOfWork, facts: Sequence[PublishedEvent]) -> None:
    """Record what the registry says, fact by fact; what is known already is not recorded again, so a repeat is harmless.

    What people typed about somebody who was erased is forgotten: file names and the texts of refusals.
    """
    collected = {fact.person_id for fact in facts if isinstance(fact, InfoCollected)}
    collected |= {fact.merged_id for fact in facts if isinstance(fact, ProfilesMerged)}
    registered = {fact.organization_id for fact in facts if isinstance(fact, OrganizationRegistered)}
    news = _News(unit, await _homes(unit.conn, collected), await _organizations(unit.conn, registered))
    for fact in facts:
        news.take(fact)
    await project(unit.conn, LOG, news.recorded)
    erased = {fact.person_id for fact in facts if isinstance(fact, PersonErased)}
    if erased:
        await unit.conn.execute(_FORGET_REMARKS, LOG, sorted(erased))


class _News:
    """What a batch tells that was not known."""

    def __init__(
        self, unit: UnitOfWork, homes: dict[str, ProfileHome], organizations: dict[str, tuple[str, int]]
    ) -> None:
        self._unit = unit
        self._homes = homes
        self._organizations = organizations
        self.recorded: list[HomeRecorded | OrganizationRecorded] = []

    def take(self, fact: PublishedEvent) -> None:
        """Note one fact."""
        if isinstance(fact, InfoCollected):
            self._take_home(record_home(self._homes.get(fact.person_id), fact))
        elif isinstance(fact, ProfilesMerged):
            self._take_home(record_merge(self._homes.get(fact.merged_id), fact))
        elif isinstance(fact, OrganizationRegistered):
            self._take_organization(fact)

    def _take_home(self, event: HomeRecorded | None) -> None:
        if event is None:
            return
        known = self._homes.get(event.person_id)
        version = (known.version if known else 0) + 1
        self._homes[event.person_id] = ProfileHome(
            person_id=event.person_id,
            place=event.place,
            employer=event.employer,
            version=version,
            transfer_id=None if known is None else known.transfer_id,
            merged_into=event.merged_into,
        )
        self._record(event, home_stream(event.person_id), version)

    def _take_organization(self, fact: OrganizationRegistered) -> None:
        uscc, version = self._organizations.get(fact.organization_id, ("", 0))
        if uscc == fact.uscc:
            return
        self._organizations[fact.organization_id] = (fact.uscc, version + 1)
        event = OrganizationRecorded(organization_id=fact.organization_id, uscc=fact.uscc)
        self._record(event, organization_stream(event.organization_id), version + 1)

    def _record(self, event: HomeRecorded | OrganizationRecorded, stream_id: str, version: int) -> None:
        self.recorded.append(event)
        self._unit.add(stream_id, version, event)


async def _homes(conn: Connection, person_ids: Iterable[str]) -> dict[str, ProfileHome]:
    rows = await conn.fetch(_HOMES, LOG, sorted(person_ids))
    return {row["person_id"]: ProfileHome(**row) for row in rows}


async def _organizations(conn: Connection, ids: Iterable[str]) -> dict[str, tuple[str, int]]:
    rows = await conn.fetch(_ORGANIZATIONS, LOG, sorted(ids))
    return {row["organization_id"]: (row["uscc"], row["version"]) for row in rows}
