"""Templates run both ways: compiled to a stencil and filled, and by Jinja and the MJML compiler themselves."""

import json
import warnings
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any

from livery.errors import PackError
from livery.locales import clean, negotiate
from livery.packs.chain import PackChain
from livery.packs.operations import Tongue
from livery.packs.pack import Pack
from livery.packs.source import Snapshot
from livery.stencils import orders, page_code
from livery.stencils.compiling import Files, compiled
from livery.stencils.direct import Direct, Sandbox, _Loader
from livery.stencils.fill import Program
from livery.stencils.filling import FillError, Filling
from livery.stencils.staging import Stager
from livery.stencils.stencil import Stencil
from livery.stencils.values import Dynamic, StagingError, plain

Event = Mapping[str, Any]
Write = Callable[[Event], str]

TEXT = Tongue("en", "ltr")
ARABIC = Tongue("ar", "rtl")
MARKUP = Tongue("en", "ltr", markup=True)
NAME = "parts/x.mjml.j2"
LAYOUT, PARTIAL = "layouts/email.mjml.j2", "blocks/list.mjml.j2"
BRAND = {"name": "Müller & Söhne", "primary": "#2747c9", "empty": "", "width": "120px", "url": "https://a.example"}
KNOWN: dict[str, Any] = {
    "brand": BRAND,
    "locale": "en",
    "names": ["Ada", "Bo <b>", "Cy"],
    "pairs": [["a", 1], ["b", 2]],
    "table": {"k": "v", "n": 3},
    "nobody": [],
    "number": 7,
}
"""What a template knows when it is compiled, beside the event."""
_SETS = "".join(
    f"{{% set {name} = {json.dumps(value, ensure_ascii=False)} %}}" for name, value in KNOWN.items() if name not in ("brand", "locale")
)  # fmt: skip


class Different(AssertionError):
    """The two ways do not say the same."""


def layers(*packs: Mapping[str, str]) -> Files:
    """The files of some packs, the nearest first; they are called `p0`, `p1`, and so on."""
    named = {f"p{number}!{path}": text for number, files in enumerate(packs) for path, text in files.items()}
    return Files([{"id": f"p{number}", "label": f"p{number} 1.0"} for number in range(len(packs))], named)


# --------------------------------------------------------------------------- texts, and markup before it is compiled


def stencil(files: Files, tongue: Tongue) -> Write:
    """The template `NAME` of some packs as a stencil, after a journey as JSON.

    Raises:
        StagingError: it is refused.

    """
    name, source = files.read(NAME, "")
    pieces = Stager(tongue, files.read).template(name, source, {**KNOWN, "event": Dynamic(["r", "event", []])})
    nodes = json.loads(json.dumps(plain(pieces)))
    program, code = Program(nodes, tongue), page_code.written(nodes, tongue, ["event"]) if tongue.markup else None

    def filled(event: Event) -> str:
        quickly = None
        if code is not None:
            with suppress(Exception):
                quickly = "".join(code(Filling({"event": event})))
        text = program.fill({"event": event})
        if quickly not in (None, text):
            raise Different(f"{event}\n closures: {text!r}\n code:     {quickly!r}\n of {nodes}")
        return text

    return filled


def jinja(files: Files, tongue: Tongue) -> Write:
    """The same by Jinja."""
    sandbox = Sandbox(tongue, _Loader(files))
    name, _ = files.read(NAME, "")
    return lambda event: str(sandbox.get_template(name).render({**KNOWN, "event": event}))


def compared(files: Files, events: Iterable[Event], tongue: Tongue) -> StagingError | None:
    """Nothing if the stencil says what Jinja says of every event, or fails where Jinja fails; why it is refused else.

    Raises:
        Different: it says something else.

    """
    try:
        filled = stencil(files, tongue)
    except StagingError as error:
        return error
    rendered = jinja(files, tongue)
    for event in events:
        wanted, why = _result(rendered, event, Exception)
        got, error = _result(filled, event, FillError)
        if wanted != got:
            raise Different(
                f"{event}\n jinja:   {wanted!r} {why!r}\n stencil: {got!r} {error!r}\n of {files.read(NAME, '')}"
            )
    return None


def _result(write: Write, event: Event, failure: type[Exception]) -> tuple[str | None, Exception | None]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)  # Python's, of what Jinja makes of 1[0]
            return write(event), None
    except failure as error:
        return None, error


# --------------------------------------------------------------------------- whole e-mails

_FRAME = {
    "pack.toml": 'format = 1\nid = "p0"\nversion = "1.0"\n',
    "notifications/x.toml": 'event = "X"\nsubject = "{{ event.s }}"\ntitle = "{{ event.s }}"\ngreeting = "{{ event.s }}"\n'
    'signature = ["{{ event.s }}"]\n[[blocks]]\nid = "b"\nkind = "list"\nitems = ["{{ event.s }}"]\n',
    LAYOUT: "<mjml><mj-body><mj-section><mj-column>\n{% for block in blocks %}\n{{ block }}\n{% endfor %}\n"
    "</mj-column></mj-section></mj-body></mjml>\n",
    PARTIAL: "<mj-text>.</mj-text>",
}
EVENT = '{% set event = block["items"] %}' + _SETS
"""At the top of a partial: it makes the event of its block, and the names of `KNOWN`."""
WHOLE = "{% set event = notification.signature %}" + _SETS
"""The same for a layout."""


def part(inside: str) -> dict[str, str]:
    """A pack whose only block is shown by this."""
    return {PARTIAL: EVENT + inside}


def text(inside: str) -> dict[str, str]:
    """A pack whose only block is a text."""
    return part(f"<mj-text>{inside}</mj-text>")


def page(inside: str, head: str = "") -> dict[str, str]:
    """A pack with this in the body and the head of its layout."""
    return {LAYOUT: f"{WHOLE}<mjml><mj-head>{head}</mj-head><mj-body>{inside}</mj-body></mjml>"}


@lru_cache(maxsize=1)
def _order() -> dict[str, Any]:
    pack = Pack(Snapshot.of({path: content.encode() for path, content in _FRAME.items()}, "p0"))
    assert not pack.findings, pack.findings
    choice = negotiate([("reader", "en")], ["en"])
    return orders.order(PackChain([pack]), "x", "X", choice=choice, brand=BRAND)


def order(*packs: Mapping[str, str]) -> dict[str, Any]:
    """An order of packs that say nothing but what these templates make of the event, the nearest first."""
    frame = {path: content for path, content in _FRAME.items() if path.endswith(".j2")}
    above = [dict(files) for files in packs]
    above[-1] = {**frame, **above[-1]}
    named = {f"p{number}!{path}": content for number, files in enumerate(above) for path, content in files.items()}
    ids = [{"id": f"p{number}", "label": f"p{number} 1.0"} for number in range(len(above))]
    return {**_order(), "packs": ids, "files": named}


def said(event: Any) -> dict[str, Any]:
    """A notification whose block and signature are an event, with every text cleaned."""
    held = cleaned(event)
    block = {"id": "b", "kind": "list", "priority": 50, "heading": "", "items": held, "slot": 0, "version": 0}
    fields = dict.fromkeys(("subject", "preheader", "title", "greeting", "closing", "footer"), 'Söhne & <b>\n"x"')
    common = {
        "event_type": "X",
        "locale": "en",
        "direction": "ltr",
        "brand": BRAND,
        "pack": "p0 1.0",
        "trace": [],
        "degraded": [],
    }
    return {**common, **fields, "blocks": [block], "signature": held}


def cleaned(value: Any) -> Any:
    """A value as a notification holds it: every text cleaned."""
    if isinstance(value, dict):
        return {key: cleaned(one) for key, one in value.items()}
    if isinstance(value, list):
        return [cleaned(one) for one in value]
    return clean(value) if isinstance(value, str) else value


def mailed(made: dict[str, Any], events: Iterable[Any]) -> list[dict[str, Any]]:
    """Nothing if the stencil writes the e-mail that is rendered directly, of every event; why it is refused else.

    Where the direct way falls back to a parent's template, the stencil may give up: then a plainer page goes out.

    Raises:
        Different: it writes something else.

    """
    data = json.loads(json.dumps(compiled(made)))
    if data["html"] is None or data["notes"]:
        return [one["problem"] for one in data["notes"] if one["problem"]] or data["notes"]
    filled, direct = Stencil(data), Direct(made)
    for event in events:
        spoken = said(event)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            (got, notes), (wanted, passed_over) = filled.html(spoken), direct.html(spoken)
        if got != wanted and not (got == "" and passed_over):
            raise Different(f"{event}\n{_parting(wanted, got)}\n{passed_over}\n{notes}\n of {made['files']}")
    return []


def _parting(wanted: str, got: str) -> str:
    at = next((at for at, (one, other) in enumerate(zip(wanted, got, strict=False)) if one != other), 0)
    return f" direct:  {wanted[max(at - 60, 0) : at + 90]!r}\n stencil: {got[max(at - 60, 0) : at + 90]!r}"


__all__ = [
    "ARABIC",
    "EVENT",
    "KNOWN",
    "MARKUP",
    "NAME",
    "TEXT",
    "Different",
    "PackError",
    "compared",
    "layers",
    "mailed",
    "order",
    "said",
]
