"""Writes files for people: as a whole or not at all."""

import os
from pathlib import Path

from livery.errors import LiveryError


def write(file: Path, content: bytes) -> None:
    """Write a file as a whole or not at all.

    Raises:
        LiveryError: it cannot be written.

    """
    part = file.with_name(f".{file.name}.{os.getpid()}.part")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        part.write_bytes(content)
        part.replace(file)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise LiveryError(f"cannot write {file}: {error.strerror}") from None
