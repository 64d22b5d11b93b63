"""What comes back from a far side that is slow, endless, broken or nosy, and what we make of it."""

import asyncio
import gzip
import ssl
import zlib

import pytest

from channels.making import bare_server, http_answer, http_script, outbound, read_request
from livery.outbound import Answer, Outbound, OutboundPolicy, outcome_of
from livery.plugin import Reason
from livery.testing import HttpReceiver

HEADERS = {"Content-Type": "application/json"}


async def post(url, *, body=b"{}", headers=HEADERS, policy=None):
    out = policy or outbound()
    try:
        return await out.post(url, body, headers)
    finally:
        await out.aclose()


async def at(talk, **options):
    return await post(f"http://127.0.0.1:{talk.port}/hook", **options)


async def test_an_answer_is_its_status_headers_and_the_beginning_of_its_body():
    with HttpReceiver({"/hook": [(418, "short\nand  stout\x00 \u202e!", {"X-One": "1"})]}) as server:
        answer = await post(server.url("/hook"))
    assert (answer.status, answer.failure, answer.headers["x-one"]) == (418, None, "1")
    assert answer.excerpt == "short and stout !"


async def test_the_request_is_a_plain_post_without_cookies_or_compression():
    async with http_script(http_answer(Set_Cookie="session=1; Path=/")) as talk:
        out = outbound()
        for _ in range(2):
            await out.post(f"http://127.0.0.1:{talk.port}/hook", b"{}", HEADERS)
        await out.aclose()
    for request in talk.said:
        head, _, body = request.partition(b"\r\n\r\n")
        names = {line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:]}
        assert head.startswith(b"POST /hook HTTP/1.1")
        assert b"accept-encoding: identity" in head.lower()
        assert not {b"cookie", b"referer", b"transfer-encoding", b"expect"} & names
        assert body == b"{}"


@pytest.mark.parametrize(("hints", "status"), [(20, 200), (21, None)])
async def test_interim_answers_are_heard_to_a_limit(hints, status):
    early = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    async with http_script(early * hints + http_answer()) as talk:
        answer = await at(talk)
    assert (answer.status, answer.reached) == (status, status is None)


async def test_a_connection_is_used_again():
    async with http_script(http_answer()) as talk:
        out = outbound()
        for _ in range(3):
            assert (await out.post(f"http://127.0.0.1:{talk.port}/", b"{}", HEADERS)).status == 200
        await out.aclose()
    assert talk.connections == 1


@pytest.mark.parametrize(
    "late",
    [
        http_answer(200, b"smuggled"),
        b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmu",
        b"HTTP/1.1 200 OK\r\n\r\nsmuggled",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"garbage\r\n\r\n",
    ],
)
async def test_what_comes_while_nothing_was_asked_is_not_the_next_answer(late):
    kept = []

    async def refuses(writer):
        kept.append(writer)
        writer.write(http_answer(500, b"no"))

    async with http_script(refuses) as talk:
        out = outbound()
        answers = []
        for _ in range(3):
            answers.append(await out.post(f"http://127.0.0.1:{talk.port}/", b"{}", HEADERS))
            kept[-1].write(late)
            for _ in range(3):
                await asyncio.sleep(0)  # turns of the loop in which it is read
        await out.aclose()
    assert [(one.status, one.excerpt) for one in answers] == [(500, "no")] * 3
    assert talk.connections == 3


# ------------------------------------------------------------------ bodies


class Poured:
    """Pours a body for as long as anybody reads, and counts it."""

    def __init__(self, head, chunk):
        self.head, self.chunk, self.count = head, chunk, 0

    async def __call__(self, writer):
        writer.write(self.head)
        while not writer.is_closing():
            writer.write(self.chunk)
            await writer.drain()
            self.count += len(self.chunk)


async def test_an_endless_body_is_read_to_the_cap_only():
    pour = Poured(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 50_000)
    async with http_script(pour) as talk:
        answer = await at(talk)
    assert (answer.status, len(answer.excerpt)) == (200, 300)
    # The cap, and what the buffers of both ends took before the connection was closed.
    assert pour.count < 20_000_000


@pytest.mark.parametrize(("padding", "excerpt"), [(19_000, "the end"), (25_000, "")])
async def test_of_a_body_the_first_20_000_bytes_are_read(padding, excerpt):
    async with http_script(http_answer(500, b" " * padding + b"the end")) as talk:
        answer = await at(talk)
    assert (answer.status, answer.excerpt) == (500, excerpt)


async def test_a_dripping_body_does_not_hide_the_status():
    async def drip(writer):
        writer.write(b"HTTP/1.1 410 Gone\r\nContent-Length: 1000\r\n\r\nno more")
        await asyncio.Event().wait()

    async with http_script(drip) as talk:
        answer = await asyncio.wait_for(at(talk), timeout=9)
    assert (answer.status, answer.excerpt) == (410, "no more")
    assert outcome_of(answer).status == "failed"


async def test_a_body_that_breaks_off_does_not_hide_the_status():
    async def break_off(writer):
        writer.write(b"HTTP/1.1 500 X\r\nContent-Length: 1000\r\n\r\nhalf an")
        writer.close()

    async with http_script(break_off) as talk:
        answer = await at(talk)
    assert (answer.status, answer.excerpt) == (500, "half an")


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "x-unknown"])
async def test_a_compressed_body_is_not_unpacked(coding):
    bomb = gzip.compress(b"\0" * 10_000_000) if coding == "gzip" else zlib.compress(b"\0" * 10_000_000)
    async with http_script(http_answer(500, bomb, Content_Encoding=coding)) as talk:
        answer = await at(talk)
    assert (answer.status, answer.excerpt) == (500, "")


# ------------------------------------------------------------------ no answer


async def test_silence_ends_by_the_timeout_and_may_have_been_received():
    async def silent(writer):
        await asyncio.Event().wait()

    async with http_script(silent) as talk:
        answer = await at(talk, policy=outbound(timeout=0.5))
    assert (answer.failure, answer.reached) == (Reason.TIMEOUT, True)
    assert outcome_of(answer).status == "unknown"


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_a_receiver_that_does_not_read_the_request_ends_by_the_timeout():
    async def serve(talk, reader, writer):
        await asyncio.Event().wait()

    async with bare_server(serve, limit=1024) as talk:
        answer = await asyncio.wait_for(at(talk, body=b"x" * 30_000_000, policy=outbound(timeout=0.5)), timeout=9)
    assert (answer.status, answer.failure) == (None, Reason.TIMEOUT)


async def test_headers_that_drip_end_by_the_timeout():
    async def drip(writer):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(10_000):
            writer.write(b"X-%d: 1\r\n" % number)
            await writer.drain()
            await asyncio.wait({asyncio.ensure_future(asyncio.Event().wait())}, timeout=0.05)

    async with http_script(drip) as talk:
        answer = await at(talk, policy=outbound(timeout=0.5))
    assert (answer.status, answer.failure, answer.reached) == (None, Reason.TIMEOUT, True)


@pytest.mark.parametrize(
    "garbage",
    [b"\0\xff\r\n\r\n", b"220 mail.example ESMTP\r\n", b"HTTP/1.1 99999 X\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
     b"HTTP/1.1 200 OK\r\n" + b"X: 1\r\n" * 100_000 + b"\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n"],
)  # fmt: skip
async def test_an_answer_that_is_none_is_unknown(garbage):
    async with http_script(garbage) as talk:
        answer = await at(talk, policy=outbound(timeout=2))
    assert (answer.status, answer.reached) == (None, True)
    assert outcome_of(answer).status == "unknown"


async def test_a_connection_closed_before_the_answer_is_unknown():
    async def hang_up(writer):
        writer.transport.abort()

    async with http_script(hang_up) as talk:
        answer = await at(talk)
    assert (answer.failure, answer.reached) == (Reason.UNREACHABLE, True)
    assert outcome_of(answer).status == "unknown"


async def test_nobody_listening_was_certainly_not_reached():
    async with http_script(b"") as talk:
        pass
    answer = await at(talk)
    assert (answer.failure, answer.reached, answer.excerpt) == (Reason.UNREACHABLE, False, "no connection")
    assert outcome_of(answer).status == "retry"


async def test_a_server_without_tls_was_not_told_anything():
    async def plain(talk, reader, writer):
        talk.said.append(await reader.read(4096))
        writer.write(http_answer(400))

    async with bare_server(plain) as talk:
        answer = await post(f"https://127.0.0.1:{talk.port}/", body=b"canary")
    assert (answer.failure, answer.reached) == (Reason.UNREACHABLE, False)
    assert not any(b"canary" in said for said in talk.said)


async def test_a_certificate_nobody_vouches_for_is_refused_before_anything_is_said(tmp_path):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    await asyncio.to_thread(_self_signed, tmp_path)
    context.load_cert_chain(tmp_path / "own.pem")

    async def serve(talk, reader, writer):
        talk.said.append(await reader.read(4096))

    async with bare_server(serve, ssl=context) as talk:
        answer = await post(f"https://127.0.0.1:{talk.port}/", body=b"canary")
    assert (answer.failure, answer.reached) == (Reason.UNREACHABLE, False)
    assert "certificate" in answer.excerpt
    assert talk.said in ([], [b""])
    assert outcome_of(answer).status == "retry"


def _self_signed(folder):
    import os
    import shutil
    import subprocess

    if shutil.which("openssl") is None:
        why = "the openssl command is needed to make a certificate (Debian: apt install openssl)"
        pytest.fail(why) if os.environ.get("CI") else pytest.skip(why)
    command = [
        "openssl",
        "req",
        "-x509",
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:prime256v1",
        "-nodes",
        "-days",
        "2",
    ]
    command += ["-subj", "/CN=own", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", "own.key", "-out", "own.crt"]
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    (folder / "own.pem").write_text((folder / "own.crt").read_text() + (folder / "own.key").read_text())


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\nb", "a\0b"])
async def test_a_header_that_cannot_be_sent_is_a_failure_for_good(value):
    async with http_script(http_answer()) as talk:
        answer = await at(talk, headers={"Authorization": value})
    assert (answer.failure, answer.reached) == (Reason.INVALID, False)
    assert outcome_of(answer).status == "failed"
    assert talk.said == []


# ------------------------------------------------------------------ where it does not go, what it does not keep


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"])
async def test_proxies_of_the_environment_are_not_used(monkeypatch, name):
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    async with http_script(http_answer(502, b"the proxy")) as proxy, http_script(http_answer(200, b"the hook")) as talk:
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        answer = await at(talk)
        await post(f"https://127.0.0.1:{talk.port}/", policy=outbound(timeout=0.5))
    assert (answer.status, answer.excerpt, proxy.connections) == (200, "the hook", 0)


async def test_a_netrc_is_not_read(monkeypatch, tmp_path):
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login ada password canary\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    async with http_script(http_answer()) as talk:
        await at(talk)
    assert b"authorization" not in talk.said[0].lower()


@pytest.mark.parametrize(
    "quoted",
    [
        "/hooks/T0000/canary-1?sig=canary%2F2",
        "/hooks/T0000/canary-1",
        "canary-1",
        "canary%2F2",
        "canary/2",
        "Bearer canary-3",
        "canary-3",
    ],
)
async def test_what_an_answer_quotes_of_our_secrets_is_blotted_out(quoted):
    text = f"{'x' * 285} {quoted} is wrong"
    async with http_script(http_answer(400, text.encode())) as talk:
        headers = {**HEADERS, "authorization": "Bearer canary-3"}
        answer = await post(f"http://127.0.0.1:{talk.port}/hooks/T0000/canary-1?sig=canary%2F2", headers=headers)
    assert "canar" not in answer.excerpt
    assert "•••" in answer.excerpt


@pytest.mark.parametrize("status", ["101", "000"])
async def test_a_status_that_ends_no_request_tells_nothing_of_it(status):
    async with http_script(f"HTTP/1.1 {status} X\r\nUpgrade: h2c\r\nContent-Length: 0\r\n\r\n".encode()) as talk:
        outcome = outcome_of(await at(talk))
    assert (outcome.status, outcome.reason) == ("unknown", "server_error")


@pytest.mark.parametrize("written", ["/hooks/c%61nary-1?sig=canary%2b2%3d", "/hooks/canary-1?sig=canary%2B2%3D"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32-be"])
async def test_what_an_answer_quotes_of_the_url_is_blotted_out_as_it_was_sent(written, encoding):
    async def echo(talk, reader, writer):
        await read_request(talk, reader)
        writer.write(http_answer(400, talk.said[0].partition(b" HTTP/")[0].decode().encode(encoding)))

    async with bare_server(echo) as talk:
        answer = await post(f"http://127.0.0.1:{talk.port}{written}")
    assert "canar" not in answer.excerpt
    assert "•••" in answer.excerpt


async def test_a_session_closed_opens_again():
    async with http_script(http_answer()) as talk:
        out = outbound()
        for _ in range(2):
            assert (await out.post(f"http://127.0.0.1:{talk.port}/", b"{}", HEADERS)).status == 200
            await out.aclose()
            await out.aclose()
    assert talk.connections == 2


@pytest.mark.parametrize("timeout", [0, -1, 31, float("nan")])
def test_a_timeout_is_above_0_and_at_most_30_seconds(timeout):
    with pytest.raises(ValueError, match="timeout"):
        OutboundPolicy(timeout=timeout)


def test_an_answer_of_nothing_is_unreachable():
    assert outcome_of(Answer()).reason == Reason.UNREACHABLE


def test_an_outbound_never_used_closes():
    asyncio.run(Outbound(OutboundPolicy()).aclose())


async def test_nobody_waits_here_for_a_host_that_takes_its_time():
    """What is sent at once is bounded before; time spent waiting for a place would count as the host's."""
    count, all_here = 60, asyncio.Event()

    async def serve(talk, reader, writer):
        talk.said.append(await reader.readuntil(b"\r\n\r\n"))
        if len(talk.said) == count:
            all_here.set()
        await all_here.wait()
        writer.write(http_answer())
        await writer.drain()

    async with bare_server(serve) as talk:
        out = outbound()
        answers = await asyncio.gather(
            *(out.post(f"http://127.0.0.1:{talk.port}/", b"{}", HEADERS) for _ in range(count))
        )
        await out.aclose()
    assert [one.status for one in answers] == [200] * count
