"""The plain client keeps what the pipelined one keeps: answers within bounds and in their turn, nothing after its time."""

import asyncio
import socket
import threading
from contextlib import suppress

import pytest

from channels import authority
from channels.byte_server import HELLO, byte_server
from channels.making import ENVELOPE, MESSAGE, sent, smtp
from livery.plugin import Dispatch

STEPS = HELLO.replace(b"250-PIPELINING\r\n", b"")


async def stepping(line, *answers):
    """MAIL to DATA, each answered by itself."""
    await line.greet(STEPS)
    for verb, answer in zip((b"MAIL", b"RCPT", b"DATA"), answers, strict=False):
        await line.hear(verb)
        await line.say(answer)


@pytest.mark.parametrize(
    "answers",
    [
        (b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n250 queued before it came\r\n"),
        (b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n25"),
        (b"250 ok\r\n", b"250 ok\r\n354 go on\r\n250 queued before it came\r\n"),
        (b"250 ok\r\n250 ok\r\n354 go on\r\n250 queued before it came\r\n",),
    ],
)
async def test_an_answer_that_came_before_the_message_is_not_one_to_it(client, answers):
    async def script(line):
        await stepping(line, *answers)
        assert await line.reader.read() == b""

    async with byte_server(script) as talk:
        outcome = await sent(smtp(talk.port))
    assert (outcome.status, outcome.reason) == ("retry", "server_error")


@pytest.mark.parametrize("said", [b"250-queued\r\n554 spam\r\n", b"150 wait\r\n", b"250\tqueued\r\n"])
async def test_what_is_no_answer_tells_nothing_of_the_message(client, said):
    async def script(line):
        await stepping(line, b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n")
        await line.hear_content()
        await line.say(said)

    async with byte_server(script) as talk:
        outcome = await sent(smtp(talk.port))
    assert (outcome.status, outcome.reason) == ("unknown", "server_error")


async def test_what_follows_a_good_answer_changes_nothing(client):
    async def script(line):
        await stepping(line, b"250 ok\r\n", b"250 ok\r\n", b"354 go on\r\n")
        await line.hear_content()
        await line.say(b"250 queued\r\n421 4.3.2 shutting down\r\n\r\n")

    async with byte_server(script) as talk:
        outcome = await sent(smtp(talk.port))
    assert (outcome.status, outcome.detail) == ("accepted", "queued")


async def test_a_reply_without_end_is_heard_to_a_limit(client):
    async def script(line):
        while True:
            await line.say(b"220-welcome to the machine\r\n" * 1000)

    async with byte_server(script) as talk:
        outcome = await sent(smtp(talk.port, deadline=5))
    assert (outcome.status, outcome.reason) == ("retry", "server_error")


async def test_nothing_is_sent_once_the_attempt_is_over(client, tmp_path):
    """The time is up while TLS is being made, when there is no socket to close; the server goes on afterwards."""
    authority.make(tmp_path, "localhost")
    is_over, commands = threading.Event(), []

    def serve(listener):
        plain, _ = listener.accept()
        with plain, suppress(OSError):
            lines = plain.makefile("rb")
            for said in (b"220 ready\r\n", b"250-x\r\n250 STARTTLS\r\n", b"220 go on\r\n"):
                plain.sendall(said)
                if not said.startswith(b"220 g"):
                    lines.readline()
            is_over.wait(30)
            with authority.identity(tmp_path, "localhost").wrap_socket(plain, server_side=True) as safe:
                for command in safe.makefile("rb"):
                    commands.append(command)
                    safe.sendall(b"354 go on\r\n" if command == b"DATA\r\n" else b"250 ok\r\n")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        port, ca = listener.getsockname()[1], str(tmp_path / "ca.pem")
        channel = smtp(port, host="localhost", tls="starttls", ca_file=ca, deadline=1, idle=0)
        outcome = await channel.send(Dispatch(ENVELOPE, None, channel.encode(MESSAGE, ENVELOPE), 1))
        is_over.set()
        await asyncio.to_thread(server.join)
        await channel.aclose()
    assert (outcome.status, outcome.reason) == ("retry", "timeout")
    assert [one for one in commands if one.startswith((b"MAIL", b"DATA"))] == []
