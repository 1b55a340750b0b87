"""The sessions of the console."""

from alembic import op

from services.console.sessions import tables_sql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create everything."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in tables_sql():
        op.execute(statement)
