"""Who arrived from another authority and still has to complete their information; its rows come from `xuefen rebuild`."""

from alembic import op

from services.registry.moves.completing import completing_tables_sql

revision = "0061"
down_revision = "0060"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in completing_tables_sql():
        op.execute(statement)
