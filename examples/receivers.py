"""An SMTP server and an HTTP receiver on this machine that print what they get, for examples/livery.toml.

python examples/receivers.py [SMTP_PORT HTTP_PORT]    (2525 and 8080 if not given; Ctrl-C ends it)
"""

import asyncio
import signal
import sys
from email import message_from_bytes, policy
from typing import Any

from aiohttp import web
from aiosmtpd.controller import Controller


class Mailbox:
    """Says who got a mail, and its text."""

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        del server, session
        mail = message_from_bytes(envelope.content, policy=policy.default)
        text = mail.get_body(("plain",))
        print(f"\nmail to {', '.join(envelope.rcpt_tos)}\n{mail['Subject']}\n", flush=True)
        print(text.get_content() if text else "", flush=True)
        return "250 received"


async def posted(request: web.Request) -> web.Response:
    print(f"\nPOST {request.path}\n{await request.text()}", flush=True)
    return web.Response(text="ok")


async def main(smtp_port: int = 2525, http_port: int = 8080) -> None:
    mail = Controller(Mailbox(), hostname="127.0.0.1", port=smtp_port)
    mail.start()
    app = web.Application()
    app.router.add_post("/{path:.*}", posted)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", http_port).start()
    is_over = asyncio.Event()
    for end in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(end, is_over.set)
    print(f"mail at 127.0.0.1:{smtp_port}, http at 127.0.0.1:{http_port}", flush=True)
    try:
        await is_over.wait()
    finally:
        await runner.cleanup()
        mail.stop()


if __name__ == "__main__":
    asyncio.run(main(*map(int, sys.argv[1:])))
