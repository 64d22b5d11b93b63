"""Webhooks: signed by the letter of Standard Webhooks, judged by its own library."""

import base64
import json
import os
from random import Random

import pytest
from pydantic import SecretStr, ValidationError
from standardwebhooks import Webhook, WebhookVerificationError

from channels.making import ENVELOPE, envelope, http_answer, http_script, outbound, sent
from livery.config import problems_of
from livery.plugin import Dispatch, Format, Message
from livery.retry import decide
from livery.testing import HttpReceiver
from livery_webhook import channel as webhook
from livery_webhook.channel import WebhookChannel, WebhookDestination, signature

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
EVENT = Message(
    format=Format.JSON, locale="en", title="x", body={"id": "evt-1", "data": {"name": "Zoë & <b>"}, "n": 1.5}
)


def to(url, **fields):
    return WebhookDestination.model_validate({"url": url, "secret": SECRET, **fields})


def channel():
    return WebhookChannel(None, outbound())


async def posted(server, path="/hook", *, who=ENVELOPE, attempt=1, **fields):
    return await sent(channel(), who, message=EVENT, destination=to(server.url(path), **fields), attempt=attempt)


def test_the_vector_of_the_specification():
    body = b'{"test": 2432232314}'
    found = signature(SecretStr(SECRET), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_the_receivers_library_verifies_it_and_finds_any_change():
    with HttpReceiver() as server:
        outcome = await posted(server)
    [request] = server.requests
    assert (outcome.status, outcome.code) == ("delivered", "200")
    assert Webhook(SECRET).verify(request.body, dict(request.headers)) == EVENT.body
    for body, headers in (
        (request.body + b" ", request.headers),
        (request.body, {**request.headers, "webhook-id": "dlv_another"}),
        (request.body, {**request.headers, "webhook-timestamp": str(int(request.headers["webhook-timestamp"]) + 1)}),
    ):
        with pytest.raises(WebhookVerificationError):
            Webhook(SECRET).verify(body, dict(headers))
    with pytest.raises(WebhookVerificationError):
        Webhook("whsec_" + base64.b64encode(b"x" * 24).decode()).verify(request.body, dict(request.headers))


async def test_it_is_a_cloudevent_in_json_byte_for_byte_as_encoded():
    with HttpReceiver() as server:
        await posted(server)
    [request] = server.requests
    assert request.headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert request.body == channel().encode(EVENT, ENVELOPE)
    assert json.loads(request.body) == EVENT.body


async def test_every_attempt_has_the_same_id_and_a_timestamp_of_its_own(monkeypatch):
    with HttpReceiver() as server:
        for attempt, now in ((1, 1_800_000_000.9), (2, 1_800_000_300.2)):
            monkeypatch.setattr(webhook.time, "time", lambda now=now: now)
            await posted(server, attempt=attempt)
        await posted(server, who=envelope(delivery_id="dlv_other"))
    first, second, other = (request.headers for request in server.requests)
    assert first["webhook-id"] == second["webhook-id"] == ENVELOPE.delivery_id
    assert other["webhook-id"] == "dlv_other"
    assert (first["webhook-timestamp"], second["webhook-timestamp"]) == ("1800000000", "1800000300")
    assert first["webhook-signature"] != second["webhook-signature"]
    assert "." not in first["webhook-id"], "the signed text is divided by dots"


@pytest.mark.parametrize(("given", "expected"), [("Bearer tok-1", "Bearer tok-1"), (None, None)])
async def test_an_authorization_header_goes_along_if_there_is_one(given, expected):
    with HttpReceiver() as server:
        await posted(server, authorization=given)
    assert server.requests[0].headers.get("Authorization") == expected


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (200, "delivered", None), (201, "delivered", None), (202, "delivered", None), (204, "delivered", None),
        (301, "failed", "refused"), (302, "failed", "refused"), (304, "failed", "refused"), (307, "failed", "refused"),
        (308, "failed", "refused"), (400, "failed", "invalid"), (401, "failed", "auth"), (403, "failed", "auth"),
        (404, "failed", "gone"), (405, "failed", "invalid"), (408, "retry", "timeout"), (409, "failed", "refused"),
        (410, "failed", "gone"), (413, "failed", "too_large"), (418, "failed", "refused"), (422, "failed", "invalid"),
        (425, "retry", "throttled"), (429, "retry", "throttled"), (451, "failed", "refused"),
        (500, "retry", "server_error"), (501, "retry", "server_error"), (502, "retry", "server_error"),
        (503, "retry", "server_error"), (504, "retry", "server_error"), (599, "retry", "server_error"),
    ],
)  # fmt: skip
async def test_what_a_status_means(answer, status, reason):
    with HttpReceiver({"/hook": [(answer, "", {})]}) as server:
        outcome = await posted(server)
    assert (outcome.status, outcome.reason, outcome.code) == (status, reason, str(answer))
    assert len(server.requests) == 1


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(status):
    with HttpReceiver() as server:
        server.answers["/hook"] = [(status, "", {"Location": server.url("/elsewhere")})]
        outcome = await posted(server)
    assert (outcome.status, outcome.reason) == ("failed", "refused")
    assert [request.path for request in server.requests] == ["/hook"]


# ------------------------------------------------------------------ Retry-After


@pytest.mark.parametrize("name", ["Retry-After", "retry-after", "RETRY-AFTER"])
@pytest.mark.parametrize("status", [429, 503])
async def test_retry_after_is_kept_however_it_is_spelt(status, name):
    with HttpReceiver({"/hook": [(status, "", {name: "37"})]}) as server:
        outcome = await posted(server)
    assert (outcome.status, outcome.retry_after) == ("retry", 37)


@pytest.mark.parametrize(
    "value",
    ["", " ", "-1", "+5", "1.5", "1e9", "inf", "nan", "0x10", "5 6", "5;6", "5,6", "soon", "٣٧", "９", "²", "9" * 10, "9" * 5000,
     "Fri, 31 Dec 9999 23:59:59 +0000", "Fri, 99 Dec 2026 23:59:59 GMT", "tomorrow GMT", "\x01"],
)  # fmt: skip
async def test_a_retry_after_that_is_no_plain_number_of_seconds_counts_as_absent(value):
    line = b"Retry-After: " + value.encode()
    async with http_script(http_answer(429).replace(b"Content-Length", line + b"\r\nContent-Length", 1)) as talk:
        outcome = await sent(channel(), message=EVENT, destination=to(f"http://127.0.0.1:{talk.port}/"))
    assert outcome.retry_after is None
    assert outcome.status in ("retry", "unknown")


async def test_no_retry_after_parks_a_message_for_ever():
    with HttpReceiver({"/hook": [(429, "", {"Retry-After": "999999999"})]}) as server:
        outcome = await posted(server)
    assert decide(outcome, 1, ladder=(5, 300), random=Random(1)).after.total_seconds() <= 10


# ------------------------------------------------------------------ the destination


@pytest.mark.parametrize("length", [24, 32, 64])
def test_a_secret_of_24_to_64_bytes_is_taken(length):
    key = os.urandom(length)
    where = to("https://x.example/", secret="whsec_" + base64.b64encode(key).decode())
    signed = signature(where.secret, "id", 1, b"{}")
    assert signed.startswith("v1,")


@pytest.mark.parametrize(
    "secret",
    [
        "", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsk_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "whsec_" + base64.b64encode(b"x" * 23).decode(), "whsec_" + base64.b64encode(b"x" * 65).decode(),
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLa!!", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n",
        "whsec_ÄÖÜQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8I LPZIo2LaLaSw",
    ],
)  # fmt: skip
def test_a_secret_that_is_none_is_refused_with_what_is_expected_and_not_shown(secret):
    with pytest.raises(ValidationError) as caught:
        to("https://x.example/", secret=secret)
    [problem] = problems_of(caught.value)
    assert problem.path == "secret"
    assert "base64 of 24 to 64 bytes" in problem.expected
    for shown in (str(problem), str(caught.value), repr(caught.value.errors())):
        assert len(secret) < 8 or secret not in shown


@pytest.mark.parametrize("authorization", ["Bearer a\r\nX-Evil: 1", "Bearer a\n", "Bearer \0", "Bearer\x85a"])
def test_an_authorization_with_a_line_break_is_refused_and_not_shown(authorization):
    with pytest.raises(ValidationError) as caught:
        to("https://x.example/", authorization=authorization)
    assert [problem.path for problem in problems_of(caught.value)] == ["authorization"]
    assert "Bearer" not in str(caught.value)


@pytest.mark.parametrize("url", ["", "hook", "//x.example/", "ftp://x.example/", "https://", "https://x.example:99999/",
                                 "https://x.example:0/", "https://[::1", "javascript:alert(1)", "https:/x.example"])  # fmt: skip
def test_what_is_no_url_is_refused_when_it_is_configured(url):
    with pytest.raises(ValidationError, match="such as https"):
        to(url)


def test_the_label_shows_where_without_query_and_credentials():
    where = to("https://user:pass@x.example:8443/hooks/1?token=canary#part")
    assert WebhookChannel.label(where) == "https://x.example:8443/hooks/1"


def test_a_new_secret_leaves_a_destination_the_one_it_was():
    other = "whsec_" + base64.b64encode(b"y" * 32).decode()
    assert WebhookChannel.identity(to("https://x.example/")) == WebhookChannel.identity(
        to("https://x.example/", secret=other, authorization="Bearer x")
    )
    assert WebhookChannel.identity(to("https://x.example/")) != WebhookChannel.identity(to("https://y.example/"))


async def test_a_target_that_is_forbidden_fails_for_good():
    outcome = await channel().send(Dispatch(ENVELOPE, to("https://10.0.0.1/"), b"{}", 1))
    assert (outcome.status, outcome.reason) == ("failed", "forbidden_target")
