"""Layers of packs as templates see them: the nearest file wins, and `parent:` reaches past it.

Knows files and templates only, so that a message can be rendered without the manifests being read again.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Generic, Self, TypeVar

from jinja2 import BaseLoader, TemplateNotFound

from livery.locales import direction
from livery.packs.folder import Folder
from livery.packs.language import environment

PARENT = "parent:"
_F = TypeVar("_F", bound=Folder)


class Layers(Generic[_F]):
    """A pack, its parent, and so on to the base; the first that has something wins."""

    def __init__(self, packs: Iterable[_F], *, bytecode: Any = None) -> None:
        self.packs, self._bytecode = tuple(packs), bytecode
        self._environments: dict[str, Any] = {}

    @property
    def top(self) -> _F:
        return self.packs[0]

    def without_top(self) -> Self | None:
        """The layers as the parent sees them; None for the base."""
        return type(self)(self.packs[1:]) if len(self.packs) > 1 else None

    def files(self, path: str) -> Iterator[tuple[_F, str]]:
        """Every pack that has a file, nearest first, with its text."""
        for pack in self.packs:
            text = pack.read(path)
            if text is not None:
                yield pack, text

    def nearest(self, path: str) -> str | None:
        """The full name (`<pack>!<path>`) of the nearest file; None if no pack has it."""
        return next((f"{pack.id}!{path}" for pack, _ in self.files(path)), None)

    def markup(self, locale: str) -> Any:
        """The environment of these layers' MJML templates for a language; compiled templates are kept in it."""
        if locale not in self._environments:
            loader = LayersLoader(self)
            self._environments[locale] = environment(locale, direction(locale), markup=True, loader=loader)
            self._environments[locale].bytecode_cache = self._bytecode
        return self._environments[locale]


class LayersLoader(BaseLoader):
    """Finds templates over layers. `parent:` before a path looks from the next pack on.

    Templates are named `<pack>!<path>`, so that `parent:` knows where it stands.
    """

    def __init__(self, layers: Layers[Any]) -> None:
        self._layers = layers

    def get_source(self, environment: Any, template: str) -> tuple[str, str | None, Any]:
        del environment
        id_, _, path = template.partition("!")
        pack = next((one for one in self._layers.packs if one.id == id_), None)
        text = pack.read(path) if pack else None
        if text is None:
            raise TemplateNotFound(template)
        return text, None, lambda: True

    def resolve(self, path: str, asked_by: str) -> str:
        """The full name of the template that `asked_by` means by `path`: for `Environment.join_path`."""
        packs = self._layers.packs
        if path.startswith(PARENT):
            path = path.removeprefix(PARENT)
            ids = [pack.id for pack in packs]
            packs = packs[ids.index(asked_by.partition("!")[0]) + 1 :]
        name = Layers(packs).nearest(path)
        if name is None:
            raise TemplateNotFound(f"{path} (asked for by {asked_by})")
        return name
