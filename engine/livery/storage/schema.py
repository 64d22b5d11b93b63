"""The tables. The migrations replayed give exactly these; a test compares.

Times are whole microseconds since 1970 in UTC: they order, compare and index alike on every database.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    text,
)

import livery.storage.schema_admission
import livery.storage.schema_identity
import livery.storage.schema_packs  # noqa: F401 - their tables are among them
from livery.storage.metadata import String, Text, metadata

HEAD = "0019"
"""The newest migration: what a store must be at."""
OLDEST = "0008"
"""The newest migration of the oldest Livery that works beside this one. What one takes away, none since then uses."""
VERSION_TABLE = "livery_version"
"""Where a database says at which migration it is. Every table has our prefix: a host may keep its own beside."""

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
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("waits_for", Text),
    Column("audience", Text),
    UniqueConstraint("tenant", "source", "event_id"),
)
Index("ix_livery_event_tenant_key", event.c.tenant, event.c.key)
Index("ix_livery_event_event_id", event.c.event_id)
_UNPLANNED = event.c.planned_at.is_(None)
Index("ix_livery_event_unplanned", event.c.accepted_at, sqlite_where=_UNPLANNED, postgresql_where=_UNPLANNED)

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
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("destination_key", String(310), nullable=False, server_default=text("''")),
    Column("replay_of", String(40)),
    Column("purged_at", BigInteger),
    Column("told", Text),
    Column("admission", Integer, nullable=False, server_default="0"),
)
"""`told`: once the personal text is gone, keyed hashes of the addresses it was for."""
# In so many words on either side: a database uses an index of a part only if it is asked for that very part.
OPEN = text("state IN ('pending', 'retrying', 'sending')")
NOT_GOOD = text("state NOT IN ('accepted', 'delivered')")
SETTLED = text("settled_at IS NOT NULL")
_BY_AGE = (delivery.c.created_at, delivery.c.id)
Index("ix_livery_delivery_event_key", delivery.c.event_key)
Index("ix_livery_delivery_age", *_BY_AGE)
Index("ix_livery_delivery_tenant_age", delivery.c.tenant, *_BY_AGE)
Index("ix_livery_delivery_channel_age", delivery.c.channel, delivery.c.state, *_BY_AGE)
Index("ix_livery_delivery_destination_age", delivery.c.destination_key, *_BY_AGE)
Index(
    "ix_livery_delivery_tenant_not_good", delivery.c.tenant, delivery.c.state, *_BY_AGE,
    sqlite_where=NOT_GOOD, postgresql_where=NOT_GOOD,
)  # fmt: skip
Index("ix_livery_delivery_open", delivery.c.state, delivery.c.due_at, sqlite_where=OPEN, postgresql_where=OPEN)
Index("ix_livery_delivery_settled_at", delivery.c.settled_at, sqlite_where=SETTLED, postgresql_where=SETTLED)
_REPLAYS = text("replay_of IS NOT NULL")
Index("ix_livery_delivery_replay_of", delivery.c.replay_of, sqlite_where=_REPLAYS, postgresql_where=_REPLAYS)

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
    Column("worker", String(200), nullable=False, server_default=text("''")),
)

destination = Table(
    "livery_destination",
    metadata,
    Column("key", String(310), primary_key=True),
    Column("tenant", String(200), nullable=False),
    Column("channel", String(100), nullable=False),
    Column("label", Text, nullable=False),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("paused_until", BigInteger),
    Column("probe", String(40)),
    Column("probe_until", BigInteger),
    Column("disabled_at", BigInteger),
    Column("disabled_why", Text, nullable=False, server_default=text("''")),
    Column("changed_at", BigInteger, nullable=False),
)

intervention = Table(
    "livery_intervention",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("action", String(20), nullable=False),
    Column("subject", String(310), nullable=False),
    Column("why", Text, nullable=False),
    Column("result", Text, nullable=False),
)
Index("ix_livery_intervention_subject", intervention.c.subject)
Index("ix_livery_intervention_at", intervention.c.at)

wake = Table(
    "livery_wake",
    metadata,
    Column("work", String(40), primary_key=True),
    Column("lane", String(100), nullable=False),
    Column("due", BigInteger, nullable=False),
    Column("priority", Integer, nullable=False, server_default="0"),
    Column("tenant", String(200), nullable=False, server_default=text("''")),
    Column("destination", String(310), nullable=False, server_default=text("''")),
    Column("ready", Integer, nullable=False, server_default="0"),
    Column("relative", Integer, nullable=False, server_default="0"),
)
"""`ready`: it is due. `relative`: `due` is so long after something, and moves with a clock that is set."""
# What is due is found tenant by tenant, destination by destination, without a look at what is not.
Index("ix_livery_wake_ready", wake.c.ready, wake.c.tenant, wake.c.destination, wake.c.priority.desc(), wake.c.due)
Index("ix_livery_wake_due", wake.c.ready, wake.c.due)
Index("ix_livery_wake_destination", wake.c.destination)

runner = Table(
    "livery_runner",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("epoch", BigInteger, nullable=False),
    Column("beat", BigInteger, nullable=False),
    Column("worker", String(200), nullable=False),
    Column("locked", Integer, nullable=False),
)
"""Who works on a SQLite store: a new epoch for each process that takes over, a beat while it lives."""

tenant = Table(
    "livery_tenant",
    metadata,
    Column("id", String(200), primary_key=True),
    Column("parent", String(200)),
    Column("level", String(20), nullable=False),
    Column("name", String(400)),
    Column("locale", String(85)),
    Column("created_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("removed_at", BigInteger),
)
Index("ix_livery_tenant_parent", tenant.c.parent)

generation = Table(
    "livery_generation", metadata, Column("name", String(40), primary_key=True), Column("value", Text, nullable=False)
)
"""`oldest`: which Livery may still work on this schema, by its newest migration; see `OLDEST`."""

# What is kept in memory of the store is good for as long as the revision of its kind stays the same.
revision = Table(
    "livery_revision",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

_SLOT = ("tenant", "event_type", "channel", "field", "item", "is_lock", "starts", "ends")


def _slot_columns() -> list[Column[Any]]:
    return [
        Column("tenant", String(200), nullable=False),
        Column("event_type", String(200), nullable=False),
        Column("channel", String(100), nullable=False),
        Column("field", String(40), nullable=False),
        Column("item", String(400), nullable=False),
        Column("is_lock", Integer, nullable=False),
        Column("starts", BigInteger, nullable=False),
        Column("ends", BigInteger, nullable=False),
    ]


setting = Table(
    "livery_setting",
    metadata,
    *_slot_columns(),
    Column("operation", String(10), nullable=False),
    Column("value", Text, nullable=False),
    Column("who", String(200), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    PrimaryKeyConstraint(*_SLOT),
)

setting_change = Table(
    "livery_setting_change",
    metadata,
    *_slot_columns(),
    Column("id", String(40), nullable=False),
    Column("number", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("who", String(200), nullable=False),
    Column("before", Text),
    Column("after", Text),
    Column("note", Text, nullable=False),
    Column("undo_of", String(40), nullable=False),
    PrimaryKeyConstraint("tenant", "id", "number"),
)
Index("ix_livery_setting_change_revision", setting_change.c.revision)
Index("ix_livery_setting_change_id", setting_change.c.id)

setting_revision = Table(
    "livery_setting_revision",
    metadata,
    Column("tenant", String(200), primary_key=True),
    Column("revision", BigInteger, nullable=False),
)
suppression = Table(
    "livery_suppression",
    metadata,
    Column("tenant", String(200), primary_key=True),
    Column("address", String(320), primary_key=True),
    Column("event_type", String(200), primary_key=True),
    Column("kind", String(20), nullable=False),
    Column("note", Text, nullable=False),
    Column("who", String(200), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("until", BigInteger),
)
Index("ix_livery_suppression_address", suppression.c.address)

organization = Table(
    "livery_organization",
    metadata,
    Column("tenant", String(200), primary_key=True),
    Column("customer", String(200), primary_key=True),
    Column("name", String(400), nullable=False),
    Column("locale", String(85), nullable=False),
    Column("active", Integer, nullable=False),
)
"""Of all three: `customer` is empty for the tenant's own organisation."""

contact = Table(
    "livery_contact",
    metadata,
    Column("tenant", String(200), primary_key=True),
    Column("customer", String(200), primary_key=True),
    Column("kind", String(60), primary_key=True),
    Column("name", String(400), nullable=False),
    Column("email", String(1000), nullable=False),
    Column("locale", String(85), nullable=False),
)

directory_user = Table(
    "livery_user",
    metadata,
    Column("tenant", String(200), primary_key=True),
    Column("id", String(200), primary_key=True),
    Column("customer", String(200), nullable=False),
    Column("name", String(400), nullable=False),
    Column("email", String(1000), nullable=False),
    Column("locale", String(85), nullable=False),
    Column("roles", Text, nullable=False),
    Column("active", Integer, nullable=False),
)
Index("ix_livery_user_tenant_customer", directory_user.c.tenant, directory_user.c.customer)

user_role = Table(
    "livery_user_role",
    metadata,
    Column("tenant", String(200), primary_key=True),
    Column("customer", String(200), primary_key=True),
    Column("role", String(60), primary_key=True),
    Column("user", String(200), primary_key=True),
)
Index("ix_livery_user_role_user", user_role.c.tenant, user_role.c.user)

thread = Table(
    "livery_thread",
    metadata,
    Column("destination", String(310), primary_key=True),
    Column("thread", String(40), primary_key=True),
    Column("reference", String(200), nullable=False),
    Column("at", BigInteger, nullable=False),
)
Index("ix_livery_thread_at", thread.c.at)

# How far the store was thinned out: for each kind of text, up to which moment of settling it is gone.
retention = Table(
    "livery_retention",
    metadata,
    Column("name", String(40), primary_key=True),
    Column("upto", BigInteger, nullable=False),
)

erasure = Table(
    "livery_erasure",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("subject", Text, nullable=False),
    Column("tenant", String(200), nullable=False),
    Column("cursor", Text, nullable=False),
    Column("erased", Integer, nullable=False),
    Column("ended_at", BigInteger),
)
"""`subject`: what is to be erased; once that is done, of an address its keyed hash. `cursor`: how far it was looked."""

pause = Table(
    "livery_pause",
    metadata,
    Column("kind", String(20), primary_key=True),
    Column("name", String(310), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("who", String(200), nullable=False),
    Column("why", Text, nullable=False),
)
"""What is held back by hand: a channel, a tenant or a destination."""

move = Table(
    "livery_move",
    metadata,
    Column("name", String(60), primary_key=True),
    Column("state", String(20), nullable=False),
    Column("cursor", Text, nullable=False),
    Column("count", BigInteger, nullable=False),
    Column("digest", String(64), nullable=False),
)
"""Of a store that is moved here, how far each table is; under the name `store`, whether it came, or went elsewhere."""

sender_domain = Table(
    "livery_sender_domain",
    metadata,
    Column("tenant", String(200), primary_key=True),
    Column("domain", String(253), primary_key=True),
    Column("token", String(64), nullable=False),
    Column("added_at", BigInteger, nullable=False),
    Column("changed_at", BigInteger, nullable=False),
    Column("due_at", BigInteger, nullable=False),
    Column("verified_at", BigInteger),
    Column("checked_at", BigInteger),
    Column("status", String(20), nullable=False),
    Column("detail", Text, nullable=False),
)
Index("ix_livery_sender_domain_due_at", sender_domain.c.due_at)
