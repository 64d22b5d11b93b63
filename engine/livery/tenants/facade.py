"""`engine.tenants`: looking up, listing and changing tenants."""

from collections.abc import Callable
from typing import Any

from livery.config import Config
from livery.errors import ConfigError, Refused, shown
from livery.models.tenant import Level, Tenant
from livery.ports import Now, TenantStore
from livery.tenants import rules
from livery.tenants.rules import UNSET, Unset
from livery.tenants.tree import Tree, laid_over, unknown


class Tenants(Tree):
    """The tree of tenants, and changes of those in the store. Safe from any thread.

    A change counts from the moment its transaction ends; in other processes on PostgreSQL within two seconds.
    """

    def __init__(
        self,
        config: Config,
        store: Callable[[], TenantStore | None],
        *,
        made: Callable[[], TenantStore],
        now: Now,
    ) -> None:
        super().__init__(config, store)
        self._made, self._now = made, now

    def check(self) -> None:
        """Raise if livery.toml and the store contradict each other.

        Raises:
            ConfigError: with every contradiction, and what to do.

        """
        if wrong := self.problems():
            raise ConfigError("livery.toml and the store contradict each other:", wrong)

    def add(  # noqa: PLR0913 - a tenant has as many fields
        self,
        id_: str,
        *,
        parent: str | None = None,
        level: Level | str | None = None,
        name: str | None = None,
        locale: str | None = None,
        again: bool = False,
        connection: Any = None,
    ) -> Tenant:
        """Add a tenant to the store.

        Args:
            id_: the id events name it by.
            parent: the tenant above; None for the platform.
            level: if absent, `default` for the platform and `seller` for others. Nobody is below a seller.
            name: as people know it; as events give it if absent.
            locale: BCP 47 tag of its default language.
            again: bring back a tenant that was removed, and its history with it.
            connection: a SQLAlchemy Connection on the same database with the host's transaction begun; the
                tenant then exists if and only if that transaction commits.

        Raises:
            InputError: names every field that is wrong.
            Refused: it exists, was removed, or cannot hang there.

        """
        now, level = self._now(), level or (Level.SELLER if parent else Level.DEFAULT)
        fields = {"id": id_, "parent": parent, "level": level, "name": name, "locale": locale}
        row = rules.read({**fields, "created_at": now, "changed_at": now})
        store = self._made()
        with store.changing(connection) as tx:
            store.move_revision(tx)
            before = store.get(tx, id_)
            if id_ in self.configured or (before is not None and before.removed_at is None):
                raise Refused(f"tenant {shown(id_)} exists; livery tenant change changes it")
            if before is not None and not again:
                raise Refused(
                    f"tenant {shown(id_)} was removed on {before.removed_at:%Y-%m-%d}, and its history belongs to it; "
                    "bring it back with --again, or take another id"
                )
            if promoted := rules.check_place(self, store, tx, row):
                store.put(tx, promoted)
            store.put(tx, row)
        return laid_over(None, row)

    def change(  # noqa: PLR0913 - a tenant has as many fields
        self,
        id_: str,
        *,
        parent: str | Unset = UNSET,
        level: Level | str | Unset = UNSET,
        name: str | Unset | None = UNSET,
        locale: str | Unset | None = UNSET,
        within: str | None = None,
        connection: Any = None,
    ) -> Tenant:
        """Change a tenant. What is not given stays; None takes a name or locale away, and livery.toml's counts again.

        Args:
            id_: the tenant.
            parent: move it below another, with its own settings; not while tenants are below it.
            level: distributor or seller.
            name: as people know it.
            locale: BCP 47 tag.
            within: who asks: a tenant may change itself and what is below it, and may not move anything.
            connection: as in `add`.

        Raises:
            NotFound: there is none, or it is not for `within` to see; both are said in the same words.
            InputError: names every field that is wrong.
            Refused: something hangs on it: says what.

        """
        asked = {"parent": parent, "level": level, "name": name, "locale": locale}
        given = {field: value for field, value in asked.items() if value is not UNSET}
        if within is not None:
            self.show(id_, within=within)
            if not given.keys().isdisjoint(("parent", "level")):
                raise Refused("a tenant's place is for the platform to change")
        store, now = self._made(), self._now()
        with store.changing(connection) as tx:
            store.move_revision(tx)
            before = store.get(tx, id_)
            if before is None or before.removed_at is not None:
                before = rules.of_the_file(self, id_, now)
            if before is None:
                raise unknown(id_)
            row = rules.read({**before.model_dump(), **given, "changed_at": now})
            if (row.parent, row.level) != (before.parent, before.level):
                rules.check_move(self, store, tx, before, row)
                if promoted := rules.check_place(self, store, tx, row):
                    store.put(tx, promoted)
            store.put(tx, row)
        return laid_over(self.configured.get(id_), row)

    def remove(self, id_: str, *, connection: Any = None) -> None:
        """Remove a tenant of the store: its events are refused from now on. What was sent for it stays in the log.

        Raises:
            NotFound: there is none.
            Refused: something hangs on it: says what, and what to do first.

        """
        store = self._made()
        with store.changing(connection) as tx:
            store.move_revision(tx)
            if id_ in self.configured:
                raise Refused(f"tenant {shown(id_)} stands in livery.toml; take it out there")
            row = store.get(tx, id_)
            if row is None or row.removed_at is not None:
                raise unknown(id_)
            if problems := rules.hanging(self, store, tx, id_):
                raise Refused(f"tenant {shown(id_)} cannot be removed:", problems)
            now = self._now()
            store.put(tx, row.model_copy(update={"removed_at": now, "changed_at": now}))
