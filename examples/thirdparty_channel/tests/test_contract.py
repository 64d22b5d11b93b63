"""The contract every channel keeps. Run it with the package installed: `pytest`."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from livery_channel_logfile import livery_register_channels

from livery.testing import Arrival, ChannelContract, FarSide, Says


class File(FarSide):
    """A folder for one test; when it is gone, the far side is unreachable."""

    vocabulary = frozenset({Says.OK})  # a file does not answer

    def __enter__(self) -> Self:
        self.folder = Path(tempfile.mkdtemp())
        return self

    def __exit__(self, *error: object) -> None:
        shutil.rmtree(self.folder)

    @property
    def path(self) -> Path:
        return self.folder / "messages.log"

    @property
    def arrivals(self) -> Sequence[Arrival]:
        lines = self.path.read_bytes().splitlines() if self.path.exists() else []
        read = [(line, json.loads(line)) for line in lines]
        return [Arrival(line, f"{one['title']}\n{one['text']}", identity=one["delivery"]) for line, one in read]

    @property
    def asked(self) -> int:
        return len(self.arrivals)


class TestLogfile(ChannelContract):
    kind = livery_register_channels()[0]

    def far_side(self) -> FarSide:
        return File()

    def settings(self, far: File) -> dict[str, Any]:
        return {"file": str(far.path)}

    def destination(self, far: File) -> dict[str, Any]:
        del far
        return {"name": "messages"}
