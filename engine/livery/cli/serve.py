"""`livery serve`: the HTTP service, with a worker beside it."""

import ipaddress
import signal
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from livery.cli import output
from livery.cli.output import ConfigOption
from livery.errors import ConfigError, LiveryError, Problem

if TYPE_CHECKING:
    from livery.engine import Engine

_GRACE = 30


def add_to(app: typer.Typer) -> None:
    app.command()(output.command(serve))


def serve(
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on; `server.host` if not given.")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="Its port, 0 for any; `server.port` if not given.")
    ] = None,
    *,
    worker: Annotated[bool, typer.Option("--worker/--no-worker", help="Deliver what is due, too.")] = True,
    without_tokens: Annotated[
        bool, typer.Option("--without-tokens", help="Listen on a public address although nobody could sign in yet.")
    ] = False,
    log_json: Annotated[
        bool, typer.Option("--log-json", help="Log to standard error, one JSON object a line.")
    ] = False,
) -> None:
    """Serve the API and the pages, and deliver what is due, until stopped."""
    from livery.cli.system import log_as_json

    if log_json:
        log_as_json()
    with output.opened(config) as engine:
        policy = engine.config.server
        where = policy.host if host is None else host
        if not without_tokens:
            check_bind(engine, where)
        engine.migrate()
        _run(engine, where, policy.port if port is None else port, worker=worker)


def check_bind(engine: "Engine", host: str) -> None:
    """That a service which others can reach has somebody who may use it.

    Raises:
        ConfigError: it has nobody: it was most likely not meant to be public yet.

    """
    now = engine.now()
    has_users = bool(engine.hooks.implementations("livery_authenticate"))
    if is_local(host) or has_users or any(one.counts(now) for one in engine.identity.tokens()):
        return
    expected = "127.0.0.1 as long as there is no token; make one by `livery token create`, or say --without-tokens"
    raise ConfigError("the service would be open to other machines:", [Problem("server.host", expected, host)])


def sign_in_link(engine: "Engine", at: str) -> str:
    """Where whoever started the service may sign in as its operator."""
    from livery.cli.by_hand import who
    from livery.models.identity import Principal, Role

    operator = Principal(name=who("").actor, roles=frozenset({Role.OPERATOR}), via="link")
    base = (engine.config.server.public_url or at).rstrip("/")
    return f"{base}/sign-in/link?key={engine.identity.create_link(operator)}"


def is_local(host: str) -> bool:
    """Whether only this machine can reach it."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _run(engine: "Engine", host: str, port: int, *, worker: bool) -> None:
    import asyncio

    from livery.cli.system import reload, stay
    from livery.http import create_app

    app = create_app(engine, worker=worker)
    import uvicorn  # behind create_app, which says what to install if it is missing

    listening = _listening(host, port)
    policy = engine.config.server
    settings: dict[str, Any] = {
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": True,
        "forwarded_allow_ips": list(policy.trusted_proxies),
        "timeout_graceful_shutdown": _GRACE,
        "lifespan": "on",
    }

    class Server(uvicorn.Server):
        """Stops on the signals of supervisors with exit code 0; uvicorn would die by them in the end."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self.handle_exit, number, None)
            if hasattr(signal, "SIGHUP"):
                loop.add_signal_handler(signal.SIGHUP, lambda: reload(engine))
            yield

    shown = f"[{host}]" if ":" in host else host
    at = f"http://{shown}:{listening.getsockname()[1]}"
    output.note(f"Serving {at}; Ctrl-C or SIGTERM stops after what is under way, SIGHUP reads the packs again.")
    if is_local(host) or output.is_terminal(sys.stderr):
        output.note(f"Sign in to the pages, once and within 15 minutes: {sign_in_link(engine, at)}")
    stay()
    with listening:
        asyncio.run(Server(uvicorn.Config(app, **settings)).serve(sockets=[listening]))
    output.note("Stopped.")


def _listening(host: str, port: int) -> socket.socket:
    """A socket that is listened on. It says that it is TCP's: else asyncio lets Nagle hold answers back for 40 ms."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((host, port))
        made.listen(2048)
    except OSError as error:
        made.close()
        raise LiveryError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return made
