"""Checkpoints, the keys of commands, and the tables of deliveries."""

from alembic import op

from services.kit.audit_records import audit_tables_sql
from services.kit.event_store import event_tables_sql
from services.kit.idempotency import idempotency_table_sql
from services.kit.migrations import partitions_wanted
from services.sync.tables import tables_sql
from services.sync.webhooks.deliveries import webhook_tables_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything. The log holds the endpoints of webhooks; what operators command is on record in the ledger."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    partitions = partitions_wanted()
    for statement in (
        *event_tables_sql(partitions=partitions),
        *idempotency_table_sql(partitions),
        *audit_tables_sql(),
        *tables_sql(partitions=partitions),
        *webhook_tables_sql(partitions=partitions),
    ):
        op.execute(statement)
