"""Claims as a read model: the state of each, and the queues of each place in order of submission."""

from alembic import op

from services.kit.migrations import partitions_wanted
from services.ledger.store.tables import claim_tables_sql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and its index."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in claim_tables_sql(partitions=partitions_wanted()):
        op.execute(statement)
