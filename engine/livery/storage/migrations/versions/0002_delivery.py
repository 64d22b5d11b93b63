"""Deliveries: priority, destinations and their pauses, replay; who works; wakes that share fairly."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _columns()
    op.create_table(
        "livery_destination",
        sa.Column("key", sa.String(310), nullable=False),
        sa.Column("tenant", sa.String(200), nullable=False),
        sa.Column("channel", sa.String(100), nullable=False),
        sa.Column("label", sa.Text, nullable=False),
        sa.Column("failures", sa.Integer, nullable=False, server_default="0"),
        sa.Column("paused_until", sa.BigInteger),
        sa.Column("probe", sa.String(40)),
        sa.Column("probe_until", sa.BigInteger),
        sa.Column("disabled_at", sa.BigInteger),
        sa.Column("disabled_why", sa.Text, nullable=False, server_default=sa.text("''")),
        sa.Column("changed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_livery_destination"),
    )
    op.create_table(
        "livery_intervention",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("action", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(310), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("result", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_livery_intervention"),
    )
    op.create_index("ix_livery_intervention_subject", "livery_intervention", ["subject"])
    op.create_table(
        "livery_runner",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sa.Column("beat", sa.BigInteger, nullable=False),
        sa.Column("worker", sa.String(200), nullable=False),
        sa.Column("locked", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_livery_runner"),
    )
    unplanned = sa.text("planned_at IS NULL")
    op.create_index(
        "ix_livery_event_unplanned", "livery_event", ["accepted_at"],
        sqlite_where=unplanned, postgresql_where=unplanned,
    )  # fmt: skip
    _filled()


def _columns() -> None:
    op.add_column("livery_delivery", sa.Column("priority", sa.Integer, nullable=False, server_default="0"))
    op.add_column(
        "livery_delivery", sa.Column("destination_key", sa.String(310), nullable=False, server_default=sa.text("''"))
    )
    op.add_column("livery_delivery", sa.Column("replay_of", sa.String(40)))
    op.add_column("livery_delivery", sa.Column("purged_at", sa.BigInteger))
    op.drop_index("ix_livery_delivery_state", "livery_delivery")
    op.create_index("ix_livery_delivery_state_due_at", "livery_delivery", ["state", "due_at"])
    op.create_index("ix_livery_delivery_replay_of", "livery_delivery", ["replay_of"])
    op.add_column("livery_attempt", sa.Column("worker", sa.String(200), nullable=False, server_default=sa.text("''")))
    op.add_column("livery_wake", sa.Column("tenant", sa.String(200), nullable=False, server_default=sa.text("''")))
    op.add_column("livery_wake", sa.Column("destination", sa.String(310), nullable=False, server_default=sa.text("''")))
    op.add_column("livery_wake", sa.Column("ready", sa.Integer, nullable=False, server_default="0"))
    op.add_column("livery_wake", sa.Column("relative", sa.Integer, nullable=False, server_default="0"))
    op.drop_index("ix_livery_wake_due", "livery_wake")
    op.create_index("ix_livery_wake_due", "livery_wake", ["ready", "due"])
    op.create_index("ix_livery_wake_destination", "livery_wake", ["destination"])
    first = sa.text("priority DESC")
    op.create_index("ix_livery_wake_ready", "livery_wake", ["ready", "tenant", "destination", first, "due"])


def _filled() -> None:
    """What an older Livery left under way belongs to its tenant and destination, too."""
    if op.get_bind().dialect.name != "sqlite":
        return  # no older Livery wrote to any other database
    op.execute(
        "UPDATE livery_delivery SET destination_key ="
        " coalesce(json_extract(endpoint, '$.key'), channel || ':' || tenant)"
    )
    op.execute(
        "UPDATE livery_wake SET tenant = d.tenant, destination = d.destination_key"
        " FROM livery_delivery d WHERE d.id = work"
    )
