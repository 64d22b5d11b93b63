"""What follow-ups hang on."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "livery_thread",
        sa.Column("destination", sa.String(310), nullable=False),
        sa.Column("thread", sa.String(40), nullable=False),
        sa.Column("reference", sa.String(200), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("destination", "thread", name="pk_livery_thread"),
    )
