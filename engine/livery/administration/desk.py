"""A desk: whose settings somebody may see, and what they see of them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Self

from livery.administration.checks import Checks
from livery.errors import Problem, SettingsConflict, SettingsLocked
from livery.models.event import Event
from livery.models.explanation import SettingsView
from livery.models.tenant import Chain
from livery.planning import Planner
from livery.ports import Now, StoredEvent
from livery.settings import configured, effect
from livery.settings.changes import EVERYTHING, Change, Scope, Signed, Write, unknown
from livery.settings.differences import ANY, Difference, Layer, Slot, in_order
from livery.settings.fields import FIELDS
from livery.settings.live import Live
from livery.settings.resolving import lock_over
from livery.tenants import Tree

if TYPE_CHECKING:
    from livery.storage.settings import Editing, SettingsStore


@dataclass(frozen=True, slots=True)
class Parts:
    """What a desk works with."""

    planner: Planner
    live: Live
    checks: Checks
    tenants: Tree
    store: "Callable[[], SettingsStore]"
    read: Callable[[StoredEvent], Event]
    now: Now


class Desk:
    """Reads the settings of the tenants in a scope. One outside of it is answered like one that does not exist."""

    def __init__(self, parts: Parts, *, scope: Scope = EVERYTHING, who: str = "host") -> None:
        self._parts, self._scope, self._who = parts, scope, who

    def scoped(self, tenant: str, *, who: str) -> Self:
        """A desk for somebody who acts for a tenant: it, and all below it.

        Args:
            tenant: whom they act for.
            who: what the trail calls them, such as a user's id.

        Raises:
            NotFound: there is no such tenant here.

        """
        self._chain(tenant)
        below = frozenset(one.tenant.id for one in self._parts.tenants.list(under=tenant))
        return type(self)(self._parts, scope=Scope(tenant, below), who=who)

    def by(self, who: str) -> Self:
        """The same desk for somebody else: what the trail calls them."""
        return type(self)(self._parts, scope=self._scope, who=who)

    def resolved(
        self, tenant: str, event_type: str = ANY, channel: str = ANY, *, at: datetime | None = None
    ) -> SettingsView:
        """What counts at a tenant, where each value comes from, and what is left out and why. Shows no secret.

        Args:
            tenant: whose.
            event_type: for which; `*` for what is said of all of them.
            channel: for which; `*` for what is said of all of them.
            at: when; now if absent. Schedules are judged by it.

        Raises:
            NotFound: there is no such tenant, event type or channel here.

        """
        chain = self._chain(tenant)
        self._parts.checks.place(FIELDS["enabled"], Slot(tenant, event_type, channel, "enabled"))
        self._parts.live.refresh()
        settings = self._parts.planner.resolved(chain, event_type, channel, at or self._parts.now())
        return SettingsView(
            tenant=tenant,
            chain=tuple(f"{one.level} {one.id}" for one in chain),
            event_type=event_type,
            channel=channel,
            revision=self.revision(tenant),
            rows=effect.every(settings),
        )

    def revision(self, tenant: str) -> int:
        """At which revision a tenant's own settings were changed last; 0 if never. For `expected_revision`.

        Raises:
            NotFound: there is no such tenant here.

        """
        return self._stated([tenant])[1][tenant]

    def own(self, tenant: str) -> list[Difference]:
        """What a tenant itself says in the store, in the order in which it takes effect; secrets masked.

        Raises:
            NotFound: there is no such tenant here.

        """
        return self._own(self._stated([tenant])[0].get(tenant, ()))

    def history(self, tenant: str | None = None, *, limit: int = 100, since: int = 0) -> list[Change]:
        """Changes of a tenant's settings, or of everybody's here, newest first; secrets masked.

        Args:
            tenant: whose; None for everybody's.
            limit: at most so many.
            since: only those after this revision.

        Raises:
            NotFound: there is no such tenant here.

        """
        if tenant is not None:
            self._chain(tenant)
        return self._shown(self._parts.store().history(self._scope, tenant=tenant, limit=limit, since=since))

    # ------------------------------------------------------------------ how

    def _chain(self, tenant: str) -> Chain:
        chain = self._parts.tenants.chain(tenant) if self._scope.has(tenant) else None
        if chain is None:
            raise unknown(tenant)
        return chain

    def _stated(self, tenants: Sequence[str]) -> tuple[Mapping[str, Sequence[Difference]], dict[str, int]]:
        for tenant in tenants:
            self._chain(tenant)
        return self._parts.store().stated(self._scope, tenants)

    def _own(self, said: Sequence[Difference]) -> list[Difference]:
        shown = self._parts.checks.shown
        return [replace(one, value=(shown(one.slot, one.said()) or one.said())[1]) for one in in_order(said)]

    def _shown(self, changes: Sequence[Change]) -> list[Change]:
        shown = self._parts.checks.shown
        return [replace(one, before=shown(one.slot, one.before), after=shown(one.slot, one.after)) for one in changes]

    @contextmanager
    def _editing(self, expected: Mapping[str, int]) -> Iterator["Editing"]:
        """A transaction in which the settings are those that somebody has read."""
        with self._parts.store().editing(self._scope) as edit:
            for tenant, revision in expected.items():
                if edit.revision(tenant) != revision:
                    theirs = self._shown(edit.history(tenant, revision))
                    raise conflict(f"the settings of {tenant} were changed since they were read:", theirs)
            yield edit
        self._parts.live.refresh()

    def _written(self, edit: "Editing", writes: Sequence[Write], note: str, undo_of: str = "") -> list[Change]:
        self._check_locks(edit, writes)
        return self._shown(edit.write(writes, Signed(self._who, self._parts.now(), note, undo_of)))

    def _check_locks(self, edit: "Editing", writes: Sequence[Write]) -> None:
        problems, now = [], self._parts.now()
        for one in writes:
            if one.after is None or one.slot.is_lock:
                continue
            lock = lock_over(self._layers(edit, one.slot.tenant), Difference(one.slot, *one.after), now)
            if lock is not None:
                what = f"{one.slot.field} ({one.slot.where()})"
                problems.append(
                    Problem(f"{one.slot.tenant}: {what}", f"no change below {lock.origin}", f"locked by {lock}")
                )
        if problems:
            raise SettingsLocked("a level above has locked this:", problems)

    def _layers(self, edit: "Editing", tenant: str) -> list[Layer]:
        chain = self._parts.tenants.chain(tenant) or ()
        stored = edit.differences([one.id for one in chain])
        return [
            layer
            for one in chain
            for layer in (configured.layer(one), Layer.of(one.id, one.level, stored.get(one.id, ())))
        ]


def conflict(said: str, changes: Sequence[Change]) -> SettingsConflict:
    problems = [
        Problem(
            f"{one.slot.tenant}: {one.slot.field} ({one.slot.where()})",
            "no other change",
            f"{one.after[0] if one.after else 'reset'} by {one.who} at {one.at:%Y-%m-%d %H:%M:%S} UTC",
        )
        for one in changes
    ]
    return SettingsConflict(said, problems, changes)
