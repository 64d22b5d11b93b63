"""Apprise: services of the allow-list only, fields that are checked, and as much of an outcome as Apprise tells."""

import json
import logging

import pytest
from pydantic import ValidationError

from channels.making import ENVELOPE, outbound, sent
from livery.config import problems_of
from livery.plugin import Dispatch, Format, Message
from livery.testing import HttpReceiver
from livery_apprise import services
from livery_apprise.channel import AppriseChannel, AppriseDestination, AppriseTarget

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")  # a library of one of its services
TEXT = Message(
    format=Format.TEXT, locale="en", title="x", text="Failed: <Copilot> & *Zoë*\n\nFirst <b>line</b>.\n\nSecond.\n"
)
TOKEN = "canary-token-1"


def gotify(server, **more):
    fields = {"host": "127.0.0.1", "port": server.port, "token": TOKEN}
    return {"service": "gotify", "secure": False, "fields": fields, **more}


def channel(allow="127.0.0.1", **targets):
    return AppriseChannel(AppriseChannel.Settings(targets=targets, timeout=10), outbound(allow))


async def posted(server, *answers, allow="127.0.0.1", settled=None, **target):
    server.answers.update({"/message": list(answers)} if answers else {})
    given = {**gotify(server), **target}
    return await sent(
        channel(allow, ops=given), message=TEXT, destination=AppriseDestination(target="ops"), settled=settled
    )


async def test_a_target_gets_title_and_text_as_they_are():
    with HttpReceiver() as server:
        outcome = await posted(server, options={"priority": "high"})
    assert (outcome.status, outcome.reason) == ("accepted", None)
    [request] = server.requests
    told = json.loads(request.body)
    assert told["title"] == "Failed: <Copilot> & *Zoë*"
    assert told["message"].rstrip() == "First <b>line</b>.\n\nSecond."
    assert request.headers["X-Gotify-Key"] == TOKEN


async def test_a_text_of_one_paragraph_is_not_lost():
    with HttpReceiver() as server:
        short = TEXT.model_copy(update={"text": "All."})
        await sent(channel(ops=gotify(server)), message=short, destination=AppriseDestination(target="ops"))
    assert json.loads(server.requests[0].body)["message"] == "All."


@pytest.mark.parametrize(
    ("status", "outcome", "reason"),
    [(400, "failed", "invalid"), (401, "failed", "auth"), (410, "failed", "gone"), (413, "failed", "too_large"),
     (429, "retry", "throttled"), (500, "retry", "server_error"), (503, "retry", "server_error")],
)  # fmt: skip
async def test_the_status_in_its_log_decides_and_there_is_one_try(status, outcome, reason):
    with HttpReceiver() as server:
        found = await posted(server, (status, "no", {"Retry-After": "1"}))
    assert (found.status, found.reason, found.code) == (outcome, reason, str(status))
    assert len(server.requests) == 1


async def test_a_redirect_is_not_followed_to_where_a_service_points():
    with HttpReceiver() as server:
        outcome = await posted(server, (307, "", {"Location": server.url("/internal")}))
    assert outcome.status in ("retry", "failed")
    assert [request.path for request in server.requests] == ["/message"]


async def test_each_of_several_targets_has_its_outcome_and_is_tried_again_by_itself():
    with HttpReceiver() as server:
        server.answers["/good"] = [(200, "ok", {})]
        server.answers["/gone"] = [(404, "no such topic", {})]
        server.answers["/busy"] = [(429, "slow down", {}), (200, "ok", {})]
        fields = {"host": "127.0.0.1", "port": server.port, "targets": ["good", "gone", "busy"]}
        target = {"service": "ntfy", "secure": False, "fields": fields, "options": {}}

        def answer(request):
            return json.loads(request.body)["topic"]

        server.answers = {"/": [(200, "ok", {}), (404, "no", {}), (429, "slow", {}), (200, "ok", {})]}
        first = await posted(server, **target)
        settled = {one.address: one.status for one in first.recipients if one.status != "retry"}
        second = await posted(server, settled=settled, **target)
    assert [(one.address, one.status) for one in first.recipients] == [
        ("ops #1", "accepted"),
        ("ops #2", "failed"),
        ("ops #3", "retry"),
    ]
    assert (first.status, second.status) == ("retry", "accepted")
    assert [answer(one) for one in server.requests] == ["good", "gone", "busy", "busy"]
    assert [(one.address, one.status) for one in second.recipients] == [("ops #3", "accepted")]


async def test_a_target_nobody_configured_is_not_guessed_and_names_no_others():
    with HttpReceiver() as server:
        outcome = await sent(channel(others=gotify(server)), message=TEXT, destination=AppriseDestination(target="ops"))
    assert (outcome.status, outcome.reason) == ("failed", "misconfigured")
    assert "'ops'" in outcome.detail
    assert "others" not in outcome.detail
    assert server.requests == []


@pytest.mark.parametrize(
    "url", ["json://127.0.0.1:{port}/", "mailto://a:b@127.0.0.1", "file:///etc/passwd", "ops/../x", "a\nb", ""]
)
async def test_a_tenant_cannot_give_a_url(url):
    with HttpReceiver() as server:
        given = url.format(port=server.port)
        with pytest.raises(ValidationError):
            AppriseDestination(target=given)
        forced = AppriseDestination.model_construct(target=given)
        outcome = await channel(ops=gotify(server)).send(Dispatch(ENVELOPE, forced, b"x", 1))
    assert (outcome.status, outcome.reason) == ("failed", "misconfigured")
    assert server.requests == []


# ------------------------------------------------------------------ the allow-list


@pytest.mark.parametrize(
    "target",
    [{"service": service, "fields": {"host": "canary.example"}} for service in
     ("json", "jsons", "form", "xml", "apprise", "syslog", "rsyslog", "dbus", "mqtt", "irc", "mailto", "windows", "kodi", "workflows",
      "slack", "vapid", "fcm", "file", "http", "https", "JSON", "gotify://canary", "gotify?x=1", "", "../gotify")]
    + [{"service": "gotify", "fields": {"host": "h", "token": "canary"}, "options": {key: "canary"}} for key in
       ("redirect", "verify", "format", "overflow", "rto", "cto", "template", "method", "retry", "wait", "store", "tz", "+X-Header", "path", "&verify")]
    + [{"service": "discord", "secure": False, "fields": {"webhook_id": "canary", "webhook_token": "canary"}},
       "gotify://canary.example/token", {"url": "json://canary"}, {"service": "gotify", "fields": "canary"}, {"service": "gotify"}],
    ids=str,
)  # fmt: skip
def test_what_is_not_on_the_list_is_refused_when_it_is_configured_and_not_shown(target):
    with pytest.raises(ValidationError) as caught:
        AppriseChannel.Settings(targets={"ops": target})
    said = "".join(map(str, problems_of(caught.value, "channels.apprise")))
    assert "canary-" not in said
    if isinstance(target, dict) and "fields" in target:
        assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [{}, {"host": "h.example"}, {"host": "h.example", "token": "canary", "x": "1"}, {"host": "h.example/evil", "token": "canary"},
     {"host": "user@h.example", "token": "canary"}, {"host": "h.example:99", "token": "canary"}, {"host": "127.1", "token": "canary"},
     {"host": "[::1", "token": "canary"}, {"host": "h.example?x", "token": "canary"}, {"host": "h.example", "port": "0x50", "token": "canary"},
     {"host": "h.example", "port": "99999", "token": "canary"}, {"host": "h.example", "token": "canary\r\nX: 1"}, {"host": "h.example", "token": ""},
     {"host": "h.example", "path": "../etc", "token": "canary"}, {"host": "h.example", "token": "canary" * 500}],
    ids=str,
)  # fmt: skip
async def test_fields_that_do_not_fit_are_misconfigured_and_not_shown(fields, caplog):
    caplog.set_level(logging.DEBUG)
    target = {"service": "gotify", "fields": fields}
    outcome = await sent(channel(ops=target), message=TEXT, destination=AppriseDestination(target="ops"))
    assert (outcome.status, outcome.reason) == ("failed", "misconfigured")
    assert "canary" not in outcome.detail + caplog.text


@pytest.mark.parametrize(
    "value", ["a/b", "a?redirect=yes", "a&verify=no", "a#b", "a@b", "a:b", "%2e%2e", "a b", "ä", "?", "+X=1"]
)
def test_nothing_in_a_field_gets_out_of_its_place(value):
    target = AppriseTarget(service="ntfy", fields={"host": "h.example", "targets": [value]})
    [url] = target.urls()
    from yarl import URL

    made = URL(url, encoded=True)
    assert (made.scheme, made.raw_host, made.raw_path.count("/")) == ("ntfys", "h.example", 1)
    assert dict(made.query) == services.FIXED
    assert made.raw_path not in ("/", "")


def test_every_service_on_the_list_is_one_of_apprises_with_the_options_it_says():
    for key, service in services.services().items():
        plugin = services._plugin(service.scheme)
        assert set(service.options) <= set(plugin.template_args), key
        assert services.fields_of(service), key
        assert not service.plain or services._plugin(service.plain) is plugin, key
    assert len(services.services()) > 140


# ------------------------------------------------------------------ the guard, the environment, the log


async def test_an_internal_host_is_refused_unless_the_operator_allows_it(monkeypatch):
    with HttpReceiver() as server:
        outcome = await posted(server, allow="10.0.0.0/8")
    assert (outcome.status, outcome.reason, server.requests) == ("failed", "forbidden_target", [])
    assert "127.0.0.1" not in outcome.detail.removeprefix("the host's address")


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
async def test_proxies_and_passwords_of_the_environment_are_not_used(monkeypatch, tmp_path, name):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ada password canary-netrc\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.delenv("NO_PROXY", raising=False)
    with HttpReceiver() as server, HttpReceiver() as proxy:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        outcome = await posted(server)
    assert (outcome.status, proxy.requests) == ("accepted", [])
    assert "Authorization" not in server.requests[0].headers


async def test_requests_of_others_are_left_as_they_are():
    import asyncio

    import requests

    with HttpReceiver() as server:
        await posted(server)
        answer = await asyncio.to_thread(requests.post, server.url("/others"), data=b"x", timeout=5)
    assert answer.status_code == 200


async def test_the_log_of_apprise_stays_readable_without_the_secrets_of_the_target(caplog):
    caplog.set_level(logging.DEBUG)
    with HttpReceiver() as server:
        await posted(server, (500, f"no {TOKEN}", {}))
    said = "\n".join(record.getMessage() for record in caplog.records if record.name != "aiohttp.access")
    assert "error=500" in said
    assert "canary" not in said


async def test_what_others_log_through_apprise_is_left_as_it_is(caplog):
    caplog.set_level(logging.DEBUG)
    with HttpReceiver() as server:
        await posted(server)
    caplog.clear()
    logging.getLogger("apprise").warning("the host's own %s", TOKEN)
    assert caplog.messages == [f"the host's own {TOKEN}"]
