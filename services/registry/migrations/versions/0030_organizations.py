"""Standing, yearly documents, evaluations and accounts of organizations; their rows come from `xuefen rebuild`."""

from alembic import op

from services.registry.organizations.tables import organization_tables_sql

revision = "0030"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of organizations, and room for a secret that is on its way out."""
    op.execute("SET LOCAL lock_timeout = '5s'")
    for statement in organization_tables_sql():
        op.execute(statement)
