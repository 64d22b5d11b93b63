"""A pack while it is being worked on: always shows something, the newest that works, and says what does not.

An edit is wholly in use or not at all: what cannot be read stays as it was. A message that an edit degrades is shown
as it was before, beside the reason.
"""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

from livery import border
from livery.errors import EventError, LiveryError, NotFound
from livery.packs.findings import Finding, ordered
from livery.studio.bench import Bench, trouble_of
from livery.studio.cases import Case, Scheme
from livery.studio.looks import Look, pending
from livery.studio.opening import Target
from livery.studio.pages import Live, Pages
from livery.studio.samples import Sample
from livery.studio.watch import State, state_of

Check = Callable[[Target], Sequence[Finding]]
_PATIENCE = 5
OWN = "yours"
"""The name of the sample that a designer pasted."""


class Session:
    """One pack under edit. Safe from any thread; one renders at a time.

    Attributes:
        token: what a request that changes something must bring; chance, made anew with each session.
        version: counts the edits seen.
        trouble: why the newest edit is not in use, or not wholly.

    """

    def __init__(self, target: Target, *, check: Check = lambda _: (), remote_images: bool = False) -> None:
        """Open the pack.

        Args:
            target: what is shown.
            check: finds what is wrong with the whole pack; asked when an overview is shown, and may take its time.
            remote_images: whether pages fetch pictures from other hosts.

        Raises:
            NotFound: there is no such pack, installed or on disk. A broken one is shown with its errors.

        """
        self.target, self.token, self.version = target, secrets.token_urlsafe(24), 0
        self.trouble: list[Finding] = []
        self._remote_images, self._check = remote_images, check
        self._found: Sequence[Finding] | None = None
        self._bench: Bench | None = None
        self._own: list[Sample] = []
        self._looks: dict[str, Look] = {}
        self._good: dict[str, Look] = {}
        self._turn, self._lock = Lock(), Lock()
        self._is_overview_wanted = self._is_check_wanted = False
        self._rendering = 0
        self._state: State = {}
        self._coming: State = {}
        self._waited = 0
        self._config: State = {}
        self.poll()
        if not self.is_shown and (target.path is None or not target.path.exists()):
            raise NotFound("\n".join(map(str, self.trouble)))

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep others out. Who waits is next, so that `finish` with its many short holds keeps nobody waiting."""
        with self._turn:
            self._lock.acquire()
        try:
            yield
        finally:
            self._lock.release()

    # ------------------------------------------------------------------ edits

    def poll(self) -> bool:
        """Whether something was edited; if so, it is in use now, or its errors are known.

        An edit counts once two calls have seen it alike: a file that is just being written is empty for a moment. Where
        something is written all the time, it counts all the same after a few.
        """
        with self._alone():
            state = state_of(self._places())
            if self.version and state == self._state:
                return False
            if self.version and state != self._coming and self._waited < _PATIENCE:
                self._coming, self._waited = state, self._waited + 1
                return False
            self._waited = 0
            self._open()
            # What is written while the pack is read counts as the next edit; parents are known only now.
            self._state = {**state_of(self._places()), **state}
            return True

    def _open(self) -> None:
        self.version += 1
        self._is_overview_wanted = self._is_check_wanted = False
        try:
            if self._bench is None or self._config != self._seen_config():
                self._take(Bench.opened(self.target, self._own))
            else:
                self._take(self._bench.renewed(self._own))
        except LiveryError as error:
            self.trouble = trouble_of(error)

    def _take(self, bench: Bench) -> None:
        last, self._bench = self._bench, bench
        self._config = self._seen_config()
        self.trouble = ordered([*bench.broken, *bench.errors])
        is_new = last is None or last.engine is not bench.engine
        if last is None or is_new or (last.packs.digest, last.cases) != (bench.packs.digest, bench.cases):
            self._rendering += 1
            self._looks, self._found = {}, None
        if last is not None and is_new:
            last.close()

    def _seen_config(self) -> State:
        return state_of([self.target.file] if self.target.file else [])

    def close(self) -> None:
        """End what renders."""
        with self._alone():
            if self._bench is not None:
                self._bench.close()

    def _places(self) -> list[Path]:
        """What is watched: the pack, its parents, and the configuration."""
        places = list(self._bench.folders()) if self._bench else []
        named = [one for one in (self.target.path, self.target.file) if one]
        return list(dict.fromkeys([*places, *named]))

    # ------------------------------------------------------------------ pages

    @property
    def is_shown(self) -> bool:
        """Whether there is anything to show, the newest or not."""
        return self._bench is not None

    @property
    def label(self) -> str:
        """The pack and its parents; what it was called by while it cannot be opened."""
        return self._bench.label if self._bench else self.target.pack

    def first(self) -> str | None:
        """The page to begin with; None while there is no case to show."""
        with self._alone():
            slug = next(iter(self._bench.cases), None) if self._bench else None
        return f"cases/{slug}.html" if slug else None

    def index(self) -> str:
        """The overview of every case, at once: what `finish` has not rendered yet is still without its marks."""
        with self._alone():
            if self._bench is None:
                return self._blank("Nothing to show yet", "Mend the errors above; the page follows.", "")
            self._is_overview_wanted = self._is_check_wanted = True
            found = [
                self._look(slug) if slug in self._looks else (pending(case), [])
                for slug, case in self._bench.cases.items()
            ]
            faults = self._located([fault for _, some in found for fault in some])
            known = ordered([*self._bench.findings, *(self._found or ())])
            return self._pages(faults).index([look for look, _ in found], known)

    @property
    def overview(self) -> str:
        """Names what is known now; a page that tells of it is newest as long as this is the same."""
        return f"{self.version}.{len(self._looks)}.{self._found is not None:d}"

    def finish(self, is_over: Callable[[], bool]) -> bool:
        """Render and check what pages that were looked at still lack. Stops at the next edit.

        Returns whether it did anything.
        """
        version, has_done = self.version, False
        while not is_over():
            with self._alone():
                missing = self._missing() if self.version == version else None
                if missing is None:
                    break
                self._look(missing)
                has_done = True
        return self._checked(version) or has_done

    def _checked(self, version: int) -> bool:
        """Whether the whole pack was checked now; nobody waits for that."""
        if self.version != version or not self._is_check_wanted or self._found is not None or self.trouble:
            return False
        try:
            found = self._check(self.target)
        except LiveryError as error:  # an edit meanwhile
            found = trouble_of(error)
        with self._alone():
            if self.version != version:
                return False
            self._found = found
            return True

    def _located(self, faults: list[Finding]) -> list[Finding]:
        """Why a message is degraded, with the places in its files once the pack was checked."""
        found = [one for one in self._found or () if one.severity == "error"]
        return found if faults and found else faults

    def _missing(self) -> str | None:
        """A case the overview lacks."""
        if self._bench is None or not self._is_overview_wanted:
            return None
        return next((slug for slug in self._bench.cases if slug not in self._looks), None)

    def case(self, slug: str) -> str:
        """The page of one case.

        Raises:
            NotFound: there is none; `missing` has a page for that.

        """
        with self._alone():
            look, faults = self._look(slug)
            self._is_check_wanted = self._is_check_wanted or bool(faults)
            return self._pages(self._located(faults)).case(look)

    def frame(self, slug: str, scheme: Scheme) -> str:
        """The document in the frames of one case.

        Raises:
            NotFound: there is no such case.

        """
        with self._alone():
            return self._pages([]).frame(self._look(slug)[0], scheme)

    def missing(self, root: str) -> str:
        """The page in place of one that is not there."""
        with self._alone():
            return self._blank("This message is not there", "The pack has no such message, or not any more.", root)

    def _blank(self, heading: str, said: str, root: str) -> str:
        return self._pages([]).blank(heading, said, root)

    def _pages(self, faults: list[Finding]) -> Pages:
        trouble = list(dict.fromkeys([*self.trouble, *faults]))
        live = Live(self.version, self._rendering, self.overview, self.token, trouble, shown=self.is_shown)
        return Pages(self.target.pack, self._bench, self.target.seller, self._remote_images, live)

    def _look(self, slug: str) -> tuple[Look, list[Finding]]:
        """A case as it is shown, and why it is not the newest if it is not."""
        if self._bench is None:
            raise NotFound("the pack cannot be opened")
        if slug not in self._looks:
            self._looks[slug] = self._bench.look(slug)
        newest = self._looks[slug]
        if newest.is_fine:
            self._good[slug] = newest
            return newest, []
        last = self._good.get(slug)
        if last is None:
            return newest, []
        faults = [Finding(severity="error", rule="degraded", message=note) for note in newest.degraded]
        return last, [*faults, *(one for one in newest.findings if one.severity == "error")]

    # ------------------------------------------------------------------ the designer's own event

    def use(self, raw: bytes, at: str) -> str:
        """Take an event to look at beside the pack's samples; it replaces the one before. Returns its page.

        Args:
            raw: the event as JSON.
            at: the case it is wanted like: in that language, on that channel.

        Raises:
            EventError: it is no event, or this pack does not tell of its type.

        """
        border.sized(raw)
        own = Sample(OWN, "Your own event", raw.decode("utf-8-sig", "replace"))
        with self._alone():
            if self._bench is None:
                raise EventError("the pack cannot be opened; mend it first")
            kind = self._bench.read(raw)
            seller = self._bench.engine.config.tenants.get(self.target.seller)
            own = own.sold_by(seller.id, seller.name) if seller else own
            bench = self._bench.renewed([own])
            self._take(bench)
            self._own = [own]
            self._good = {slug: one for slug, one in self._good.items() if one.case.sample.name != OWN}
            return f"cases/{_wanted(bench, kind.notification, at).slug}.html"


def _wanted(bench: Bench, notification: str, at: str) -> Case:
    """The case of the designer's own event that is most like the one they look at."""
    own = [case for case in bench.cases.values() if case.sample.name == OWN and case.notification == notification]
    like = bench.like(at, notification=notification, sample=OWN) if at in bench.cases else None
    return like or own[0]
