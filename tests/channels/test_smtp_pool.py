"""Connections are kept, shared and replaced: never at a message's cost."""

import asyncio
from dataclasses import replace

import pytest

from channels.byte_server import byte_server, ever
from channels.making import ENVELOPE, all_sent, bare_server, dispatches, smtp
from livery.plugin import Dispatch, Reason
from livery.testing import MailServer
from livery_smtp.opening import NotOpened
from livery_smtp.pool import Pool, Terms
from livery_smtp.transaction import Transaction, stuffed

# ------------------------------------------------------------------ kept and shared


async def test_one_connection_carries_message_after_message():
    async with byte_server(ever) as talk:
        channel = smtp(talk.port)
        for dispatch in dispatches(channel, 5):
            assert (await channel.send(dispatch)).status == "accepted"
        await channel.aclose()
    assert talk.connections == 1


async def test_no_more_connections_are_opened_than_are_allowed_or_needed():
    async with byte_server(ever) as talk:
        channel = smtp(talk.port, connections=3)
        outcomes = await all_sent(channel, dispatches(channel, 40))
    assert {one.status for one in outcomes} == {"accepted"}
    assert talk.connections <= 3
    assert sum(len(line.mails) for line in talk.lines) == 40


async def test_what_is_brought_upon_an_answer_goes_along_with_the_next_content():
    async def script(line):
        await line.greet()
        await line.hear_envelope()
        await line.say(b"250 ok\r\n250 ok\r\n354 go on\r\n")
        for _ in range(5):
            await line.hear_content()
            await line.hear_envelope()  # no answer before the next message's commands are here
            await line.say(b"250 queued\r\n250 ok\r\n250 ok\r\n354 go on\r\n")
        await line.hear_content()
        await line.say(b"250 queued\r\n")

    async def bring(channel, made):
        return [await channel.send(one) for one in made]

    async with byte_server(script) as talk:
        channel = smtp(talk.port, connections=1, deadline=20)
        made = dispatches(channel, 6)
        outcomes = await asyncio.gather(bring(channel, made[::2]), bring(channel, made[1::2]))
        await channel.aclose()
    assert [one.status for each in outcomes for one in each] == ["accepted"] * 6
    assert talk.connections == 1


async def test_each_message_is_given_up_at_its_own_time():
    over = asyncio.Event()

    async def late():
        await over.wait()
        raise NotOpened("retry", Reason.UNREACHABLE, "nobody is there")

    pool, channel = Pool(late, Terms(1, 10, 1, 1)), smtp(1)
    now = asyncio.get_running_loop().time()
    made = [Transaction(one, one.envelope.addresses) for one in dispatches(channel, 3)]
    work = [
        asyncio.ensure_future(pool.carry(one, now + after, f"after {after}"))
        for one, after in zip(made, (60, 0.05, 0.02), strict=True)
    ]
    assert {(await work[2]).detail, (await work[1]).detail} == {"after 0.02", "after 0.05"}
    assert not work[0].done()
    over.set()
    assert (await work[0]).detail == "nobody is there"
    await pool.aclose()


async def test_a_connection_ends_after_so_many_messages_and_politely():
    async def script(line):
        await line.greet()
        for _ in range(3):
            await line.take()
        await line.hear(b"QUIT")
        await line.say(b"221 bye\r\n")

    async with byte_server(script) as talk:
        channel = smtp(talk.port, connections=1, messages=3)
        outcomes = await all_sent(channel, dispatches(channel, 9))
    assert {one.status for one in outcomes} == {"accepted"}
    assert talk.connections == 3


async def test_a_connection_without_work_is_closed():
    said_goodbye = asyncio.Event()

    async def script(line):
        await line.greet()
        await line.take()
        await line.hear(b"QUIT")
        said_goodbye.set()

    async with byte_server(script) as talk:
        channel = smtp(talk.port, idle=0.05)
        await channel.send(dispatches(channel, 1)[0])
        await asyncio.wait_for(said_goodbye.wait(), 20)
        await channel.aclose()


async def test_a_server_that_takes_no_more_connections_is_served_over_those_there_are():
    async def refused(line):
        await line.say(b"421 4.7.0 too many connections\r\n")

    async with byte_server(ever, refused) as talk:
        channel = smtp(talk.port, connections=5)
        first = await channel.send(dispatches(channel, 1)[0])
        outcomes = await all_sent(channel, dispatches(channel, 20))
    assert {one.status for one in (first, *outcomes)} == {"accepted"}
    assert len(talk.lines[0].mails) == 21


async def test_everybody_who_waits_is_told_that_nobody_is_there():
    async with bare_server(None) as talk:
        pass
    channel = smtp(talk.port, connections=2)
    outcomes = await all_sent(channel, dispatches(channel, 20))
    assert {(one.status, one.reason) for one in outcomes} == {("retry", "unreachable")}


# ------------------------------------------------------------------ stale


async def closes(line):
    """Between two messages, as a server does that has waited long enough."""


async def says_421(line):
    await line.say(b"421 4.4.2 idle for too long\r\n")


async def resets_at_the_next(line):
    await line.hear(b"MAIL")
    line.reset()


async def refuses_the_next(line):
    await line.hear(b"MAIL")
    await line.say(b"421 4.4.2 idle for too long\r\n")


async def breaks_off_before_the_content(line):
    await line.hear_envelope()
    await line.say(b"250 ok\r\n250 ok\r\n")
    line.reset()


@pytest.mark.parametrize(
    "ending", [closes, says_421, resets_at_the_next, refuses_the_next, breaks_off_before_the_content]
)
async def test_a_stale_connection_is_never_a_failed_attempt(ending):
    async def first(line):
        await line.greet()
        await line.take()
        await ending(line)

    async with byte_server(first, ever) as talk:
        channel = smtp(talk.port, connections=1)
        outcomes = [await channel.send(one) for one in dispatches(channel, 3)]
        await channel.aclose()
    assert {one.status for one in outcomes} == {"accepted"}
    assert [len(line.mails) for line in talk.lines] == [1, 2]


async def test_a_connection_that_went_dead_without_a_word_is_asked_before_it_gets_a_message(monkeypatch):
    monkeypatch.setattr("livery_smtp.pool._PROBE_AFTER", 0.0)
    monkeypatch.setattr("livery_smtp.pool._PROBE_WAIT", 0.2)

    async def first(line):
        await line.greet()
        await line.take()
        await line.hear(b"RSET")
        await line.hang()

    async def second(line):
        await line.greet()
        await line.take()
        await line.hear(b"RSET")
        await line.say(b"250 ok\r\n")
        await line.take()

    async with byte_server(first, second) as talk:
        channel = smtp(talk.port, connections=1)
        outcomes = [await channel.send(one) for one in dispatches(channel, 3)]
        await channel.aclose()
    assert {one.status for one in outcomes} == {"accepted"}


async def test_a_message_that_is_refused_leaves_the_connection_clean_for_the_next():
    async def script(line):
        await line.greet()
        await line.hear_envelope()
        await line.say(b"250 ok\r\n550 no such user\r\n554 nobody to send it to\r\n")
        await line.hear(b"RSET")
        await line.say(b"250 ok\r\n")
        await line.take()

    async with byte_server(script) as talk:
        channel = smtp(talk.port, connections=1)
        first, second = [await channel.send(one) for one in dispatches(channel, 2)]
        await channel.aclose()
    assert (first.status, second.status, talk.connections) == ("failed", "accepted", 1)


async def test_a_fresh_connection_that_breaks_is_a_retry_and_not_dialled_again_and_again():
    async def script(line):
        await line.greet()
        await line.hear(b"MAIL")
        line.reset()

    async with byte_server(script) as talk:
        channel = smtp(talk.port)
        outcomes = await all_sent(channel, dispatches(channel, 1))
    assert (outcomes[0].status, talk.connections) == ("retry", 1)


async def test_two_event_loops_one_after_the_other_do_not_share_a_connection():
    with MailServer() as server:
        channel = smtp(server.port)

        def in_a_loop_of_its_own():
            return asyncio.run(all_sent(channel, dispatches(channel, 2)))

        outcomes = [*await asyncio.to_thread(in_a_loop_of_its_own), *await asyncio.to_thread(in_a_loop_of_its_own)]
    assert {one.status for one in outcomes} == {"accepted"}
    assert len(server.mails) == 4


# ------------------------------------------------------------------ the promise


async def test_a_message_whose_answer_was_lost_is_sent_again_as_the_same_bytes():
    async def losing(line):
        await line.greet()
        await line.hear_envelope()
        await line.say(b"250 ok\r\n250 ok\r\n354 go on\r\n")
        await line.hear_content()
        line.reset()

    async with byte_server(losing, ever) as talk:
        channel = smtp(talk.port)
        [dispatch] = dispatches(channel, 1)
        first = await channel.send(dispatch)
        second = await channel.send(replace(dispatch, attempt=2))
        await channel.aclose()
    assert (first.status, second.status) == ("unknown", "accepted")
    [one], [two] = (line.mails for line in talk.lines)
    assert one == two
    assert b"Message-ID: <m0@shop.example>" in one


async def test_closing_amid_a_message_ends_it_and_everything_that_waits():
    arrived = asyncio.Event()

    async def hanging(line):
        await line.greet()
        await line.hear(b"MAIL")
        arrived.set()
        await line.hang()

    async with byte_server(hanging) as talk:
        channel = smtp(talk.port, connections=1, timeout=0.5)
        sends = [asyncio.create_task(channel.send(one)) for one in dispatches(channel, 3)]
        await arrived.wait()
        await channel.aclose()
        outcomes = await asyncio.gather(*sends)
    assert {one.status for one in outcomes} == {"retry"}


async def test_a_fault_of_our_own_is_told_once_and_goes_to_the_log(caplog):
    async def fail():
        raise ZeroDivisionError

    pool = Pool(fail, Terms(2, 1, 1.0, 1.0))
    made = [Transaction(Dispatch(ENVELOPE, None, b"x", 1), ["a@x.example"]) for _ in "ab"]
    outcomes = await asyncio.gather(*map(pool.carry, made))
    assert {(one.status, one.reason) for one in outcomes} == {("retry", "channel_failed")}
    assert 1 <= caplog.text.count("ended by a fault") <= 2


async def test_a_fault_of_our_own_while_all_goes_as_usual_is_told_at_once(monkeypatch):
    """The third content is written without a task being woken for it; who waits does not wait for the deadline."""
    written = []

    def content(self):
        written.append(self)
        if len(written) == 3:
            raise ZeroDivisionError
        return stuffed(self.wire)

    monkeypatch.setattr(Transaction, "content", content)
    async with byte_server(ever) as talk, asyncio.timeout(10):
        channel = smtp(talk.port, connections=1, timeout=30)
        outcomes = await all_sent(channel, dispatches(channel, 6))
    assert [one.status for one in outcomes] == ["accepted"] * 2 + ["retry"] * 4
    assert {one.reason for one in outcomes[2:]} == {"channel_failed"}


async def test_closing_amid_a_content_leaves_nobody_waiting():
    """The message whose commands went along with the content that hangs is told, too, and nobody connects anew."""
    announced = asyncio.Event()

    async def hanging(line):
        await line.greet()
        await line.hear_envelope()
        await line.say(b"250 ok\r\n250 ok\r\n354 go on\r\n")
        await line.hear_content()
        await line.hear_envelope()
        announced.set()
        await line.hang()

    async with byte_server(hanging, ever) as talk:
        channel = smtp(talk.port, connections=1, timeout=30)
        sends = [asyncio.create_task(channel.send(one)) for one in dispatches(channel, 3)]
        await announced.wait()
        await channel.aclose()
        async with asyncio.timeout(5):
            outcomes = await asyncio.gather(*sends)
        assert talk.connections == 1
    assert [one.status for one in outcomes] == ["unknown", "retry", "retry"]
