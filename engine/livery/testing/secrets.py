"""Looking for secrets where none may be: the canaries in a model, and all that was said while it was used."""

import io
import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, redirect_stderr, redirect_stdout
from types import TracebackType
from typing import Any, Self, get_args

from pydantic import BaseModel, SecretStr

_LONG_ENOUGH = 8
_PART = re.compile(r"[/?&=@:#]+")
_SOUNDS_SECRET = re.compile(r"pass(word|wd|phrase)?$|secret|token|api_?key|credential|authorization", re.IGNORECASE)


def declared(model: Any) -> Iterator[str]:
    """The value of every `SecretStr` in a model, a mapping or a sequence."""
    if isinstance(model, SecretStr):
        yield model.get_secret_value()
    elif isinstance(model, BaseModel):
        yield from declared([getattr(model, name) for name in type(model).model_fields])
    elif isinstance(model, dict):
        yield from declared(list(model.values()))
    elif isinstance(model, list | tuple | set | frozenset):
        for one in model:
            yield from declared(one)


def pieces(*models: Any) -> set[str]:
    """What gives a secret away: the secret itself and, of a URL, its path, its query and each long part of them."""
    found: set[str] = set()
    for secret in declared(models):
        scheme, _, rest = secret.partition("://")
        host, slash, path = rest.partition("/")
        found |= {secret} if not slash else {secret, path, *_PART.split(path)}
        found |= set(_PART.split(host.rpartition("@")[0])) if scheme else set()
    return {one for one in found if len(one) >= _LONG_ENOUGH}


def unfilled(model: Any) -> list[str]:
    """Fields that hold secrets and are empty, so that nothing could be found of them."""
    if model is None:
        return []
    fields = type(model).model_fields
    return [
        name for name, field in fields.items() if _hides(field.annotation) and not [*declared(getattr(model, name))]
    ]


def sounding_secret(model: Any) -> list[str]:
    """Fields named like a secret whose type would show it."""
    if model is None:
        return []
    fields = type(model).model_fields
    return [name for name, field in fields.items() if _SOUNDS_SECRET.search(name) and _shows(field.annotation)]


def _hides(annotation: Any) -> bool:
    return annotation is SecretStr or any(_hides(part) for part in get_args(annotation))


def _shows(annotation: Any) -> bool:
    """Whether a field may hold text that its type does not hide; a date beside a secret is none."""
    return annotation in (str, bytes, Any) or any(_shows(part) for part in get_args(annotation))


class Overheard(logging.Handler):
    """Everything logged, at any level and in any thread, and everything printed while it is entered."""

    def __init__(self, without: Sequence[str] = ()) -> None:
        super().__init__(level=logging.NOTSET)
        self._without = tuple(without)
        self._texts: list[str] = []
        self._printed = io.StringIO()
        self._stack = ExitStack()

    @property
    def texts(self) -> list[str]:
        return [*self._texts, self._printed.getvalue()]

    def emit(self, record: logging.LogRecord) -> None:
        if not record.name.startswith(self._without):
            self._texts.append(logging.Formatter().format(record))

    def __enter__(self) -> Self:
        root = logging.getLogger()
        self._stack.callback(root.setLevel, root.level)
        root.setLevel(1)
        root.addHandler(self)
        self._stack.callback(root.removeHandler, self)
        self._stack.enter_context(redirect_stdout(self._printed))
        self._stack.enter_context(redirect_stderr(self._printed))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()
