"""A process of the Livery before this one: `python previous.py URL ROOT`, ROOT being where its sources are.

The first line of its input has its settings. It says `ready` once it has opened the store, and then does what each
further line says; what came of it is a line of its output.
"""

import json
import sys
from pathlib import Path

url, root = sys.argv[1:]
sys.path[:0] = [f"{root}/{part}" for part in ("engine", "plugins", "template_packs")]

import livery  # noqa: E402

assert livery.__file__.startswith(root), livery.__file__
from livery import Config, Engine  # noqa: E402


def say(what):
    sys.stdout.write(f"{what}\n")
    sys.stdout.flush()


def main():
    settings = json.loads(sys.stdin.readline())
    with Engine.open(Config.load(None, database_url=url, **settings)) as engine:
        engine.migrate()
        say("ready")
        for line in sys.stdin:
            what, _, about = line.strip().partition(" ")
            if what == "accept":
                say(engine.accept(Path(about).read_bytes()).duplicate)
            elif what == "drain":
                engine.drain()
                say("drained")
            elif what == "bcc":
                engine.settings.change("res-org-n", "add", "bcc", f"address:{about}")
                say("changed")
            elif what == "explain":
                say(str(engine.explain(Path(about).read_bytes()).audience).replace("\n", " "))


main()
