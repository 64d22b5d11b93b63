"""Settings of tenants, and the trail of their changes."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_SLOT = ("tenant", "event_type", "channel", "field", "item", "is_lock", "starts", "ends")


def _slot_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("tenant", sa.String(200), nullable=False),
        sa.Column("event_type", sa.String(200), nullable=False),
        sa.Column("channel", sa.String(100), nullable=False),
        sa.Column("field", sa.String(40), nullable=False),
        sa.Column("item", sa.String(400), nullable=False),
        sa.Column("is_lock", sa.Integer, nullable=False),
        sa.Column("starts", sa.BigInteger, nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "livery_setting",
        *_slot_columns(),
        sa.Column("operation", sa.String(10), nullable=False),
        sa.Column("value", sa.Text, nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint(*_SLOT, name="pk_livery_setting"),
    )
    op.create_table(
        "livery_setting_change",
        *_slot_columns(),
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("undo_of", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id", "number", name="pk_livery_setting_change"),
    )
    op.create_index("ix_livery_setting_change_revision", "livery_setting_change", ["revision"])
    op.create_index("ix_livery_setting_change_id", "livery_setting_change", ["id"])
    op.create_table(
        "livery_setting_revision",
        sa.Column("tenant", sa.String(200), nullable=False),
        sa.Column("revision", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("tenant", name="pk_livery_setting_revision"),
    )
