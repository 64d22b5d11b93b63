"""Apprise: the operator's targets only, and as much of an outcome as Apprise tells."""

import json
import logging

import pytest
from pydantic import ValidationError

from channels.making import ENVELOPE, outbound, sent
from livery.plugin import Dispatch, Format, Message
from livery.testing import HttpReceiver
from livery_apprise.channel import AppriseChannel, AppriseDestination

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")  # a library of one of its services
TEXT = Message(
    format=Format.TEXT, locale="en", title="x", text="Failed: <Copilot> & *Zoë*\n\nFirst <b>line</b>.\n\nSecond.\n"
)


def channel(**targets):
    return AppriseChannel(AppriseChannel.Settings(targets=targets, timeout=10), outbound())


async def posted(server, path="/canary-path", answer=(200, "ok", {})):
    server.answers[path.partition("?")[0]] = [answer]
    url = f"json://ops:canary-pass@127.0.0.1:{server.port}{path}"
    return await sent(channel(ops=url), message=TEXT, destination=AppriseDestination(target="ops"))


async def test_a_json_target_gets_title_and_text_as_they_are():
    with HttpReceiver() as server:
        outcome = await posted(server)
    assert (outcome.status, outcome.reason) == ("accepted", None)
    [request] = server.requests
    told = json.loads(request.body)
    assert told["title"] == "Failed: <Copilot> & *Zoë*"
    assert told["message"].rstrip() == "First <b>line</b>.\n\nSecond."


async def test_a_text_of_one_paragraph_is_not_lost():
    with HttpReceiver() as server:
        settings = channel(ops=f"json://127.0.0.1:{server.port}/")
        await sent(
            settings, message=TEXT.model_copy(update={"text": "All."}), destination=AppriseDestination(target="ops")
        )
    assert json.loads(server.requests[0].body)["message"] == "All."


@pytest.mark.parametrize("status", [400, 410, 429, 500, 503])
async def test_every_failure_is_tried_again_by_the_engine_and_once_by_apprise(status):
    with HttpReceiver() as server:
        outcome = await posted(server, "/hook?retry=3&wait=0", (status, "no", {}))
    assert (outcome.status, outcome.reason) == ("retry", "channel_failed")
    assert len(server.requests) == 1


async def test_a_redirect_is_not_followed_to_where_a_service_points():
    with HttpReceiver() as server:
        outcome = await posted(server, answer=(307, "", {"Location": server.url("/internal")}))
    assert outcome.status == "retry"
    assert [request.path for request in server.requests] == ["/canary-path"]


async def test_a_target_nobody_configured_is_not_guessed_and_names_no_others():
    with HttpReceiver() as server:
        settings = channel(others=f"json://127.0.0.1:{server.port}/")
        outcome = await sent(settings, message=TEXT, destination=AppriseDestination(target="ops"))
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
        outcome = await channel(ops="json://127.0.0.1/").send(Dispatch(ENVELOPE, forced, b"x", 1))
    assert (outcome.status, outcome.reason) == ("failed", "misconfigured")
    assert server.requests == []


@pytest.mark.parametrize("url", ["nothing-of-the-kind", "unknown9://canary-pass@host", "json://"])
async def test_a_url_apprise_does_not_know_is_misconfigured_and_not_shown(url, caplog):
    caplog.set_level(logging.DEBUG)
    outcome = await sent(channel(ops=url), message=TEXT, destination=AppriseDestination(target="ops"))
    assert (outcome.status, outcome.reason) == ("failed", "misconfigured")
    assert "canary" not in outcome.detail + caplog.text


async def test_the_log_of_apprise_stays_readable_without_the_secrets_of_the_url(caplog):
    caplog.set_level(logging.DEBUG)
    with HttpReceiver() as server:
        await posted(server, answer=(500, "no", {}))
    said = "\n".join(record.getMessage() for record in caplog.records if record.name != "aiohttp.access")
    assert "error=500" in said
    assert "•••" in said
    assert "canary" not in said


async def test_what_others_log_through_apprise_is_left_as_it_is(caplog):
    caplog.set_level(logging.DEBUG)
    with HttpReceiver() as server:
        await posted(server)
    caplog.clear()
    logging.getLogger("apprise").warning("the host's own %s", "canary-path")
    assert caplog.messages == ["the host's own canary-path"]
