"""The next message goes along with the one before where the server offers it: never at a message's cost."""

import pytest

from channels.byte_server import HELLO, byte_server, ever
from channels.making import all_sent, dispatches, people, smtp


async def test_the_next_message_is_announced_with_the_content_of_the_one_before():
    together = []

    async def script(line):
        await line.greet()
        await line.hear_envelope()
        await line.say(b"250 ok\r\n250 ok\r\n354 go on\r\n")
        await line.hear_content()
        # Nothing was answered, and the next message's commands are here.
        together.append(await line.hear_envelope())
        await line.say(b"250 queued as 1\r\n")
        await line.say(b"250 ok\r\n250 ok\r\n354 go on\r\n")
        await line.hear_content()
        await line.say(b"250 queued as 2\r\n")

    async with byte_server(script) as talk:
        channel = smtp(talk.port, connections=1)
        outcomes = await all_sent(channel, dispatches(channel, 2))
    assert [one.detail for one in outcomes] == ["queued as 1", "queued as 2"]
    assert together[0][1] == b"RCPT TO:<p1@x.example>\r\n"


async def test_nothing_overlaps_where_it_is_not_offered():
    async def script(line):
        await line.greet(HELLO.replace(b"250-PIPELINING\r\n", b""))
        for _ in "ab":
            for verb, answer in ((b"MAIL", b"250 ok\r\n"), (b"RCPT", b"250 ok\r\n"), (b"DATA", b"354 go on\r\n")):
                await line.hear(verb)
                assert not line.reader._buffer
                await line.say(answer)
            await line.hear_content()
            assert not line.reader._buffer
            await line.say(b"250 queued\r\n")

    async with byte_server(script) as talk:
        channel = smtp(talk.port, connections=1)
        outcomes = await all_sent(channel, dispatches(channel, 2))
    assert [one.status for one in outcomes] == ["accepted", "accepted"]


@pytest.mark.parametrize(
    ("answer", "first"),
    [
        (b"", "unknown"),
        (b"421 4.3.2 shutting down\r\n", "retry"),
        (b"250 queued\r\n", "accepted"),
        (b"554 spam\r\n", "failed"),
    ],
)
async def test_what_becomes_of_a_message_does_not_touch_the_one_that_was_announced_with_it(answer, first):
    async def breaking_off(line):
        await line.greet()
        await line.hear_envelope()
        await line.say(b"250 ok\r\n250 ok\r\n354 go on\r\n")
        await line.hear_content()
        await line.hear_envelope()
        await line.say(answer)

    async with byte_server(breaking_off, ever) as talk:
        channel = smtp(talk.port, connections=1)
        outcomes = await all_sent(channel, dispatches(channel, 3))
    assert [one.status for one in outcomes] == [first, "accepted", "accepted"]
    assert [len(line.mails) for line in talk.lines] == [1, 2]


async def test_a_server_that_hangs_up_after_each_message_gets_all_of_them():
    async def script(line):
        await line.greet()
        await line.take()

    async with byte_server(script) as talk:
        channel = smtp(talk.port, connections=3)
        outcomes = await all_sent(channel, dispatches(channel, 30))
    assert {one.status for one in outcomes} == {"accepted"}
    assert sum(len(line.mails) for line in talk.lines) == 30


async def test_a_message_that_hangs_does_not_take_the_one_announced_with_it_along():
    async def hanging(line):
        await line.greet()
        await line.hear_envelope()
        await line.say(b"250 ok\r\n250 ok\r\n354 go on\r\n")
        await line.hear_content()
        await line.hang()

    async with byte_server(hanging, ever) as talk:
        channel = smtp(talk.port, connections=1, timeout=0.3)
        outcomes = await all_sent(channel, dispatches(channel, 2))
    assert [(one.status, one.reason) for one in outcomes] == [("unknown", "timeout"), ("accepted", None)]


async def test_an_answer_for_each_recipient_does_not_refuse_the_next_message():
    """As LMTP has it: the second answer to the content stands where the one to the next MAIL belongs."""

    async def script(line):
        await line.greet()
        await line.hear_envelope(2)
        await line.say(b"250 ok\r\n" * 3, b"354 go on\r\n")
        await line.hear_content()
        await line.hear_envelope(2)
        await line.say(b"250 for the first\r\n550 not for the second\r\n", b"250 ok\r\n" * 3)
        await line.hang()

    async with byte_server(script) as talk:
        channel = smtp(talk.port, connections=1)
        outcomes = await all_sent(channel, dispatches(channel, 2, cc=people("c@x.example")))
    assert [(one.status, one.reason) for one in outcomes] == [("accepted", None), ("retry", "server_error")]


async def test_every_message_gets_its_own_answer_whatever_comes_to_the_others():
    """Fifty messages over four connections to a server that treats each as its recipient says."""
    verdicts = {
        0: (b"250 ok", b"354 go", b"250 queued"),
        1: (b"550 no", b"554 nobody", None),
        2: (b"451 later", b"503 nobody", None),
        3: (b"250 ok", b"451 later", None),
        4: (b"250 ok", b"354 go", b"554 spam"),
        5: (b"250 ok", b"354 go", b"452 full"),
    }
    statuses = ["accepted", "failed", "retry", "retry", "failed", "retry"]

    async def script(line):
        await line.greet()
        while True:
            command = await line.reader.readline()
            if command == b"RSET\r\n":
                await line.say(b"250 ok\r\n")
                continue
            if not command.startswith(b"MAIL"):
                return
            to, _ = await line.hear(b"RCPT"), await line.hear(b"DATA")
            number = int(to.partition(b"<p")[2].partition(b"@")[0])
            rcpt, data, content = verdicts[number % 6]
            await line.say(b"250 ok\r\n", rcpt, b"\r\n", data, b"\r\n")
            if content is not None:
                got = await line.hear_content()
                assert b"<m%d@shop.example>" % number in got
                await line.say(content, b" %d\r\n" % number)

    async with byte_server(script) as talk:
        channel = smtp(talk.port, connections=4)
        outcomes = await all_sent(channel, dispatches(channel, 54))
    assert [one.status for one in outcomes] == statuses * 9
    for number, outcome in enumerate(outcomes):
        if number % 6 in (0, 4, 5):
            assert outcome.detail.endswith(f" {number}")


@pytest.mark.parametrize("end", ["content", "commands", "closing", "late"])
async def test_what_ends_a_run_of_messages_ends_none_that_went_before(end):
    """The answer to a content and those to the next message's commands come at once, until they come otherwise."""
    usual, run = b"250 ok\r\n250 ok\r\n354 go on\r\n", 12
    last = {
        "content": b"554 spam\r\n" + usual,
        "commands": b"250 queued\r\n250 ok\r\n550 nobody\r\n554 no recipients\r\n",
        "closing": b"250 queued\r\n421 4.3.2 shutting down\r\n",
        "late": b"",
    }

    async def script(line):
        await line.greet()
        await line.hear_envelope()
        await line.say(usual)
        for number in range(run):
            await line.hear_content()
            await line.hear_envelope()
            await line.say(b"250 queued\r\n" + usual if number < run - 1 else last[end])
        if end == "late":
            await line.hang()
        if end == "commands":
            await line.hear(b"RSET")
            await line.say(b"250 ok\r\n")
            await line.hear_envelope()
            await line.say(usual)
            await line.hear_content()
            await line.say(b"250 queued\r\n")
        elif end == "content":
            await line.hear_content()
            await line.say(b"250 queued\r\n")

    async with byte_server(script, ever) as talk:
        channel = smtp(talk.port, connections=1, timeout=0.5)
        outcomes = await all_sent(channel, dispatches(channel, run + 2))
    odd = {"content": (run - 1, "failed"), "commands": (run, "failed"), "late": (run - 1, "unknown")}
    expected = ["accepted"] * (run + 2)
    if end in odd:
        at, status = odd[end]
        expected[at] = status
    assert [one.status for one in outcomes] == expected
    assert sum(len(line.mails) for line in talk.lines) == len(expected) - (end == "commands")
