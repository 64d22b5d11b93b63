"""The packs of one file of tests are compiled in one process."""

import pytest

from livery.stencils.press import Press


@pytest.fixture(scope="module", autouse=True)
def one_press():
    """Every engine has a press of its own, and each takes longer to start than a small pack to check."""
    shared = Press()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("livery.engine.Press", lambda: shared)
        patched.setattr(shared, "close", lambda: None)
        yield
    shared.close()
