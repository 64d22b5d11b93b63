"""The preview's server: for the designer's own browser on this machine, and for nobody else.

It listens on 127.0.0.1 alone. A name that was made to point here (DNS rebinding) is refused by the Host header;
no other site may read an answer, since none allows it; and what changes something needs the token of our own pages.
"""

import asyncio
import json
import secrets
from collections.abc import Awaitable, Callable
from os import strerror
from typing import Self

from aiohttp import web

from livery.border import MAX_BYTES
from livery.errors import EventError, LiveryError, NotFound
from livery.studio import mail
from livery.studio.cases import SCHEMES
from livery.studio.live import Session
from livery.studio.pages import LIVE_ASSETS, asset

HOST = "127.0.0.1"
POLL = 0.2
"""Seconds between two looks at the files: an edit is on the screen within a second."""
_HEARTBEAT = 15.0
_GRACE = 1.0
_KINDS = {"css": "text/css", "js": "text/javascript"}
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PreviewServer:
    """Serves one session: `async with PreviewServer(session) as server: print(server.url)`.

    Attributes:
        port: where it listens; 0 until it does, if any port was asked for.

    """

    def __init__(self, session: Session, *, port: int = 0, poll: float = POLL, remote_images: bool = False) -> None:
        self.session, self.port, self._poll = session, port, poll
        self._frame_policy = f"sandbox; {mail.content_policy(remote_images=remote_images)}; frame-ancestors 'self'"
        self._changed = asyncio.Event()
        self._stopping = asyncio.Event()
        self._finishing: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}/"

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Where it can be reached."""
        return [(str(host), int(port)) for host, port in self._runner.addresses]

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=2 * MAX_BYTES, middlewares=[self._guarded])
        app.router.add_get("/", self._start)
        app.router.add_get("/index.html", self._index)
        app.router.add_get(r"/cases/{slug:[a-z0-9._-]+}.html", self._case)
        app.router.add_get(r"/frames/{slug:[a-z0-9._-]+}.{scheme:light|dark}.html", self._frame)
        app.router.add_get("/live", self._live)
        app.router.add_post("/event", self._event)
        app.router.add_get(r"/{name:[a-z]+\.(?:css|js)}", self._asset)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=_GRACE)
        await self._runner.setup()
        try:
            await web.TCPSite(self._runner, HOST, self.port).start()
        except OSError as error:
            await self._runner.cleanup()
            raise LiveryError(
                f"cannot listen on {HOST}:{self.port}: {strerror(error.errno or 0).lower()}; choose another --port"
            ) from None
        self.port = self.addresses[0][1]
        self._watcher = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *failure: object) -> None:
        self._stopping.set()
        self._changed.set()
        await self._watcher
        if self._finishing is not None:
            await self._finishing
        await self._runner.cleanup()

    async def _watch(self) -> None:
        while not self._stopping.is_set():
            if await asyncio.to_thread(self.session.poll):
                self._tell()
            try:
                await asyncio.wait_for(self._stopping.wait(), self._poll)
            except TimeoutError:
                continue

    def _continued(self, page: web.Response) -> web.Response:
        """`page`, while what it lacks is made."""
        self._finishing = asyncio.create_task(self._finish(self._finishing))
        return page

    async def _finish(self, before: "asyncio.Task[None] | None") -> None:
        """Complete a page while it is there already, then have it fetch the rest."""
        if before is not None:
            await before
        if await asyncio.to_thread(self.session.finish, self._stopping.is_set):
            self._tell()

    def _tell(self) -> None:
        """Wake every page that listens."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    # ------------------------------------------------------------------ who may ask

    @web.middleware
    async def _guarded(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        if request.headers.get("Host", "") not in (f"{HOST}:{self.port}", f"localhost:{self.port}"):
            return web.Response(status=421, text=f"This is a preview on {self.url}; it answers to no other name.\n")
        response = await handler(request)
        if not response.prepared:
            response.headers.setdefault("Content-Security-Policy", "frame-ancestors 'none'")
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["X-DNS-Prefetch-Control"] = "off"
            response.headers["Referrer-Policy"] = "no-referrer"
            response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
            response.headers["Cache-Control"] = "no-store"
        return response

    def _is_ours(self, request: web.Request) -> bool:
        """Whether a page of ours sent it: only that knows the token, and no other site may send such a header."""
        token = request.headers.get("X-Livery-Token", "")
        origin = request.headers.get("Origin", self.url.rstrip("/"))
        return secrets.compare_digest(token.encode(), self.session.token.encode()) and origin in (
            f"http://{HOST}:{self.port}",
            f"http://localhost:{self.port}",
        )

    # ------------------------------------------------------------------ pages

    async def _start(self, request: web.Request) -> web.StreamResponse:
        first = await asyncio.to_thread(self.session.first)
        if first is None:
            return await self._index(request)
        return web.Response(status=302, headers={"Location": f"/{first}"})

    async def _index(self, _: web.Request) -> web.StreamResponse:
        return self._continued(_page(await asyncio.to_thread(self.session.index)))

    async def _case(self, request: web.Request) -> web.StreamResponse:
        try:
            return self._continued(_page(await asyncio.to_thread(self.session.case, request.match_info["slug"])))
        except NotFound:
            return _page(await asyncio.to_thread(self.session.missing, "../"), status=404)

    async def _frame(self, request: web.Request) -> web.StreamResponse:
        scheme = next(one for one in SCHEMES if one == request.match_info["scheme"])
        try:
            page = _page(await asyncio.to_thread(self.session.frame, request.match_info["slug"], scheme))
        except NotFound:
            return web.Response(status=404, text="There is no such message.\n")
        page.headers["Content-Security-Policy"] = self._frame_policy
        return page

    async def _asset(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["name"]
        if name not in LIVE_ASSETS:
            return web.Response(status=404, text="There is no such file.\n")
        return web.Response(text=asset(name), content_type=_KINDS[name.rpartition(".")[2]], charset="utf-8")

    # ------------------------------------------------------------------ what changes

    async def _live(self, request: web.Request) -> web.StreamResponse:
        """Server-sent events: the state at once, and again after every edit."""
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await stream.prepare(request)
        try:
            while not self._stopping.is_set():
                changed = self._changed
                session = self.session
                state = {"version": session.version, "overview": session.overview, "errors": len(session.trouble)}
                await stream.write(f"event: state\ndata: {json.dumps(state)}\n\n".encode())
                await self._until(changed, stream)
        except ConnectionError:
            pass  # the page was closed
        return stream

    async def _until(self, changed: asyncio.Event, stream: web.StreamResponse) -> None:
        """Wait for an edit; a line now and then keeps the connection, and finds out that it is gone."""
        while not changed.is_set():
            try:
                await asyncio.wait_for(changed.wait(), _HEARTBEAT)
            except TimeoutError:
                await stream.write(b": still here\n\n")

    async def _event(self, request: web.Request) -> web.StreamResponse:
        """Take the designer's own event."""
        if not self._is_ours(request):
            return web.json_response({"problems": ["This did not come from the preview's own page."]}, status=403)
        try:
            raw = await request.read()
            page = await asyncio.to_thread(self.session.use, raw, request.query.get("at", ""))
        except web.HTTPRequestEntityTooLarge:
            return web.json_response({"problems": [f"An event has at most {MAX_BYTES // 1024} KiB."]}, status=413)
        except EventError as error:
            problems = [error.summary, *map(str, error.problems)]
            return web.json_response({"problems": problems}, status=422)
        except LiveryError as error:
            return web.json_response({"problems": [str(error)]}, status=422)
        return web.json_response({"page": page})


def _page(html: str, status: int = 200) -> web.Response:
    return web.Response(text=html, content_type="text/html", charset="utf-8", status=status)
