"""Changing settings: `engine.settings`. Every change is one transaction, checked, signed and on record."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any

from livery.administration import code
from livery.administration.desk import Desk, conflict
from livery.administration.what_if import Report, what_if
from livery.errors import NotFound, Problem, SettingsError
from livery.settings import configured
from livery.settings.changes import Change, Proposal, Said, Write
from livery.settings.differences import ANY, Difference, Operation, Slot
from livery.settings.fields import FIELDS, field_of

if TYPE_CHECKING:
    from livery.storage.settings import Editing


class Settings(Desk):
    """Reads and changes the settings of tenants. Safe from any thread.

    `engine.settings` may see and change all of them; `scoped` gives a desk for one tenant's own people. A tenant
    outside of its scope is answered like one that does not exist.
    """

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
        slot = Slot(tenant, event_type, channel, field, item, operation == Operation.LOCK, starts, ends)
        write = self._checked(slot, operation, value)
        expected = {} if expected_revision is None else {tenant: expected_revision}
        with self._editing(expected) as edit:
            own = edit.differences([tenant]).get(tenant, ())
            return self._written(edit, self._with_what_it_replaces(own, write), note)

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
        return self._taken_back(tenant, lambda slot: _fits(slot, wanted), note, expected_revision)

    def take_back(self, slot: Slot, *, note: str = "", expected_revision: int | None = None) -> list[Change]:
        """Take back one difference, whatever else is said of the same setting; such as one of two schedules.

        Raises:
            NotFound: there is no such tenant here.
            SettingsConflict: as for `change`.

        """
        self._chain(slot.tenant)
        return self._taken_back(slot.tenant, lambda one: one == slot, note, expected_revision)

    def _taken_back(
        self, tenant: str, is_meant: Callable[[Slot], bool], note: str, expected_revision: int | None
    ) -> list[Change]:
        expected = {} if expected_revision is None else {tenant: expected_revision}
        with self._editing(expected) as edit:
            said = edit.differences([tenant]).get(tenant, ())
            return self._written(edit, [Write(one.slot, None) for one in said if is_meant(one.slot)], note)

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

    # ------------------------------------------------------------------ planned first

    def export(self, tenant: str | None = None) -> dict[str, Any]:
        """What a tenant and those below it say in the store, as a document: see `livery.administration.code`.

        Args:
            tenant: whose; everybody's here who says something if absent.

        Raises:
            NotFound: there is no such tenant here.

        """
        if tenant is not None:
            self._chain(tenant)
        wanted = tenant or self._scope.acting or None
        ids = [one.tenant.id for one in self._parts.tenants.list(under=wanted)]
        said, revisions = self._parts.store().stated(self._scope, ids)
        shown = {id_: self._own(said.get(id_, ())) for id_ in ids if said.get(id_) or id_ == tenant}
        return code.document(shown, revisions)

    def plan_import(self, document: Mapping[str, Any]) -> Proposal:
        """What would change so that each tenant in a document says just what it says there. Changes nothing.

        Raises:
            NotFound: there is no such tenant here.
            SettingsError: the document is wrong; everything that is wrong is named.
            SettingsConflict: a tenant was changed since the document was exported; has those changes. Without
                `revision` in the document nothing is compared.

        """
        tenants = document.get("tenants")
        ids = [str(one) for one in tenants] if isinstance(tenants, Mapping) else []
        standing, revisions = self._stated(ids)

        def check(slot: Slot, operation: Operation, value: Any) -> tuple[Slot, Said]:
            if FIELDS.get(slot.field) is not None and FIELDS[slot.field].is_secret:
                value = code.with_secrets(slot, value, standing.get(slot.tenant, ()), operation)
            return self._parts.checks.said(slot, operation, value, self._parts.now())

        read = code.read(document, check)
        for tenant, revision in read.revisions.items():
            if revision != revisions[tenant]:
                theirs = self.history(tenant, since=revision)
                raise conflict(f"the settings of {tenant} were changed since they were exported:", theirs)
        return self._proposal(code.writes(read, standing), standing, revisions)

    def propose(  # noqa: PLR0913 - as for `change`
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
    ) -> Proposal:
        """What `change` would do with the same arguments, planned only: for `what_if` and `apply`.

        Raises:
            NotFound: as for `change`.
            SettingsError: as for `change`.

        """
        slot = Slot(tenant, event_type, channel, field, item, operation == Operation.LOCK, starts, ends)
        write = self._checked(slot, operation, value)
        standing, revisions = self._stated([tenant])
        return self._proposal(self._with_what_it_replaces(standing.get(tenant, ()), write), standing, revisions)

    def apply(self, proposal: Proposal, *, note: str = "") -> list[Change]:
        """Make planned changes, all or none.

        Raises:
            SettingsLocked: a level above has locked some of it.
            SettingsConflict: somebody changed one of the tenants since it was planned; has their changes.

        """
        with self._editing(proposal.expected) as edit:
            return self._written(edit, proposal.writes, note)

    def what_if(self, proposal: Proposal, *, since: datetime, limit: int = 10_000) -> Report:
        """What planned changes would have done to the events that came since then: counted, with examples.

        Events are planned again twice, as things are and as they would be, with the host's answers of today.

        Args:
            proposal: the changes.
            since: from when on.
            limit: at most so many events, the newest.

        """
        parts, store = self._parts, self._parts.store()
        stored = store.events(self._scope, since, limit=limit)
        events = ((partial(parts.read, one), one.accepted_at) for one in stored)
        return what_if(parts.planner, store, proposal.writes, events)

    # ------------------------------------------------------------------ how

    def _checked(self, slot: Slot, operation: str, value: Any) -> Write:
        self._chain(slot.tenant)
        if operation not in tuple(Operation):
            said = f"one of {', '.join(Operation)}"
            raise SettingsError("the change is wrong:", [Problem("operation", said, repr(operation))])
        return Write(*self._parts.checks.said(slot, Operation(operation), value, self._parts.now()))

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
            raise conflict("it was changed again since, so undoing it would undo that too:", self._shown(since))

    def _with_what_it_replaces(self, own: Sequence[Difference], wanted: Write) -> list[Write]:
        """A whole list or table takes the place of what was added to and removed from it at the same level."""
        slot, after = wanted.slot, wanted.after
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

    def _proposal(
        self, writes: Sequence[Write], standing: Mapping[str, Sequence[Difference]], revisions: Mapping[str, int]
    ) -> Proposal:
        before = {one.slot: one.said() for said in standing.values() for one in said}
        now = self._parts.now()
        changes = [
            Change("", number, 0, now, self._who, one.slot, before.get(one.slot), one.after)
            for number, one in enumerate(writes, 1)
            if before.get(one.slot) != one.after
        ]
        return Proposal(self._shown(changes), writes, {one: revisions[one] for one in standing or revisions})


def _fits(slot: Slot, wanted: Mapping[str, Any]) -> bool:
    return all(value is None or getattr(slot, name) == value for name, value in wanted.items())
