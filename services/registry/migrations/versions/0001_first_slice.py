"""The log, the keys of commands, and the registry's own tables."""

from alembic import op

from services.kit.event_store import event_tables_sql
from services.kit.idempotency import idempotency_table_sql
from services.kit.migrations import partitions_wanted
from services.registry.tables import registry_tables_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table of the first slice."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    partitions = partitions_wanted()
    statements = [*event_tables_sql(partitions=partitions), *idempotency_table_sql(partitions)]
    for statement in [*statements, *registry_tables_sql()]:
        op.execute(statement)
