"""What the channel tests are made of: a message, its envelope, channels that may reach this machine, bare servers."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

from livery.outbound import Outbound, OutboundPolicy
from livery.plugin import Dispatch, Envelope, Format, Message, Recipient
from livery_smtp.channel import SmtpChannel

MESSAGE = Message(
    format=Format.EMAIL,
    locale="de-AT",
    title="Bestellung fehlgeschlagen",
    text="Guten Tag,\n",
    html="<p>Guten Tag,</p>\n",
)
ENVELOPE = Envelope(
    delivery_id="dlv_01k9zq0a3bm2v5n8s4x7c1d6ef",
    event_id="evt-1",
    event_type="OfferProvisionError",
    created_at=datetime(2026, 11, 20, 9, 42, 7, tzinfo=UTC),
    sender_name="The Shop",
    sender_address="notifications@shop.example",
    to=(Recipient(address="ada@custo.example", name="Ada Buyer"),),
    message_id="<dlv_01k9zq0a3bm2v5n8s4x7c1d6ef@shop.example>",
)


def message(**changes):
    return MESSAGE.model_copy(update=changes)


def envelope(**changes):
    return ENVELOPE.model_copy(update=changes)


def people(*addresses, name=""):
    return tuple(Recipient(address=one, name=name) for one in addresses)


def outbound(*allow, timeout=10.0):
    return Outbound(OutboundPolicy(allow=allow or ("127.0.0.1",), timeout=timeout))


WAYS = {"client": "pipelined", "PIPELINING": False}
"""How SMTP is spoken where a test does not say: by which client, and whether `mail_script` offers PIPELINING."""


def smtp(port, **settings):
    known = {"port": port, "timeout": 10, "client": WAYS["client"], **settings}
    return SmtpChannel(SmtpChannel.Settings.model_validate(known), outbound())


async def sent(
    channel, envelope=ENVELOPE, *, message=MESSAGE, destination=None, attempt=1, settled=None, wire=None, accounts=()
):
    """The outcome of one send; the channel is closed after it."""
    wire = channel.encode(message, envelope) if wire is None else wire
    try:
        return await channel.send(Dispatch(envelope, destination, wire, attempt, settled or {}, accounts))
    finally:
        await channel.aclose()
        await channel.outbound.aclose()


@dataclass
class Talk:
    """What came in over one or more connections to a bare server."""

    port: int = 0
    connections: int = 0
    said: list = field(default_factory=list)

    @property
    def verbs(self):
        return [line.split(b" ")[0].upper().decode("latin-1") for line in self.said]


@asynccontextmanager
async def bare_server(handler, **options):
    """A TCP server whose connections `handler(talk, reader, writer)` serves."""
    talk, tasks = Talk(), set()

    async def connected(reader, writer):
        talk.connections += 1
        tasks.add(asyncio.current_task())
        try:
            await handler(talk, reader, writer)
        except asyncio.CancelledError:
            writer.transport.abort()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, **options)
    talk.port = server.sockets[0].getsockname()[1]
    try:
        yield talk
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # transports say goodbye in the loop's next turn


DROP, HANG = object(), object()
"""In place of an answer: close the connection; never answer."""
_HELLO = {
    False: "250-mail.example\r\n250 8BITMIME",
    True: "250-mail.example\r\n250-PIPELINING\r\n250 8BITMIME",
}
_ANSWERS = {
    "greeting": "220 ready",
    "MAIL": "250 ok",
    "RCPT": "250 ok",
    "DATA": "354 go on",
    "content": "250 queued as 1",
    "QUIT": "221 bye",
}


def mail_script(**answers):
    """An SMTP server that answers each command as told, sense or not; RCPT may be a dict by address."""
    known = {**_ANSWERS, "EHLO": _HELLO[WAYS["PIPELINING"]], **answers}

    async def serve(talk, reader, writer):
        async def answer(to, line=b""):
            reply = known.get(to, "500 what?")
            if isinstance(reply, dict):
                reply = reply[line.partition(b"<")[2].partition(b">")[0].decode()]
            if reply is HANG:
                await asyncio.Event().wait()
            if reply is DROP:
                writer.transport.abort()
                raise ConnectionAbortedError
            writer.write(reply.encode() + b"\r\n")
            await writer.drain()
            return reply

        await answer("greeting")
        while line := (await reader.readline()).rstrip(b"\r\n"):
            talk.said.append(line)
            verb = line.split(b" ")[0].upper().decode("latin-1")
            reply = await answer(verb, line)
            if verb == "DATA" and reply.startswith("354"):
                if known.get("amid content") is DROP:
                    await reader.read(100)
                    raise ConnectionAbortedError
                await reader.readuntil(b"\r\n.\r\n")
                talk.said.append(b"content")
                await answer("content")

    return bare_server(serve)


async def read_request(talk, reader):
    """Keep one HTTP request, head and body, as it came; False at the end of the connection."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = next((int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")), 0)
    talk.said.append(head + await reader.readexactly(length))


def http_answer(status=200, body=b"ok", **headers):
    lines = [f"HTTP/1.1 {status} X", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def http_script(answer):
    """An HTTP server that gives these bytes, sense or not, for each request; a coroutine function gets the writer."""

    async def serve(talk, reader, writer):
        while True:
            await read_request(talk, reader)
            if callable(answer):
                await answer(writer)
            else:
                writer.write(answer)
                await writer.drain()

    return bare_server(serve)


def dispatches(channel, count, **changes):
    """Messages that can be told apart, each to somebody else."""
    made = []
    for number in range(count):
        who = envelope(to=people(f"p{number}@x.example"), message_id=f"<m{number}@shop.example>", **changes)
        made.append(Dispatch(who, None, channel.encode(MESSAGE, who), 1))
    return made


async def all_sent(channel, made):
    outcomes = await asyncio.gather(*(channel.send(one) for one in made))
    await channel.aclose()
    return outcomes
