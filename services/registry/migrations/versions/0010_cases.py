"""Two-step review, changes of information, worklists with claims, and exam enrolments."""

from alembic import op

from services.registry.people.case_tables import case_tables_sql

revision = "0010"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Widen collections and people, and create what changes and worklists need."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in case_tables_sql():
        op.execute(statement)
