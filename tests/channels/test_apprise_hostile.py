"""Services that mean harm, through Apprise: every call ends, takes little memory, and keeps nobody else from its own."""

import asyncio
import gzip
import threading
import tracemalloc

import pytest

from channels.byte_server import HELLO, byte_server
from channels.making import ENVELOPE, MESSAGE, outbound
from hostile import receivers
from livery import Config, Engine
from livery.plugin import Dispatch
from livery_apprise.channel import AppriseChannel, AppriseDestination

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr':DeprecationWarning")  # a library of one of its services
_WELL = receivers.says(receivers.answered(), then="again")


async def notified(*behaviours, within=1.0, secure=False, times=1):
    """The outcome of a call to each receiver, one after another, each so often at the same time."""
    found = []
    for behave in behaviours:
        with receivers.Receiver(behave) as receiver:
            fields = {"host": "127.0.0.1", "port": receiver.port, "token": "canary-token-1"}
            target = {"service": "gotify", "secure": secure, "fields": fields}
            channel = AppriseChannel(AppriseChannel.Settings(targets={"ops": target}, timeout=within), outbound())
            wire = channel.encode(MESSAGE, ENVELOPE)
            sends = [channel.send(Dispatch(ENVELOPE, AppriseDestination(target="ops"), wire, 1)) for _ in range(times)]
            found.append(await asyncio.gather(*sends))
            await channel.aclose()
    assert "canary" not in repr(found)
    return [one for ends in found for one in ends]


@pytest.mark.parametrize(
    "behave",
    [receivers.says(), receivers.says(then="reset"), receivers.says(then="hang"), receivers.says(b"220 mail.example\r\n")],
    ids=["closed", "reset", "silent", "no http"],
)  # fmt: skip
async def test_an_answer_that_was_lost_is_unknown(behave):
    [outcome] = await notified(behave)
    assert outcome.status == "unknown"


async def test_who_makes_no_tls_was_certainly_not_told_anything():
    [outcome] = await notified(lambda sock, stop: sock.sendall(receivers.answered(400)), secure=True, within=10)
    assert (outcome.status, outcome.reason) == ("retry", "unreachable")


@pytest.mark.parametrize(
    "behave",
    [
        receivers.says(b"HTTP/1.1 500 X\r\n\r\n", b"x" * 65_536, then="for ever"),
        receivers.says(receivers.answered(500, gzip.compress(b"\0" * 50_000_000), Content_Encoding="gzip")),
        receivers.says(b"HTTP/1.1 500 X\r\nContent-Length: 9\r\n\r\nabc", then="reset"),
    ],
    ids=["endless", "bomb", "broken off"],
)
async def test_of_an_answer_the_beginning_is_read_and_the_status_counts(behave):
    await notified(_WELL, within=10)  # what is loaded on first use is no part of an answer
    tracemalloc.start()
    [outcome] = await notified(behave, within=10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (outcome.status, outcome.code) == ("retry", "500")
    assert peak < 20_000_000


async def test_services_that_drip_do_not_keep_the_others_from_their_turn():
    never = threading.Event()  # the receiver drips on after its own end
    await notified(_WELL, within=10)
    slow = await notified(
        lambda sock, stop: receivers.drips(b"HTTP/1.1 200 OK\r\nX: ")(sock, never), within=1.5, times=12
    )
    [well] = await notified(_WELL, within=10)
    never.set()
    assert {one.status for one in slow} <= {"unknown", "retry"}
    assert well.status == "accepted"


# ------------------------------------------------------------------ mail


async def mailed(*scripts, within=1.0):
    """The outcome of a mail by each script, one after another, to a server that keeps all connections open."""
    types = Engine.open(Config()).channels.types
    kind = types["apprise"].carries(types["smtp"]).load()
    async with byte_server(*scripts) as talk:
        channel = kind(kind.Settings(port=talk.port, timeout=within), outbound())
        mail = Dispatch(ENVELOPE, None, channel.encode(MESSAGE, ENVELOPE), 1)
        found = [await channel.send(mail) for _ in scripts]
        await channel.aclose()
    return found


async def to_the_content(line):
    await line.greet(HELLO.replace(b"250-PIPELINING\r\n", b""))
    for verb, answer in ((b"MAIL", b"250 ok\r\n"), (b"RCPT", b"250 ok\r\n"), (b"DATA", b"354 go on\r\n")):
        await line.hear(verb)
        await line.say(answer)
    await line.hear_content()


@pytest.mark.parametrize(
    ("answer", "status"), [(b"", "unknown"), (b"250 queued\r\n", "accepted"), (b"451 later\r\n", "retry")]
)
async def test_a_mail_whose_answer_was_lost_is_unknown(answer, status):
    async def script(line):
        await to_the_content(line)
        await line.say(answer)
        line.reset() if not answer else await line.reader.readline()

    [outcome] = await mailed(script, within=10)
    assert outcome.status == status


async def test_a_mail_server_that_talks_without_end_is_heard_to_a_limit():
    async def script(line):
        while True:
            await line.say(b"220-welcome to the machine\r\n" * 1000)

    [outcome] = await mailed(script, within=10)
    assert (outcome.status, outcome.reason) == ("retry", "unreachable")


async def test_mail_servers_that_drip_do_not_keep_the_others_from_their_turn():
    async def drips(line):
        while True:
            await line.say(b"220-still here\r\n")
            await asyncio.sleep(0.1)

    async def takes(line):
        await to_the_content(line)
        await line.say(b"250 queued\r\n")
        await line.reader.readline()

    *slow, well = await mailed(*[drips] * 7, takes, within=1.5)
    assert {one.status for one in slow} == {"unknown"}
    assert well.status == "accepted"
