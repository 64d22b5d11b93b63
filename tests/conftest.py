"""What all tests share: real servers, and a hypothesis that never measures time and finds the same everywhere.

To look for new ones: `python -m pytest tests/unit --hypothesis-profile=search`.
"""

import compileall
import importlib.util
import logging
import os
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import databases
from livery.testing import HttpReceiver, MailServer
from name_server import name_server

__all__ = ["name_server"]
_SLOW = (HealthCheck.too_slow, HealthCheck.data_too_large)
# The same examples every time; `--hypothesis-profile search` looks for new ones.
_SETTLED = {"deadline": None, "derandomize": True, "database": None, "suppress_health_check": _SLOW}
settings.register_profile("settled", max_examples=60, **_SETTLED)
settings.register_profile("search", deadline=None, max_examples=2000, database=None, suppress_health_check=_SLOW)
settings.load_profile("settled")

# A run starts thousands of processes. Where the environment forbids to keep bytecode, as images of containers like to,
# each of them would compile all of Livery once more: a third of what the whole run takes.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_configure(config):
    """The process that compiles packs never writes bytecode, so what only that one imports is compiled here."""
    if hasattr(config, "workerinput"):
        return
    found = importlib.util.find_spec("livery")
    for folder in found.submodule_search_locations:
        compileall.compile_dir(folder, quiet=2)


@pytest.fixture(scope="session", autouse=True)
def cache_of_our_own(tmp_path_factory):
    """Compiled packs are kept for the whole run, for all its processes, and not where the user's are."""
    before = os.environ.get("XDG_CACHE_HOME")
    ours = tmp_path_factory.getbasetemp()
    ours = ours.parent if "PYTEST_XDIST_WORKER" in os.environ else ours
    os.environ["XDG_CACHE_HOME"] = str(ours / "cache")
    yield
    os.environ.pop("XDG_CACHE_HOME", None)
    if before is not None:
        os.environ["XDG_CACHE_HOME"] = before


@pytest.fixture(scope="module", autouse=True)
def no_store_is_left_where_the_tests_run():
    """A test that opens the store of a configuration that names none makes `livery.db` in the working directory."""
    here = Path.cwd()
    before = {*here.glob("*.db*")}
    yield
    left = {*here.glob("*.db*")} - before
    assert not left, f"a test of this file, or of one that ran beside it, left {sorted(map(str, left))}"


@pytest.fixture(autouse=True)
def log_as_it_was():
    """A command that is run in this process may quieten the log of all of it."""
    log = logging.getLogger("livery")
    before = log.level
    yield
    log.setLevel(before)


@pytest.fixture
def mail():
    """A real SMTP server."""
    with MailServer() as server:
        yield server


@pytest.fixture
def http():
    """A real HTTP receiver."""
    with HttpReceiver() as server:
        yield server


@pytest.fixture(scope="session")
def postgres():
    """A real PostgreSQL server."""
    with databases.server() as where:
        yield where


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request, tmp_path):
    """A store of its own, on each database there is."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/livery.db"
        return
    with databases.database(request.getfixturevalue("postgres")) as url:
        yield url


@pytest.fixture
def postgres_store(postgres):
    """A store of its own on PostgreSQL."""
    with databases.database(postgres) as url:
        yield url


@pytest.fixture(scope="session")
def second_postgres():
    with databases.own_server() as one:
        yield one


@pytest.fixture
def own_postgres(second_postgres):
    """A PostgreSQL that a test may stop, kill, pause and start again: nobody else uses it meanwhile."""
    second_postgres.recover()
    return second_postgres


LONG = ("docs/test_pages.py", "contracts/test_channels.py", "thirdparty/test_distributions.py")
"""A page of the docs is one test, far sides are waited for until they time out, and wheels are built one by one."""


def pytest_collection_modifyitems(items):
    """The longest begin first: at the end all would wait for them."""
    items.sort(key=lambda item: "/".join(item.path.parts[-2:]) not in LONG)
