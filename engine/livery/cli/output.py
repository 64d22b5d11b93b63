"""What commands share: the engine they open, how they speak, and their exit codes.

Exit codes: 0 done, 1 something failed to deliver (or was found wrong), 2 bad input.
"""

import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO, TypeVar

import typer

from livery.errors import LiveryError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.text import Text

    from livery.engine import Engine

FAILED, BAD_INPUT = 1, 2
_F = TypeVar("_F", bound=Callable[..., Any])

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", "-c", help="The livery.toml to use; else LIVERY_CONFIG, else ./livery.toml."),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON, for machines.")]
EventArgument = Annotated[
    Path, typer.Argument(help="A file with one event as JSON; - for standard input.", show_default=False)
]


def command(function: _F) -> _F:
    """Let Livery's own errors end a command as one message and exit code 2, without a traceback."""

    @wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except LiveryError as error:
            complain(str(error))
            raise typer.Exit(BAD_INPUT) from None

    return run  # type: ignore[return-value]


def complain(message: str) -> None:
    """One message on standard error."""
    _tell(message, "red")


def note(message: str) -> None:
    _tell(message, "bright_black")


def _tell(message: str, colour: str) -> None:
    on_terminal = is_terminal(sys.stderr)
    said = "\n".join(map(folded, message.split("\n"))) if on_terminal else message
    with suppress(OSError):  # whoever read it is gone, or their disk is full: the work is what counts
        typer.secho(said, fg=colour if on_terminal else None, err=True)


def is_terminal(stream: TextIO | None) -> bool:
    """A process may be started without standard streams; Python then has None in their place."""
    return stream is not None and stream.isatty()


def say(line: str) -> None:
    """A line of prose on standard output; on a terminal folded."""
    typer.echo(folded(line) if is_terminal(sys.stdout) else line)


def folded(line: str) -> str:
    """A line as a terminal can show it: broken between words, what goes on further in than where it began."""
    indent = " " * (len(line) - len(line.lstrip(" ")) + 2)
    return textwrap.fill(
        line, columns(), subsequent_indent=indent, break_long_words=False, break_on_hyphens=False,
        replace_whitespace=False,
    )  # fmt: skip


def columns() -> int:
    """How wide the terminal is."""
    return shutil.get_terminal_size((100, 24)).columns


def emit(value: Any) -> None:
    """JSON on standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2, default=str))


def width() -> int:
    """Columns there are for running text."""
    return columns() - 16


def console() -> "Console":
    """For tables. As wide as the terminal, or wide enough for a pipe."""
    from rich.console import Console

    return Console(width=None if is_terminal(sys.stdout) else 160, highlight=False)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Print a table; long cells fold. Cells are text, never markup.

    A terminal that it is too wide for gets a paragraph for each row instead: an id that is cut is of no use.
    """
    from rich import box
    from rich.table import Table
    from rich.text import Text

    shown = [[cell if isinstance(cell, Text) else Text(str(cell)) for cell in row] for row in rows]
    wide = console()
    if is_terminal(sys.stdout) and _narrowest(columns, shown) > wide.width:
        _paragraphs(columns, shown)
        return
    made = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        made.add_column(column, overflow="fold")
    for row in shown:
        made.add_row(*row)
    wide.print(made)


def _narrowest(columns: Sequence[str], rows: "Sequence[Sequence[Text]]") -> int:
    """How wide a table is at least if no word of it is broken."""
    from rich.cells import cell_len

    cells = ([column, *(row[at].plain for row in rows)] for at, column in enumerate(columns))
    widths = (max((cell_len(word) for cell in column for word in cell.split()), default=0) for column in cells)
    return sum(widths) + 3 * len(columns)


def _paragraphs(columns: Sequence[str], rows: "Sequence[Sequence[Text]]") -> None:
    """Each row by its first cell, and below that what else there is, by the names of the columns."""
    for first, *others in rows:
        said = [f"{name} {cell.plain}".strip() for name, cell in zip(columns[1:], others, strict=True) if cell.plain]
        typer.secho(first.plain, bold=True)
        typer.echo(folded(f"  {' · '.join(said)}"))


_COLOURS = {
    "delivered": "green", "accepted": "green", "pending": "cyan", "sending": "cyan", "retrying": "yellow",
    "unknown": "yellow", "suppressed": "bright_black", "dead": "bold red",
}  # fmt: skip


def coloured(state: str) -> Any:
    """A state in its colour."""
    from rich.text import Text

    return Text(state, style=_COLOURS.get(state, ""))


def read_event(file: Path) -> bytes:
    """The bytes of an event file, and never more of it than an event may have.

    Raises:
        LiveryError: the file cannot be read, or is too large for an event.

    """
    from livery.border import MAX_BYTES

    try:
        if str(file) == "-":
            raw, size = sys.stdin.buffer.read(MAX_BYTES + 1), "more"
        else:
            with file.open("rb") as stream:
                raw, size = stream.read(MAX_BYTES + 1), f"{file.stat().st_size:,} bytes"
    except OSError as error:
        raise LiveryError(f"cannot read it: {error.strerror}") from None
    if len(raw) > MAX_BYTES:
        raise LiveryError(f"the event is too large: expected at most {MAX_BYTES // 1024} KiB, got {size}")
    return raw


@contextmanager
def opened(config: Path | None, trial: bytes | None = None) -> Iterator["Engine"]:
    """The engine a command works with.

    Is there no configuration, a command that only shows something (`trial` is its event) shows the event's
    seller as a tenant of a platform without settings, in the pack called after it if there is one.
    """
    from livery.config import find_file
    from livery.engine import Engine

    engine = _trial(trial) if trial is not None and is_trial(config) else Engine.open(config or find_file())
    with engine:
        yield engine


def is_trial(config: Path | None) -> bool:
    """Whether there is no configuration at all: no file, no tenants in the environment, and no store."""
    from livery.config import Config, find_file

    if config is not None or find_file() is not None:
        return False
    bare = Config.load(None)
    return not bare.tenants and not bare.store_exists()


def trial_note(engine: "Engine", seller: str) -> str:
    """What is said of a seller that is shown without a configuration."""
    return f"No livery.toml: showing seller {seller!r} in the pack {engine.config.tenants[seller].pack!r}."


def _trial(raw: bytes) -> "Engine":
    from livery.config import Config
    from livery.engine import Engine
    from livery.steps import accept

    bare = Engine(Config.load(None))
    seller = accept.read(raw, bare.types).data.seller
    pack = seller.id if seller.id in bare.library.packs else bare.config.default_pack
    tenants = {"platform": {}, seller.id: {"parent": "platform", "name": seller.name, "pack": pack}}
    engine = Engine(Config.load(None, tenants=tenants, channels={"smtp": {}}))
    note(trial_note(engine, seller.id))
    return engine
