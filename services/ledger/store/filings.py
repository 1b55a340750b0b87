"""The rows of filings and rosters: the same statements write them beside their events and rebuild them."""

from services.kit.command import Question
from services.kit.database import Connection
from services.kit.event_store import table_sql
from services.kit.rows import StateRows
from services.ledger.streams import filing as filings
from services.ledger.streams import roster as rosters
from services.ledger.streams.filing import TrainingFiling
from services.ledger.streams.roster import Roster

_FILINGS = """
create table filings (
    log text collate "C" not null,
    filing_id text collate "C" not null,
    organization_id text collate "C" not null,
    place text collate "C" not null,
    fact text collate "C" not null,
    status text collate "C" not null,
    submitted_at timestamptz not null,
    version integer not null,
    state bytea not null,
    primary key (log, filing_id)
)"""

_ROSTERS = """
create table rosters (
    log text collate "C" not null,
    roster_id text collate "C" not null,
    filing_id text collate "C" not null,
    organization_id text collate "C" not null,
    place text collate "C" not null,
    status text collate "C" not null,
    uploaded_at timestamptz not null,
    version integer not null,
    state bytea not null,
    primary key (log, roster_id)
)"""


def filing_tables_sql(*, partitions: int = 0) -> list[str]:
    """The statements that create `filings` and `rosters`, with the indexes of their queues and of who handed in."""
    return [
        *table_sql("filings", _FILINGS, partitions=partitions),
        *table_sql("rosters", _ROSTERS, partitions=partitions),
        "create index filings_queue on filings (log, status, submitted_at, filing_id)",
        "create index filings_of_fact on filings (log, fact)",
        "create index filings_of_organization on filings (log, organization_id, submitted_at)",
        "create index rosters_queue on rosters (log, status, uploaded_at, roster_id)",
        "create index rosters_of_filing on rosters (log, filing_id)",
        "create index rosters_of_organization on rosters (log, organization_id, uploaded_at)",
    ]


FILING_OF_FACT = Question(
    "filings", "filing_id", {"fact": "text"}, where="status in ('submitted', 'returned', 'approved')"
)
"""Is there an open or approved filing of this training?"""

FILING_ROWS: StateRows[TrainingFiling] = StateRows(
    "filings",
    TrainingFiling,
    prefix="filing:",
    key={"filing_id": "text"},
    columns={
        "organization_id": ("text", lambda filing: filing.organization_id),
        "place": ("text", lambda filing: filing.place),
        "fact": ("text", lambda filing: filing.fact),
        "status": ("text", lambda filing: filing.state),
        "submitted_at": ("timestamptz", lambda filing: filing.submitted_at),
    },
    events=(
        filings.FilingSubmitted,
        filings.FilingAmended,
        filings.FilingApproved,
        filings.FilingReturned,
        filings.FilingRefused,
        filings.FilingWithdrawn,
    ),
    evolve=lambda filing, event, _: filings.evolve(filing, event),
)
ROSTER_ROWS: StateRows[Roster] = StateRows(
    "rosters",
    Roster,
    prefix="roster:",
    key={"roster_id": "text"},
    columns={
        "filing_id": ("text", lambda roster: roster.filing_id),
        "organization_id": ("text", lambda roster: roster.organization_id),
        "place": ("text", lambda roster: roster.place),
        "status": ("text", lambda roster: roster.state),
        "uploaded_at": ("timestamptz", lambda roster: roster.uploaded_at),
    },
    events=(rosters.RosterUploaded, rosters.RosterReviewed, rosters.RosterRowsReleased),
    evolve=lambda roster, event, _: rosters.evolve(roster, event),
)


async def rosters_of_filing(conn: Connection, log: str, filing_id: str) -> list[Roster]:
    """What was reported of a training before, in order of upload."""
    found = await ROSTER_ROWS.where(conn, [log], "filing_id = $2", filing_id, order="uploaded_at, roster_id")
    return [entry.state for entry in found]
