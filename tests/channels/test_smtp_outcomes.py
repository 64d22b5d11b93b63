"""What an attempt at a mail server comes to: by address, by answer, by the moment the connection is lost."""

import asyncio

import pytest
from pydantic import ValidationError

from channels.making import DROP, HANG, MESSAGE, envelope, mail_script, people, sent, smtp
from livery.plugin import Dispatch
from livery.testing import MailServer

pytestmark = pytest.mark.usefixtures("way")
THREE = envelope(to=people("a@x.example", "b@x.example"), bcc=people("c@x.example"))
MIXED = {"a@x.example": None, "b@x.example": "550 5.1.1 no such user", "c@x.example": "451 4.7.1 greylisted"}


def by_address(outcome):
    return {one.address: (one.status, one.code) for one in outcome.recipients}


# ------------------------------------------------------------------ by address


async def test_three_addresses_answered_differently_are_three_results_and_a_retry():
    with MailServer(answer=MIXED.get) as server:
        outcome = await sent(smtp(server.port), THREE)
    assert by_address(outcome) == {
        "a@x.example": ("accepted", "250"),
        "b@x.example": ("failed", "550"),
        "c@x.example": ("retry", "451"),
    }
    assert (outcome.status, outcome.reason, outcome.code) == ("retry", "throttled", "451")
    assert outcome.detail == "4.7.1 greylisted"
    assert [mail.recipients for mail in server.mails] == [("a@x.example",)]


async def test_the_next_attempt_writes_only_to_who_is_not_settled():
    asked = []
    with MailServer(answer=asked.append) as server:
        settled = {"a@x.example": "accepted", "b@x.example": "failed"}
        outcome = await sent(smtp(server.port), THREE, attempt=2, settled=settled)
    assert asked == ["c@x.example"]
    assert outcome.status == "accepted"
    assert by_address(outcome) == {"c@x.example": ("accepted", "250")}
    assert server.mails[0].recipients == ("c@x.example",)


async def test_everybody_settled_writes_to_nobody():
    async with mail_script() as talk:
        reached = await sent(smtp(talk.port), THREE, settled=dict.fromkeys(THREE.addresses, "accepted"))
        nobody = await sent(smtp(talk.port), THREE, settled=dict.fromkeys(THREE.addresses, "failed"))
    assert (reached.status, nobody.status, talk.connections) == ("accepted", "failed", 0)


async def test_some_refused_and_the_rest_taken_is_accepted_and_says_so():
    with MailServer(answer={"b@x.example": "550 no"}.get) as server:
        outcome = await sent(smtp(server.port), THREE)
    assert (outcome.status, outcome.reason) == ("accepted", "refused")
    assert server.mails[0].recipients == ("a@x.example", "c@x.example")


async def test_everybody_refused_fails_and_sends_no_content():
    with MailServer(answer=lambda _: "550 5.1.1 no such user") as server:
        outcome = await sent(smtp(server.port), THREE)
    assert (outcome.status, outcome.reason, outcome.code) == ("failed", "refused", "550")
    assert {one.status for one in outcome.recipients} == {"failed"}
    assert server.mails == []


async def test_some_refused_and_some_put_off_is_a_retry():
    with MailServer(answer={**MIXED, "a@x.example": "550 no"}.get) as server:
        outcome = await sent(smtp(server.port), THREE)
    assert (outcome.status, outcome.code) == ("retry", "451")


# ------------------------------------------------------------------ by answer


async def test_what_the_server_calls_the_message_is_kept():
    with MailServer() as server:
        outcome = await sent(smtp(server.port))
    assert (outcome.status, outcome.reason, outcome.code, outcome.detail) == ("accepted", None, "250", "queued as 1")


@pytest.mark.parametrize(
    ("answers", "status", "reason", "code"),
    [
        ({"greeting": "421 4.3.2 closing"}, "retry", "throttled", "421"),
        ({"greeting": "554 5.3.2 no mail here"}, "retry", "refused", "554"),
        ({"EHLO": "421 later", "HELO": "421 later"}, "retry", "throttled", "421"),
        ({"MAIL": "451 4.3.0 later"}, "retry", "throttled", "451"),
        ({"MAIL": "550 5.7.1 not you"}, "failed", "refused", "550"),
        ({"MAIL": "530 5.7.0 log in first"}, "retry", "auth", "530"),
        ({"MAIL": "552 5.3.4 too large"}, "failed", "too_large", "552"),
        ({"RCPT": "421 4.7.0 too many connections"}, "retry", "throttled", "421"),
        ({"DATA": "451 4.3.0 later"}, "retry", "throttled", "451"),
        ({"DATA": "554 5.5.1 no valid recipients"}, "failed", "refused", "554"),
        ({"content": "452 4.3.1 disk full"}, "retry", "throttled", "452"),
        ({"content": "554 5.7.1 spam"}, "failed", "refused", "554"),
        ({"content": "552 5.3.4 too large"}, "failed", "too_large", "552"),
    ],
)
async def test_an_answer_of_4xx_is_tried_again_and_one_of_5xx_is_final(answers, status, reason, code):
    async with mail_script(**answers) as talk:
        outcome = await sent(smtp(talk.port), THREE)
    assert (outcome.status, outcome.reason, outcome.code) == (status, reason, code)


async def test_content_refused_settles_every_address_it_was_for():
    rcpt = {"a@x.example": "250 ok", "b@x.example": "550 no", "c@x.example": "250 ok"}
    async with mail_script(RCPT=rcpt, content="554 5.7.1 spam") as talk:
        final = await sent(smtp(talk.port), THREE)
    async with mail_script(RCPT=rcpt, content="451 4.7.1 later") as talk:
        later = await sent(smtp(talk.port), THREE)
    assert by_address(final) == {
        "a@x.example": ("failed", "554"),
        "b@x.example": ("failed", "550"),
        "c@x.example": ("failed", "554"),
    }
    assert by_address(later) == {
        "a@x.example": ("retry", "451"),
        "b@x.example": ("failed", "550"),
        "c@x.example": ("retry", "451"),
    }


@pytest.mark.parametrize(
    ("answers", "status"),
    [
        ({"greeting": "HTTP/1.1 400 Bad Request"}, "retry"),
        ({"MAIL": "whatever"}, "retry"),
        ({"MAIL": "354 send it"}, "retry"),
        ({"RCPT": "whatever"}, "retry"),
        ({"RCPT": "354 send it"}, "retry"),
        ({"DATA": "250 ok, queued already"}, "retry"),
        ({"DATA": "whatever"}, "retry"),
        ({"content": "whatever"}, "unknown"),
        ({"content": "354 more"}, "unknown"),
        ({"content": ""}, "unknown"),
        ({"content": "250 " + "x" * 10_000}, "unknown"),
    ],
)
async def test_an_answer_that_makes_no_sense_is_never_a_delivery(answers, status):
    async with mail_script(**answers) as talk:
        outcome = await sent(smtp(talk.port))
    assert outcome.status == status
    assert outcome.reason is not None


# ------------------------------------------------------------------ by the moment the connection is lost


@pytest.mark.parametrize(
    ("lost", "status"),
    [
        ({"greeting": DROP}, "retry"),
        ({"EHLO": DROP}, "retry"),
        ({"MAIL": DROP}, "retry"),
        ({"RCPT": DROP}, "retry"),
        ({"DATA": DROP}, "retry"),
        ({"content": DROP}, "unknown"),
        ({"QUIT": DROP}, "accepted"),
    ],
)
async def test_a_connection_lost_is_unknown_only_after_the_final_dot(lost, status):
    async with mail_script(**lost) as talk:
        outcome = await sent(smtp(talk.port))
    assert (outcome.status, outcome.reason) == (status, None if status == "accepted" else "unreachable")


async def test_a_connection_lost_amid_the_content_is_tried_again():
    # More than the socket buffers of both ends hold, so that the final dot is never handed over.
    async with mail_script(**{"amid content": DROP}) as talk:
        outcome = await sent(smtp(talk.port), wire=b"x\r\n" * 6_000_000)
    assert (outcome.status, outcome.reason) == ("retry", "unreachable")


@pytest.mark.parametrize(
    ("silent", "status"),
    [("greeting", "retry"), ("EHLO", "retry"), ("MAIL", "retry"), ("DATA", "retry"), ("content", "unknown")],
)
async def test_silence_is_a_timeout_and_unknown_only_after_the_final_dot(silent, status):
    async with mail_script(**{silent: HANG}) as talk:
        outcome = await sent(smtp(talk.port, timeout=0.3))
    assert (outcome.status, outcome.reason) == (status, "timeout")


async def test_silence_after_the_message_was_taken_does_not_hold_up_its_outcome():
    async with mail_script(QUIT=HANG) as talk:
        outcome = await asyncio.wait_for(sent(smtp(talk.port, timeout=60)), timeout=20)
    assert outcome.status == "accepted"


async def test_what_was_refused_for_good_before_the_connection_was_lost_stays_refused():
    rcpt = {"a@x.example": "250 ok", "b@x.example": "550 no", "c@x.example": "250 ok"}
    async with mail_script(RCPT=rcpt, content=DROP) as talk:
        outcome = await sent(smtp(talk.port), THREE)
    assert outcome.status == "unknown"
    assert by_address(outcome) == {"b@x.example": ("failed", "550")}


async def test_nobody_listening_is_unreachable():
    async with mail_script() as talk:
        pass
    outcome = await sent(smtp(talk.port))
    assert (outcome.status, outcome.reason, outcome.detail) == ("retry", "unreachable", "ConnectionRefusedError")


@pytest.mark.parametrize(
    "host", ["", "mail..example", "x" * 80 + ".example", "mail.\udcff.example", "a b", "-a.example"]
)
def test_a_host_that_is_none_is_a_setting_to_mend(host):
    with pytest.raises(ValidationError, match="a host name or an address"):
        smtp(25, host=host)


async def test_more_messages_than_connections_all_go_out():
    with MailServer() as server:
        channel = smtp(server.port, connections=2)
        dispatch = Dispatch(THREE, None, channel.encode(MESSAGE, THREE), 1)
        outcomes = await asyncio.gather(*(channel.send(dispatch) for _ in range(9)))
        await channel.aclose()
    assert {one.status for one in outcomes} == {"accepted"}
    assert len(server.mails) == 9
