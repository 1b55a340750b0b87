"""Anomalies: the study of each person's day, and what looks impossible in it."""

from alembic import op

from services.kit.migrations import partitions_wanted
from services.ledger.store.anomalies import anomaly_tables_sql

revision = "0041"
down_revision = "0051"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables and their index."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in anomaly_tables_sql(partitions=partitions_wanted()):
        op.execute(statement)
