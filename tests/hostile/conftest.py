import pytest

from hostile.rig import Rig


@pytest.fixture(scope="session")
def rig(tmp_path_factory):
    """One engine and one worker for all cases: each must leave them as they were."""
    made = Rig(tmp_path_factory.mktemp("cache"))
    yield made
    made.close()
