"""Slack, Teams, e-mail and JSON through Apprise, by one setting."""

import asyncio
import json
import socket

import pytest

from channels import authority
from channels.making import ENVELOPE, bare_server, outbound, people, read_request
from livery import Config, Engine
from livery.errors import ConfigError
from livery.plugin import Dispatch, Format, Message
from livery.testing import HttpReceiver, MailServer

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")  # a library of one of its services
TYPES = Engine.open(Config()).channels.types
HOSTILE = "<!channel> <https://evil.example|click> <at>Ada</at> & Zoë"
TEXT = Message(format=Format.TEXT, locale="en", title="Failed: Copilot", text=f"Failed: Copilot\n\n{HOSTILE}\n")
HOOKS = {
    "slack": ("hooks.slack.com", "https://hooks.slack.com/services/T0000AAA1/B0000AAA1/canaryabcdefghijklmnopqr", ["T0000AAA1", "canaryabc"]),
    "teams": (
        "prod-1.westus.logic.azure.example",
        "https://prod-1.westus.logic.azure.example:443/workflows/0123456789abcdef/triggers/manual/paths/invoke?api-version=2016-06-01&sp=%2Frun&sv=1.0&sig=canary-sig-1",
        ["0123456789abcdef", "canary-sig-1"],
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return authority.make(tmp_path_factory.mktemp("authority"), *(host for host, _, _ in HOOKS.values()))


async def carried(monkeypatch, certificates, name):
    """The outcome of a post to the service's real name, which leads here; and the request."""
    host, url, _ = HOOKS[name]

    async def serve(talk, reader, writer):
        await read_request(talk, reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        await writer.drain()

    async with bare_server(serve, ssl=authority.identity(certificates, host)) as talk:
        system, connect = socket.getaddrinfo, asyncio.SelectorEventLoop.sock_connect

        def getaddrinfo(asked, *args, **kwargs):
            return system("127.0.0.1" if asked == host else asked, *args, **kwargs)

        async def sock_connect(loop, sock, address):
            await connect(loop, sock, ("127.0.0.1", talk.port if address[1] == 443 else address[1]))

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", sock_connect)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates / "ca.pem"))
        kind = TYPES["apprise"].carries(TYPES[name])
        channel = kind.load()(kind.load().Settings(), outbound(host))
        destination = kind.load().Destination(url=url)
        wire = channel.encode(TEXT, ENVELOPE)
        try:
            outcome = await channel.send(Dispatch(ENVELOPE, destination, wire, 1))
        finally:
            await channel.aclose()
    return outcome, talk.said


@pytest.mark.parametrize("name", HOOKS)
async def test_a_hook_is_posted_to_by_its_fields_and_nothing_in_the_text_mentions_anybody(
    monkeypatch, certificates, name
):
    outcome, [said] = await carried(monkeypatch, certificates, name)
    head, _, body = said.partition(b"\r\n\r\n")
    assert outcome.status == "accepted", outcome
    assert all(part.encode() in head for part in HOOKS[name][2])
    posted = json.dumps(json.loads(body), ensure_ascii=False)
    assert "Failed: Copilot" in posted
    if name == "slack":
        assert "<!channel>" not in posted
        assert "<https:" not in posted
        assert "&lt;!channel&gt;" in posted
    else:
        assert "<at>" not in posted
        assert '"mention"' not in posted


@pytest.mark.parametrize(
    ("name", "url"),
    [("slack", "https://hooks.evil.example/services/T/B/canary"), ("slack", "https://hooks.slack.com/services/T/B/canary?x=1"),
     ("slack", "https://hooks.slack.com/services/T/B/canary/../x"), ("teams", "https://x.example/workflows/1/triggers/manual/paths/invoke"),
     ("teams", "https://x.example/other?sig=canary"), ("teams", "http://x.example/workflows/1/triggers/manual/paths/invoke?sig=canary")],
)  # fmt: skip
async def test_a_hook_of_another_shape_is_not_guessed(name, url):
    kind = TYPES["apprise"].carries(TYPES[name])
    channel = kind.load()(kind.load().Settings(), outbound())
    outcome = await channel.send(Dispatch(ENVELOPE, kind.load().Destination(url=url), b"{}", 1))
    assert (outcome.status, outcome.reason) == ("failed", "misconfigured")
    assert "canary" not in outcome.detail


async def test_json_goes_to_the_webhook_with_its_headers_and_not_where_it_may_not():
    kind = TYPES["apprise"].carries(TYPES["webhook"])
    channel = kind.load()(kind.load().Settings(), outbound())
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    with HttpReceiver() as server:
        for url, status in (
            (server.url("/a%20b/c?x=1&y=%26"), "accepted"),
            ("https://10.0.0.1/", "failed"),
            (f"http://localhost:{server.port}/", "failed"),
        ):
            where = kind.load().Destination(
                url=url, secret=secret, authorization="Bearer tok-1", headers={"X-Tenant": "acme"}
            )
            outcome = await channel.send(Dispatch(ENVELOPE, where, channel.encode(TEXT, ENVELOPE), 1))
            assert outcome.status == status, outcome
    [request] = server.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert (headers["authorization"], headers["x-tenant"], headers["webhook-id"]) == (
        "Bearer tok-1",
        "acme",
        ENVELOPE.delivery_id,
    )
    assert json.loads(request.body)["title"] == "Failed: Copilot"


@pytest.mark.parametrize(
    "address", ["zoë@custo.example", "a@b.example,c@d.example", "a@b.example\r\nRCPT TO:<x@y.example>", "a b@c.example"]
)
async def test_an_address_apprise_would_read_as_several_is_refused(address):
    kind = TYPES["apprise"].carries(TYPES["smtp"])
    with MailServer() as server:
        channel = kind.load()(kind.load().Settings(port=server.port), outbound())
        envelope = ENVELOPE.model_copy(update={"to": people(address)})
        outcome = await channel.send(Dispatch(envelope, None, channel.encode(TEXT, envelope), 1))
        await channel.aclose()
    assert (outcome.status, outcome.reason, server.mails) == ("failed", "misconfigured", [])


# ------------------------------------------------------------------ the setting


def test_one_setting_switches_and_leaves_destinations_the_ones_they_were():
    by_apprise = {name: {"via": "apprise"} for name in ("smtp", "slack", "teams", "webhook")}
    bridged = Engine.open(Config(channels=by_apprise)).channels
    for name, (_, url, _) in HOOKS.items():
        plain, carried_by = TYPES[name].load(), bridged.kind(name).load()
        destination = carried_by.Destination(url=url)
        assert plain.identity(destination) == carried_by.identity(destination)
        assert plain.label(destination) == carried_by.label(destination)
    for name in by_apprise:
        assert "through Apprise" in bridged.kind(name).summary
        assert type(bridged.open(name)).__name__.endswith("ByApprise")


@pytest.mark.parametrize(
    ("channels", "said"),
    [({"slack": {"via": "carrier-pigeon"}}, "channels.slack.via: expected one of apprise"), ({"apprise": {"via": "apprise"}}, "channels.apprise.via"),
     ({"slack": {"via": 7}}, "channels.slack.via")],
)  # fmt: skip
def test_a_way_there_is_not_stops_the_start(channels, said):
    with pytest.raises(ConfigError) as caught:
        Engine.open(Config(channels=channels))
    assert said in str(caught.value)
