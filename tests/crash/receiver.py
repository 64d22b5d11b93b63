"""A webhook receiver for very many requests: of each it keeps its identity and a digest, and counts how many at once."""

import asyncio
import json
import threading
import time
from collections import defaultdict
from hashlib import sha256


class Receiver:
    """An HTTP server on loopback in a thread of its own. Every answer takes `pause` seconds.

    Attributes:
        got: by event id, the (webhook-id, digest of the body) of each request.
        at: when each request came, by path.
        peak: by path, how many were being answered at the same time at most.

    """

    def __init__(self, *, pause=0.0):
        self.pause, self.port, self.count = pause, 0, 0
        self.got = defaultdict(list)
        self.at, self.peak, self._now = defaultdict(list), defaultdict(int), defaultdict(int)

    def __enter__(self):
        started = threading.Event()
        self._loop, self._end = asyncio.new_event_loop(), asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(started),), daemon=True)
        self._thread.start()
        assert started.wait(10)
        return self

    def __exit__(self, *_):
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)
        self._loop.close()

    async def _serve(self, started):
        server = await asyncio.start_server(self._converse, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        await self._end.wait()
        server.close()
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()

    async def _converse(self, reader, writer):
        try:
            while True:
                await self._answer(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    async def _answer(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        path = first.split(" ")[1]
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
        self._now[path] += 1
        self.peak[path] = max(self.peak[path], self._now[path])
        self.at[path].append(time.monotonic())
        self.got[json.loads(body)["id"]].append((headers["webhook-id"], sha256(body).hexdigest()))
        self.count += 1
        try:
            if self.pause:
                await asyncio.sleep(self.pause)
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
            await writer.drain()
        finally:
            self._now[path] -= 1
