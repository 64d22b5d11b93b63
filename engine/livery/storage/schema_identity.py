"""The tables of who may use the HTTP service. A part of `livery.storage.schema`."""

from sqlalchemy import BigInteger, Column, Index, Table, text

from livery.storage.metadata import String, Text, metadata

api_token = Table(
    "livery_api_token",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("name", String(200), nullable=False),
    Column("shown", String(40), nullable=False),
    Column("tenant", String(200)),
    Column("roles", Text, nullable=False),
    Column("by", String(200), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("expires_at", BigInteger),
    Column("used_at", BigInteger),
    Column("revoked_at", BigInteger),
    Column("revoked_by", String(200), nullable=False, server_default=text("''")),
)
"""`digest`: the SHA-256 of the secret, which is kept nowhere. `tenant` null: for every tenant."""
Index("ix_livery_api_token_tenant", api_token.c.tenant)

sign_in_link = Table(
    "livery_sign_in_link",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("principal", Text, nullable=False),
    Column("expires_at", BigInteger, nullable=False),
)

session = Table(
    "livery_session",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("principal", Text, nullable=False),
    Column("tenant", String(200)),
    Column("source", String(64), nullable=False),
    Column("created_at", BigInteger, nullable=False),
    Column("used_at", BigInteger, nullable=False),
    Column("ends_at", BigInteger, nullable=False),
)
"""`digest`: the SHA-256 of what the browser keeps. `source`: that of the token they signed in with, if with one."""
Index("ix_livery_session_ends_at", session.c.ends_at)
