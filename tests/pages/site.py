"""A whole service on this machine for the pages to be tried on: engine, worker, HTTP, a mail server, a webhook receiver."""

import asyncio
import os
import socket
import threading
from contextlib import contextmanager
from urllib.parse import quote

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from livery import Config, Engine
from livery.http import create_app
from livery.http.pages import drawing
from livery.models.identity import Principal, Role
from livery.testing import HttpReceiver, MailServer
from livery.vault import new_key

SELLERS = (
    "story", "levels", "conflict", "plain", "keys", "looks", "hostile", "hooks", "host", "packs", "sent",
)  # fmt: skip
DISTRIBUTOR = "north-distribution"


def needs_htmx():
    """A build without npm has no script: skip at home, and fail in CI, where it must be had."""
    if not drawing.htmx():
        (pytest.fail if os.environ.get("CI") else pytest.skip)("this installation was built without htmx")


def tenants():
    """A platform, a distributor, and a seller for each test, so that none sees another's changes."""
    made = {
        "platform": {"name": "Cloud Platform", "contacts": {"operations": {"email": "ops@platform.example"}}},
        DISTRIBUTOR: {
            "name": "North Distribution",
            "parent": "platform",
            "level": "distributor",
            "contacts": {"primary": {"email": "olaf@north.example"}},
        },
    }
    for name in SELLERS:
        contact = {"name": "Nele Nordmann", "email": f"nele@{name}.example"}
        made[name] = {"name": f"{name.title()} Cloud GmbH", "parent": DISTRIBUTOR, "contacts": {"primary": contact}}
    made["looks"]["pack"] = "nordwind"
    return made


class Site:
    """What a test needs to know of it."""

    def __init__(self, url, engine, mail, http):
        self.url, self.engine, self.mail, self.http = url, engine, mail, http

    def at(self, tenant, path=""):
        return f"{self.url}/t/{quote(tenant)}{path}"

    def link(self, tenant, *, roles=(Role.ADMIN,), name="nele"):
        """Where somebody signs in, once."""
        who = Principal(name=name, tenant=tenant, roles=frozenset(roles), via="link")
        return f"{self.url}/sign-in/link?key={self.engine.identity.create_link(who)}"


@contextmanager
def site(folder, *, plugins=None, prefix="", **overrides):
    """A service that runs until the block ends."""
    with MailServer() as mail, HttpReceiver() as http:
        settings = {
            "database_url": f"sqlite:///{folder}/livery.db",
            "secret_keys": [new_key()],
            "message_id_domain": "mail.platform.example",
            "sender": {"address": "notifications@platform.example"},
            "channels": {"smtp": {"host": "127.0.0.1", "port": mail.port}},
            "outbound": {"allow": ["127.0.0.1"]},
            "server": {"rate": 0, "stranger_rate": 0},
            "tenants": tenants(),
            **overrides,
        }
        with Engine.open(Config.load(None, **settings), plugins=plugins) as engine:
            engine.migrate()
            app = create_app(engine, worker=True)
            host = (
                Starlette(routes=[Mount(prefix, app)], lifespan=lambda _: app.router.lifespan_context(app))
                if prefix
                else app
            )
            with served(host) as url:
                yield Site(url, engine, mail, http)


@contextmanager
def served(app):
    """The address of an application that is served until the block ends."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = uvicorn.Config(app, log_config=None, access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=lambda: asyncio.run(server.serve(sockets=[listening])), daemon=True)
        thread.start()
        while not server.started and thread.is_alive():
            thread.join(0.01)
        assert server.started, "the service did not start"
        try:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(20)
