"""Moving up: a store in a file becomes one in PostgreSQL. Owns who may be at work meanwhile: nobody."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import make_url
from sqlalchemy.exc import ArgumentError

from livery.errors import StoreError
from livery.storage.database import connect
from livery.storage.ledger import Ledger
from livery.storage.moving import Move, Moved, Step
from livery.workshop import execution_on


def move_store(source: str, target: str, progress: Callable[[Step], object] = lambda _: None) -> Moved:
    """Carry everything of the store `source` (sqlite:///…) over to `target`; run again, it goes on where it was.

    Raises:
        ConfigError: one of them is no database URL.
        StoreError: a worker serves the source, the target is not empty or newer, or what came is not what was sent.

    """
    with _ready(source, target) as move:
        return move.run(progress)


def abandon(source: str, target: str) -> None:
    """Give up a move that has not ended: the source is free again, and the target empty.

    Raises:
        StoreError: there is none to give up.

    """
    with _ready(source, target) as move:
        move.abandon()


@contextmanager
def _ready(source: str, target: str) -> Iterator[Move]:
    file = _file(source)
    with _alone(file):
        here = connect(source)
        try:
            there = Ledger(connect(target))
            try:
                yield Move(here, there.engine, execution_on(there).put)
            finally:
                there.close()
        finally:
            here.dispose()


def _file(source: str) -> Path:
    try:
        url = make_url(source)
    except ArgumentError:
        raise StoreError("the source is no database URL, such as sqlite:///livery.db") from None
    if url.get_backend_name() != "sqlite" or not url.database:
        raise StoreError("only a store in a file is moved (sqlite:///…); PostgreSQL has pg_dump and pg_restore")
    file = Path(url.database)
    if not file.is_file():
        raise StoreError(f"there is no store in {file}")
    return file


@contextmanager
def _alone(file: Path) -> Iterator[None]:
    """Hold the lock of who works on a store.

    Raises:
        StoreError: a worker has it.

    """
    descriptor = os.open(f"{os.path.realpath(file)}.runner", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise StoreError(f"a worker serves {file}: stop every worker and every host on it, then move it") from None
        yield
    finally:
        os.close(descriptor)
