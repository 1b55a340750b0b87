"""Filings and rosters as read models: the state of each, the queues of each place, and who handed them in."""

from alembic import op

from services.kit.migrations import partitions_wanted
from services.ledger.store.filings import filing_tables_sql

revision = "0030"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and their indexes."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in filing_tables_sql(partitions=partitions_wanted()):
        op.execute(statement)
