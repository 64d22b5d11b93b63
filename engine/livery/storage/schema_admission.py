"""The table of the rates that all workers together keep to: see `livery.storage.schema`."""

from sqlalchemy import BigInteger, Column, Table

from livery.storage.metadata import String, metadata

pace = Table(
    "livery_pace",
    metadata,
    Column("key", String(310), primary_key=True),
    Column("free", BigInteger, nullable=False),
    Column("line", BigInteger, nullable=False),
)
"""By channel or destination: from when on the next may begin, and until when others have been told to wait."""
