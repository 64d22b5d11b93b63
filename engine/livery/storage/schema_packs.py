"""The tables of packs: see `livery.storage.schema`."""

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    UniqueConstraint,
)

from livery.storage.metadata import String, Text, metadata

pack_version = Table(
    "livery_pack_version",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("tenant", String(200), nullable=False),
    Column("pack", String(64), nullable=False),
    Column("version", String(100), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("title", Text, nullable=False),
    Column("who", String(200), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    Column("signed_by", String(200), nullable=False),
    Column("counts", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("report", Text, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("signature", LargeBinary),
    UniqueConstraint("tenant", "pack", "version"),
)

pack_active = Table(
    "livery_pack_active",
    metadata,
    Column("tenant", String(200), primary_key=True),
    Column("pack", String(64), primary_key=True),
    Column("version", String(40), ForeignKey("livery_pack_version.id"), nullable=False, index=True),
    Column("is_active", Integer, nullable=False),
    Column("who", String(200), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("revision", BigInteger, nullable=False),
)
Index("ix_livery_pack_active_revision", pack_active.c.revision)

pack_change = Table(
    "livery_pack_change",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("who", String(200), nullable=False),
    Column("tenant", String(200), nullable=False),
    Column("pack", String(64), nullable=False),
    Column("action", String(20), nullable=False),
    Column("before", String(40), nullable=False),
    Column("after", String(40), nullable=False),
    Column("before_name", String(100), nullable=False),
    Column("after_name", String(100), nullable=False),
    Column("note", Text, nullable=False),
    Column("used", String(64)),
    Column("is_used", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
)
Index("ix_livery_pack_change_tenant_pack", pack_change.c.tenant, pack_change.c.pack)

stencil = Table(
    "livery_stencil",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("seal", String(64), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("made_at", BigInteger, nullable=False),
)
Index("ix_livery_stencil_made_at", stencil.c.made_at)
