"""What hostile cases are run with: a whole writer around one hostile pack, and a watch on time, memory and threads.

The limits are promises of safety: a case is refused or harmless within two seconds of work, 256 MB, 1 MiB of output,
and while it runs no other thread waits 100 ms for its turn. They are counted in time of the processor, of this
process and of the worker: how busy the machine is makes no difference.
"""

import gc
import json
import os
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from hostile.judge import harm
from livery.composing import Plain
from livery.config import Config
from livery.engine import Engine
from livery.models.message import Message
from livery.packs.chain import Library, PackChain
from livery.packs.pack import Pack
from livery.packs.source import Snapshot
from livery.packs.stock import Stock
from livery.stencils.press import Press
from livery.stencils.shelf import Shelf
from livery.writing import Reading, Writer
from unit.making import BASE_FILES, NOW, manifest, plain

SECONDS, BYTES, OUTPUT, STALL = 2.0, 256 * 1024 * 1024, 1024 * 1024, 0.100
CHANNELS = ("smtp", "slack", "teams", "webhook")
_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
Files = dict[str, str | bytes]


class Watch:
    """Measures what a piece of work costs this process, its worker and its other threads.

    Attributes:
        wall: seconds by the clock.
        work: seconds of processor time, here and in the worker.
        grown: bytes of memory more than before, at the worst moment, here and in the worker.
        stall: the longest time, in seconds, another thread waited while this process worked.

    """

    def __init__(self, press: Press) -> None:
        self._press = press
        self.wall = self.work = self.stall = 0.0
        self.grown = 0

    def __enter__(self) -> Self:
        self._press.warm()
        # The heap of a whole test run is no part of what is measured: a collection would go through all of it.
        gc.freeze()
        self._is_over = threading.Event()
        self._start = time.monotonic(), time.process_time() + self._worker_time()
        self._before = _resident("self"), self._worker_memory()
        self._other = threading.Thread(target=self._tick)
        self._other.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._other.join()
        gc.unfreeze()
        self._look()
        self.wall = time.monotonic() - self._start[0]
        self.work = time.process_time() + self._worker_time() - self._start[1]

    def over(self) -> str:
        """What of the limits was passed; nothing if none was."""
        is_over = self.work > SECONDS or self.grown > BYTES or self.stall > STALL
        return f"{self.work:.2f} s, {self.grown / 1e6:.0f} MB, stall {self.stall * 1000:.0f} ms" if is_over else ""

    def _tick(self) -> None:
        """Another thread, that wants its turn every five milliseconds."""
        last = time.process_time()
        while not self._is_over.is_set():
            time.sleep(0.005)
            now = time.process_time()
            self.stall, last = max(self.stall, now - last), now
            self._look()

    def _look(self) -> None:
        here, worker = self._before
        grown = max(0, _resident("self") - here) + max(0, self._worker_memory() - worker)
        self.grown = max(self.grown, grown)

    def _worker_time(self) -> float:
        ended = os.times()
        return ended.children_user + ended.children_system + _used(self._pid())

    def _worker_memory(self) -> int:
        return _resident(str(self._pid()))

    def _pid(self) -> int:
        process = self._press._process
        return process.pid if process is not None else 0


def _resident(pid: str) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]) * _PAGE
    except (OSError, IndexError):
        return 0


def _used(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICKS


@dataclass
class Outcome:
    """What became of a case."""

    messages: dict[str, Message] = field(default_factory=dict)
    wires: dict[str, bytes] = field(default_factory=dict)
    said: tuple[str, ...] = ()
    """What was refused, passed over or fell back."""
    refused: str = ""
    """The pack was refused as a whole."""
    watch: Any = None

    @property
    def html(self) -> str:
        return self.messages["smtp"].html

    @property
    def output(self) -> str:
        """Everything anybody may read, one piece after the other."""
        parts = []
        for name, one in self.messages.items():
            parts += [
                one.title,
                one.text,
                one.html,
                json.dumps(one.body, ensure_ascii=False) if name != "webhook" else "",
            ]
        return "\n".join(parts)

    @property
    def notes(self) -> str:
        return "\n".join([*self.said, self.refused])


class Rig:
    """One engine, one press, and any pack between a seller and the base."""

    def __init__(self, press: Press | None = None) -> None:
        tenants = {
            "platform": {"name": "Platform", "locale": "en"},
            "shop": {"name": "The Shop", "parent": "platform", "pack": "hostile"},
        }
        channels = {"smtp": {"host": "127.0.0.1"}}
        settings = {"tenants": tenants, "channels": channels, "images": {"hosts": ["ours.example"]}}
        self.engine = Engine(Config.model_validate({**settings, "default_pack": "base"}))
        self.press = press or Press()
        self.base = pack(BASE_FILES)
        self._normal = self._writer(PackChain([self.base]))
        self.cases, self._worker = 0, -1
        self.worst: dict[str, float] = {"work": 0.0, "grown": 0, "stall": 0.0}
        self._event = self.engine.read(plain())

    def close(self) -> None:
        self.press.close()
        self.engine.close()

    def _writer(self, packs: PackChain, shelf: Shelf | None = None) -> Writer:
        engine = self.engine

        class Only(Library):
            def __init__(self) -> None:
                super().__init__([])

            def chain(self, pack: str) -> PackChain:
                del pack
                return packs

        return Writer(
            engine.config,
            engine.hooks,
            engine.types,
            Stock(Only()),
            engine.channels,
            shelf=shelf or Shelf(None),
            press=self.press,
        )

    def chain(self, files: Files, *more: Files) -> PackChain:
        """The base under packs of these files, the first nearest to it."""
        packs = [self.base]
        for number, one in enumerate((files, *more), 1):
            packs.insert(0, pack({"pack.toml": manifest(f"hostile{number}", packs[0].id), **one}))
        return PackChain(packs)

    def run(self, packs: PackChain | None, *changes: Plain) -> Outcome:
        """Write events with these packs for every channel; and see that an ordinary message can be written after.

        Args:
            packs: the packs; none for the ordinary one.
            changes: what the events have that the ordinary one has not; each is written.

        Returns:
            What became of the last of them.

        """
        for attempt in (1, 2):
            outcome = self._run(packs, changes or ({},))
            if outcome.watch.stall <= STALL and outcome.watch.work <= SECONDS:
                break
            assert attempt == 1, over(outcome)
        assert outcome.watch.grown <= BYTES, over(outcome)
        self.worst = {name: max(before, getattr(outcome.watch, name)) for name, before in self.worst.items()}
        self.is_well()
        return outcome

    def _run(self, packs: PackChain | None, changes: Sequence[Plain]) -> Outcome:
        outcome = Outcome()
        with Watch(self.press) as outcome.watch:
            writer = self._writer(packs) if packs is not None else self._normal
            for one in changes:
                self.write(writer, one, outcome)
        return outcome

    def write(self, writer: Writer, changes: Plain, outcome: Outcome) -> None:
        event = self.engine.read(plain(changes)) if changes else self._event
        chain = self.engine.planner.chain(event)
        envelope = self.engine.planner.specimen(event, NOW)
        for channel in CHANNELS:
            message, wording, wire = writer.message(event, chain, channel, envelope, Reading(NOW, asked_locale="en"))
            outcome.messages[channel], outcome.wires[channel] = message, wire
            outcome.said += (*message.degraded, *wording.degraded)
        found = harm(outcome.messages)
        assert not found, found
        for name, message in outcome.messages.items():
            sizes = [len(message.text), len(message.html), len(message.title), len(outcome.wires[name]) // 4]
            assert max(sizes) <= OUTPUT, f"{name}: {sizes}"

    def watching(self) -> Watch:
        return Watch(self.press)

    def is_well(self) -> None:
        """An ordinary message is still whole; now and then, and where the worker is a new one, its pack is compiled."""
        process = self.press._process
        worker = process.pid if process is not None else 0
        self.cases += 1
        if worker != self._worker or self.cases % 20 == 0:
            self._worker, self._normal = worker, self._writer(PackChain([self.base]))
        outcome = Outcome()
        self.write(self._normal, {}, outcome)
        assert "could not be provisioned" in outcome.html
        assert not outcome.said


def over(outcome: Outcome) -> str:
    watch = outcome.watch
    return (
        f"{watch.work:.2f} s of work in {watch.wall:.2f} s, {watch.grown / 1e6:.0f} MB, stall {watch.stall * 1000:.0f} ms;"
        f" {outcome.notes[:500]}"
    )


def pack(files: Files) -> Pack:
    """A pack of these files, without a folder."""
    raw = {path: text if isinstance(text, bytes) else text.encode() for path, text in files.items()}
    return Pack(Snapshot.of(raw, "hostile"))


NAMING = {"strings/en.toml": 'summary = "{{ event.offer.name }} is named here."'}
"""A pack by whose words one sees that they were used."""


def message(rig, packs, shelf=None):
    """An event written with these packs by a writer of its own."""
    outcome = Outcome()
    rig.write(rig._writer(packs, shelf), {}, outcome)
    return outcome


def is_whole(outcome):
    """Whether it says what `NAMING` says."""
    return "is named here" in outcome.messages["smtp"].text and "Not available in your region" in outcome.html
