"""Audit of refused readings, erasure, evidence files, and uploads of many persons at once."""

from alembic import op

from services.registry.tables import personal_data_tables_sql

revision = "0020"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Widen the audit and the people, and create what evidence, erasure and uploads need."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in personal_data_tables_sql():
        op.execute(statement)
