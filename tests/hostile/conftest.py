import pytest

from hostile.rig import Rig

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
