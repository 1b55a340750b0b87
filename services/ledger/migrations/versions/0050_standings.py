"""Standings: the status of each person's year, and what they add up to by place."""

from alembic import op

from services.kit.migrations import partitions_wanted
from services.ledger.counting.standing_rows import standing_tables_sql

revision = "0050"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and their indexes."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in standing_tables_sql(partitions=partitions_wanted()):
        op.execute(statement)
