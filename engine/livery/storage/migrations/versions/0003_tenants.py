"""Tenants, and the revisions by which other processes learn of changes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "livery_tenant",
        sa.Column("id", sa.String(200), nullable=False),
        sa.Column("parent", sa.String(200)),
        sa.Column("level", sa.String(20), nullable=False),
        sa.Column("name", sa.String(400)),
        sa.Column("locale", sa.String(85)),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.Column("removed_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_livery_tenant"),
    )
    op.create_index("ix_livery_tenant_parent", "livery_tenant", ["parent"])
    op.create_table(
        "livery_revision",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("value", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_livery_revision"),
    )
