"""Slack and Teams: what is posted, what the answers mean, what people are shown."""

import json

import pytest
from pydantic import ValidationError

from channels.making import ENVELOPE, outbound, sent
from livery.config import problems_of
from livery.plugin import Format, HookDestination, Message
from livery.testing import HttpReceiver
from livery_slack.channel import SlackChannel
from livery_teams.channel import TeamsChannel

BODY = {"text": "Zoë & <b>", "blocks": [{"type": "divider"}]}
CHATS = {
    "slack": (SlackChannel, HookDestination, "/services/T0/B0/canary-token-1"),
    "teams": (TeamsChannel, HookDestination, "/workflows/canary-flow-1/invoke?sp=%2Frun&sig=canary-sig-1"),
}
both = pytest.mark.parametrize("chat", CHATS)


async def posted(chat, answer=(200, "ok", {}), attempt=1):
    """The outcome and the request."""
    channel, destination, path = CHATS[chat]
    with HttpReceiver({path.partition("?")[0]: [answer]}) as server:
        message = Message(format=Format.BLOCK_KIT, locale="en", title="x", body=BODY)
        where = destination(url=server.url(path), name="#orders")
        outcome = await sent(channel(None, outbound()), message=message, destination=where, attempt=attempt)
    [request] = server.requests
    return outcome, request


@both
async def test_the_body_goes_out_as_json_with_the_deliverys_id(chat):
    _, request = await posted(chat)
    assert json.loads(request.body) == BODY
    assert request.headers["Content-Type"] == "application/json; charset=utf-8"
    assert request.headers["Idempotency-Key"] == ENVELOPE.delivery_id


@pytest.mark.parametrize(
    ("chat", "answer", "status", "reason"),
    [
        ("slack", (200, "ok"), "delivered", None),
        ("slack", (400, "invalid_blocks"), "failed", "invalid"),
        ("slack", (403, "action_prohibited"), "failed", "auth"),
        ("slack", (404, "no_service"), "failed", "gone"),
        ("slack", (410, "channel_is_archived"), "failed", "gone"),
        ("slack", (413, "too large"), "failed", "too_large"),
        ("slack", (500, "rollup_error"), "retry", "server_error"),
        ("slack", (302, ""), "failed", "refused"),
        # 202: the workflow took it; that it is shown in the channel, nobody says.
        ("teams", (202, ""), "accepted", None),
        ("teams", (200, "1"), "accepted", None),
        ("teams", (400, "TriggerInputSchemaMismatch"), "failed", "invalid"),
        ("teams", (401, "DirectApiAuthorizationRequired"), "failed", "auth"),
        ("teams", (404, "WorkflowNotFound"), "failed", "gone"),
        ("teams", (413, "RequestEntityTooLarge"), "failed", "too_large"),
        ("teams", (502, "NoResponse"), "retry", "server_error"),
    ],
)
async def test_what_an_answer_means(chat, answer, status, reason):
    outcome, _ = await posted(chat, (*answer, {}))
    assert (outcome.status, outcome.reason, outcome.code) == (status, reason, str(answer[0]))
    assert outcome.detail == answer[1]


@both
async def test_throttled_is_tried_again_when_the_service_said(chat):
    outcome, _ = await posted(chat, (429, "slow down", {"Retry-After": "37"}))
    assert (outcome.status, outcome.reason, outcome.retry_after) == ("retry", "throttled", 37)


@both
async def test_an_answer_that_quotes_the_hook_is_kept_without_it(chat):
    quoted = f"no hook at {CHATS[chat][2]} (canary-token-1, canary-flow-1, canary-sig-1)"
    outcome, _ = await posted(chat, (404, quoted, {}))
    assert not {
        part
        for part in CHATS[chat][2].replace("?", "/").replace("=", "/").split("/")
        if "canary" in part and part in outcome.detail
    }
    assert outcome.detail.startswith("no hook at •••")


@both
@pytest.mark.parametrize(("name", "label"), [("#orders", "#orders"), ("", "hooks.chat.example/…")])
def test_the_label_is_the_name_or_the_host_never_the_hook(chat, name, label):
    channel, destination, path = CHATS[chat]
    where = destination(url=f"https://hooks.chat.example{path}", name=name)
    assert channel.label(where) == label
    assert "canary" not in repr(where)


@both
def test_another_name_leaves_a_destination_the_one_it_was(chat):
    channel, destination, path = CHATS[chat]
    url = f"https://hooks.chat.example{path}"
    assert channel.identity(destination(url=url, name="a")) == channel.identity(destination(url=url, name="b"))
    assert channel.identity(destination(url=url)) != channel.identity(destination(url=f"{url}2"))


@both
@pytest.mark.parametrize(
    "url", ["canary-token", "https://", "https://[canary", "file:///canary", "", "//canary.example/"]
)
def test_what_is_no_url_is_refused_when_it_is_configured_and_not_shown(chat, url):
    with pytest.raises(ValidationError) as caught:
        CHATS[chat][1](url=url)
    [problem] = problems_of(caught.value)
    assert (problem.path, "URL, such as https://" in problem.expected) == ("url", True)
    assert "canary" not in f"{problem}{caught.value}"
