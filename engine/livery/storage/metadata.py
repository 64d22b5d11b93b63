"""What all tables are registered in, how their keys are called, and what text their columns hold."""

import re

import sqlalchemy as sa
from sqlalchemy import Dialect, MetaData, TypeDecorator

_UNFIT = re.compile("[\x00\ud800-\udfff]")

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_name)s",
    }
)


class _Fit(TypeDecorator[str]):
    """Text that every database can hold, so that all answer alike.

    What some cannot (NUL, half a character) stands as U+FFFD, and what is longer than its column ends in an ellipsis:
    notes of people and far sides. What tells one thing from another is bounded before it comes here.
    """

    impl = sa.String
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        del dialect
        if value is None:
            return None
        if "\0" in value or not value.isascii():
            value = _UNFIT.sub("\ufffd", value)
        length = self.impl_instance.length  # type: ignore[attr-defined]
        return value if length is None or len(value) <= length else value[: length - 1] + "…"


class String(_Fit):
    """As SQLAlchemy's."""

    impl = sa.String
    cache_ok = True


class Text(_Fit):
    """As SQLAlchemy's."""

    impl = sa.Text
    cache_ok = True
