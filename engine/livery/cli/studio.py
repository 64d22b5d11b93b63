"""`livery pack preview` and `livery pack gallery`: looking at a pack."""

from collections import defaultdict
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from livery.cli import output
from livery.cli.output import FAILED, ConfigOption, JsonOption
from livery.cli.pack import PackArgument, SellerOption, named

if TYPE_CHECKING:
    from livery.packs.findings import Finding
    from livery.studio.gallery import Report
    from livery.studio.live import Session
    from livery.studio.opening import Target

ImagesOption = Annotated[
    bool, typer.Option("--remote-images", help="Fetch pictures from other hosts; else their descriptions are shown.")
]


def add_to(pack: typer.Typer) -> None:
    pack.command()(output.command(preview))
    pack.command()(output.command(gallery))


def gallery(
    pack: PackArgument,
    out: Annotated[Path, typer.Option(help="The folder to write to; a gallery in it is replaced.")],
    config: ConfigOption = None,
    seller: SellerOption = "",
    *,
    remote_images: ImagesOption = False,
    as_json: JsonOption = False,
) -> None:
    """Write every message of a pack, as its readers see it, to one static site. Exits 1 if one is degraded."""
    from livery.studio.gallery import write

    target = named(pack, config, seller)
    report = write(target, out, findings=_checked(target), remote_images=remote_images)
    if as_json:
        output.emit({**report.plain(), "index": str(report.index)})
    else:
        _show(report)
    if not report.is_fine:
        raise typer.Exit(FAILED)


def preview(
    pack: PackArgument,
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to listen; 0 takes any port that is free.")] = 0,
    config: ConfigOption = None,
    seller: SellerOption = "",
    *,
    remote_images: ImagesOption = False,
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Open no browser; print the address only.")] = False,
) -> None:
    """Show a pack in the browser while you work on it: every edit is there within a second, or its errors are."""
    import asyncio

    from livery.studio.live import Session

    target = named(pack, config, seller)
    with closing(Session(target, check=_checked, remote_images=remote_images)) as session:
        asyncio.run(_serve(session, port, remote_images=remote_images, browser=not no_browser))


async def _serve(session: "Session", port: int, *, remote_images: bool, browser: bool) -> None:
    import asyncio
    import signal
    import webbrowser

    from livery.studio.server import PreviewServer

    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with PreviewServer(session, port=port, remote_images=remote_images) as server:
        typer.echo(f"Preview of {session.label}: {server.url}")
        for finding in session.trouble:
            output.complain(str(finding))
        output.note("It follows your edits. Ctrl-C stops.")
        if browser:
            await asyncio.to_thread(webbrowser.open, server.url)
        await stop.wait()
    output.note("Stopped.")


def _checked(target: "Target") -> "list[Finding]":
    """What `livery pack check` says of the pack."""
    from livery.packtools.checking import check

    return check(target).findings


def _show(report: "Report") -> None:
    """The summary people read: what there is by notification and channel, over languages; then what is wrong."""
    rows: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0, 0, 0]))
    for one in report.looks:
        row = rows[one.case.notification][one.case.channel_title]
        added = (1, len(one.case.pictures()), bool(one.degraded), len(one.findings))
        row[:] = [so_far + more for so_far, more in zip(row, added, strict=True)]
    columns = ("channel", "messages", "pictures", "degraded", "findings")
    for notification, counts in rows.items():
        languages = dict.fromkeys(one.case.locale for one in report.looks if one.case.notification == notification)
        typer.echo(f"{typer.style(notification, bold=True)} in {', '.join(languages)}")
        output.table(columns, [(channel, *(number or "–" for number in row)) for channel, row in counts.items()])
    for finding in report.findings:
        output.complain(f"{finding.severity}: {finding}")
    degraded = [one for one in report.looks if not one.is_fine]
    where: dict[str, list[str]] = defaultdict(list)
    for one in degraded:
        for why in (*one.degraded, *(str(found) for found in one.findings if found.severity == "error")):
            where[why].append(one.case.slug)
    for why, slugs in where.items():
        more = f" and {len(slugs) - 1} more" if len(slugs) > 1 else ""
        output.complain(f"✗ {why}\n    {slugs[0]}{more}")
    said = f"{len(report.looks)} messages in {report.pictures} pictures"
    typer.echo(f"{said}, {len(degraded) or 'none'} degraded. Digest {report.digest[:16]}.")
    typer.echo(f"Open {report.index} to see them.")
