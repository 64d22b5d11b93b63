"""A pack under the eyes of its designer: everything there is to see in it, and an engine to render it."""

import json
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from livery.engine import Engine
from livery.errors import EventError, LiveryError, NotFound, PackError, UnknownSeller
from livery.models.event import EventType
from livery.packs.chain import PackChain
from livery.packs.findings import Finding, ordered
from livery.studio import opening, samples
from livery.studio.cases import Case, enumerated
from livery.studio.looks import Look, look
from livery.studio.opening import Target
from livery.studio.samples import Sample


@dataclass(slots=True)
class Bench:
    """An engine with one pack on it, and everything there is to see in that pack.

    Attributes:
        findings: what is wrong with the packs' files, and what keeps some cases from being seen.

    """

    engine: Engine
    target: Target
    id: str
    packs: PackChain
    cases: dict[str, Case] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    _places: "dict[_Place, Case]" = field(default_factory=dict)

    @classmethod
    def opened(cls, target: Target, own: Sequence[Sample] = ()) -> "Bench":
        """Open one. Close it when it is done with.

        Args:
            target: what to look at.
            own: events beside the pack's samples.

        Raises:
            PackError: the pack or a parent cannot be read.
            NotFound: there is no such pack, or the configuration has no such seller.
            ConfigError: the configuration is wrong.

        """
        base, id_ = opening.configured(target)
        with Engine.open(base) as probe:
            found = _samples(probe, opening.chain_of(probe, id_, target))
        engine = opening.engine_for(base, target, id_, _sellers(found, own))
        try:
            return cls._filled(engine, target, id_, own)
        except BaseException:
            engine.close()
            raise

    def renewed(self, own: Sequence[Sample]) -> "Bench":
        """The same pack as its files are now, on the same engine where that will do. Raises as `opened`.

        A pack that cannot be read any more stays as it was; `broken` then says why.
        """
        self.engine.reload_packs()
        try:
            packs = self.engine.library.chain(self.id)
        except NotFound:  # it has another id now
            return Bench.opened(self.target, own)
        if not self.target.seller and _sellers(_samples(self.engine, packs), own) - set(self.engine.config.tenants):
            return Bench.opened(self.target, own)
        return self._filled(self.engine, self.target, self.id, own)

    @property
    def broken(self) -> list[Finding]:
        """Why this pack or a parent of it is not the one that lies there now."""
        ours = {place.resolve() for place in (*self.folders(), *([self.target.path] if self.target.path else []))}
        wrong = [error for place, error in self.engine.library.broken.items() if Path(place).resolve() in ours]
        return [one for error in wrong for one in trouble_of(error)]

    def close(self) -> None:
        """Close the engine."""
        self.engine.close()

    def look(self, slug: str) -> Look:
        """Render a case.

        Raises:
            NotFound: there is no such case.

        """
        if slug not in self.cases:
            raise NotFound(f"this pack has no case {slug!r}")
        return look(self.engine, self.cases[slug])

    def like(self, slug: str, **other: str) -> Case | None:
        """The case that differs from another only in these: `notification`, `locale`, `channel`, `sample`."""
        one = dict(zip(("notification", "locale", "channel", "sample"), _place(self.cases[slug]), strict=True))
        return self._places.get(tuple({**one, **other}.values()))  # type: ignore[arg-type]

    def read(self, raw: bytes | str) -> EventType:
        """The type of an event that may be anybody's.

        Raises:
            EventError: it is wrong.

        """
        with suppress(UnknownSeller):  # it gets a tenant of its own when it is taken
            self.engine.read(raw)
        name = json.loads(raw)["type"]
        kind = self.engine.types[name]
        if kind.notification not in {case.notification for case in self.cases.values()}:
            raise EventError(f"no pack of {self.label} says anything about {name}")
        return kind

    @property
    def label(self) -> str:
        """The pack and its parents, with their versions."""
        return " → ".join(pack.label for pack in self.packs.packs)

    @property
    def title(self) -> str:
        """What people call the pack."""
        return self.packs.asked.manifest.title or self.id

    @property
    def errors(self) -> list[Finding]:
        """What of the packs is set aside because it is wrong: the rest is used without it."""
        return [one for one in self.findings if one.severity == "error"]

    def folders(self) -> list[Path]:
        """Where the pack and its parents lie: folders or zip files."""
        return [Path(pack.folder) for pack in self.packs.packs]

    @classmethod
    def _filled(cls, engine: Engine, target: Target, id_: str, own: Sequence[Sample]) -> "Bench":
        """A bench with every case there is."""
        packs = engine.library.chain(id_)
        bench = cls(engine, target, id_, packs, findings=packs.findings())
        seller = engine.config.tenants.get(target.seller)
        listed: dict[str, list[Sample]] = {}
        for notification, some, wrong in _samples(engine, packs):
            bench.findings += wrong
            placed = [one.sold_by(seller.id, seller.name) if seller else one for one in (*own, *some)]
            usable = [one for one in placed if bench._is_about(one, notification)]
            usable.sort(key=bench._distance)
            first = next((one for one in usable if one.pack), None)
            listed[notification] = [*usable, *(samples.odd(first, engine.read) if first else [])]
        bench.findings = ordered(bench.findings)
        channels = [kind for name, kind in sorted(engine.channels.types.items(), key=_rank) if bench._can(name)]
        for case in enumerated(listed.items(), bench.locales(), channels):
            bench.cases[case.slug] = bench._places[_place(case)] = case
        return bench

    def locales(self) -> list[str]:
        """The languages there are texts for: the pack's own first, as it names them, then its parents'."""
        known = self.packs.locales()
        named = [tag for pack in self.packs.packs for tag in (*pack.manifest.locales, *sorted(pack.strings))]
        return list(dict.fromkeys(tag for tag in (*named, *known) if tag in known))

    def _distance(self, sample: Sample) -> int:
        """How far a sample is from the pack's first language, by its name; the designer's own comes first."""
        names = ["", *self.locales()] if sample.pack else [sample.name]
        return names.index(sample.name) if sample.name in names else len(names)

    def _can(self, channel: str) -> bool:
        return not self.engine.channels.missing(channel)

    def _is_about(self, sample: Sample, notification: str) -> bool:
        """Whether it is a good event of this notification's type; a sample of a pack that is none is a finding."""
        why: EventError | str
        try:
            name = self.engine.read(sample.raw).type
        except EventError as error:
            why = error
        else:
            if self.engine.types[name].notification == notification:
                return True
            why = f"its type is {name}, which is told of in notifications/{self.engine.types[name].notification}.toml"
        is_known = any((one.pack, one.file) == (sample.pack, sample.file) for one in self.errors)
        if sample.pack and not is_known:
            self.findings += sample.refused(why)
        return False


def trouble_of(error: LiveryError) -> list[Finding]:
    """An error that keeps a pack from being opened, as findings with their places."""
    found = list(error.findings) if isinstance(error, PackError) else []
    return found or [Finding(severity="error", rule="load", message=str(error))]


_Place = tuple[str, str, str, str]
_Found = tuple[str, list[Sample], list[Finding]]


def _place(case: Case) -> _Place:
    return (case.notification, case.locale, case.channel.name, case.sample.name)


def _rank(named: tuple[str, object]) -> tuple[int, str]:
    """E-mail first, then what people see, then what machines get; others after them."""
    order = ("smtp", "slack", "teams", "apprise", "webhook")
    return (order.index(named[0]) if named[0] in order else len(order), named[0])


def _sellers(found: "list[_Found]", own: Sequence[Sample]) -> set[str]:
    """The sellers all these events name."""
    return {one.seller() for one in (*own, *(one for _, some, _ in found for one in some))} - {""}


def _samples(engine: Engine, packs: PackChain) -> list[_Found]:
    """The samples of every notification of the chain that some event type has; and what keeps the others unseen."""
    told = {kind.notification for kind in engine.types.values()}
    names = sorted({name for pack in packs.packs for name in pack.notifications()})
    found: list[_Found] = []
    for name in names:
        file = f"notifications/{name}.toml"
        if name not in told:
            what = f"no event type has the notification {name!r}"
            fix = "install the plugin that registers it"
            found.append((name, [], [Finding(severity="note", rule="event-type", message=what, fix=fix, file=file)]))
            continue
        some, wrong = samples.of_packs(packs, name), list[Finding]()
        if not some:
            what, fix = f"{name!r} has no sample", f"put an event in samples/{name}/"
            wrong.append(Finding(severity="warning", rule="sample", message=what, fix=fix, file=file))
        found.append((name, some, wrong))
    return found
