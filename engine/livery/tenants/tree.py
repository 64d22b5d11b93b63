"""The tree as it is: chains looked up by key and kept in memory, lists, and where file and store contradict."""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock
from typing import Any

from livery.config import Config
from livery.errors import NotFound, Problem, shown
from livery.models.tenant import Chain, Tenant, TenantRow
from livery.ports import TenantStore

_KEPT = 20_000
_NAMED = 5


@dataclass(frozen=True, slots=True)
class Listed:
    """A tenant as lists show it.

    Attributes:
        tenant: what is in force.
        row: what the store says of it; None if it is in livery.toml alone.
        configured: whether livery.toml has it.
        below: ids of the tenants directly below it.

    """

    tenant: Tenant
    row: TenantRow | None
    configured: bool
    below: tuple[str, ...] = ()

    @property
    def removed(self) -> bool:
        """Whether it is a tenant no more, and only its history is left."""
        return not self.configured and self.row is not None and self.row.removed_at is not None

    def plain(self) -> dict[str, Any]:
        """As JSON shows it."""
        one, row = self.tenant, self.row
        return {
            "id": one.id,
            "level": one.level.value,
            "parent": one.parent,
            "name": one.name,
            "locale": one.locale,
            "in": [*(["livery.toml"] if self.configured else []), *(["store"] if row is not None else [])],
            "created_at": row.created_at.isoformat() if row else None,
            "changed_at": row.changed_at.isoformat() if row else None,
            "removed_at": row.removed_at.isoformat() if row and row.removed_at and self.removed else None,
            "below": list(self.below),
        }


class Tree:
    """The tenants of one engine. Safe from any thread.

    Args:
        config: has the tenants of livery.toml.
        store: gives the store, or None as long as there is none.

    """

    def __init__(self, config: Config, store: Callable[[], TenantStore | None]) -> None:
        self.configured = config.tenants
        self._config, self._store = config, store
        self._lock = Lock()
        self._revision = -1
        self._kept: OrderedDict[str, tuple[Tenant, bool]] = OrderedDict()

    def chain(self, seller: str, *, late: bool = False) -> Chain | None:
        """The tenants from the platform down to `seller`; None if there is no such tenant.

        Only when a tenant was changed, or for one that was not asked for before, the store is read, and only the
        tenants of this chain.

        Args:
            seller: its id.
            late: also if it was removed meanwhile: for what was accepted before.

        """
        store = self._store()
        if store is None:
            return self._config.chain(seller)
        revision = store.revision()
        line: list[Tenant] = []
        at: str | None = seller
        with self._lock:
            if revision != self._revision:
                self._kept.clear()
                self._revision = revision
            while at is not None:
                found = self._look_up(at, store)
                if found is None or (found[1] and not late):
                    return None
                line.append(found[0])
                at = found[0].parent
        return tuple(reversed(line))

    def show(self, id_: str, *, within: str | None = None) -> Listed:
        """One tenant, removed or not.

        Raises:
            NotFound: there is none, or it is not for `within` to see; both are said in the same words.

        """
        chain = self.chain(id_, late=True)
        if chain is None or (within is not None and within not in [one.id for one in chain]):
            raise unknown(id_)
        store = self._store()
        row = store.find([id_]).get(id_) if store else None
        below = {*self.below(id_), *(store.below(id_) if store else ())}
        return Listed(chain[-1], row, id_ in self.configured, tuple(sorted(below)))

    def below(self, id_: str) -> set[str]:
        """Ids of the tenants of livery.toml directly below one."""
        return {one.id for one in self.configured.values() if one.parent == id_}

    def problems(self) -> list[Problem]:
        """Where livery.toml and the store contradict each other, and what to do."""
        store = self._store()
        if store is None:
            return []
        wrong = []
        for id_, row in sorted(store.find(self.configured).items()):
            above = self.configured[id_].parent
            if row.removed_at is None and row.parent != above:
                to_do = f"; to follow livery.toml: livery tenant change {id_} --parent {above}" if above else ""
                expected = f"{shown(row.parent) if row.parent else 'none'}, as the store says{to_do}"
                wrong.append(Problem(f"tenants.{id_}.parent", expected, shown(above) if above else "none"))
        roots = {*(id_ for id_, one in self.configured.items() if not one.parent), *store.roots()}
        if len(roots) > 1:
            wrong.append(Problem("tenants", "one platform in livery.toml and the store together", some(roots)))
        lost: dict[str, list[str]] = {}
        for parent, id_ in store.adrift():
            if parent not in self.configured:
                lost.setdefault(parent, []).append(id_)
        for parent, ids in lost.items():
            wrong.append(Problem(f"tenants.{parent}", f"a tenant, since those of the store are below it: {some(ids)}"))
        return wrong

    def _look_up(self, id_: str, store: TenantStore) -> tuple[Tenant, bool] | None:
        """A tenant, and whether it was removed; it is kept, and so are those above it."""
        if id_ not in self._kept:
            rows = {row.id: row for row in store.line(id_)}
            if not rows and id_ not in self.configured:
                return None
            for one in {id_: None, **rows}:
                row, configured = rows.get(one), self.configured.get(one)
                is_gone = configured is None and row is not None and row.removed_at is not None
                self._kept[one] = (laid_over(configured, row), is_gone)
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        found = self._kept[id_]
        self._kept.move_to_end(id_)
        return found

    def list(self, *, under: str | None = None, within: str | None = None, removed: bool = False) -> list[Listed]:
        """Tenants, each before those below it, and by id beside each other.

        Args:
            under: only this tenant and those below it.
            within: who asks: a tenant sees itself and what is below it; everything else is not there.
            removed: also those that were removed.

        Raises:
            NotFound: there is no tenant `under` or `within`.

        """
        store = self._store()
        rows = store.find() if store else {}
        made = {id_: laid_over(self.configured.get(id_), rows.get(id_)) for id_ in {*self.configured, *rows}}
        listed = {id_: Listed(one, rows.get(id_), id_ in self.configured) for id_, one in made.items()}
        below: dict[str | None, list[str]] = {}
        for id_ in sorted(id_ for id_ in made if removed or not listed[id_].removed):
            below.setdefault(made[id_].parent, []).append(id_)
        tops = [id_ for id_, one in made.items() if one.parent not in made]
        for top in (within, under):
            if top is not None:
                seen = [one.tenant.id for one in _walk(tops, listed, below)]
                if top not in seen:
                    raise unknown(top)
                tops = [top]
        return _walk(tops, listed, below, removed=removed)


def laid_over(configured: Tenant | None, row: TenantRow | None) -> Tenant:
    """What is in force: livery.toml's tenant with what the store says of it over it."""
    if configured is None:
        assert row is not None, "a tenant is in one of the two"
        return Tenant(id=row.id, level=row.level, name=row.name, parent=row.parent, locale=row.locale)
    if row is None or row.removed_at is not None:
        return configured
    said = {"name": row.name, "locale": row.locale, "level": row.level}
    return configured.model_copy(update={name: value for name, value in said.items() if value is not None})


def unknown(id_: str) -> NotFound:
    """The same words whether it does not exist or is not for the one who asks."""
    return NotFound(f"no tenant is called {shown(id_)}")


def some(ids: "set[str] | list[str]") -> str:
    """A few of many ids, and how many more there are."""
    named = sorted(ids)
    more = f" and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
    return f"{', '.join(named[:_NAMED])}{more}"


def _walk(
    tops: "list[str]", listed: dict[str, Listed], below: dict[str | None, "list[str]"], *, removed: bool = True
) -> "list[Listed]":
    found: list[Listed] = []
    waiting = sorted(tops, reverse=True)
    while waiting:
        id_ = waiting.pop()
        one, under = listed[id_], below.get(id_, [])
        if one.removed and not removed:
            continue
        alive = tuple(child for child in under if not listed[child].removed)
        found.append(Listed(one.tenant, one.row, one.configured, alive))
        waiting.extend(reversed(under))
    return found
