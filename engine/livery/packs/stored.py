"""Packs kept in the store: their versions, which of them is active where, and the trail of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class PackVersion:
    """One version of a pack as it was uploaded. It never changes: a delivery may name it.

    Attributes:
        id: of this very upload.
        tenant: who owns it; it and all below it may use it.
        pack: the id in its manifest.
        version: the version in its manifest.
        digest: sha256 over its files, as `livery.packs.source.Snapshot.digest`.
        sha256: of the zip.
        size: bytes of the zip.
        title: as people call it.
        who: uploaded it.
        at: when.
        note: why.
        signed_by: the name of the trusted key that signed the zip; empty if none did.
        counts: how many findings of each severity it had when it was uploaded.
        revision: rises from upload to upload.

    """

    id: str
    tenant: str
    pack: str
    version: str
    digest: str
    sha256: str
    size: int
    title: str
    who: str
    at: datetime
    note: str = ""
    signed_by: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    revision: int = field(default=0, compare=False)

    @property
    def label(self) -> str:
        """Its id and version, as deliveries name it."""
        return f"{self.pack} {self.version}"

    def plain(self) -> dict[str, Any]:
        """As JSON shows it."""
        names = (
            "id", "tenant", "pack", "version", "title", "digest", "sha256", "size", "who", "note", "signed_by",
        )  # fmt: skip
        plain = {name: getattr(self, name) for name in names}
        return {**plain, "at": self.at.isoformat(), "findings": dict(self.counts)}


@dataclass(frozen=True, slots=True)
class Active:
    """Which version a pack's id means at a tenant, and below it as long as nobody there says otherwise.

    Attributes:
        tenant: whose word it is.
        pack: the id.
        version: the version's own id.
        name: the version in its manifest.
        digest: over its files.
        sha256: of its zip.
        who: activated it.
        at: when.
        is_active: False for what was taken back: only whoever still names it gets it.

    """

    tenant: str
    pack: str
    version: str
    name: str
    digest: str
    sha256: str
    who: str
    at: datetime
    is_active: bool = True

    def plain(self) -> dict[str, Any]:
        """As JSON shows it."""
        names = ("tenant", "pack", "digest", "sha256", "who")
        plain = {name: getattr(self, name) for name in names}
        return {**plain, "id": self.version, "version": self.name, "at": self.at.isoformat()}


@dataclass(frozen=True, slots=True)
class PackChange:
    """One line of the trail of packs; nothing ever alters it.

    Attributes:
        action: `upload`, `activate`, `roll back` or `remove`.
        before: the version's own id that was active before; empty for none.
        after: the version's own id it is about, or that is active since.
        before_name: the version in the manifest of `before`.
        after_name: that of `after`.
        used: what the tenant's own setting `pack` was before, if it was changed with it: `None` for nothing.
        is_used: whether that setting was changed with it.
        revision: rises from change to change.

    """

    id: str
    at: datetime
    who: str
    tenant: str
    pack: str
    action: str
    before: str = ""
    after: str = ""
    before_name: str = ""
    after_name: str = ""
    note: str = ""
    used: str | None = None
    is_used: bool = False
    revision: int = field(default=0, compare=False)

    def plain(self) -> dict[str, Any]:
        """As JSON shows it."""
        names = ("id", "who", "tenant", "pack", "action", "note")
        plain = {name: getattr(self, name) for name in names}
        versions = {"before": self.before_name or None, "after": self.after_name or None}
        return {**plain, **versions, "at": self.at.isoformat()}


class PackReader(Protocol):
    """The store, as far as rendering needs it."""

    def revision(self) -> int:
        """A number that any change of what is active, in any process, has moved on once it can be seen."""
        ...

    def moved(self, since: int) -> set[str]:
        """Tenants for which something was activated or taken back since a revision."""
        ...

    def active(self, tenants: Sequence[str]) -> Mapping[str, Sequence[Active]]:
        """What these tenants say themselves, in one query; also what was taken back."""
        ...

    def content(self, version: str) -> tuple[bytes, bytes | None] | None:
        """The zip of a version as it was uploaded, and its signature; None if there is no such version."""
        ...
