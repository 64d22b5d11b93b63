"""The channel itself; imported when something is first sent by it."""

import asyncio
import json
import os
from pathlib import Path
from typing import cast

from pydantic import Field

from livery.plugin import Channel, Dispatch, Envelope, Message, Model, Outcome, Reason


class LogfileSettings(Model):
    """`[channels.logfile]`"""

    file: Path = Field(description="The file lines are appended to; made if it is not there. Better absolute.")


class LogfileDestination(Model):
    """`[[tenants.<id>.channels.logfile]]`"""

    name: str = Field(default="logfile", description="What people are shown of it.")


class LogfileChannel(Channel):
    """`delivered` once the line is on the disk. A crash between line and answer writes it twice, with the same id."""

    Settings = LogfileSettings
    Destination = LogfileDestination

    @classmethod
    def label(cls, destination: LogfileDestination) -> str:
        return destination.name

    def encode(self, message: Message, envelope: Envelope) -> bytes:
        line = {"delivery": envelope.delivery_id, "title": message.title, "text": message.text}
        return json.dumps(line, ensure_ascii=False).encode() + b"\n"

    async def send(self, dispatch: Dispatch) -> Outcome:
        file = cast(LogfileSettings, self.settings).file
        try:
            await asyncio.to_thread(_append, file, dispatch.wire)
        except OSError as error:
            # A missing folder, a full disk: an operator can mend it while the delivery waits, hence `retry`.
            return Outcome(status="retry", reason=Reason.UNREACHABLE, detail=f"{file}: {error.strerror}")
        return Outcome(status="delivered")


def _append(file: Path, line: bytes) -> None:
    with file.open("ab", buffering=0) as stream:
        stream.write(line)
        os.fsync(stream.fileno())
