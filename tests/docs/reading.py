"""Reads the fenced blocks of README and docs, and follows a page literally, as a newcomer would."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import sysconfig
import tomllib
from dataclasses import dataclass
from pathlib import Path

from cli.commands import livery
from livery.config import Config
from livery.engine import Engine

ROOT = Path(__file__).parents[2]
WRITTEN = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
PAGES = [*WRITTEN, *sorted((ROOT / "docs/reference").glob("*.md")), *sorted((ROOT / "examples").rglob("*.md"))]
_PLAIN = re.compile(r"livery [^|&;<>$`\\*?~{}()!#\n]*")
"""A command of ours that a shell leaves as it is."""
_FENCE = re.compile(r"^```(?P<language>[\w+-]*)(?P<words>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block: its language, the words after it (`file=…`, `output`, `no-run`) and its text."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int

    @property
    def file(self):
        return next((word.removeprefix("file=") for word in self.words if word.startswith("file=")), None)


def blocks(page):
    text = page.read_text("utf-8")
    return [
        Block(one["language"], tuple(one["words"].split()), one["text"], text.count("\n", 0, one.start()) + 1)
        for one in _FENCE.finditer(text)
    ]


def prose(page):
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text("utf-8"))


def spans(page):
    """Every `span` of code in the prose of a page."""
    return re.findall(r"(?<!`)`([^`\n]+)`(?!`)", prose(page))


def name_of(page):
    return str(page.relative_to(ROOT))


class Follower:
    """Follows the blocks of a page in order, in one folder that has a copy of examples/ in it and nothing else.

    `file=NAME` writes a block to a file. Python runs; the ```text output block after it is what it must print,
    `…` standing for anything. Console lines that begin with `$ ` are commands, the others what they must print; a
    command that fails must be followed by `$ echo $?`. Mail goes to the test's own server, wherever livery.toml
    sends it.
    """

    def __init__(self, folder, smtp_port):
        self.folder, self._printed = folder, ""
        ignored = shutil.ignore_patterns("*.db*", "__pycache__", "dist")
        shutil.copytree(ROOT / "examples", folder / "examples", ignore=ignored)
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("LIVERY_", "COV_"))}
        scripts = os.pathsep.join([sysconfig.get_path("scripts"), os.environ["PATH"]])
        self._environment = {**clean, "PATH": scripts, "LIVERY_CHANNELS__SMTP__PORT": str(smtp_port)}
        self._environment |= {"PYTHONPATH": str(folder), "NO_COLOR": "1"}

    def follow(self, block):
        if "no-run" in block.words:
            return
        if block.file:
            target = self.folder / block.file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text, "utf-8")
        match block.language:
            case "python":
                self._python(block)
            case "toml":
                self._toml(block)
            case "console":
                self._console(block)
            case "text" if "output" in block.words:
                assert_printed(block.text.splitlines(), self._printed)

    def _python(self, block):
        script = self.folder / (block.file or "block.py")
        script.write_text(block.text, "utf-8")
        done = self._run([sys.executable, "-W", "error", str(script)])
        assert done.returncode == 0, f"line {block.line}: {done.stderr}"
        self._printed = done.stdout

    def _toml(self, block):
        data = tomllib.loads(block.text)
        if set(data) <= set(Config.model_fields):
            tenants = {"platform": {}, **data.get("tenants", {})}
            with Engine.open(Config.load(None, **{**data, "tenants": tenants})):
                pass

    def _console(self, block):
        code, wanted, printed = 0, [], None
        for line in block.text.splitlines():
            if not line.startswith("$ "):
                wanted.append(line)
                continue
            if printed is not None:
                assert_printed(wanted, printed)
            where = f"line {block.line}: exit code {code} before {line!r}, and nobody asked for it"
            assert code == 0 or line == "$ echo $?", f"{where}: {printed}"
            done = self._command(line[2:], code)
            code, printed, wanted = done.returncode, done.stdout, []
        assert code == 0, f"line {block.line}: exit code {code} at the end, and nobody asked for it: {printed}"
        assert_printed(wanted, printed or "")

    def _command(self, line, code):
        """A command after one that ended with this code; ours alone, without what only a shell understands, is forked."""
        if _PLAIN.fullmatch(line):
            # It looks for modules in the folder by itself.
            own = {name: value for name, value in self._environment.items() if name != "PYTHONPATH"}
            return livery(*shlex.split(line)[1:], cwd=self.folder, env=own, is_merged=True)
        return self._run(["bash", "-c", f"exec 2>&1; (exit {code}); {line}"])

    def _run(self, command):
        return subprocess.run(
            command, cwd=self.folder, env=self._environment, capture_output=True, text=True, timeout=60, check=False
        )


def assert_printed(wanted, printed):
    """What is wanted is what was printed, runs of spaces apart; with a `…` in it, each part in order."""
    rest = " ".join(printed.split())
    if not any("…" in line for line in wanted):
        assert rest == " ".join(" ".join(wanted).split())
        return
    for line in wanted:
        for part in filter(None, (" ".join(one.split()) for one in line.split("…"))):
            assert part in rest, f"{part!r} is not printed, or not after what comes before it:\n{printed[:3000]}"
            rest = rest.partition(part)[2]
