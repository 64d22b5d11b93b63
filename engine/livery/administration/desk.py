"""The desk: where settings are read and changed. `engine.settings` is one."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from livery.administration.checks import Checks
from livery.errors import NotFound, Problem, SettingsConflict, SettingsError, SettingsLocked
from livery.models.explanation import SettingsView
from livery.models.tenant import Chain
from livery.planning import Planner
from livery.ports import Now
from livery.settings import configured, effect
from livery.settings.changes import EVERYTHING, Change, Scope, Signed, Write, unknown
from livery.settings.differences import ANY, Difference, Layer, Operation, Slot
from livery.settings.fields import FIELDS, field_of
from livery.settings.live import Live
from livery.settings.resolving import lock_over
from livery.tenants import Tree

if TYPE_CHECKING:
    from livery.storage.settings import Editing, SettingsStore


@dataclass(frozen=True, slots=True)
class Parts:
    """What the desk works with."""

    planner: Planner
    live: Live
    checks: Checks
    tenants: Tree
    store: "Callable[[], SettingsStore]"
    now: Now


class Settings:
    """Reads and changes the settings of tenants. Safe from any thread; every change is one transaction.

    `engine.settings` may see and change all of them; `scoped` gives a desk for one tenant's own people. A tenant
    outside of its scope is answered like one that does not exist.
    """

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

    # ------------------------------------------------------------------ reading

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
        chain, (found, _) = self._chain(tenant), self._stated([tenant])
        layer = Layer.of(tenant, chain[-1].level, found.get(tenant, ()))
        checks = self._parts.checks
        return [replace(one, value=(checks.shown(one.slot, one.said()) or one.said())[1]) for one in layer.differences]

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

    # ------------------------------------------------------------------ changing

    def change(  # noqa: PLR0913 - a difference has so many parts
        self,
        tenant: str,
        operation: str,
        field: str,
        value: Any = None,
        *,
        item: str = "",
        event_type: str = ANY,
        channel: str = ANY,
        starts: datetime | None = None,
        ends: datetime | None = None,
        note: str = "",
        expected_revision: int | None = None,
    ) -> list[Change]:
        """Say something at a level: only this difference is stored, and nothing that comes from above.

        Idempotent: what is said already makes no change.

        Args:
            tenant: whose level.
            operation: `set`, `add`, `remove` or `lock`.
            field: which setting; `livery.settings.fields.FIELDS` has all.
            value: for `set` the value, list or table; for `add` and `remove` of a list the selector; for `add` of a
                table the item.
            item: for `add` and `remove` of a table, the item's name.
            event_type: of which; `*` for all.
            channel: of which; `*` for all.
            starts: from when on it counts; at once if absent.
            ends: until when it counts; for ever if absent.
            note: why, for the trail and for whoever asks what it is about.
            expected_revision: the revision that was read; somebody else's change since then is a conflict.

        Returns:
            What was changed; empty if it stood so already.

        Raises:
            NotFound: there is no such tenant here, or no such setting, event type, channel or pack.
            SettingsError: the value is wrong; every problem is named.
            SettingsLocked: a level above has locked it; says who.
            SettingsConflict: somebody else changed the tenant's settings since; has their changes.

        """
        self._chain(tenant)
        wanted = Operation(operation) if operation in tuple(Operation) else None
        if wanted is None:
            said = f"one of {', '.join(Operation)}"
            raise SettingsError("the change is wrong:", [Problem("operation", said, repr(operation))])
        slot = Slot(tenant, event_type, channel, field, item, wanted is Operation.LOCK, starts, ends)
        slot, after = self._parts.checks.said(slot, wanted, value, self._parts.now())
        expected = {} if expected_revision is None else {tenant: expected_revision}
        with self._editing(expected) as edit:
            writes = self._with_what_it_replaces(edit, Write(slot, after))
            return self._written(edit, writes, note)

    def reset(  # noqa: PLR0913 - as for `change`
        self,
        tenant: str,
        field: str | None = None,
        *,
        item: str | None = None,
        event_type: str | None = None,
        channel: str | None = None,
        is_lock: bool = False,
        note: str = "",
        expected_revision: int | None = None,
    ) -> list[Change]:
        """Take back what a tenant itself says in the store, so that what comes from above counts again.

        Args:
            tenant: whose.
            field: which setting; every one if absent.
            item: of a list or table, only what is said about this.
            event_type: only what is said of this one (`*`: of all of them); whatever is said if absent.
            channel: only what is said of this one; whatever is said if absent.
            is_lock: take back locks instead of values.
            note: why.
            expected_revision: as for `change`.

        Raises:
            NotFound: there is no such tenant or setting here.
            SettingsConflict: as for `change`.

        """
        self._chain(tenant)
        if field is not None:
            field_of(field)
        wanted = {"field": field, "item": item, "event_type": event_type, "channel": channel, "is_lock": is_lock}
        expected = {} if expected_revision is None else {tenant: expected_revision}
        with self._editing(expected) as edit:
            said = edit.differences([tenant]).get(tenant, ())
            return self._written(edit, [Write(one.slot, None) for one in said if _fits(one.slot, wanted)], note)

    def undo(self, change: str, *, force: bool = False, note: str = "") -> list[Change]:
        """Let stand again what stood before a change; itself a change, which can be undone.

        Args:
            change: its id; what was changed at once is undone at once.
            force: also where it was changed again since.
            note: why.

        Raises:
            NotFound: there is no such change here.
            SettingsConflict: it was changed again since; has those changes.
            SettingsLocked: a level above has locked it since.

        """
        found = self._parts.store().change(self._scope, change)
        if not found:
            raise NotFound(f"no change is called {change!r}")
        with self._editing({}) as edit:
            if not force:
                self._check_still_stands(edit, found)
            return self._written(edit, [Write(one.slot, one.before) for one in found], note, undo_of=change)

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
                    raise _conflict(f"the settings of {tenant} were changed since they were read:", theirs)
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

    def _check_still_stands(self, edit: "Editing", found: Sequence[Change]) -> None:
        standing = {
            one.slot: one.said()
            for tenant in {change.slot.tenant for change in found}
            for one in edit.differences([tenant]).get(tenant, ())
        }
        moved = {one.slot for one in found if standing.get(one.slot) != one.after}
        if moved:
            since = [
                one
                for tenant in {slot.tenant for slot in moved}
                for one in edit.history(tenant, found[0].revision)
                if one.slot in moved
            ]
            raise _conflict("it was changed again since, so undoing it would undo that too:", self._shown(since))

    def _with_what_it_replaces(self, edit: "Editing", wanted: Write) -> list[Write]:
        """A whole list or table takes the place of what was added to and removed from it at the same level."""
        slot, after = wanted.slot, wanted.after
        own = edit.differences([slot.tenant]).get(slot.tenant, ())
        if after is not None and after[0] is Operation.SET:
            same = replace(slot, item="")
            parts = [one.slot for one in own if one.slot.item and replace(one.slot, item="") == same]
            return [*(Write(one, None) for one in parts), wanted]
        if after is not None and after[0] is Operation.REMOVE and field_of(slot.field).is_owned:
            return [self._removal(own, wanted)]
        return [wanted]

    def _removal(self, own: Sequence[Difference], wanted: Write) -> Write:
        """Of a table that is a level's own, an item of the store is taken out, and one of livery.toml marked."""
        slot = wanted.slot
        chain = self._chain(slot.tenant)
        names = {one.slot.item for one in configured.layer(chain[-1]).differences if one.slot.covers(slot)}
        named = {one.slot.item for one in own if one.slot == slot}
        for one in own:
            if one.operation is Operation.SET and one.slot.covers(slot):
                names |= set(one.value)
        if slot.item in names:
            return wanted
        if slot.item not in named:
            raise NotFound(f"{slot.tenant} has no {slot.channel} destination called {slot.item!r} of its own")
        return Write(slot, None)


def _conflict(said: str, changes: Sequence[Change]) -> SettingsConflict:
    problems = [
        Problem(
            f"{one.slot.tenant}: {one.slot.field} ({one.slot.where()})",
            "no other change",
            f"{one.after[0] if one.after else 'reset'} by {one.who} at {one.at:%Y-%m-%d %H:%M:%S} UTC",
        )
        for one in changes
    ]
    return SettingsConflict(said, problems, changes)


def _fits(slot: Slot, wanted: Mapping[str, Any]) -> bool:
    return all(value is None or getattr(slot, name) == value for name, value in wanted.items())
