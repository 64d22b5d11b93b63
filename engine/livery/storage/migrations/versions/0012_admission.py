"""Limits over all workers: the places of channels and destinations, where their rates stand, and who waits for one."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.create_table(
        "livery_place",
        sa.Column("key", sa.String(310), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("holder", sa.String(60), nullable=False, server_default=sa.text("''")),
        sa.Column("until", sa.BigInteger, nullable=False, server_default="0"),
        sa.Column("took", sa.BigInteger, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("key", "number", name="pk_livery_place"),
    )
    op.create_table(
        "livery_pace",
        sa.Column("key", sa.String(310), nullable=False),
        sa.Column("free", sa.BigInteger, nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_livery_pace"),
    )
    op.add_column("livery_delivery", sa.Column("admission", sa.Integer, nullable=False, server_default="0"))
