"""Classification: which fields of an event whom may see, as its model marks them.

A field without a mark is public. Marks are read from the annotations of the model:

    temporary_password: Annotated[str | None, secret("user")] = None
    margin: Annotated[float | None, INTERNAL] = None
"""

import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel

Side = Literal["user", "customer", "seller", "distributor", "platform"]
SIDES: tuple[Side, ...] = ("user", "customer", "seller", "distributor", "platform")
_OURS = frozenset({"seller", "distributor", "platform"})
"""Those who sell: they see what is internal."""
EACH = "*"
"""Stands in a path for every entry of a list or mapping."""
CONCEALED = "••••••"
_MAY = "secrets"
_SHORTEST = 3
"""Values shorter than this are in every text, so nothing is gained by taking them out of one."""

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Classified:
    """A mark on a field of an event. Use `PUBLIC`, `INTERNAL` or `secret(...)`."""

    level: Literal["public", "internal", "secret"]
    audience: frozenset[str] = frozenset()


PUBLIC = Classified("public")
"""Everybody who is told may see it."""
INTERNAL = Classified("internal")
"""Seller, distributor and platform may see it, the customer's side not."""


def secret(*audience: Side) -> Classified:
    """Only these may see it; never a log, a trace or a preview, and a webhook only if its setting allows it.

    Raises:
        ValueError: there is no such side.

    """
    if unknown := set(audience) - set(SIDES):
        raise ValueError(f"no side is called {', '.join(sorted(unknown))}; there are {', '.join(SIDES)}")
    return Classified("secret", frozenset(audience))


@dataclass(frozen=True, slots=True)
class View:
    """What one recipient may see: the sides it is on, and whether secrets may be written to it at all."""

    sides: frozenset[str] = frozenset()
    secrets: bool = False

    def sees(self, mark: Classified) -> bool:
        match mark.level:
            case "public":
                return True
            case "internal":
                return bool(self.sides & _OURS)
            case _:
                return self.secrets and bool(self.sides & mark.audience)

    def words(self) -> tuple[str, ...]:
        """As it is stored: see `View.of`."""
        return (*sorted(self.sides), *([_MAY] if self.secrets else []))

    @classmethod
    def of(cls, words: Iterable[str]) -> "View":
        """The view that `words` said."""
        found = frozenset(words)
        return cls(found - {_MAY}, secrets=_MAY in found)

    def is_addressed(self, audience: frozenset[str]) -> bool:
        """Whether a block for this audience is for it; an empty audience is everybody."""
        return not audience or bool(self.sides & audience)


@lru_cache(maxsize=1024)
def marks(model: type[BaseModel]) -> Mapping[Path, Classified]:
    """The marked fields of a model and of the models in it, by path; public ones are left out."""
    return dict(_marks(model, (), frozenset()))


def _marks(model: type[BaseModel], at: Path, inside: frozenset[type]) -> Iterator[tuple[Path, Classified]]:
    if model in inside:
        return
    for name, field in model.model_fields.items():
        found = [one for one in field.metadata if isinstance(one, Classified)]
        yield from _of(field.annotation, (*at, name), found, inside | {model})


def _of(
    annotation: Any, at: Path, found: list[Classified], inside: frozenset[type]
) -> Iterator[tuple[Path, Classified]]:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        found = [*found, *(one for one in annotation.__metadata__ if isinstance(one, Classified))]
        yield from _of(inner[0], at, found, inside)
    elif found and found[0].level != "public":
        yield at, found[0]
    elif isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from _marks(annotation, at, inside)
    elif origin in (Union, types.UnionType):
        for one in inner:
            yield from _of(one, at, found, inside)
    else:
        for one in inner:
            yield from _of(one, (*at, EACH), found, inside)


def is_secret(model: type[BaseModel], path: Path) -> bool:
    """Whether what stands at a path of the data, or what it is part of, is secret; numbers in it stand for entries."""
    plain = tuple(EACH if part.isdigit() else part for part in path)
    return any(
        mark.level == "secret" and (plain[: len(at)] == at or at[: len(plain)] == plain)
        for at, mark in marks(model).items()
    )


def hidden(data: BaseModel, views: Sequence[View]) -> frozenset[Path]:
    """The marked fields that are there and that not all of these may see: what is written to all is seen by all."""
    found = marks(type(data)).items()
    return frozenset(
        at for at, mark in found if not all(view.sees(mark) for view in views) and any(True for _ in _values(data, at))
    )


def masked(data: BaseModel, paths: frozenset[Path]) -> Any:
    """The data without these fields: they are None, and count as not set."""
    made = data
    for path in paths:
        made = _without(made, path, None)
    return made


def concealed(data: BaseModel) -> Any:
    """The data with a stand-in for each secret text and None for other secrets: for previews."""
    made = data
    for path, mark in marks(type(data)).items():
        if mark.level == "secret":
            made = _without(made, path, CONCEALED)
    return made


def secrets_of(data: BaseModel) -> tuple[str, ...]:
    """The texts and numbers in secret fields, longest first: for `redacted`."""
    marked = marks(type(data))
    if not marked:
        return ()
    found = [
        leaf
        for path, mark in marked.items()
        if mark.level == "secret"
        for value in _values(data, path)
        for leaf in _leaves(value)
    ]
    return tuple(sorted(dict.fromkeys(found), key=len, reverse=True))


def redacted(value: Any, secrets: tuple[str, ...]) -> Any:
    """Plain data with every secret taken out of its texts, keys included."""
    if not secrets:
        return value
    if isinstance(value, str):
        for one in secrets:
            value = value.replace(one, CONCEALED)
        return value
    if isinstance(value, Mapping):
        return {redacted(key, secrets): redacted(one, secrets) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(redacted(one, secrets) for one in value)
    return value


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, BaseModel):
        value = value.model_dump(mode="json", warnings=False)
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _leaves(one)
    elif not isinstance(value, bool) and value is not None and len(text := str(value)) >= _SHORTEST:
        yield text


def _values(at: Any, path: Path) -> Iterator[Any]:
    """What stands at a path, but for what is None."""
    if not path:
        if at is not None:
            yield at
        return
    if path[0] == EACH:
        for one in at.values() if isinstance(at, Mapping) else at if isinstance(at, list | tuple) else ():
            yield from _values(one, path[1:])
    elif isinstance(at, BaseModel):
        yield from _values(getattr(at, path[0], None), path[1:])


def _without(at: Any, path: Path, text: str | None) -> Any:
    """A copy in which `text` stands where the path leads to a text, and None where it leads to anything else."""
    if not path:
        return text if isinstance(at, str) else None
    if path[0] == EACH:
        if isinstance(at, Mapping):
            return {key: _without(one, path[1:], text) for key, one in at.items()}
        return type(at)(_without(one, path[1:], text) for one in at) if isinstance(at, list | tuple) else at
    if not isinstance(at, BaseModel) or getattr(at, path[0], None) is None:
        return at
    made = at.model_copy()
    made.__dict__[path[0]] = _without(made.__dict__[path[0]], path[1:], text)
    if made.__dict__[path[0]] is None:
        made.__pydantic_fields_set__.discard(path[0])
    return made
