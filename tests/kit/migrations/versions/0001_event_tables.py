"""The event tables and one read model, for tests of the plumbing by itself."""

from alembic import op

from services.kit.audit_records import audit_tables_sql
from services.kit.event_store import event_tables_sql
from services.kit.migrations import partitions_wanted

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in (*event_tables_sql(partitions=partitions_wanted()), *audit_tables_sql()):
        op.execute(statement)
    op.execute("create table totals (log text, name text, amount bigint not null, primary key (log, name))")
