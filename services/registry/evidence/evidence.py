"""Evidence files by reference: what a case names, and whether the caller may name it.

A file belongs to whoever uploaded it until a case names it; from then on to the person of the case, whose erasure
destroys its key too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.kit.database import Connection
from services.kit.errors import Problem
from services.registry.actors import Actor
from services.registry.tables import LOG

EVIDENCE_MAX = 20
"""Files one case may name."""


class UnknownEvidenceError(Problem):
    """A file the case names was not uploaded by the caller, or belongs to another person's case."""

    code = "unknown-evidence"
    status = 422
    title_zh = "佐证材料不存在或不可引用"
    title_en = "The evidence does not exist, or is not the caller's to name"


@dataclass(frozen=True)
class Evidence:
    """A stored file: the digest is of the file as uploaded."""

    evidence_id: str
    sha256: str
    media_type: str
    size: int
    person_id: str | None


async def require_evidence(
    conn: Connection,
    ids: Sequence[str | UUID],
    caller: Actor,
    *,
    person_id: UUID | None = None,
    pointer: str = "/evidence",
) -> list[Evidence]:
    """The files a case names, in order, bound to the person in the caller's transaction when one is given.

    Raises UnknownEvidenceError with the pointer of the first that is not the caller's, or that is bound to
    somebody else.
    """
    wanted = [str(each) for each in ids]
    rows = await conn.fetch(_FIND, LOG, sorted(set(wanted)))
    found = {row["evidence_id"]: row for row in rows}
    for index, each in enumerate(wanted):
        row = found.get(each)
        known = row is not None and may_name(caller, row["uploaded_by"], row["organization"])
        if row is None or not known or row["person_id"] not in (None, person_id and str(person_id)):
            raise UnknownEvidenceError(pointer=f"{pointer}/{index}")
    if person_id is not None and wanted:
        await conn.execute(_BIND, LOG, sorted(set(wanted)), str(person_id))
    return [evidence_of(found[each]) for each in wanted]


def evidence_of(row: object) -> Evidence:
    """The file of a row of the table."""
    fields = ("evidence_id", "sha256", "media_type", "size", "person_id")
    return Evidence(*(row[field] for field in fields))  # type: ignore[index]


def may_name(caller: Actor, uploaded_by: str, organization: str | None) -> bool:
    """Whether a file is the caller's own: their organization's, or their own when they act for none."""
    if organization is not None:
        return caller.organization == organization
    return caller.organization is None and caller.subject == uploaded_by


_FIND = (
    "select * from evidence where log = $1 and evidence_id = any($2::text[]) order by evidence_id for update"
)
_BIND = "update evidence set person_id = $3 where log = $1 and evidence_id = any($2::text[])"
