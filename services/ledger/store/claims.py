"""Claims as rows: found, written in the transaction of their events, and listed."""

from services.kit.command import Question
from services.kit.database import Connection
from services.kit.rows import Entry, StateRows
from services.ledger.store.unit import LedgerUnit
from services.ledger.streams import claim as claims
from services.ledger.streams.claim import OPEN, Claim
from services.ledger.streams.facts import FactCountedError, is_same

OPEN_CLAIM_OF_FACT = Question(
    "claims",
    "claim_id",
    {"person_id": "text", "fact": "text"},
    where="status in ('submitted', 'accepted', 'returned')",
)
"""Is there an open claim of this person for this fact?"""

CLAIM_ROWS: StateRows[Claim] = StateRows(
    "claims",
    Claim,
    prefix="claim:",
    key={"claim_id": "text"},
    columns={
        "person_id": ("text", lambda claim: claim.person_id),
        "fact": ("text", lambda claim: claim.fact),
        "organization_id": ("text", lambda claim: claim.organization),
        "collective": ("text", lambda claim: claim.collective),
        "place": ("text", lambda claim: claim.place),
        "status": ("text", lambda claim: claim.state),
        "submitted_at": ("timestamptz", lambda claim: claim.submitted_at),
    },
    events=(
        claims.ClaimSubmitted,
        claims.ClaimAmended,
        claims.ClaimAccepted,
        claims.ClaimReturned,
        claims.ClaimRefused,
        claims.ClaimWithdrawn,
        claims.ClaimApproved,
        claims.ClaimSatisfied,
        claims.ClaimReassigned,
    ),
    evolve=lambda claim, event, _: claims.evolve(claim, event),
)


async def claims_of_list(conn: Connection, log: str, collective: str) -> list[Entry[Claim]]:
    """The claims of an employer's list, in its order."""
    found = await CLAIM_ROWS.where(conn, [log], "collective = $2", collective)
    return sorted(found, key=lambda entry: entry.state.row or 0)


async def open_claims_of(conn: Connection, log: str, person_id: str) -> list[Entry[Claim]]:
    """The open claims of a person."""
    return await CLAIM_ROWS.where(
        conn, [log], "person_id = $2 and status = any($3::text[])", person_id, sorted(OPEN)
    )


async def must_be_unclaimed(unit: LedgerUnit, person_id: str, fact: str, claim_id: str) -> None:
    """No other open claim of the person is of the fact, or of a day of it (A-15); confirmed while the log is held, where the
    command is decided again.

    Raises FactCountedError naming the other claim.
    """

    async def other() -> str | None:
        found = [entry.state for entry in await open_claims_of(unit.conn, unit.log, person_id)]
        return next(
            (each.claim_id for each in found if each.claim_id != claim_id and is_same(each.fact, fact)), None
        )

    async def still_alone() -> bool:
        return await other() is None

    first = await other()
    if first is not None:
        raise FactCountedError(claim_id=first)
    unit.confirm(still_alone)


async def append_to_claim(
    unit: LedgerUnit,
    entry: Entry[Claim] | None,
    event: claims.Claimed | claims.ClaimStep | claims.ClaimReassigned,
) -> Claim:
    """Add an event to the claim's stream and write its row; the claim as it then stands."""
    return (await CLAIM_ROWS.append(unit, claims.stream_of(event.claim_id), entry, event)).state
