"""On PostgreSQL: the first function that took jobs goes, which none uses since 0016."""

from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION livery_pgqueuer_take_1")
