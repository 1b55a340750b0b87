"""The ledger's logs, its read models and the keys of its commands."""

from alembic import op

from services.kit.audit_records import audit_tables_sql
from services.kit.budgets import budget_table_sql
from services.kit.event_store import event_tables_sql
from services.kit.idempotency import idempotency_table_sql
from services.kit.key_checks import key_check_table_sql
from services.kit.migrations import partitions_wanted
from services.ledger.counting.scorecards import scorecard_tables_sql
from services.ledger.counting.standing_rows import standing_tables_sql
from services.ledger.counting.trials import trial_tables_sql
from services.ledger.store.anomalies import anomaly_tables_sql
from services.ledger.store.departures import moving_tables_sql
from services.ledger.store.filings import filing_tables_sql, year_tables_sql
from services.ledger.store.organization_events import organization_event_sql
from services.ledger.store.tables import claim_tables_sql, read_model_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = (
    event_tables_sql,
    read_model_sql,
    claim_tables_sql,
    filing_tables_sql,
    moving_tables_sql,
    standing_tables_sql,
    year_tables_sql,
    scorecard_tables_sql,
    anomaly_tables_sql,
    trial_tables_sql,
)
"""The log first, then what is read from it; every table can be partitioned by log."""


def upgrade() -> None:
    """Create every table, hash-partitioned by log when the deployment asks for it."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    partitions = partitions_wanted()
    for tables in TABLES:
        for statement in tables(partitions=partitions):
            op.execute(statement)
    for statement in (
        *idempotency_table_sql(partitions),
        *key_check_table_sql(partitions),
        *budget_table_sql(partitions),
        *organization_event_sql(partitions=partitions),
        *audit_tables_sql(),
    ):
        op.execute(statement)
