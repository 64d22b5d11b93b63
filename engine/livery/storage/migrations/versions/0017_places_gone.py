"""The execution engine counts what runs at once by itself: the ledger keeps no places for it."""

from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.drop_table("livery_place")
