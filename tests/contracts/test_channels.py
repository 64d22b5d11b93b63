"""The contract over every channel that is registered; one without a contract here fails."""

import json

import pytest

from contracts.mail_side import PASSWORD, USER, MailFarSide
from livery import Config, Engine
from livery.testing import ChannelContract, HttpFarSide

TYPES = Engine.open(Config()).channels.types
CANARY = "canary-0b7e4d1a9c53"


class TestSmtp(ChannelContract):
    kind = TYPES["smtp"]
    excused = {"test_the_wait_that_was_asked_for_is_kept": "SMTP has no Retry-After"}

    def far_side(self):
        return MailFarSide()

    def settings(self, far):
        return {"port": far.server.port, "username": USER, "password": PASSWORD, "timeout": far.patience}

    def check_limits(self, wire):
        assert max(len(line) for line in wire.split(b"\r\n")) <= 998, "RFC 5322 §2.1.1"


class TestSlack(ChannelContract):
    kind = TYPES["slack"]
    elsewhere = frozenset({"token"})

    def far_side(self):
        return HttpFarSide(identity="Idempotency-Key")

    def destination(self, far):
        return {"url": far.url(f"/services/T00000000/B00000000/{CANARY}")}

    def check_limits(self, wire):
        message = json.loads(wire)
        assert len(wire.decode()) <= 13_200, "msg_blocks_too_long"
        assert len(message["text"]) <= 40_000
        assert len(message["blocks"]) <= 50
        for block in message["blocks"]:
            limit = {"header": 150, "section": 3000}.get(block["type"])
            if limit and "text" in block:
                assert 0 < len(block["text"]["text"]) <= limit
            assert len(block.get("fields", ())) <= 10
            assert all(0 < len(one["text"]) <= 2000 for one in block.get("fields", ()))
            assert len(block.get("elements", ())) <= (25 if block["type"] == "actions" else 10)


class TestSlackByToken(TestSlack):
    elsewhere = frozenset({"url"})

    def far_side(self):
        return _SlackApi(identity="Idempotency-Key")

    def settings(self, far):
        return {"api": far.url("/api")}

    def destination(self, far):
        return {"token": f"xoxb-{CANARY}", "channel": "C0123ABC"}


class _SlackApi(HttpFarSide):
    said_if_well = '{"ok": true, "channel": "C0123ABC", "ts": "1700000000.000100"}'


class TestTeams(ChannelContract):
    kind = TYPES["teams"]

    def far_side(self):
        return HttpFarSide(identity="Idempotency-Key", success=202)

    def destination(self, far):
        return {"url": far.url(f"/workflows/{CANARY}/triggers/manual/paths/invoke?sv=1.0&sig=sig-{CANARY}")}


class TestWebhook(ChannelContract):
    kind = TYPES["webhook"]

    def far_side(self):
        return HttpFarSide(identity="webhook-id")

    def destination(self, far):
        return {
            "url": far.url("/hooks/orders"),
            "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "previous_secret": "whsec_vTjTgJ0N2dJFBXd7mXBUvKVq5yAcIq0yRZ8bCmrKcHQ=",
            "previous_secret_until": "2999-01-01T00:00:00Z",
            "authorization": f"Bearer {CANARY}",
            "headers": {"X-Key": f"key-{CANARY}"},
        }


@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")  # a library of one of Apprise's services
class TestApprise(ChannelContract):
    kind = TYPES["apprise"]
    excused = {
        "test_every_attempt_carries_the_same_identity": "Apprise has no place for the id of a message",
        "test_the_wait_that_was_asked_for_is_kept": "Apprise tells no Retry-After",
    }

    def far_side(self):
        return HttpFarSide()

    def settings(self, far):
        fields = {"host": "127.0.0.1", "port": far.receiver.port, "token": CANARY}
        target = {"service": "gotify", "secure": False, "fields": fields}
        return {"targets": {"ops": target}, "timeout": far.patience}

    def destination(self, far):
        return {"target": "ops"}


CARRY = TYPES["apprise"].carries
_NO_IDENTITY = {"test_every_attempt_carries_the_same_identity": "Apprise has no place for the id of a message"}
_NO_WAIT = {"test_the_wait_that_was_asked_for_is_kept": "Apprise tells no Retry-After"}
_NO_CODE = "Apprise does not tell what a mail server said"


@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
class TestSmtpByApprise(TestSmtp):
    kind = CARRY(TYPES["smtp"])
    excused = {
        **_NO_IDENTITY,
        **_NO_WAIT,
        "test_throttling_is_named": _NO_CODE,
        "test_a_refusal_is_final_and_has_a_reason": _NO_CODE,
        "test_an_unreachable_far_side_is_named": _NO_CODE,
    }

    def settings(self, far):
        return {**super().settings(far), "timeout": max(far.patience, 25) if far.patience > 5 else far.patience}

    def check_limits(self, wire):
        assert set(json.loads(wire)) == {"title", "text", "html"}


@pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")
class TestWebhookByApprise(TestWebhook):
    kind = CARRY(TYPES["webhook"])
    excused = _NO_WAIT


CONTRACTS = {contract.kind.name for contract in ChannelContract.__subclasses__() if contract.__module__ == __name__}


@pytest.mark.parametrize("name", sorted(TYPES))
def test_every_registered_channel_runs_the_contract(name):
    assert name in CONTRACTS
