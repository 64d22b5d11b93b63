"""The tables. The migrations replayed give exactly these; a test compares.

Times are whole microseconds since 1970 in UTC: they order, compare and index alike on every database.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

HEAD = "0001"
"""The newest migration: what a store must be at."""
VERSION_TABLE = "livery_version"
"""Where a database says at which migration it is. Every table has our prefix: a host may keep its own beside."""

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)

event = Table(
    "livery_event",
    metadata,
    Column("key", String(40), primary_key=True),
    Column("tenant", String(200), nullable=False),
    Column("source", String(200), nullable=False),
    Column("event_id", String(200), nullable=False),
    Column("type", String(200), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("accepted_at", BigInteger, nullable=False),
    Column("planned_at", BigInteger),
    Column("audience", Text),
    UniqueConstraint("tenant", "source", "event_id"),
)

delivery = Table(
    "livery_delivery",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant", String(200), nullable=False),
    Column("event_key", String(40), ForeignKey("livery_event.key"), nullable=False),
    Column("event_id", String(200), nullable=False),
    Column("event_type", String(200), nullable=False),
    Column("channel", String(100), nullable=False),
    Column("unique_key", String(64), nullable=False, unique=True),
    Column("destination", Text, nullable=False),
    Column("envelope", Text, nullable=False),
    Column("endpoint", Text),
    Column("state", String(20), nullable=False),
    Column("reason", String(40)),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("crashes", Integer, nullable=False, server_default="0"),
    Column("fence", Integer, nullable=False, server_default="0"),
    Column("lease_until", BigInteger),
    Column("due_at", BigInteger, nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("settled_at", BigInteger),
    Column("settled", Text, nullable=False, server_default="{}"),
    Column("title", Text, nullable=False),
    Column("locale", String(85), nullable=False),
    Column("message_id", Text, nullable=False),
    Column("degraded", Text, nullable=False, server_default="[]"),
    Column("warnings", Text, nullable=False, server_default="[]"),
    Column("trace", Text, nullable=False, server_default="{}"),
    Column("wire", LargeBinary),
)
Index("ix_livery_delivery_event_key", delivery.c.event_key)
Index("ix_livery_delivery_tenant_created_at", delivery.c.tenant, delivery.c.created_at)
Index("ix_livery_delivery_created_at", delivery.c.created_at)
Index("ix_livery_delivery_state", delivery.c.state)

attempt = Table(
    "livery_attempt",
    metadata,
    Column("delivery", String(40), ForeignKey("livery_delivery.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("started_at", BigInteger, nullable=False),
    Column("duration_us", BigInteger, nullable=False),
    Column("status", String(20), nullable=False),
    Column("reason", String(40)),
    Column("outcome", Text, nullable=False),
)

wake = Table(
    "livery_wake",
    metadata,
    Column("work", String(40), primary_key=True),
    Column("lane", String(100), nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("priority", Integer, nullable=False, server_default="0"),
)
Index("ix_livery_wake_due", wake.c.due)
