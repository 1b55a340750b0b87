"""Scorecards: what each provider reported, and what became of it, by credit year and place."""

from alembic import op

from services.kit.migrations import partitions_wanted
from services.ledger.counting.scorecard_projection import scorecard_tables_sql

revision = "0051"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and their index."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in scorecard_tables_sql(partitions=partitions_wanted()):
        op.execute(statement)
