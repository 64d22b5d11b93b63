"""What belongs to a pack, and how much of it: the guards every source goes through."""

import unicodedata
from collections.abc import Iterable
from typing import NoReturn

from livery.errors import PackError
from livery.packs.findings import Finding

MAX_FILES = 500
MAX_TEXT = 256 * 1024
MAX_ASSET = 1024 * 1024
MAX_TOML = 1024 * 1024
MAX_TOTAL = 8 * 1024 * 1024
MAX_PATH, MAX_FOLDERS = 240, 16
MANIFEST = "pack.toml"
FLAT = frozenset(["strings", "notifications"])
"""Folders whose files count only if they lie directly in them."""
TREES = frozenset(["layouts", "blocks", "parts", "assets", "samples", "parents"])
"""Folders that may have folders in them."""
_LISTED = 20


def belongs(path: str) -> bool:
    """Whether a path is that of a file of a pack; everything else is passed over."""
    top, *rest = path.split("/")
    if any(is_hidden(part) for part in (top, *rest)):
        return False
    if not rest:
        return top == MANIFEST
    if top in FLAT:
        return len(rest) == 1 and path.endswith(".toml")
    return top in TREES


def is_hidden(name: str) -> bool:
    """Whether a name is passed over wherever it stands: hidden files, Python code and what editors leave."""
    return name.startswith(".") or name == "__pycache__" or name.endswith((".py", ".pyc", "~"))


class Gathering:
    """The files of one pack as they are found: refuses what is too much, and notes all that is wrong."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.files: dict[str, bytes] = {}
        self.unread: dict[str, str] = {}
        self.findings: list[Finding] = []
        self._seen: dict[str, str] = {}
        self._total = self._toml = 0

    def wrong(self, message: str, path: str = "", *, rule: str = "source", fix: str = "") -> None:
        # The name is the author's own words: nothing in it may move a cursor.
        safe = path if path.isprintable() else ascii(path)[1:-1]
        self.findings.append(
            Finding(severity="error", rule=rule, message=message, fix=fix, pack=self.where, file=safe[:MAX_PATH])
        )

    def refuse(self, message: str, *, fix: str = "") -> NoReturn:
        """Stop here.

        Raises:
            PackError: with this and all that was found before.

        """
        self.wrong(message, fix=fix)
        raise refusal(self.findings, self.where)

    def has_fit_name(self, path: str) -> bool:
        """Whether a name leads to a file inside and means one file everywhere; if not, that is noted."""
        folded = unicodedata.normalize("NFC", path).casefold()
        other = self._seen.setdefault(folded, path)
        if said := fault_of(path):
            self.wrong(said, path)
        elif other is not path:
            same = "is there twice" if other == path else f"has the same name as {other} where case does not count"
            self.wrong(same, path, fix="keep one")
        return not said and other is path

    def has_room(self, path: str, size: int) -> bool:
        """Whether a file of this size may be read; one that is too large is left out, and the rest is used.

        Raises:
            PackError: there are too many files, or too much of them.

        """
        limit = limit_of(path)
        if size > limit:
            self.unread[path] = f"is larger than {limit // 1024} KiB"
            return False
        self._total += size
        self._toml += size if path.endswith(".toml") else 0
        if self._total > MAX_TOTAL:
            self.refuse(f"is larger than {MAX_TOTAL // 1024 // 1024} MiB in all")
        if self._toml > MAX_TOML:
            self.refuse(f"has more than {MAX_TOML // 1024 // 1024} MiB of strings and notifications")
        if len(self.files) >= MAX_FILES:
            self.refuse(f"has more than {MAX_FILES} files")
        self.files[path] = b""
        return True

    def check(self) -> None:
        """Judge the whole.

        Raises:
            PackError: something is wrong, or there is no pack.toml.

        """
        if not self.findings and MANIFEST not in self.files:
            self.wrong(self.unread.get(MANIFEST, "has no pack.toml, so it is no template pack"), MANIFEST)
        if self.findings:
            raise refusal(self.findings, self.where)


def limit_of(path: str) -> int:
    """How large a file may be, in bytes."""
    return MAX_ASSET if path.startswith("assets/") else MAX_TEXT


def fault_of(path: str) -> str:
    """What is wrong with the name of a file; empty if nothing is."""
    parts = path.split("/")
    if "\x00" in path:
        return "has a NUL in its name"
    if "\\" in path:
        return "has a backslash in its name; use /"
    if path.startswith("/") or path[1:2] == ":" or ".." in parts:
        return "leads outside the pack"
    if not all(parts) or "." in parts:
        return "is no plain path; leave out empty parts and `.`"
    if not path.isprintable():
        return "has characters in its name that cannot be printed"
    if len(path) > MAX_PATH or len(parts) > MAX_FOLDERS:
        return f"has a path of more than {MAX_PATH} characters or {MAX_FOLDERS} folders"
    return ""


def refusal(findings: Iterable[Finding], pack: str) -> PackError:
    """Findings as one error: the only one as it is, of several the first twenty, a line each."""
    listed = tuple(findings)
    first = listed[0]
    if len(listed) == 1:
        said = f"{first.message}; {first.fix}" if first.fix else first.message
        return PackError(said, pack=pack, file=first.file, line=first.line, column=first.column, findings=listed)
    lines = [f"  {one}" for one in listed[:_LISTED]]
    if len(listed) > _LISTED:
        lines.append(f"  … and {len(listed) - _LISTED} more")
    said = "\n".join([f"{len(listed)} things are wrong:", *lines])
    error = PackError(said, pack=pack, findings=listed)
    error.file, error.line, error.column = first.file, first.line, first.column
    return error
