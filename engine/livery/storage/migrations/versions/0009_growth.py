"""Looking through a log of millions; thinning it out, erasing from it, holding work back, and moving to here."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"

_AGE = ["created_at", "id"]
_OPEN = "state IN ('pending', 'retrying', 'sending')"
_NOT_GOOD = "state NOT IN ('accepted', 'delivered')"


def upgrade() -> None:
    op.add_column("livery_delivery", sa.Column("told", sa.Text))
    for name in ("tenant_created_at", "created_at", "state_due_at", "replay_of"):
        op.drop_index(f"ix_livery_delivery_{name}", "livery_delivery")
    _index("age", _AGE)
    _index("tenant_age", ["tenant", *_AGE])
    _index("channel_age", ["channel", "state", *_AGE])
    _index("destination_age", ["destination_key", *_AGE])
    _index("tenant_not_good", ["tenant", "state", *_AGE], _NOT_GOOD)
    _index("open", ["state", "due_at"], _OPEN)
    _index("settled_at", ["settled_at"], "settled_at IS NOT NULL")
    _index("replay_of", ["replay_of"], "replay_of IS NOT NULL")
    op.create_index("ix_livery_event_event_id", "livery_event", ["event_id"])
    op.create_index("ix_livery_intervention_at", "livery_intervention", ["at"])
    op.create_index("ix_livery_thread_at", "livery_thread", ["at"])
    op.create_table(
        "livery_retention",
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("upto", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_livery_retention"),
    )
    op.create_table(
        "livery_erasure",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("tenant", sa.String(200), nullable=False),
        sa.Column("cursor", sa.Text, nullable=False),
        sa.Column("erased", sa.Integer, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name="pk_livery_erasure"),
    )
    op.create_table(
        "livery_pause",
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("name", sa.String(310), nullable=False),
        sa.Column("at", sa.BigInteger, nullable=False),
        sa.Column("who", sa.String(200), nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("kind", "name", name="pk_livery_pause"),
    )
    op.create_table(
        "livery_move",
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("state", sa.String(20), nullable=False),
        sa.Column("cursor", sa.Text, nullable=False),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_livery_move"),
    )


def _index(name: str, columns: list[str], where: str = "") -> None:
    part = sa.text(where) if where else None
    op.create_index(f"ix_livery_delivery_{name}", "livery_delivery", columns, sqlite_where=part, postgresql_where=part)
