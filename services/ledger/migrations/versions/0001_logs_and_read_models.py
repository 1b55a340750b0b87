"""The ledger's logs, its read models and the keys of its commands."""

from alembic import op

from services.kit.audit_records import audit_tables_sql
from services.kit.budgets import budget_table_sql
from services.kit.event_store import event_tables_sql
from services.kit.idempotency import idempotency_table_sql
from services.kit.key_checks import key_check_table_sql
from services.kit.migrations import partitions_wanted
from services.ledger.store.organization_events import organization_event_sql
from services.ledger.store.tables import read_model_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table, hash-partitioned by log when the deployment asks for it."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    partitions = partitions_wanted()
    for statement in event_tables_sql(partitions=partitions):
        op.execute(statement)
    for statement in read_model_sql(partitions=partitions):
        op.execute(statement)
    for statement in (
        *idempotency_table_sql(partitions),
        *key_check_table_sql(partitions),
        *budget_table_sql(partitions),
        *organization_event_sql(partitions=partitions),
        *audit_tables_sql(),
    ):
        op.execute(statement)
