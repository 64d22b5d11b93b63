import os
from collections import Counter
from pathlib import Path

import pytest

from hostile.rig import Rig

_MANY, _PART = 12, 8
"""Cases of one test from which on only some are in the short run, and which part of them."""
_WORST = pytest.StashKey[dict[str, float]]()


@pytest.fixture(scope="session")
def rig(request):
    """One engine and one worker for all cases: each must leave them as they were."""
    made = Rig()
    yield made
    made.close()
    request.config.stash[_WORST] = {**made.worst, "cases": made.cases}


def pytest_terminal_summary(terminalreporter, config):
    worst = config.stash.get(_WORST, None)
    if worst:
        terminalreporter.write_line(
            f"hostile packs and texts: {worst['cases']:.0f} written; at worst {worst['work']:.2f} s of work,"
            f" {worst['grown'] / 1e6:.0f} MB more, {worst['stall'] * 1000:.0f} ms of another thread's time"
        )


def pytest_collection_modifyitems(config, items):
    """Of a test with many cases every eighth is in the short run, all are in the long one (`make soak`)."""
    if os.environ.get("LIVERY_SOAK"):
        return
    counted: Counter[str] = Counter()
    many = Counter(_test(item) for item in items if _is_ours(item))
    left_out = []
    for item in items:
        if not _is_ours(item) or many[_test(item)] < _MANY:
            continue
        counted[_test(item)] += 1
        if counted[_test(item)] % _PART != 1:
            left_out.append(item)
    gone = set(left_out)
    items[:] = [item for item in items if item not in gone]
    config.hook.pytest_deselected(items=left_out)


def _is_ours(item):
    return Path(__file__).parent in item.path.parents


def _test(item):
    return item.nodeid.partition("[")[0]
