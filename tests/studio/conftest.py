"""What looks at packs is closed again, and keeps what it compiles to itself."""

from contextlib import ExitStack, closing

import pytest

from livery.studio.bench import Bench
from livery.studio.live import Session
from studio.making import target


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def opened():
    """Opens packs to look at."""
    with ExitStack() as stack:
        yield lambda pack, **options: stack.enter_context(closing(Bench.opened(target(pack, **options))))


@pytest.fixture
def session():
    """Opens packs under edit."""
    with ExitStack() as stack:
        yield lambda pack, **options: stack.enter_context(closing(Session(target(pack, **options))))
