"""The tables of what all workers together may do: see `livery.storage.schema`."""

from sqlalchemy import BigInteger, Column, Integer, String, Table, text

from livery.storage.metadata import metadata

place = Table(
    "livery_place",
    metadata,
    Column("key", String(310), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("holder", String(60), nullable=False, server_default=text("''")),
    Column("until", BigInteger, nullable=False, server_default="0"),
    Column("took", BigInteger, nullable=False, server_default="0"),
)
"""Of each channel and destination with a limit, as many as may be sent at once. `took`: how long the last one did."""

pace = Table(
    "livery_pace",
    metadata,
    Column("key", String(310), primary_key=True),
    Column("free", BigInteger, nullable=False),
    Column("line", BigInteger, nullable=False),
)
"""From when on the next may begin, and until when others have been told to wait."""
