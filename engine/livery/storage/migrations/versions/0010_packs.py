"""Uploaded packs, which of them is active where, and stencils that machines share."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.create_table(
        "livery_pack_version",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("tenant", sa.String(200), nullable=False),
        sa.Column("pack", sa.String(64), nullable=False),
        sa.Column("version", sa.String(100), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.BigInteger, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("signed_by", sa.String(200), nullable=False),
        sa.Column("counts", sa.Text, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("report", sa.Text, nullable=False),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sa.Column("signature", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_livery_pack_version"),
        sa.UniqueConstraint("tenant", "pack", "version", name="uq_livery_pack_version_tenant"),
    )
    op.create_table(
        "livery_pack_active",
        sa.Column("tenant", sa.String(200), nullable=False),
        sa.Column("pack", sa.String(64), nullable=False),
        sa.Column("version", sa.String(40), nullable=False),
        sa.Column("is_active", sa.Integer, nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "pack", name="pk_livery_pack_active"),
        sa.ForeignKeyConstraint(
            ["version"], ["livery_pack_version.id"], name="fk_livery_pack_active_version_livery_pack_version"
        ),
    )
    op.create_index("ix_livery_pack_active_version", "livery_pack_active", ["version"])
    op.create_index("ix_livery_pack_active_revision", "livery_pack_active", ["revision"])
    op.create_table(
        "livery_pack_change",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("tenant", sa.String(200), nullable=False),
        sa.Column("pack", sa.String(64), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("before", sa.String(40), nullable=False),
        sa.Column("after", sa.String(40), nullable=False),
        sa.Column("before_name", sa.String(100), nullable=False),
        sa.Column("after_name", sa.String(100), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("used", sa.String(64)),
        sa.Column("is_used", sa.Integer, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_livery_pack_change"),
    )
    op.create_index("ix_livery_pack_change_tenant_pack", "livery_pack_change", ["tenant", "pack"])
    op.create_table(
        "livery_stencil",
        sa.Column("name", sa.String(64), nullable=False),
        sa.Column("seal", sa.String(64), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("made_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_livery_stencil"),
    )
    op.create_index("ix_livery_stencil_made_at", "livery_stencil", ["made_at"])
