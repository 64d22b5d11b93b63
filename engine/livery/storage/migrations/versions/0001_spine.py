"""Events, deliveries, attempts and wakes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "livery_event",
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("tenant", sa.String(200), nullable=False),
        sa.Column("source", sa.String(200), nullable=False),
        sa.Column("event_id", sa.String(200), nullable=False),
        sa.Column("type", sa.String(200), nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("accepted_at", sa.BigInteger, nullable=False),
        sa.Column("planned_at", sa.BigInteger),
        sa.Column("audience", sa.Text),
        sa.PrimaryKeyConstraint("key", name="pk_livery_event"),
        sa.UniqueConstraint("tenant", "source", "event_id", name="uq_livery_event_tenant"),
    )
    op.create_table(
        "livery_delivery",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("tenant", sa.String(200), nullable=False),
        sa.Column("event_key", sa.String(40), nullable=False),
        sa.Column("event_id", sa.String(200), nullable=False),
        sa.Column("event_type", sa.String(200), nullable=False),
        sa.Column("channel", sa.String(100), nullable=False),
        sa.Column("unique_key", sa.String(64), nullable=False),
        sa.Column("destination", sa.Text, nullable=False),
        sa.Column("envelope", sa.Text, nullable=False),
        sa.Column("endpoint", sa.Text),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(40)),
        sa.Column("attempts", sa.Integer, nullable=False, server_default="0"),
        sa.Column("crashes", sa.Integer, nullable=False, server_default="0"),
        sa.Column("fence", sa.Integer, nullable=False, server_default="0"),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("settled_at", sa.BigInteger),
        sa.Column("settled", sa.Text, nullable=False, server_default="{}"),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("locale", sa.String(85), nullable=False),
        sa.Column("message_id", sa.Text, nullable=False),
        sa.Column("degraded", sa.Text, nullable=False, server_default="[]"),
        sa.Column("warnings", sa.Text, nullable=False, server_default="[]"),
        sa.Column("trace", sa.Text, nullable=False, server_default="{}"),
        sa.Column("wire", sa.LargeBinary),
        sa.PrimaryKeyConstraint("id", name="pk_livery_delivery"),
        sa.ForeignKeyConstraint(["event_key"], ["livery_event.key"], name="fk_livery_delivery_event_key"),
        sa.UniqueConstraint("unique_key", name="uq_livery_delivery_unique_key"),
    )
    op.create_index("ix_livery_delivery_event_key", "livery_delivery", ["event_key"])
    op.create_index("ix_livery_delivery_tenant_created_at", "livery_delivery", ["tenant", "created_at"])
    op.create_index("ix_livery_delivery_created_at", "livery_delivery", ["created_at"])
    op.create_index("ix_livery_delivery_state", "livery_delivery", ["state"])
    op.create_table(
        "livery_attempt",
        sa.Column("delivery", sa.String(40), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("duration_us", sa.BigInteger, nullable=False),
        sa.Column("status", sa.String(20), nullable=False),
        sa.Column("reason", sa.String(40)),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("delivery", "number", name="pk_livery_attempt"),
        sa.ForeignKeyConstraint(["delivery"], ["livery_delivery.id"], name="fk_livery_attempt_delivery"),
    )
    op.create_table(
        "livery_wake",
        sa.Column("work", sa.String(40), nullable=False),
        sa.Column("lane", sa.String(100), nullable=False),
        sa.Column("due", sa.BigInteger, nullable=False),
        sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("work", name="pk_livery_wake"),
    )
    op.create_index("ix_livery_wake_due", "livery_wake", ["due"])
