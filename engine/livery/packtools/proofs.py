"""Proofs: every message a pack makes, written twice; what falls back, what differs, what has no room.

Each notification in each language is compiled in the worker, and each sample is written by the stencil and directly
by Jinja and MJML. Then each channel renders it as it would be sent.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from livery.composing import Plain, seen
from livery.engine import Engine
from livery.errors import LiveryError, NotFound, PackError
from livery.locales import one_line
from livery.models.tenant import Chain, seller_name
from livery.packs.assets import Policy
from livery.packs.chain import PackChain
from livery.packs.findings import Finding
from livery.packs.gathering import MANIFEST
from livery.packtools.sources import Source
from livery.packtools.spots import Spot, Spots, condition
from livery.packtools.uses import Told
from livery.stencils import orders
from livery.steps import compose
from livery.studio.bench import Bench
from livery.studio.samples import Sample
from livery.writing import Reading

MOST, MOST_SAMPLES, MOST_BRIEFLY = 120, 60, 40
"""Events written for one check, events of one notification, and how many more are made of the first event alone."""
_AT_ONCE, _PATIENCE = 8, 10.0
"""Samples in one request, and seconds for it: that it compiles in less was seen before."""
_NO_ROOM = "the channel has no room"
"""What `livery.render.budget` says of what it left out or shortened on purpose."""
_MAIL = "smtp"
_NAMED = 3
_LINE = re.compile(r" \(line (\d+)\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What came of one message: a notification, in a language, of a sample.

    Attributes:
        sample: the name of the sample; empty for what is so before there is an event.
        is_own: whether a pack brings the sample; else it was made to be odd.
        html: bytes of its HTML.
        findings: what is wrong with it.

    """

    notification: str
    locale: str
    sample: str = ""
    is_own: bool = False
    html: int = 0
    findings: tuple[Finding, ...] = ()


@dataclass(slots=True)
class Prover:
    """Makes proofs of one pack.

    Args:
        bench: the pack, opened.
        sources: its templates, texts and conditions, for places.
        is_all: whether every message is made, however many there are.

    """

    bench: Bench
    sources: list[Source]
    is_all: bool = False
    _samples: dict[str, list[Sample]] = field(default_factory=dict)
    _over: set[str] = field(default_factory=set)
    _left: list[tuple[str, str]] = field(default_factory=list)
    _events: int = 0
    _briefly: int = 0
    _is_brief: bool = False

    def __post_init__(self) -> None:
        for case in self.bench.cases.values():
            known = self._samples.setdefault(case.notification, [])
            if case.sample not in known:
                known.append(case.sample)

    def samples(self, notification: str) -> list[Sample]:
        """The events a notification is tried with: the packs', and odd ones made from the first of them."""
        return self._samples.get(notification, [])

    def everything(self, told: Sequence[Told], locales: Sequence[str]) -> list[Proof]:
        """The proofs of all notifications, language by language; with very many, what is `left` is not made."""
        made: list[Proof] = []
        for locale in locales:
            for one in told:
                samples = self.samples(one.name)
                if self.is_all or self._events < MOST:
                    some = samples if self.is_all else samples[:MOST_SAMPLES]
                    self._events += 1 + len(some)
                else:
                    some = samples[:1]
                    self._briefly += 1
                if self._briefly > MOST_BRIEFLY:
                    self._left.append((one.name, locale))
                    continue
                self._is_brief |= len(some) < len(samples)
                made += self.proofs(one, locale, some)
        return made

    def left(self) -> list[Finding]:
        """What there was too much of to make it all."""
        said = []
        if self._is_brief:
            said.append("some messages are made of the first samples alone")
        if self._left:
            tags = dict.fromkeys(locale for _, locale in self._left)
            names = dict.fromkeys(name for name, _ in self._left)
            said.append(f"{_some(names)} is not made in {_some(tags)}")
        if not said:
            return []
        message = f"there are very many messages: {'; '.join(said)}. All texts and templates are checked"
        fix = "livery pack check --all makes every one"
        own = self.bench.packs.asked
        return [Finding(severity="note", rule="bounded", message=message, fix=fix, pack=own.id, file=MANIFEST)]

    def proofs(self, told: Told, locale: str, samples: Sequence[Sample]) -> Iterator[Proof]:
        """The proofs of one notification in one language: one before there is an event, one for each sample."""
        engine = self.bench.engine
        order = _ordered(engine, self.bench.packs, told, samples, locale)
        if isinstance(order, Finding):
            yield Proof(notification=told.name, locale=locale, findings=(order,))
            return
        if told.name in self._over:
            return
        run = _Run(engine, self, told, locale, order)
        yield Proof(notification=told.name, locale=locale, findings=tuple(run.compiled(samples)))
        for sample in samples if told.name not in self._over else ():
            yield run.proof(sample)

    def give_up(self, notification: str) -> None:
        """Make no more proofs of a notification: it takes too much to compile."""
        self._over.add(notification)


def _some(names: Iterable[str]) -> str:
    listed = list(names)
    return (
        ", ".join(listed) if len(listed) <= _NAMED else f"{', '.join(listed[:_NAMED])} and {len(listed) - _NAMED} more"
    )


def _chunks(samples: Sequence[Sample]) -> list[Sequence[Sample]]:
    return [samples[at : at + _AT_ONCE] for at in range(0, len(samples), _AT_ONCE)] or [()]


def _ordered(engine: Engine, packs: PackChain, told: Told, samples: Sequence[Sample], locale: str) -> Plain | Finding:
    """The order of a notification for the seller of the first sample; or why there is none."""
    tenants: Chain = ()
    name = packs.asked.manifest.title or packs.asked.id
    if samples:
        event = engine.read(samples[0].raw)
        tenants = engine.planner.chain(event)
        name = seller_name(tenants, event)
    policy = Policy.of(engine.config.images.model_dump())
    brand, pictures, notes = compose.brand(tenants, packs, name, policy)
    choice = engine.writer.choice(tenants, packs, Reading(engine.now(), asked_locale=locale))
    kind = told.kind.name if told.kind else told.definition.event
    try:
        made = orders.order(packs, told.name, kind, choice=choice, brand=brand, pictures=pictures)
    except (NotFound, PackError) as error:
        spot = home(packs, told.name)
        return Finding(severity="error", rule="overlay", message=str(error), pack=spot.pack, file=spot.file)
    made["script"]["notes"] += notes
    return made


class _Run:
    """One notification in one language."""

    def __init__(self, engine: Engine, prover: Prover, told: Told, locale: str, order: Plain) -> None:
        self._engine, self._prover, self._told, self._locale, self._order = engine, prover, told, locale, order
        self._spots = Spots(prover.bench.packs, order)
        self._blamed: set[Spot] = set()
        self._notes: set[str] = set(order["script"]["notes"])
        self._written: dict[str, Plain] = {}

    def compiled(self, samples: Sequence[Sample]) -> Iterator[Finding]:
        """Compile it and write all samples; yields what is wrong with it whatever the event."""
        try:
            self._engine.press.ask({"op": "compile", "order": self._order})
            answers = [self._proved(chunk) for chunk in _chunks(samples)]
        except PackError as error:
            self._prover.give_up(self._told.name)
            yield self._limit(error)
            return
        yield from (self._problem(one) for one in answers[0]["problems"])
        if not answers[0]["deterministic"]:
            said = f"{self._told.name} compiles to something else each time"
            yield self._finding("determinism", said, "this is a fault of Livery: report it with this pack")

    def _proved(self, samples: Sequence[Sample]) -> Plain:
        events = [self._engine.read(one.raw) for one in samples]
        given = [seen(event.plain(), event.when(self._engine.now()).year) for event in events]
        request = {"op": "prove", "order": self._order, "samples": given}
        answer = self._engine.press.ask(request, deadline=_PATIENCE)
        self._written |= {one.name: made for one, made in zip(samples, answer["samples"], strict=True)}
        return answer

    def _limit(self, error: PackError) -> Finding:
        spot = Spot(error.pack, error.file) if error.pack else self._home
        said = str(error).removeprefix(f"pack {error.pack!r} {error.file}: ").removeprefix(f"{error.file}: ")
        return self._spots.finding(spot, "error", "limit", said, "make it simpler")

    def _problem(self, problem: Plain) -> Finding:
        self._notes.add(problem.get("note", ""))
        spot = self._spots.of_problem(problem)
        self._blamed.add(Spot(spot.pack, spot.file, spot.part, spot.locale))
        message, fix, line = problem["message"].rstrip("."), problem["fix"], problem["line"]
        source = condition(self._prover.sources, problem["source"]) if problem.get("source") else None
        if source is not None:
            self._blamed.add(Spot(part=source.text))
            return source.finding("error", problem["rule"], message, fix, line=line or 1)
        return self._spots.finding(spot, "error", problem["rule"], message, fix, line=line)

    # ------------------------------------------------------------------ one sample

    def proof(self, sample: Sample) -> Proof:
        """What came of one sample, in every channel."""
        written = self._written.get(sample.name)
        found: list[Finding] = []
        known = set(self._notes)
        if written is not None:
            known |= set(written["degraded"])
            found += self._fallen(written["degraded"])
            if written["differs"] and not self._blamed:  # what is refused may well look otherwise
                said = f"the stencil of {self._told.name} is not what Jinja and MJML make of it: {written['differs']}"
                fix = "write it in a simpler way, and report this: it is a fault of Livery"
                found.append(self._finding("staging", said, fix))
        size = 0
        for name in self._channels():
            html, more = self._rendered(sample, name, known)
            size = max(size, html)
            found += more
        return Proof(
            notification=self._told.name, locale=self._locale, sample=sample.name, is_own=bool(sample.pack),
            html=size, findings=tuple(dict.fromkeys(found)),
        )  # fmt: skip

    def _fallen(self, notes: Sequence[str]) -> list[Finding]:
        """What had to fall back, but for what is known from compiling."""
        found = []
        for note in notes:
            spot, said = self._spots.of(note)
            if note not in self._notes and spot not in self._blamed and not (spot.part and not spot.file):
                found.append(self._degraded(spot, said))
        return found

    def _degraded(self, spot: Spot, said: str) -> Finding:
        what, _, fix = _LINE.sub("", said, count=1).partition("; ")
        where = spot if spot.file else self._home
        name = f"{spot.part} falls back: " if spot.part else ""
        line = int(found[1]) if (found := _LINE.search(said)) else 0
        return self._spots.finding(where, "error", "degraded", f"{name}{what}", fix, line=line)

    def _channels(self) -> list[str]:
        channels = dict.fromkeys(case.channel.name for case in self._prover.bench.cases.values())
        return [*channels]

    def _rendered(self, sample: Sample, channel: str, known: set[str]) -> tuple[int, list[Finding]]:
        """Bytes of HTML, and what a channel cannot show or shows otherwise."""
        try:
            message = self._engine.preview(sample.raw, channel=channel, locale=self._locale).message
        except LiveryError as error:
            return 0, [self._finding("render", f"{channel}: {error}")]
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; the others are still to be seen
            return 0, [self._finding("render", f"{channel}: {type(error).__name__}: {one_line(str(error), 200)}")]
        notes = [note for note in message.degraded if note not in known]
        found = self._fallen([note for note in notes if _NO_ROOM not in note])
        if sample.pack:
            found += [self._tight(channel, note) for note in notes if _NO_ROOM in note]
        known |= set(notes) if channel == _MAIL else set()
        return len(message.html.encode()), found

    def _tight(self, channel: str, note: str) -> Finding:
        what = note.partition(":")[0]
        fix = "shorten its texts, or give it a lower priority"
        return self._finding("room", f"{channel} has no room: {what}", fix, severity="warning")

    @property
    def _home(self) -> Spot:
        """The definition of the notification that is nearest."""
        return home(self._prover.bench.packs, self._told.name)

    def _finding(self, rule: str, message: str, fix: str = "", **other: Any) -> Finding:
        spot, given = self._home, {"severity": "error", **other}
        return Finding(rule=rule, message=message, fix=fix, pack=spot.pack, file=spot.file, **given)


def home(packs: PackChain, notification: str) -> Spot:
    """The definition of a notification that is nearest."""
    file = f"notifications/{notification}.toml"
    pack = next((pack for pack in packs.packs if file in pack.snapshot.files), packs.asked)
    return Spot(pack.id, file)
