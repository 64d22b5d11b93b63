"""People who have signed in to the pages; of the secrets only hashes."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.create_table(
        "livery_session",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("tenant", sa.String(200)),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("used_at", sa.BigInteger, nullable=False),
        sa.Column("ends_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_livery_session"),
        sa.UniqueConstraint("digest", name="uq_livery_session_digest"),
    )
    op.create_index("ix_livery_session_ends_at", "livery_session", ["ends_at"])
