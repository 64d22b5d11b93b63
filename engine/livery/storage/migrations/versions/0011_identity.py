"""API tokens and one-time sign-in links; of both only hashes."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "livery_api_token",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("shown", sa.String(40), nullable=False),
        sa.Column("tenant", sa.String(200)),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("expires_at", sa.BigInteger),
        sa.Column("used_at", sa.BigInteger),
        sa.Column("revoked_at", sa.BigInteger),
        sa.Column("revoked_by", sa.String(200), nullable=False, server_default=sa.text("''")),
        sa.PrimaryKeyConstraint("id", name="pk_livery_api_token"),
        sa.UniqueConstraint("digest", name="uq_livery_api_token_digest"),
    )
    op.create_index("ix_livery_api_token_tenant", "livery_api_token", ["tenant"])
    op.create_table(
        "livery_sign_in_link",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("principal", sa.Text, nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_livery_sign_in_link"),
    )
