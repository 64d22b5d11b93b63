"""The depot: packs kept in the store, `engine.packs`. Owns who may upload, activate and take back which version.

A version never changes once it is there, and an activation is one transaction: every process renders wholly with
what was active before, or wholly with what is active since.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from livery.depot.looking import Looking, unknown_version
from livery.errors import PackError, Problem, Refused, shown
from livery.ids import new_id
from livery.locales import one_line
from livery.packs.chain import PackChain
from livery.packs.findings import Finding
from livery.packs.gathering import refusal
from livery.packs.pack import Pack
from livery.packs.signatures import SIZE
from livery.packs.stored import Active, PackChange, PackVersion
from livery.packs.zipped import from_zip
from livery.settings.changes import Proposal, Write
from livery.settings.differences import ANY, Operation, Slot

if TYPE_CHECKING:
    from livery.storage.packs import Changing

_NOTE = 2000


class Packs(Looking):
    """Looks at and changes the packs of the store. Safe from any thread. See `Looking` for `within`."""

    def candidate(self, tenant: str, content: bytes, *, within: str | None = None) -> tuple[Pack, PackChain]:
        """The pack in a zip that nobody has checked yet, and its chain as a tenant would have it. Stores nothing.

        Raises:
            NotFound: there is no such tenant here.
            PackError: it is no pack, or not one that can be used there; `findings` has everything.

        """
        chain = self._chain(tenant, within)
        pack = Pack(from_zip(content, "the uploaded zip"))
        if pack.id in self._stock.library.packs:
            said = f"a pack that is installed for everybody has the id {pack.id!r}"
            raise _wrong(pack, "id", said, "give this one another id; as its `parent` it may name the installed one")
        return pack, self._stock.chain_with(pack, chain)

    def add(  # noqa: PLR0913 - an upload has so many parts
        self,
        tenant: str,
        content: bytes,
        *,
        who: str,
        report: Mapping[str, Any] | None = None,
        signature: bytes | None = None,
        note: str = "",
        within: str | None = None,
    ) -> PackVersion:
        """Keep a version of a pack. Its files are checked; `livery.packtools.uploading` checks its messages, too.

        Idempotent: the same version with the same files is kept once.

        Args:
            tenant: who is to own it.
            content: the zip.
            who: uploads it, for the trail.
            report: what was found by whoever checked its messages.
            signature: of the zip, 64 bytes.
            note: why, for the trail.
            within: see `Packs`.

        Raises:
            NotFound: there is no such tenant here.
            PackError: it is no pack, has errors, or is not signed as it must be; `findings` has everything.
            Refused: the same version is there with other files, or the tenant keeps too much already.

        """
        self._chain(tenant, within)
        pack, _ = self.candidate(tenant, content, within=within)
        if wrong := [one for one in pack.findings if one.severity == "error"]:
            raise refusal(wrong, pack.id)
        if signature is not None and len(signature) != SIZE:
            raise PackError(f"its signature has {len(signature)} bytes; one of livery pack build has 64", pack=pack.id)
        signer = self._stock.trust.signer(content, signature, pack.id)
        now, counts = self._now(), dict((report or {}).get("counts") or _counted(pack.findings))
        made = PackVersion(
            id=new_id("pkv", now), tenant=tenant, pack=pack.id, version=pack.manifest.version, digest=pack.digest,
            sha256=sha256(content).hexdigest(), size=len(content), title=pack.manifest.title or pack.id,
            who=who, at=now, note=one_line(note, _NOTE), signed_by=signer, counts=counts,
        )  # fmt: skip
        with self._made().changing() as tx:
            same = next((one for one in tx.find(tenant, pack.id) if one.version == made.version), None)
            if same is not None:
                return _same(same, made)
            self._check_room(tx, made)
            made = tx.add(made, content, signature, report or {})
            tx.note(self._line(made, "upload", who, note))
        return made

    def activate(  # noqa: PLR0913 - an activation has so many parts
        self,
        tenant: str,
        pack: str,
        version: str | None = None,
        *,
        who: str,
        use: bool = True,
        note: str = "",
        within: str | None = None,
    ) -> Active:
        """Let a pack's id mean this version at a tenant and below it, from the next message on, in every process.

        Idempotent: what is active already stays, and the trail gets no line.

        Args:
            tenant: where.
            pack: the pack's id.
            version: the version in its manifest, or its own id; the newest upload if absent.
            who: for the trail.
            use: also let the tenant's setting `pack` name it, where it names another. An add-on is never named.
            note: why, for the trail.
            within: see `Packs`.

        Raises:
            NotFound: there is no such tenant, pack or version here.
            PackError: the tenant cannot use it: a parent is missing.
            SettingsLocked: a level above has locked the setting `pack`.

        """
        chain = self._chain(tenant, within)
        wanted, now = self._wanted(chain, pack, version), self._now()
        active = _active(wanted, tenant, who, now)
        made = self._stock.pack(active)
        self._stock.chain_with(made, chain)
        with self._made().changing() as tx:
            if tx.one(wanted.id) is None:
                raise unknown_version(version or pack)
            before = tx.standing(tenant, pack)
            names = use and made.manifest.adds_to is None and self.used(tenant) != pack
            line = self._line(wanted, "activate", who, note, at=tenant, before=before)
            is_new = before is None or not before.is_active or before.version != wanted.id
            if is_new:
                tx.stand(active)
            if names:
                line = self._naming(line, pack)
            if is_new or names:
                tx.note(line)
        self._stock.refresh()
        return active if is_new or before is None else before

    def roll_back(
        self, tenant: str, pack: str, *, who: str, note: str = "", within: str | None = None
    ) -> Active | None:
        """Let stand again what was active before the last activation; None if nothing was. Twice changes nothing.

        The tenant's setting `pack` stands again as it did, too, unless it was changed since.

        Raises:
            NotFound: there is no such tenant here.
            Refused: nothing was activated there, or the version before was removed.
            SettingsLocked: a level above has locked the setting `pack` since.

        """
        self._chain(tenant, within)
        with self._made().changing() as tx:
            last, now = tx.last(tenant, pack), tx.standing(tenant, pack)
            if last is None or now is None:
                raise Refused(f"of the pack {shown(pack)} nothing was ever activated at {shown(tenant)}")
            version = tx.one(last.before) if last.before else None
            if last.before and version is None:
                raise Refused(f"{pack} {last.before_name} was removed, so it cannot be active again")
            line = PackChange(
                new_id("pkc", self._now()), self._now(), who, tenant, pack, "roll back",
                before=now.version if now.is_active else "", before_name=now.name if now.is_active else "",
                after=version.id if version else "", after_name=version.version if version else "",
                note=one_line(note, _NOTE),
            )  # fmt: skip
            gone = replace(now, is_active=False, who=who, at=line.at)
            back = gone if version is None else _active(version, tenant, who, line.at)
            tx.stand(back)
            if last.is_used and pack in (last.used, self._own(tenant)):
                line = self._naming(line, last.used)
            tx.note(line)
        self._stock.refresh()
        return back if back.is_active else None

    def remove(self, version: str, *, who: str, note: str = "", within: str | None = None) -> PackVersion:
        """Remove a version that is active nowhere. What was sent with it stays in the log, and its name in the trail.

        Raises:
            NotFound: there is no such version here.
            Refused: it is active somewhere, or is a tenant's above.

        """
        one = self.show(version, within=within)
        below = self._below(within)
        if below is not None and one.tenant not in below:
            raise Refused(f"{one.label} is {one.tenant}'s, who is above {within}; only it can remove it")
        with self._made().changing() as tx:
            if users := tx.users(one.id):
                said = [Problem(tenant, f"another version, or none, where {one.label} is active") for tenant in users]
                raise Refused(f"{one.label} is in use:", said)
            tx.remove(one.id)
            tx.note(self._line(one, "remove", who, note))
        self._stock.refresh()
        return one

    # ------------------------------------------------------------------ how

    def _check_room(self, tx: "Changing", made: PackVersion) -> None:
        count, size = tx.held(made.tenant)
        most, bytes_ = self._policy.max_versions, self._policy.max_megabytes * 1024 * 1024
        if count >= most or size + made.size > bytes_:
            problem = Problem(
                f"packs of {made.tenant}", f"at most {most} versions and {self._policy.max_megabytes} MB",
                f"{count} versions and {size / 1024 / 1024:.0f} MB; remove versions that are active nowhere",
            )  # fmt: skip
            raise Refused("there is no room for it:", [problem])

    def _line(
        self, one: PackVersion, action: str, who: str, note: str, *, at: str = "", before: Active | None = None
    ) -> PackChange:
        now, was = self._now(), before if before is not None and before.is_active else None
        return PackChange(
            new_id("pkc", now), now, who, at or one.tenant, one.pack, action, before=was.version if was else "",
            before_name=was.name if was else "", after=one.id, after_name=one.version, note=one_line(note, _NOTE),
        )  # fmt: skip

    def _own(self, tenant: str) -> str | None:
        """The pack a tenant's own settings name in the store."""
        slot = Slot(tenant, ANY, ANY, "pack")
        return next((one.value for one in self._settings.own(tenant) if one.slot == slot), None)

    def _naming(self, line: PackChange, pack: str | None) -> PackChange:
        """Let the tenant's setting name another pack, in the same transaction; None takes it back."""
        used, slot = self._own(line.tenant), Slot(line.tenant, ANY, ANY, "pack")
        write = Write(slot, None if pack is None else (Operation.SET, pack))
        # Not `change`: that a pack exists which is being activated here, nobody else can see yet.
        self._settings.by(line.who).apply(Proposal([], [write], {}), note=line.note)
        return replace(line, used=used, is_used=True)


def _active(one: PackVersion, tenant: str, who: str, at: datetime) -> Active:
    return Active(tenant, one.pack, one.id, one.version, one.digest, one.sha256, who, at)


def _same(kept: PackVersion, made: PackVersion) -> PackVersion:
    if kept.digest == made.digest:
        return kept
    problem = Problem("pack.toml: version", "one that is not there yet", made.version)
    raise Refused(
        f"{made.tenant} has {made.label} already, with other files; what deliveries name never changes:", [problem]
    )


def _counted(findings: Iterable[Finding]) -> dict[str, int]:
    severities = [one.severity for one in findings]
    return {severity: severities.count(severity) for severity in ("error", "warning", "note")}


def _wrong(pack: Pack, key: str, message: str, fix: str) -> PackError:
    place = pack.value_place("pack.toml", (key,))
    found = Finding(
        severity="error", rule=key, message=message, fix=fix, pack=pack.id, file="pack.toml", line=place.line,
        column=place.column,
    )  # fmt: skip
    return refusal([found], pack.id)
