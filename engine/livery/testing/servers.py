"""Real servers on loopback, each in a thread of its own: an SMTP server and an HTTP receiver."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from aiohttp import web

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """A message as the SMTP server got it: the envelope's addresses and the content."""

    sender: str
    recipients: tuple[str, ...]
    content: bytes

    @property
    def parsed(self) -> EmailMessage:
        """By the standard library's parser."""
        return BytesParser(policy=policy.default).parsebytes(self.content)

    def part(self, subtype: str) -> str:
        """The decoded text of the `plain` or `html` part."""
        body = self.parsed.get_body((subtype,))
        return body.get_content() if body is not None else ""

    @property
    def images(self) -> dict[str, bytes]:
        """Images that travel inside it, by Content-ID without angle brackets."""
        parts = [part for part in self.parsed.walk() if part["Content-ID"] and part.get_content_maintype() == "image"]
        return {str(part["Content-ID"]).strip("<> "): part.get_content() for part in parts}


class MailServer:
    """An SMTP server that keeps what it gets.

    Args:
        answer: called for each RCPT with the address; what it returns is answered, None accepts.
        options: passed to aiosmtpd's Controller, such as `tls_context` (STARTTLS), `ssl_context` (TLS from the
            first byte) or `authenticator`.

    """

    def __init__(self, *, answer: Callable[[str], str | None] | None = None, **options: Any) -> None:
        self.mails: list[ReceivedMail] = []
        self._answer, self._options = answer, options
        self._controller: Any = None

    @property
    def port(self) -> int:
        return int(self._controller.server.sockets[0].getsockname()[1])

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        """Aiosmtpd's hook."""
        del server, session, options
        refusal = self._answer(address) if self._answer else None
        if refusal is not None:
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Aiosmtpd's hook."""
        del server, session
        self.mails.append(ReceivedMail(envelope.mail_from, tuple(envelope.rcpt_tos), envelope.content))
        return f"250 queued as {len(self.mails)}"

    def __enter__(self) -> Self:
        from aiosmtpd.controller import Controller

        class AnyPort(Controller):
            """A Controller that asks the port it got, not the 0 it was given, whether it answers."""

            def _trigger_server(self) -> None:
                server: Any = self.server
                with socket.create_connection(server.sockets[0].getsockname(), timeout=5) as plain:
                    if self.ssl_context is None:
                        plain.recv(1024)
                        return
                    context = ssl.create_default_context()
                    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # it is ourselves
                    with context.wrap_socket(plain) as client:
                        client.recv(1024)

        self._controller = AnyPort(self, hostname=LOOPBACK, port=0, **{"enable_SMTPUTF8": True, **self._options})
        self._controller.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._controller.stop()


@dataclass(frozen=True, slots=True)
class Received:
    """One request as the HTTP receiver got it."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass
class HttpReceiver:
    """An HTTP server that keeps what is posted to it.

    Attributes:
        answers: by path, the (status, text, headers) of each request in turn; the last one stands for all
            that follow. A path without any is answered 200 `ok`.
        respond: answers in place of `answers`, where an answer is to be none: silence, a broken connection.
        stopping: set when the server is about to end; what waits in `respond` waits for this.

    """

    answers: dict[str, Sequence[tuple[int, str, Mapping[str, str]]]] = field(default_factory=dict)
    requests: list[Received] = field(default_factory=list)
    port: int = 0
    respond: "Callable[[web.Request], Awaitable[web.StreamResponse]] | None" = None
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def __enter__(self) -> Self:
        started = threading.Event()
        self._loop = asyncio.new_event_loop()
        self.stopping = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._serve(started),), daemon=True)
        self._thread.start()
        started.wait(timeout=10)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self.stopping.set)
        self._thread.join(timeout=10)
        self._loop.close()

    def url(self, path: str) -> str:
        """The URL of a path on this server."""
        return f"http://{LOOPBACK}:{self.port}{path}"

    def at(self, path: str) -> list[Received]:
        """What came to a path, in order."""
        return [one for one in self.requests if one.path == path]

    async def _serve(self, started: threading.Event) -> None:
        from aiohttp import web

        async def receive(request: web.Request) -> web.StreamResponse:
            body = await request.read()
            answers = self.answers.get(request.path, ())
            number = len(self.at(request.path))
            self.requests.append(Received(request.path, dict(request.headers), body))
            if self.respond is not None:
                return await self.respond(request)
            if not answers:
                return web.Response(text="ok")
            status, text, headers = answers[min(number, len(answers) - 1)]
            return web.Response(status=status, text=text, headers=dict(headers))

        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_post("/{tail:.*}", receive)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        site = web.TCPSite(runner, LOOPBACK, 0)
        await site.start()
        self.port = int(runner.addresses[0][1])
        started.set()
        await self.stopping.wait()
        await runner.cleanup()
