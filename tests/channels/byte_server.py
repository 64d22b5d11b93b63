"""A mail server that is controlled byte for byte: each connection follows a script."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from channels.making import bare_server

HELLO = b"250-mail.example\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250 8BITMIME\r\n"


@dataclass
class Line:
    """One connection, as a script speaks on it."""

    number: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    mails: list = field(default_factory=list)

    async def say(self, *data):
        self.writer.write(b"".join(data))
        await self.writer.drain()

    async def hear(self, verb):
        line = await self.reader.readline()
        if not line.upper().startswith(verb):
            raise AssertionError(f"{verb!r} was expected, not {line!r}")
        return line

    async def greet(self, hello=HELLO):
        await self.say(b"220 ready\r\n")
        await self.hear(b"EHLO")
        await self.say(hello)

    async def hear_envelope(self, recipients=1):
        """MAIL to DATA, unanswered."""
        return [await self.hear(verb) for verb in (b"MAIL", *[b"RCPT"] * recipients, b"DATA")]

    async def hear_content(self):
        content = await self.reader.readuntil(b"\r\n.\r\n")
        self.mails.append(content)
        return content

    async def take(self, answer=b"250 queued\r\n", recipients=1):
        """One whole message."""
        await self.hear_envelope(recipients)
        await self.say(b"250 ok\r\n" * (1 + recipients), b"354 go on\r\n")
        content = await self.hear_content()
        await self.say(answer)
        return content

    async def hang(self):
        await asyncio.Event().wait()

    def reset(self):
        """Close with RST: what is under way is gone."""
        self.writer.transport.abort()
        raise ConnectionAbortedError


@asynccontextmanager
async def byte_server(*scripts, **options):
    """A server whose first connection follows the first script, and so on; the last one is for all that follow."""
    lines = []

    async def serve(talk, reader, writer):
        line = Line(talk.connections, reader, writer)
        lines.append(line)
        await scripts[min(line.number, len(scripts)) - 1](line)

    async with bare_server(serve, limit=10_000_000, **options) as talk:
        talk.lines = lines
        yield talk


async def ever(line):
    """Take whatever comes, in the usual way."""
    await line.greet()
    while True:
        await line.take()
