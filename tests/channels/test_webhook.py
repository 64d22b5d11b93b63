"""Webhooks: signed by the letter of Standard Webhooks, judged by its own library."""

import base64
import json
import os
from random import Random

import pytest
from pydantic import SecretStr, ValidationError
from standardwebhooks import Webhook, WebhookVerificationError
from svix.webhooks import Webhook as SvixWebhook
from svix.webhooks import WebhookVerificationError as SvixVerificationError

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
    return WebhookChannel(WebhookChannel.Settings(), outbound())


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


OTHER = "whsec_" + base64.b64encode(b"y" * 32).decode()
JUDGES = {"standardwebhooks": (Webhook, WebhookVerificationError), "svix": (SvixWebhook, SvixVerificationError)}


@pytest.mark.parametrize("judge", JUDGES)
@pytest.mark.parametrize(
    ("until", "old_counts"), [("2999-01-01T00:00:00Z", True), ("2020-01-01T00:00:00+02:00", False)]
)
async def test_while_a_secret_is_rotated_both_verify_then_only_the_new_one(judge, until, old_counts):
    verify, refused = JUDGES[judge]
    with HttpReceiver() as server:
        await posted(server, previous_secret=OTHER, previous_secret_until=until)
    [request] = server.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    assert len(headers["webhook-signature"].split(" ")) == 1 + old_counts
    verify(SECRET).verify(request.body, headers)
    if old_counts:
        verify(OTHER).verify(request.body, headers)
    else:
        with pytest.raises(refused):
            verify(OTHER).verify(request.body, headers)


@pytest.mark.parametrize("judge", JUDGES)
async def test_every_judge_verifies_and_none_takes_a_changed_body(judge):
    verify, refused = JUDGES[judge]
    with HttpReceiver() as server:
        await posted(server)
    [request] = server.requests
    headers = {name.lower(): value for name, value in request.headers.items()}
    verify(SECRET).verify(request.body, headers)  # raises if it does not
    with pytest.raises(refused):
        verify(SECRET).verify(request.body.replace(b"1.5", b"1.6"), headers)


def test_the_old_secret_signs_to_the_second():
    where = to("https://x.example/", previous_secret=OTHER, previous_secret_until="2026-12-01T00:00:00Z")
    moment = where.previous_secret_until.timestamp()
    assert where.signing(moment - 1) == [where.secret, where.previous_secret]
    assert where.signing(moment) == [where.secret]


@pytest.mark.parametrize("given", [{"previous_secret": OTHER}, {"previous_secret_until": "2999-01-01T00:00:00Z"},
                                   {"previous_secret": OTHER, "previous_secret_until": "2999-01-01T00:00:00"}])  # fmt: skip
def test_a_rotation_has_a_secret_and_an_end(given):
    with pytest.raises(ValidationError) as caught:
        to("https://x.example/", **given)
    assert OTHER not in str(caught.value)
    assert SECRET not in str(caught.value)


async def test_headers_and_content_type_of_the_receivers_own_go_along():
    with HttpReceiver() as server:
        await posted(server, headers={"X-Tenant": "acme", "x-api-key": "key 1"}, content_type="application/json")
    headers = {name.lower(): value for name, value in server.requests[0].headers.items()}
    assert (headers["x-tenant"], headers["x-api-key"], headers["content-type"]) == ("acme", "key 1", "application/json")


@pytest.mark.parametrize(
    "headers",
    [{"Host": "canary"}, {"host": "canary"}, {"Content-Length": "1"}, {"content-type": "canary"}, {"Transfer-Encoding": "chunked"},
     {"Connection": "canary"}, {"TE": "trailers"}, {"Trailer": "canary"}, {"Upgrade": "canary"}, {"Expect": "100-continue"},
     {"Authorization": "canary"}, {"webhook-id": "canary"}, {"Webhook-Signature": "canary"}, {"Proxy-Authorization": "canary"},
     {"Cookie": "canary=1"}, {"X-A\r\nX-B": "canary"}, {"X A": "canary"}, {"X:A": "canary"}, {"": "canary"}, {"X-\u00e9": "canary"},
     {"X-A": "canary\r\nX-B: 1"}, {"X-A": "canary\n"}, {"X-A": "canary\0"}, {"X-A": " canary"}, {"X-A": "canary "}, {"X-A": "canar\u00ff"},
     {"X-A": ""}, {"X-A": "canary" * 400}, {"X-A": "canary", "x-a": "canary"}, {f"X-{n}": "canary" for n in range(21)}, {"X-A": 7}, ["X-A"]],
    ids=ascii,
)  # fmt: skip
def test_a_header_that_could_smuggle_something_is_refused_and_not_shown(headers):
    with pytest.raises(ValidationError) as caught:
        to("https://x.example/", headers=headers)
    assert all(problem.path.startswith("headers") for problem in problems_of(caught.value))
    assert "canar" not in str(caught.value)


@pytest.mark.parametrize(
    "content_type", ["", "text/html", "application/json\r\nX: 1", "multipart/form-data", "application/json; q=1"]
)
def test_a_content_type_that_is_no_json_is_refused(content_type):
    with pytest.raises(ValidationError, match="a JSON type"):
        to("https://x.example/", content_type=content_type)


async def test_what_an_answer_quotes_of_our_headers_is_blotted_out():
    basic = "Basic " + base64.b64encode(b"ops:canary-4/pass").decode()
    with HttpReceiver() as server:
        server.answers["/hook"] = [(400, "no: canary-4/pass canary-key-5 ops:canary-4/pass", {})]
        outcome = await posted(server, authorization=basic, headers={"X-Key": "canary-key-5"})
    assert (outcome.reason, "canary" in outcome.detail, "•••" in outcome.detail) == ("invalid", False, True)


# ------------------------------------------------------------------ what an answer may ask for


@pytest.mark.parametrize(
    ("value", "wait"),
    [("0", 0), ("37", 37), ("999999999", 86_400), ("Thu, 01 Jan 1970 00:00:00 GMT", 0), ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
     ("Sun, 06 Nov 1994 08:49:37 GMT", 0), ("Sunday, 06-Nov-94 08:49:37 GMT", 0),
     ("Sun Nov  6 08:49:37 1994", 0), ("Fri Dec 31 23:59:59 9999", 86_400)],
)  # fmt: skip
async def test_a_retry_after_is_seconds_or_a_date_and_a_day_at_most(value, wait):
    with HttpReceiver({"/hook": [(503, "", {"Retry-After": value})]}) as server:
        outcome = await posted(server)
    assert (outcome.status, outcome.retry_after) == ("retry", wait)


async def test_a_date_counts_from_now():
    from datetime import UTC, datetime, timedelta
    from email.utils import format_datetime

    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=90), usegmt=True)
    with HttpReceiver({"/hook": [(429, "", {"Retry-After": moment})]}) as server:
        outcome = await posted(server)
    assert 60 < outcome.retry_after <= 90


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
