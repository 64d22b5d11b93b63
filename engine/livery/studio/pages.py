"""The pages: an overview with a small picture of everything, a page for each case, and the documents in their frames.

The same pages make the static gallery and the live preview; only the second knows `Live`.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from livery.models.message import Format
from livery.packs.findings import Finding
from livery.studio import data, mail, slack, teams
from livery.studio.bench import Bench
from livery.studio.cases import WIDTHS, Case, Device, Scheme, language
from livery.studio.looks import Look

if TYPE_CHECKING:
    from jinja2 import Environment

ASSETS = ("studio.css", "drawings.css", "gallery.js")
LIVE_ASSETS = (*ASSETS, "live.js")
_OWN = "style-src 'self' file:; style-src-attr 'unsafe-inline'; script-src 'self' file:; frame-src 'self' file:"
"""What our pages load: their own files. A page read from a disk has no origin, and `file:` is where its files are."""
_LINE, _TALLER_LINE, _SHORTEST, _TALLEST = 27, 30, 560, 2600
_ROOM: dict[Device, tuple[int, int]] = {"desktop": (64, 520), "phone": (38, 440)}
"""By device: characters on a line of a usual e-mail, and the pixels of everything around its text."""
_DRAWN: dict[Device, tuple[int, int]] = {"desktop": (64, 160), "phone": (38, 220)}
_DRAWN_LINE, _TREE_LINE = 21, 16
"""The same of what is drawn: a message of a chat, a tree of JSON, plain text."""
_ENDS = re.compile(r"</(?:p|div|li|h\d|tr|dt|dd|pre|a|button|section|summary)>|<br>")
_MARKUP = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Live:
    """What a page of the running preview knows beside its content.

    Attributes:
        version: counts the edits seen.
        rendering: counts those edits that changed what is shown.
        overview: names what was known when the page was made.
        token: what a request that changes something must bring.
        trouble: why the newest edit is not shown.
        shown: whether something older is shown in its place.

    """

    version: int
    rendering: int
    overview: str
    token: str
    trouble: Sequence[Finding] = ()
    shown: bool = True


@dataclass(frozen=True, slots=True)
class Pages:
    """Draws the pages of one pack.

    Attributes:
        name: what the pack is called while it cannot be opened.
        bench: the pack and its cases; None while it cannot be opened.
        seller: the tenant whose tokens lie over the pack's; empty if none.
        remote_images: whether pictures of other hosts are fetched.
        live: what the running preview adds; None in a gallery.

    """

    name: str
    bench: Bench | None
    seller: str = ""
    remote_images: bool = False
    live: Live | None = None

    def index(self, looks: Sequence[Look], findings: Sequence[Finding], digest: str = "") -> str:
        """Every case, after what was found of the whole pack."""
        assert self.bench is not None, "an overview is of a pack that opened"
        cases = [one.case for one in looks]
        return self._page(
            "index.html.j2",
            "",
            title=f"{self.bench.title}: every message",
            looks=looks,
            groups=_grouped(looks),
            pictures=sum(len(case.pictures()) for case in cases),
            degraded=sum(bool(one.degraded) for one in looks),
            pending=sum(not one.message.title for one in looks),
            findings=findings,
            choices=_choices(cases),
            digest=digest,
            overview=True,
        )

    def case(self, look: Look) -> str:
        """One case with all its pictures side by side."""
        bench, case = self.bench, look.case
        assert bench is not None, "a case is of a pack that opened"
        order = list(bench.cases)
        at = order.index(case.slug) if case.slug in bench.cases else -1
        around = [bench.cases[order[to]] if 0 <= to < len(order) and at >= 0 else None for to in (at - 1, at + 1)]
        is_data = case.channel.format is Format.JSON
        plain = data.tree(look.message.body) if is_data else data.plain(look.message.text, look.direction)
        return self._page(
            "case.html.j2",
            "../",
            title=f"{look.message.title} – {case.channel_title}, {case.locale}",
            look=look,
            case=case,
            ways=_ways(bench, case),
            heights={device: height(look, device, self.drawing(look)) for device in WIDTHS},
            drawing=self.drawing(look) if case.channel.format in _DRAWINGS else "",
            text=plain,
            source=data.tree(look.message.body) if look.message.body and not is_data else "",
            event=data.plain(case.sample.raw, "ltr"),
            before=around[0],
            after=around[1],
        )

    def blank(self, heading: str, said: str, root: str = "") -> str:
        """A page without pictures, for when there is nothing to show."""
        return self._page("blank.html.j2", root, title=heading, heading=heading, said=said)

    def frame(self, look: Look, scheme: Scheme) -> str:
        """The document a sandboxed frame shows of a case."""
        message = look.message
        if message.format is Format.EMAIL and message.html:
            return mail.framed(message.html, scheme, look.parts, remote_images=self.remote_images)
        return _environment().get_template("frame.html.j2").render(
            look=look,
            scheme=scheme,
            policy=mail.content_policy(remote_images=self.remote_images),
            css=Markup(_asset("drawings.css")),  # noqa: S704 - a file of ours
            drawing=self.drawing(look),
        )  # fmt: skip

    def drawing(self, look: Look) -> Markup:
        """What our own hand draws of a message; its text where nothing else is known."""
        message, draw = look.message, _DRAWINGS.get(look.message.format)
        if draw is not None and message.body:
            return draw(message.body, look.case.sample.seller("name"), remote=self.remote_images)
        if message.format is Format.JSON and message.body:
            return data.tree(message.body)
        return data.plain(message.text, look.direction)

    def _page(self, name: str, root: str, **values: Any) -> str:
        images = "data: https: http:" if self.remote_images else "data:"
        policy = f"default-src 'none'; {_OWN}; img-src {images}; base-uri 'none'; form-action 'none'"
        if self.live:
            policy += "; connect-src 'self'"
        return _environment().get_template(name).render(
            {
                "root": root,
                "policy": policy,
                "live": self.live,
                "stamp": f"?v={self.live.rendering}" if self.live else "",
                "pack_title": self.bench.title if self.bench else self.name,
                "pack_label": self.bench.label if self.bench else "",
                "seller": self.seller,
                **values,
            }
        )  # fmt: skip


_DRAWINGS: Mapping[Format, Callable[..., Markup]] = {
    Format.BLOCK_KIT: slack.drawn,
    Format.ADAPTIVE_CARD: teams.drawn,
}


def asset(name: str) -> str:
    """The text of a style sheet or script of the pages."""
    if name not in LIVE_ASSETS:
        raise KeyError(name)
    return _asset(name)


def height(look: Look, device: Device, drawing: str = "") -> int:
    """How tall a frame should be so that a usual message needs no scrolling: a guess from its text.

    Nobody can ask a sandboxed document; where the guess is too small, the frame scrolls.

    Args:
        look: the message.
        device: what it is shown on.
        drawing: our own drawing of what is no e-mail.

    """
    is_mail = look.message.format is Format.EMAIL
    text = look.message.text if is_mail else _MARKUP.sub("", _ENDS.sub("\n", drawing))
    room, around = (_ROOM if is_mail else _DRAWN)[device]
    rows = sum(-(-len(line) // room) if line.strip() else 0.8 * is_mail for line in text.splitlines())
    line = (
        (_LINE if look.direction == "ltr" else _TALLER_LINE)
        if is_mail
        else _TREE_LINE
        if look.message.format is Format.JSON
        else _DRAWN_LINE
    )
    return min(max(int(rows * line) + around, _SHORTEST), _TALLEST)


@cache
def _asset(name: str) -> str:
    return files("livery.studio").joinpath("web", name).read_text("utf-8")


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("livery.studio", "web"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
        keep_trailing_newline=True,
    )
    made.filters["language"] = language
    made.filters["spoken"] = _spoken
    made.tests["needy"] = needs_a_look
    return made


def _spoken(name: str) -> str:
    """The name of a notification as words."""
    return name.replace("_", " ").capitalize()


def needs_a_look(look: Look) -> bool:
    """Whether there is more to say of a case than a note."""
    return not look.is_fine or any(one.severity != "note" for one in look.findings)


def _grouped(looks: Iterable[Look]) -> list[tuple[str, list[tuple[str, list[Look]]]]]:
    """By notification, then by language, in their order."""
    grouped: dict[str, dict[str, list[Look]]] = {}
    for one in looks:
        grouped.setdefault(one.case.notification, {}).setdefault(one.case.locale, []).append(one)
    return [(name, list(languages.items())) for name, languages in grouped.items()]


def _choices(cases: Sequence[Case]) -> dict[str, list[tuple[str, str]]]:
    """What can be chosen in each filter, as (value, what people read)."""

    def of(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
        return list(dict(pairs).items())

    return {
        "notification": of((case.notification, _spoken(case.notification)) for case in cases),
        "locale": of((case.locale, f"{case.language} ({case.locale})") for case in cases),
        "channel": of((case.channel.name, case.channel_title) for case in cases),
        "sample": of((case.sample.name, case.sample.title) for case in cases),
    }


def _ways(bench: Bench, case: Case) -> dict[str, list[dict[str, Any]]]:
    """From one case to those beside it: the same in another language, on another channel, of another event."""

    def row(kind: str, options: Iterable[tuple[str, str, str]]) -> list[dict[str, Any]]:
        found = [(bench.like(case.slug, **{kind: value}), shown, lang) for value, shown, lang in dict.fromkeys(options)]
        return [
            {"slug": to.slug, "shown": shown, "lang": lang, "here": to.slug == case.slug}
            for to, shown, lang in found
            if to
        ]

    if case.slug not in bench.cases:
        return {"notification": [], "locale": [], "channel": [], "sample": []}
    every = list(bench.cases.values())
    firsts = {one.notification: one for one in reversed(every)}
    return {
        "notification": [
            {"slug": one.slug, "shown": _spoken(name), "lang": "", "here": name == case.notification}
            for name, one in reversed(firsts.items())
        ],
        "locale": row("locale", ((one.locale, one.language, one.locale) for one in every)),
        "channel": row("channel", ((one.channel.name, one.channel_title, "") for one in every)),
        "sample": row(
            "sample",
            ((one.sample.name, one.sample.title, "") for one in every if one.notification == case.notification),
        ),
    }
