"""The log, the keys of commands, and the registry's own tables."""

from alembic import op

from services.kit.audit_records import audit_tables_sql
from services.kit.budgets import budget_table_sql
from services.kit.event_store import event_tables_sql
from services.kit.idempotency import idempotency_table_sql
from services.kit.key_checks import key_check_table_sql
from services.kit.migrations import partitions_wanted
from services.registry.store.tables import tables_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    partitions = partitions_wanted()
    for statement in (
        *event_tables_sql(partitions=partitions),
        *idempotency_table_sql(partitions),
        *audit_tables_sql(),
        *key_check_table_sql(partitions),
        *budget_table_sql(partitions),
        *tables_sql(),
    ):
        op.execute(statement)
