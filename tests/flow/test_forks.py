"""A host that forks with its engine open, as servers that load the application first do."""

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from livery.testing import HttpReceiver

_HOST = Path(__file__).with_name("forking.py")
CHILDREN, EACH = 3, 8


@pytest.fixture
def receiver():
    with HttpReceiver() as server:
        yield server


def test_children_and_parent_lose_nothing_and_mix_nothing_up(store_url, receiver, tmp_path):
    order = {"store": store_url, "hook": receiver.url("/hook"), "children": CHILDREN, "each": EACH}
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", str(_HOST)],
        input=json.dumps(order), capture_output=True, text=True, timeout=120, check=False, cwd=tmp_path,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    bodies = [json.loads(one.body) for one in receiver.at("/hook")]
    came = Counter((body["id"], body["data"]["offer"]["name"]) for body in bodies)
    wanted = [("before", "Offer before")]
    wanted += [(f"{who}-{n}", f"Offer {who}-{n}") for who in range(CHILDREN + 1) for n in range(EACH)]
    assert came == Counter(wanted)
