"""Transfers between authorities: who is about to arrive, and who departed."""

from alembic import op

from services.registry.moves.rows import moves_tables_sql

revision = "0060"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table of arrivals, and room for a departure."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in moves_tables_sql():
        op.execute(statement)
