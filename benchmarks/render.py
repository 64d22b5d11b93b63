"""Rendering by stencil beside rendering directly (Jinja → MJML for every message); what compiling costs; 10,000 brands.

User CPU of one process per message; rounds are interleaved and turn their order about, ratios are medians of the
rounds. The messages are the example packs' in three languages, with events that take every branch.
"""

import gc
import json
import os
import statistics
import sys
import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader
from markupsafe import Markup
from mjml import mjml2html

from livery import Config, Engine, locales
from livery.packs.assets import Policy
from livery.render.email import LAYOUT
from livery.stencils import orders
from livery.stencils.compiling import Files, compiled
from livery.stencils.direct import Direct
from livery.stencils.press import Press
from livery.stencils.shelf import Shelf
from livery.stencils.stencil import Stencil
from livery.steps import compose

ROUNDS, EVENTS = 9, 60
BRANDS = 10_000
PACKS, LOCALES = ("base", "nordwind", "souq-cloud"), ("en", "de", "ar")
ROOT = Path(__file__).parents[1] / "examples/events"


class ByHand:
    """What somebody would write by hand: stock Jinja with autoescape, its templates compiled once, then mjml-python.

    No sandbox, no checks, no filters but those the layout needs; the templates are the packs' own.
    """

    def __init__(self, order: dict[str, Any]) -> None:
        files, script = Files(order["packs"], order["files"]), order["script"]

        class ByPack(Environment):
            def join_path(self, template: str, parent: str) -> str:
                return files.read(template, parent)[0]

        def source(name: str) -> str:
            return next(text for _, full, text in files.all(name.partition("!")[2]) if full == name)

        jinja = ByPack(autoescape=True, auto_reload=False, trim_blocks=True, lstrip_blocks=True)
        jinja.loader = FunctionLoader(lambda name: (source(name), None, lambda: True))
        jinja.filters["lines"] = lambda text: Markup("<br />").join(str(text).splitlines() or [""])
        start, end = ("left", "right") if script["direction"] == "ltr" else ("right", "left")
        self._known = {name: script[name] for name in ("brand", "locale", "direction")} | {"start": start, "end": end}
        kinds = {version["kind"] for block in script["blocks"] for version in block["versions"]}
        self._blocks = {
            kind: jinja.get_template(next(files.all(f"blocks/{kind}.mjml.j2"))[1]) for kind in sorted(kinds)
        }
        self._layout = jinja.get_template(next(files.all(LAYOUT))[1])

    def html(self, said: dict[str, Any]) -> str:
        blocks = [Markup(self._blocks[block["kind"]].render(self._known, block=block)) for block in said["blocks"]]
        mjml = self._layout.render(self._known, notification=said, blocks=blocks)
        mjml = mjml.replace("> <", ">\n<")  # mjml-python takes a blank in the head for text, and refuses it
        title, end, rest = mjml.partition("</mj-title>")  # and writes accents in it as \u{301}
        mjml = title.encode("ascii", "xmlcharrefreplace").decode("ascii") + end + rest
        return str(mjml2html(mjml, disable_comments=True, fonts={}, social_icon_origin=""))


def events() -> Iterator[dict[str, Any]]:
    """Events that differ in words, and in which optional fields they have."""
    samples = [json.loads(file.read_text("utf-8")) for file in sorted(ROOT.glob("offer_provision_error.*.json"))]
    for number in range(EVENTS):
        event = json.loads(json.dumps(samples[number % len(samples)]))
        data = event["data"]
        data["order"]["id"] = f"ORD-{number}"
        data["error"]["retryable"] = (True, False, None)[number % 3]
        for at, (part, field) in enumerate((("offer", "vendor"), ("offer", "quantity"), ("error", "code"))):
            if number >> at & 1:
                data[part].pop(field, None)
        yield event


def timed(job: Callable[[], object]) -> float:
    """Seconds of this process's CPU."""
    began = time.process_time()
    job()
    return time.process_time() - began


def each(made: Iterator[object]) -> None:
    """Make every message, and keep none: as a host does."""
    deque(made, maxlen=0)


def messages(engine: Engine) -> Iterator[dict[str, Any]]:
    """The order of every pack and language."""
    for pack in PACKS:
        packs = engine.library.chain(pack)
        for tag in LOCALES:
            choice = locales.negotiate([("benchmark", tag)], list(LOCALES))
            tokens, pictures, _ = compose.brand((), packs, "Res. Org N.", Policy.of({}))
            yield orders.order(
                packs, "offer_provision_error", "OfferProvisionError", choice=choice, brand=tokens, pictures=pictures
            )


def render(made: Sequence[dict[str, Any]]) -> None:
    ratios: dict[str, list[float]] = {}
    spent: dict[str, list[float]] = {}
    seen = [
        {"event": one["data"], "envelope": {key: one[key] for key in one if key != "data"}, "year": "2026"}
        for one in events()
    ]
    ways = [(Stencil(compiled(order)), Direct(order), ByHand(order)) for order in made]
    saids = [[direct.notification(one) for one in seen] for _, direct, _ in ways]
    pairs = [(*way, one) for way, many in zip(ways, saids, strict=True) for one in many]
    for stencil, direct, by_hand, one in pairs:
        html = stencil.html(one)[0]
        assert html == direct.html(one)[0], "the two ways differ"
        assert html == by_hand.html(one), "what is written by hand differs"
    events_ = [(*way, one) for way in ways for one in seen]
    jobs: dict[str, Callable[[], object]] = {
        "HTML by stencil": lambda: each(stencil.html(one) for stencil, _, _, one in pairs),
        "HTML by Jinja → mjml-python": lambda: each(by_hand.html(one) for _, _, by_hand, one in pairs),
        "HTML directly, with our checks": lambda: each(direct.html(one) for _, direct, _, one in pairs),
        "event → HTML by stencil": lambda: each(
            stencil.html(stencil.notification(one)) for stencil, *_, one in events_
        ),
        "event → HTML directly": lambda: each(direct.html(direct.notification(one)) for _, direct, _, one in events_),
    }
    gc.disable()
    for number in range(ROUNDS):
        took = {}
        for name in sorted(jobs, reverse=bool(number % 2)):
            took[name] = timed(jobs[name]) / len(ways) / len(seen)
            spent.setdefault(name, []).append(took[name])
        for over, under in (
            ("HTML by Jinja → mjml-python", "HTML by stencil"),
            ("HTML directly, with our checks", "HTML by stencil"),
            ("event → HTML directly", "event → HTML by stencil"),
        ):
            ratios.setdefault(f"{over} / {under}", []).append(took[over] / took[under])
        gc.collect()
    gc.enable()
    for name, found in spent.items():
        print(f"  {name:<34} {statistics.median(found) * 1e6:8.1f} µs CPU a message")
    for name, found in ratios.items():
        print(f"{name:<64} {statistics.median(found):6.1f} times")


def compiling(made: Sequence[dict[str, Any]]) -> None:
    """What the compile step costs for each brand and language, as messages rendered directly."""
    for order in made:
        compiled(order)
    direct = Direct(made[0])
    said = direct.notification({"event": next(events())["data"], "envelope": {}, "year": "2026"})
    direct.html(said)
    rounds = []
    for _ in range(ROUNDS):
        cost = timed(lambda: [compiled(order) for order in made]) / len(made)
        one = timed(lambda: [direct.html(said) for _ in range(20)]) / 20
        rounds.append((cost, cost / one))
    cost, ratio = (statistics.median(column) for column in zip(*rounds, strict=True))
    size = statistics.median(len(json.dumps(compiled(order))) for order in made)
    said = f"{cost * 1e3:.1f} ms CPU = {ratio:.1f} messages rendered directly; {size / 1024:.0f} KiB"
    print(f"compiling for one brand and language: {said}")


def resident() -> int:
    """Bytes of this process in memory."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def brands(order: dict[str, Any], count: int) -> None:
    """Many sellers, each in colours of its own, compiled when its first message comes, in the worker."""
    seen = {"event": next(events())["data"], "envelope": {}, "year": "2026"}
    with tempfile.TemporaryDirectory() as folder:
        press = Press()
        shelf = Shelf(Path(folder))
        began, first, worst = time.monotonic(), resident(), 0
        for number in range(count):
            brand = {**order["script"]["brand"], "name": f"Seller {number}", "primary": f"#{number:06x}"}
            own = {**order, "script": {**order["script"], "brand": brand}}
            stencil = shelf.get(orders.digest(own), lambda own=own: press.ask({"op": "compile", "order": own}))
            stencil.html(stencil.notification(seen))
            if number % 200 == 0:
                worst = max(worst, resident() - first)
        took = time.monotonic() - began
        kept, size = shelf.used
        on_disk = sum(file.stat().st_size for file in Path(folder).iterdir())
        press.close()
    print(
        f"{count} brands compiled when first needed: {took / count * 1e3:.1f} ms each; {kept} kept in memory "
        f"({size / 2**20:.0f} MiB by our count), the process grew by {worst / 2**20:.0f} MiB at most; "
        f"{on_disk / 2**20:.0f} MiB on disk"
    )


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else BRANDS
    config = Config.load(None, tenants={"platform": {}, "res-org-n": {"parent": "platform"}})
    with Engine.open(config) as engine:
        made = list(messages(engine))
    render(made)
    compiling(made)
    brands(made[0], count) if count else None


if __name__ == "__main__":
    main()
