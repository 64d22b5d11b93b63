"""Slack and Teams: what is posted, what the answers mean, what people are shown."""

import json

import pytest
from pydantic import ValidationError

from channels.making import ENVELOPE, outbound, sent
from livery.config import problems_of
from livery.plugin import Dispatch, Format, HookDestination, Message
from livery.testing import HttpReceiver
from livery_slack.channel import SlackChannel, SlackDestination
from livery_teams.channel import TeamsChannel

BODY = {"text": "Zoë & <b>", "blocks": [{"type": "divider"}]}
CHATS = {
    "slack": (SlackChannel, SlackDestination, "/services/T0/B0/canary-token-1"),
    "teams": (TeamsChannel, HookDestination, "/workflows/canary-flow-1/invoke?sp=%2Frun&sig=canary-sig-1"),
}
both = pytest.mark.parametrize("chat", CHATS)


async def posted(chat, answer=(200, "ok", {}), attempt=1, path=""):
    """The outcome and the request."""
    channel, destination, usual = CHATS[chat]
    path = path or usual
    with HttpReceiver({path.partition("?")[0]: [answer]}) as server:
        message = Message(format=Format.BLOCK_KIT, locale="en", title="x", body=BODY)
        where = destination(url=server.url(path), name="#orders")
        outcome = await sent(
            channel(channel.Settings(), outbound()), message=message, destination=where, attempt=attempt
        )
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
        ("slack", (404, "no_team"), "failed", "gone"),
        ("slack", (403, "invalid_token"), "failed", "auth"),
        ("slack", (200, "<html>parked</html>"), "accepted", None),
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


# ------------------------------------------------------------------ Teams' answers inside answers


@pytest.mark.parametrize("status", [200, 202])
@pytest.mark.parametrize(
    ("inner", "outcome", "reason"),
    [(429, "retry", "throttled"), (413, "failed", "too_large"), (502, "retry", "server_error")],
)
async def test_what_teams_itself_answered_counts_not_the_status_around_it(status, inner, outcome, reason):
    said = f"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error {inner} with ContextId tcid=0"
    found, _ = await posted("teams", (status, said, {"Retry-After": "9"}))
    assert (found.status, found.reason, found.code) == (outcome, reason, str(inner))
    assert found.retry_after == (9 if outcome == "retry" else None)


# ------------------------------------------------------------------ Slack with a bot's token

TOKEN = "xoxb-canary-token-0123456789"
CHANNEL = {"token": TOKEN, "channel": "C0123ABC"}
TS = "1700000000.000100"


async def by_token(*answers, thread="", channel="C0123ABC", status=200, headers=()):
    """The outcome and the requests."""
    texts = [(status, json.dumps(one), dict(headers)) for one in answers]
    with HttpReceiver({"/api/chat.postMessage": texts}) as server:
        slack = SlackChannel(SlackChannel.Settings(api=server.url("/api/")), outbound())
        message = Message(format=Format.BLOCK_KIT, locale="en", title="x", body=BODY)
        where = SlackDestination(token=TOKEN, channel=channel)
        wire = slack.encode(message, ENVELOPE)
        try:
            outcome = await slack.send(Dispatch(ENVELOPE, where, wire, 1, thread=thread))
        finally:
            await slack.outbound.aclose()
    return outcome, server.requests


async def test_a_token_posts_to_its_channel_and_keeps_what_a_follow_up_hangs_on():
    outcome, [request] = await by_token({"ok": True, "channel": "C0123ABC", "ts": TS})
    assert (outcome.status, outcome.reference) == ("delivered", TS)
    body = json.loads(request.body)
    assert {key: body[key] for key in BODY} == BODY
    assert (body["channel"], "thread_ts" in body) == ("C0123ABC", False)
    assert body["metadata"]["event_payload"]["delivery_id"] == ENVELOPE.delivery_id
    assert request.headers["Authorization"] == f"Bearer {TOKEN}"


async def test_a_follow_up_stands_in_the_thread_of_the_first():
    outcome, [request] = await by_token({"ok": True, "ts": "1700000099.000100"}, thread=TS)
    assert json.loads(request.body)["thread_ts"] == TS
    assert (outcome.status, outcome.reference) == ("delivered", TS)


@pytest.mark.parametrize("word", ["thread_not_found", "invalid_thread_ts"])
async def test_a_thread_that_is_gone_loses_no_message(word):
    outcome, requests = await by_token({"ok": False, "error": word}, {"ok": True, "ts": "1700000099.000100"}, thread=TS)
    assert outcome.status == "delivered"
    assert ["thread_ts" in json.loads(one.body) for one in requests] == [True, False]


@pytest.mark.parametrize(
    ("word", "status", "reason"),
    [("channel_not_found", "failed", "gone"), ("is_archived", "failed", "gone"), ("not_in_channel", "failed", "auth"),
     ("invalid_auth", "failed", "auth"), ("token_revoked", "failed", "auth"), ("missing_scope", "failed", "auth"),
     ("msg_too_long", "failed", "too_large"), ("msg_blocks_too_long", "failed", "too_large"), ("invalid_blocks", "failed", "invalid"),
     ("no_text", "failed", "invalid"), ("ratelimited", "retry", "throttled"), ("internal_error", "retry", "server_error"),
     ("service_unavailable", "retry", "server_error"), ("fatal_error", "retry", "server_error"), ("something_new", "failed", "refused")],
)  # fmt: skip
async def test_slacks_own_words_for_an_error_beside_200(word, status, reason):
    outcome, _ = await by_token({"ok": False, "error": word}, headers={"Retry-After": "30"}.items())
    assert (outcome.status, outcome.reason) == (status, reason)
    assert outcome.retry_after == (30 if status == "retry" else None)
    assert outcome.reference == ""


async def test_too_many_at_once_wait_as_slack_says():
    outcome, _ = await by_token(
        {"ok": False, "error": "ratelimited"}, status=429, headers={"Retry-After": "30"}.items()
    )
    assert (outcome.status, outcome.reason, outcome.retry_after) == ("retry", "throttled", 30)


@pytest.mark.parametrize(
    "answer", [["ok"], {"ok": "yes"}, {"error": 7}, {"ok": True, "ts": 5}, {"ok": True, "ts": "9" * 5000}]
)
async def test_an_answer_out_of_the_ordinary_raises_nothing(answer):
    outcome, _ = await by_token(answer)
    assert outcome.status in ("accepted", "delivered", "failed")
    assert len(outcome.reference) <= 100


@pytest.mark.parametrize("said", ["1.5\x00", "\ud800", "\u202e1.5", TOKEN, "1.5\n", "9" * 21 + ".1"])
async def test_what_is_kept_to_follow_a_message_is_a_time_of_slacks_or_nothing(said):
    outcome, _ = await by_token({"ok": True, "ts": said})
    assert (outcome.status, outcome.reference) == ("delivered", "")


async def test_a_word_that_is_none_of_slacks_is_no_way_to_show_a_secret():
    secret = "w4y7k1hkmf8f5b3nqz9x6c2tda"  # as Mattermost's hooks have it: small letters and digits
    outcome, _ = await posted("slack", (200, json.dumps({"ok": False, "error": secret}), {}), path=f"/hooks/{secret}")
    assert outcome.status == "failed"
    assert secret not in repr(outcome)


@pytest.mark.parametrize(
    "fields",
    [{}, {"url": "https://hooks.slack.com/services/T/B/canary", "token": TOKEN}, {"token": TOKEN}, {"channel": "C0123ABC"},
     {"url": "https://hooks.slack.com/services/T/B/canary", "channel": "#x"}, {"token": "canary-nonsense", "channel": "#x"},
     {"token": f"{TOKEN}\r\nX: 1", "channel": "#x"}, {"token": TOKEN, "channel": "no channel"}, {"token": TOKEN, "channel": "C1\n"}],
    ids=str,
)  # fmt: skip
def test_a_slack_destination_is_a_hook_or_a_bot_in_a_channel(fields):
    with pytest.raises(ValidationError) as caught:
        SlackDestination(**fields)
    said = "".join(map(str, problems_of(caught.value, "channels.slack")))
    assert "canary" not in said + str(caught.value)


def test_another_token_leaves_a_destination_the_one_it_was():
    one, other = (SlackDestination(token=token, channel="C0123ABC") for token in (TOKEN, f"{TOKEN}9"))
    assert (
        SlackChannel.identity(one)
        == SlackChannel.identity(other)
        != SlackChannel.identity(one.model_copy(update={"channel": "C9"}))
    )
    assert (SlackChannel.label(one), SlackChannel.label(one.model_copy(update={"name": "ops"}))) == ("C0123ABC", "ops")
