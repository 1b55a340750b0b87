"""Closed years: which place closed which credit year, as every writer of the log must know."""

from alembic import op

from services.kit.migrations import partitions_wanted
from services.ledger.store.years import year_tables_sql

revision = "0040"
down_revision = "0050"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in year_tables_sql(partitions=partitions_wanted()):
        op.execute(statement)
