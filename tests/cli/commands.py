"""The command line as people use it: in a folder of its own, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

EVENTS = Path(__file__).parents[2] / "examples/events"
GOOD = json.loads((EVENTS / "offer_provision_error.en.json").read_text("utf-8"))


def livery(*arguments, cwd, **options):
    command = [sys.executable, "-m", "livery", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False, **options)


def stored(home):
    done = livery("deliveries", "list", "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
