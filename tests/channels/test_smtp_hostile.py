"""Mail servers that hang, drip, lie, flood and break off: every attempt ends, in time, with what is true."""

import asyncio
import time

import pytest

from channels.byte_server import HELLO, byte_server, ever
from channels.making import ENVELOPE, MESSAGE, dispatches, envelope, people, sent, smtp
from livery.plugin import Dispatch

SHORT = {"timeout": 0.3, "deadline": 0.6}


async def drip(line, data):
    """A byte every so often, so that something always comes."""
    while True:
        for byte in data:
            await line.say(bytes([byte]))
            await asyncio.sleep(0.05)


async def flood(line, data):
    while True:
        await line.say(data * 1000)


async def dripping_greeting(line):
    await drip(line, b"2")


async def dripping_lines(line):
    await drip(line, b"220-still here\r\n")


async def dripping_hello(line):
    await line.say(b"220 ready\r\n")
    await drip(line, b"250-X\r\n")


async def endless_banner(line):
    await flood(line, b"220-welcome to the machine\r\n")


async def endless_line(line):
    await flood(line, b"x")


async def endless_hello(line):
    await line.say(b"220 ready\r\n")
    await line.hear(b"EHLO")
    await flood(line, b"250-FEATURE\r\n")


async def mute(line):
    await line.hang()


async def http(line):
    await line.say(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")


async def other_codes_in_one_reply(line):
    await line.say(b"220-a\r\n250 b\r\n")
    await line.hang()


async def no_code(line):
    await line.say(b"\xff\xfe\x00\r\n")
    await line.hang()


async def mute_after_hello(line):
    await line.greet()
    await line.hang()


async def envelope_answered_by_half(line):
    await line.greet()
    await line.hear_envelope()
    await line.say(b"250 ok\r\n250 o")
    await line.hang()


async def reads_nothing_of_it(line):
    await line.greet(HELLO.replace(b"SIZE 1000000", b"SIZE"))
    await line.hear_envelope()
    await line.say(b"250 ok\r\n250 ok\r\n354 go on\r\n")
    line.writer.transport.pause_reading()
    await line.hang()


@pytest.mark.parametrize("client", ["pipelined", "plain"])
@pytest.mark.parametrize(
    "script",
    [dripping_greeting, dripping_lines, dripping_hello, endless_banner, endless_line, endless_hello, mute, http,
     other_codes_in_one_reply, no_code, mute_after_hello, envelope_answered_by_half],
)  # fmt: skip
async def test_whatever_comes_before_the_message_ends_in_time_as_a_retry(script, client):
    began = time.monotonic()
    async with byte_server(script) as talk:
        outcome = await sent(smtp(talk.port, client=client, **SHORT))
    assert outcome.status == "retry"
    assert outcome.reason is not None
    assert len(outcome.detail) <= 200
    # The limit is a hundred times what was configured: it tells an end from none, on any machine.
    assert time.monotonic() - began < 60


@pytest.mark.parametrize("client", ["pipelined", "plain"])
async def test_a_server_that_does_not_read_the_message_is_a_retry(client):
    async with byte_server(reads_nothing_of_it) as talk:
        outcome = await sent(smtp(talk.port, client=client, **SHORT), wire=b"x" * 70 + b"\r\n" + b"y\r\n" * 8_000_000)
    assert (outcome.status, outcome.reason) == ("retry", "timeout")


@pytest.mark.parametrize("client", ["pipelined", "plain"])
async def test_a_dripping_answer_to_the_message_is_unknown(client):
    async def script(line):
        await line.greet()
        for reply in (b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n"):
            await line.reader.readline()
            await line.say(reply)
        await line.hear_content()
        await drip(line, b"250-\r\n")

    async with byte_server(script) as talk:
        outcome = await sent(smtp(talk.port, client=client, timeout=0.5, deadline=0.5))
    assert (outcome.status, outcome.reason) == ("unknown", "timeout")


@pytest.mark.parametrize(
    ("step", "status"),
    [("greeting", "retry"), ("hello", "retry"), ("envelope", "retry"), ("go on", "retry"), ("content", "unknown")],
)
async def test_a_reset_is_unknown_only_once_the_final_dot_was_handed_over(step, status):
    async def script(line):
        if step == "greeting":
            line.reset()
        await line.say(b"220 ready\r\n")
        await line.hear(b"EHLO")
        if step == "hello":
            line.reset()
        await line.say(HELLO)
        await line.hear_envelope()
        if step == "envelope":
            line.reset()
        await line.say(b"250 ok\r\n250 ok\r\n")
        if step == "go on":
            line.reset()
        await line.say(b"354 go on\r\n")
        await line.hear_content()
        line.reset()

    async with byte_server(script) as talk:
        outcome = await sent(smtp(talk.port))
    assert (outcome.status, outcome.reason) == (status, "unreachable")


# ------------------------------------------------------------------ 421, at any time


@pytest.mark.parametrize("step", ["greeting", "hello", "mail", "rcpt", "data", "unasked"])
async def test_421_is_a_retry_that_says_so_whenever_it_comes(step):
    bye = b"421 4.3.2 shutting down\r\n"

    async def script(line):
        if step != "greeting":
            await line.say(b"220 ready\r\n")
            await line.hear(b"EHLO")
            if step == "unasked":
                await line.say(HELLO, bye)
                return
            if step != "hello":
                await line.say(HELLO)
                await line.hear_envelope()
                await line.say({"mail": b"", "rcpt": b"250 ok\r\n", "data": b"250 ok\r\n250 ok\r\n"}[step])
        await line.say(bye)

    async with byte_server(script) as talk:
        outcome = await sent(smtp(talk.port))
    assert (outcome.status, outcome.reason) == ("retry", "throttled")
    assert "shutting down" in outcome.detail


async def test_421_to_the_message_itself_is_no_delivery():
    async def script(line):
        await line.greet()
        await line.take(b"421 4.3.2 shutting down\r\n")

    async with byte_server(script) as talk:
        outcome = await sent(smtp(talk.port))
    assert (outcome.status, outcome.code) == ("retry", "421")


# ------------------------------------------------------------------ answers that are not to what was asked


@pytest.mark.parametrize(
    "replies",
    [
        b"250 ok\r\n250 ok\r\n250 ok\r\n354 go on\r\n",
        b"250 ok\r\n354 go on\r\n250 ok\r\n",
        b"354 go on\r\n250 ok\r\n250 ok\r\n",
        b"250 ok\r\n250 ok\r\n354 go on\r\n250 queued before it came\r\n",
        b"250 ok\r\n250 ok\r\n250 queued before it came\r\n",
    ],
)
async def test_one_answer_too_many_or_in_the_wrong_place_is_never_a_delivery(replies):
    async def script(line):
        await line.greet()
        await line.hear_envelope()
        await line.say(replies)
        await line.hang()

    async with byte_server(script) as talk:
        outcome = await sent(smtp(talk.port, **SHORT))
    assert outcome.status in ("retry", "unknown")
    assert outcome.reason is not None


async def test_an_answer_that_was_not_asked_for_ends_the_connection_before_it_can_pass_for_another():
    served = []

    async def first(line):
        await line.greet()
        served.append(await line.take(b"250 queued\r\n250 and once more\r\n"))
        await line.hang()

    async def second(line):
        await line.greet()
        while True:
            served.append(await line.take(b"250 queued by the second\r\n"))

    async with byte_server(first, second) as talk:
        channel = smtp(talk.port, connections=1)
        outcomes = [await channel.send(Dispatch(ENVELOPE, None, channel.encode(MESSAGE, ENVELOPE), 1)) for _ in "ab"]
        await channel.aclose()
    assert [one.detail for one in outcomes] == ["queued", "queued by the second"]
    assert len(served) == 2


@pytest.mark.parametrize("more", [b"\r\n", b"\xff\xfe\r\n", b"stored\r\n", b"250-and\r\n550 no\r\n"])
async def test_an_answer_that_came_whole_counts_whatever_comes_after_it(more):
    async def script(line):
        await line.greet()
        await line.take(b"250 queued\r\n" + more)
        await line.hang()

    async with byte_server(script) as talk:
        outcome = await sent(smtp(talk.port))
    assert (outcome.status, outcome.detail) == ("accepted", "queued")


async def test_half_an_answer_that_came_before_the_message_is_not_one_to_it():
    async def script(line):
        await line.greet()
        await line.hear_envelope()
        await line.say(b"250 ok\r\n250 ok\r\n354 go on\r\n25")
        await line.hear_content()
        await line.say(b"0 queued\r\n")

    async with byte_server(script) as talk:
        outcome = await sent(smtp(talk.port))
    assert (outcome.status, outcome.reason) == ("retry", "server_error")


async def test_half_an_answer_that_came_after_a_message_is_not_one_to_the_next():
    async def first(line):
        await line.greet()
        await line.take(b"250 queued\r\n550 ")
        await line.hear_envelope()
        await line.say(b"no\r\n550 no\r\n550 no\r\n")
        await line.hang()

    async with byte_server(first, ever) as talk:
        channel = smtp(talk.port, connections=1)
        outcomes = [await channel.send(one) for one in dispatches(channel, 2)]
        await channel.aclose()
    assert [one.status for one in outcomes] == ["accepted", "accepted"]


async def test_replies_in_pieces_and_of_several_lines_are_put_together():
    async def script(line):
        for piece in (b"22", b"0-hello\r", b"\n220 ready\r", b"\n"):
            await line.say(piece)
            await asyncio.sleep(0.01)
        await line.hear(b"EHLO")
        await line.say(HELLO)
        await line.hear_envelope()
        await line.say(b"250-a\r\n250-b\r\n250 c\r\n25")
        await line.say(b"0\r\n354\r\n")
        await line.hear_content()
        await line.say(b"250-2.0.0 queued\n250 as 7\n")

    async with byte_server(script) as talk:
        outcome = await sent(smtp(talk.port))
    assert (outcome.status, outcome.detail) == ("accepted", "2.0.0 queued as 7")


async def test_an_answer_holds_nothing_that_moves_a_cursor_or_cannot_be_stored():
    async def script(line):
        await line.greet()
        await line.hear_envelope()
        await line.say(b"250 ok\r\n550 \x1b[2Jno\x00 such\x07 user\xff \xe2\x80\xae\r\n554 nobody\r\n")
        await line.hang()

    async with byte_server(script) as talk:
        outcome = await sent(smtp(talk.port))
    assert outcome.status == "failed"
    assert outcome.detail == outcome.recipients[0].detail == "[2Jno such user\ufffd"


async def test_a_server_that_takes_data_for_nobody_gets_no_message():
    async def script(line):
        await line.greet()
        await line.hear_envelope()
        await line.say(b"250 ok\r\n550 no such user\r\n354 go on\r\n")
        assert await line.reader.read() == b""

    async with byte_server(script) as talk:
        outcome = await sent(smtp(talk.port))
    assert (outcome.status, outcome.code) == ("failed", "550")


async def test_a_message_over_the_size_the_server_takes_is_not_offered():
    async def script(line):
        await line.greet()
        assert await line.reader.readline() in (b"", b"QUIT\r\n")

    async with byte_server(script) as talk:
        outcome = await sent(smtp(talk.port), wire=b"x\r\n" * 400_000)
    assert (outcome.status, outcome.reason) == ("failed", "too_large")


@pytest.mark.parametrize("size", ["", "0", "-1", "9" * 5000, "٣"])
async def test_a_size_that_says_nothing_keeps_nothing_back(size):
    async def script(line):
        await line.say(b"220 ready\r\n")
        await line.hear(b"EHLO")
        await line.say(b"250-x\r\n", f"250 SIZE {size[:600]}\r\n".encode())
        await line.hear(b"MAIL")
        await line.say(b"550 no\r\n")

    async with byte_server(script) as talk:
        outcome = await sent(smtp(talk.port))
    assert outcome.code == "550"


async def test_a_hundred_recipients_answered_each_in_its_own_way():
    who = [f"p{number}@x.example" for number in range(100)]
    say = {0: b"250 ok\r\n", 1: b"550 no\r\n", 2: b"451 later\r\n"}

    async def script(line):
        await line.greet()
        await line.hear_envelope(100)
        await line.say(b"250 ok\r\n", *(say[number % 3] for number in range(100)), b"354 go on\r\n")
        await line.hear_content()
        await line.say(b"250 queued\r\n")

    async with byte_server(script) as talk:
        outcome = await sent(smtp(talk.port), envelope(to=people(*who)))
    by_place = {number: {one.status for one in outcome.recipients[number::3]} for number in range(3)}
    assert by_place == {0: {"accepted"}, 1: {"failed"}, 2: {"retry"}}
    assert [one.address for one in outcome.recipients] == who
