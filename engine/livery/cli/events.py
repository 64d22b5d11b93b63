"""`livery send`, `explain`, `render`, `demo`: commands about events."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livery.cli import output
from livery.cli.output import BAD_INPUT, FAILED, ConfigOption, EventArgument, JsonOption
from livery.errors import LiveryError

if TYPE_CHECKING:
    from livery.engine import Engine
    from livery.models.delivery import Delivery
    from livery.models.message import Message
    from livery.ports import Receipt


def add_to(app: typer.Typer) -> None:
    for function in (demo, send, explain, render):
        app.command()(output.command(function))


def demo(
    out: Annotated[Path, typer.Option(help="Where what was received is written to.")] = Path("livery-demo"),
    *,
    as_json: JsonOption = False,
) -> None:
    """Send three events for three sellers by four channels to real servers on this machine; check what arrived."""
    from livery.demo import run

    report = run(out)
    if as_json:
        output.emit(report.plain())
    else:
        rows = [
            (
                row.event,
                row.seller,
                row.channel,
                row.destination,
                output.coloured(row.state),
                f"{row.ms:.0f} ms",
            )
            for row in report.rows
        ]
        output.table(("event", "seller", "channel", "destination", "outcome", "time"), rows)
        for problem in report.problems:
            output.complain(f"✗ {problem}")
        if not report.problems:
            typer.echo(f"{report.checks} checks of what was received passed.")
        typer.echo(f"Open {report.index} to see everything side by side.")
    if report.problems:
        raise typer.Exit(FAILED)


def send(
    events: Annotated[list[Path], typer.Argument(help="Files with one event each, as JSON; - for standard input.")],
    config: ConfigOption = None,
    *,
    queue: Annotated[bool, typer.Option("--queue", help="Only accept; a worker delivers.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Accept events and deliver them. All files are checked first: is one wrong, nothing is stored."""
    raws = _read_all(events)
    with output.opened(config) as engine:
        _check_all(engine, events, raws)
        receipts = engine.accept_all(raws)
        if not queue:
            engine.drain()
        deliveries = engine.deliveries(limit=100_000, event_ids=tuple(one.event_id for one in receipts))
    if as_json:
        output.emit(_report(receipts, deliveries))
    else:
        _show(receipts, deliveries)
    for one in receipts:
        if one.waiting:
            output.note(f"{one.event_id} is accepted and waits: {one.waiting}")
    lost = [one.event_id for one in receipts if one.unreachable]
    for event in lost:
        output.complain(f"Nobody could be reached for {event}; `livery explain` says why.")
    if not as_json and (wrong := [one for one in deliveries if not one.is_good and not queue]):
        output.note(f"livery deliveries show {wrong[0].id} tells each try, and what the far side said.")
    if lost or (not queue and any(not one.is_good for one in deliveries)):
        raise typer.Exit(FAILED)


def explain(event: EventArgument, config: ConfigOption = None, *, as_json: JsonOption = False) -> None:
    """Say who would get what, why, and in which words. Sends and stores nothing."""
    raw = _named(event, lambda: output.read_event(event))
    with output.opened(config, raw) as engine:
        found = _named(event, lambda: engine.explain(raw))
    if as_json:
        output.emit(found.model_dump(mode="json"))
        return
    from livery.cli.explain import show

    show(found)


def render(
    event: EventArgument,
    channel: Annotated[str, typer.Option(help="The channel to render for.")] = "smtp",
    locale: Annotated[str | None, typer.Option(help="A language (BCP 47) instead of the reader's.")] = None,
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path(),
    config: ConfigOption = None,
    *,
    wire: Annotated[bool, typer.Option("--wire", help="For e-mail: the whole message (.eml), too.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the exact message of an event to files. Sends and stores nothing."""
    from livery import quick
    from livery.cli import kit

    raw = _named(event, lambda: output.read_event(event))
    with output.opened(config, raw) as engine:
        read = _named(event, lambda: engine.read(raw))
        preview = _named(event, lambda: engine.preview(raw, channel=channel, locale=locale))
        message = preview.message
        if channel == quick.CHANNEL and not message.degraded:
            kit.leave(engine, read, config, locale)
        stem = f"{engine.types[read.type].notification}.{message.locale}.{channel}"
    files = quick.files_of(stem, _for_a_browser(message), message.text) if message.html else {}
    if wire or not files:
        files[f"{stem}{preview.suffix}"] = preview.wire
    try:
        quick.write(out, message.title, files, quiet=as_json)
    except OSError as error:
        raise LiveryError(f"cannot write to {out}: {error.strerror}") from None
    if as_json:
        facts = {"title": message.title, "locale": message.locale, "degraded": message.degraded}
        output.emit({**facts, "files": [str(out / file) for file in files]})
    from livery.locales import kin

    for what in message.degraded:
        output.complain(f"degraded: {what}")
    if locale and kin(locale)[0] != kin(message.locale)[0]:
        output.note(f"There are no texts for --locale {locale}: this is {message.locale}.")


def _for_a_browser(message: "Message") -> str:
    """The HTML with its images inside: a browser has no other parts of the mail to look into."""
    if not message.inline:
        return message.html
    from livery.packs.assets import embedded

    return embedded(message.html, {one.cid: (one.media_type, one.data) for one in message.inline})


def _named(file: Path, job: Any) -> Any:
    """Run a job; an error about an event names its file."""
    try:
        return job()
    except LiveryError as error:
        output.complain(f"{file}: {error}")
        raise typer.Exit(BAD_INPUT) from None


def _read_all(files: list[Path]) -> list[bytes]:
    raws: list[bytes] = []
    wrong = False
    for file in files:
        try:
            raws.append(output.read_event(file))
        except LiveryError as error:
            output.complain(f"{file}: {error}")
            wrong = True
    if wrong:
        raise typer.Exit(BAD_INPUT)
    return raws


def _check_all(engine: "Engine", files: list[Path], raws: list[bytes]) -> None:
    wrong = 0
    for file, raw in zip(files, raws, strict=True):
        try:
            engine.read(raw)
        except LiveryError as error:
            output.complain(f"{file}: {error}")
            wrong += 1
    if wrong:
        if len(files) > 1:
            output.complain(f"{wrong} of {len(files)} files are wrong; nothing was stored.")
        raise typer.Exit(BAD_INPUT)


def _report(receipts: list["Receipt"], deliveries: list["Delivery"]) -> dict[str, Any]:
    return {
        "events": [{"event_id": one.event_id, "duplicate": one.duplicate} for one in receipts],
        "deliveries": [one.model_dump(mode="json", exclude={"trace"}) for one in reversed(deliveries)],
    }


def _show(receipts: list["Receipt"], deliveries: list["Delivery"]) -> None:
    twice = sum(one.duplicate for one in receipts)
    said = f"{len(receipts)} accepted" + (f", {twice} of them before: those add nothing" if twice else "")
    typer.echo(f"{said}.")
    from livery.cli.log import delivery_table

    delivery_table(list(reversed(deliveries)))
