"""Chains of merges: which profile a merged one is part of now, at the end of its chain, and which are part of one."""

from collections.abc import Sequence
from uuid import UUID

from services.kit.database import Connection
from services.registry.store.tables import LOG
from services.registry.streams.merge import PersonMergedError

_LAST = """
with recursive chain as (
     select person_id as asked, person_id, merged_into from people
      where log = $1 and person_id = any($2::text[]) and merged_into is not null
      union all
     select chain.asked, p.person_id, p.merged_into from chain
       join people p on p.log = $1 and p.person_id = chain.merged_into)
select asked, person_id from chain where merged_into is null
"""

_PARTS = """
with recursive merged as (
     select person_id from people where log = $1 and merged_into = $2
      union all
     select each.person_id from people each join merged on each.merged_into = merged.person_id where each.log = $1)
select person_id from merged order by person_id
"""


async def parts_of(conn: Connection, person_id: UUID) -> list[UUID]:
    """The profiles that are part of a person's, also of one that is part of it."""
    return [UUID(row["person_id"]) for row in await conn.fetch(_PARTS, LOG, str(person_id))]


async def kept_profiles(conn: Connection, person_ids: Sequence[str]) -> dict[str, str]:
    """The profile that each of the merged ones among these is part of now; who is not merged is absent."""
    rows = await conn.fetch(_LAST, LOG, list(person_ids))
    return {row["asked"]: row["person_id"] for row in rows}


async def must_not_be_merged(conn: Connection, person_id: UUID, merged_into: UUID | str | None) -> None:
    """Raises PersonMergedError, which names the profile to ask instead: the last one, however often it was merged on."""
    if merged_into is not None:
        raise PersonMergedError(merged_into=(await kept_profiles(conn, [str(person_id)]))[str(person_id)])
