"""Transfers between authorities: their kind, what the worker has to do next, and who is doing it."""

from alembic import op

from services.kit.migrations import partitions_wanted
from services.transfer.tables import between_authorities_sql

revision = "0010"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add columns, indexes and the table of leases."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in between_authorities_sql(partitions=partitions_wanted()):
        op.execute(statement)
