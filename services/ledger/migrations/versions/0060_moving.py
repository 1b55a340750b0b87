"""Departures to other authorities as a read model."""

from alembic import op

from services.kit.migrations import partitions_wanted
from services.ledger.store.departures import moving_tables_sql

revision = "0060"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and its index."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in moving_tables_sql(partitions=partitions_wanted()):
        op.execute(statement)
