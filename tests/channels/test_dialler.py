"""Real listeners on every address of this machine that a forbidden target could mean: nothing may come to them."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest

from channels import authority
from channels.making import bare_server, http_answer, http_script, read_request
from livery.guard import ForbiddenTarget, Guard
from livery.outbound import Outbound, OutboundPolicy, outcome_of
from livery.plugin import Reason

PUBLIC, PUBLIC6 = "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
HOSTS = [
    # this machine, as resolvers and browsers also read it
    "127.0.0.1", "127.0.0.2", "127.1", "127.0.1", "0x7f000001", "0x7f.1", "0x7F.0x0.0x0.0x1", "2130706433", "017700000001", "0177.0.0.1",
    "127.0.0.1.", "127.00.0.1", "0.0.0.0", "0", "①②⑦.⓪.⓪.①", "１２７。０。０。１", "127。0。0。1", "localhost", "LOCALHOST", "localhost.",
    "localhost.localdomain", "ip6-localhost", "ｌｏｃａｌｈｏｓｔ", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
    "[0:0:0:0:0:0:0:1]", "[::1%25lo]", "[::1%lo]", "[64:ff9b::7f00:1]", "[64:ff9b:1::7f00:1]", "[2002:7f00:1::]", "[2001:0:7f00:1::]",
    # other insides
    "10.0.0.1", "172.16.0.1", "172.31.255.254", "192.168.1.1", "100.64.0.1", "169.254.169.254", "169.254.170.2", "2852039166", "0xa9fea9fe",
    "0251.0376.0251.0376", "168.63.129.16", "192.0.0.192", "192.0.2.1", "192.88.99.1", "198.18.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
    "[fd00:ec2::254]", "[fc00::1]", "[fe80::1]", "[fec0::1]", "[ff02::1]", "[100::1]", "[2001:db8::1]", "[3fff::1]", "[::ffff:169.254.169.254]",
    "[64:ff9b::a9fe:a9fe]", "[2002:a9fe:a9fe::1]",
    # names that lead there
    "metadata.google.internal", "loopback.example", "loopback6.example", "metadata.example", "azure.example", "mapped.example", "nat64.example",
    "sixtofour.example", "mixed.example", "mixed6.example", "private.example", "cgnat.example", "bücher-intern.example", "zoned.example",
]  # fmt: skip
SHAPES = [
    "http://{name}:{port}/", "https://{name}@127.0.0.1:{port}/", "https://user:pass@{name}:{port}/", "https://{name}%40127.0.0.1:{port}/",
    "https://{name}\\@127.0.0.1:{port}/", "https://127.0.0.1:{port}\\@{name}/", "https://{name}:22/", "https://{name}:0/", "https://{name}:65536/",
    "ftp://{name}:{port}/", "gopher://127.0.0.1:{port}/", "file:///etc/passwd", "//{name}:{port}/", "https:/{name}:{port}/", "https:///{name}:{port}/",
    "https://{name}:{port}:{port}/", "https://{name}\t:{port}/", "https://{name}:{port}/\r\nHost:x", "ws://{name}:{port}/", "unix:///run/docker.sock",
]  # fmt: skip
NAMES = {
    "localhost": ["127.0.0.1", "::1"], "LOCALHOST": ["127.0.0.1"], "localhost.": ["127.0.0.1"], "localhost.localdomain": ["127.0.0.1"],
    "ip6-localhost": ["::1"], "metadata.google.internal": ["169.254.169.254"], "loopback.example": ["127.0.0.1"], "loopback6.example": ["::1"],
    "metadata.example": ["169.254.169.254"], "azure.example": ["168.63.129.16"], "mapped.example": ["::ffff:127.0.0.1"],
    "nat64.example": ["64:ff9b::7f00:1"], "sixtofour.example": ["2002:7f00:1::"], "mixed.example": [PUBLIC, "127.0.0.1"],
    "mixed6.example": [PUBLIC6, "::1"], "private.example": ["10.0.0.1"], "cgnat.example": ["100.64.0.1"],
    "xn--bcher-intern-dlb.example": ["127.0.0.1"], "zoned.example": ["fe80::1%lo"], "good.example": [PUBLIC], "good6.example": [PUBLIC6],
    "both.example": [PUBLIC6, PUBLIC], "xn--bcher-kva.example": [PUBLIC],
}  # fmt: skip
_system = socket.getaddrinfo


class Wire:
    """Names of our own; public addresses lead to the listener, all others go where they go."""

    def __init__(self, monkeypatch, port):
        self.port, self.connected, self.names = port, [], dict(NAMES)
        connect = asyncio.SelectorEventLoop.sock_connect

        def getaddrinfo(host, port, *args, **kwargs):
            answers = self.names.get(host)
            if answers is None:
                return _system(host, port, *args, **{**kwargs, "flags": socket.AI_NUMERICHOST})
            return [_info(one, port or 0) for one in answers]

        async def sock_connect(loop, sock, address):
            self.connected.append(address[0])
            if address[0] in (PUBLIC, PUBLIC6):
                # A socket of the other family cannot get there: the kernel says so as it would of a dead address.
                address = ("127.0.0.1", self.port) if sock.family == socket.AF_INET else ("::1", self.port)
            await connect(loop, sock, address)

        monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
        monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", sock_connect)


def _info(address, port):
    v6 = ":" in address
    return (
        socket.AF_INET6 if v6 else socket.AF_INET,
        socket.SOCK_STREAM,
        6,
        "",
        (address, port, 0, 0) if v6 else (address, port),
    )


@asynccontextmanager
async def listening():
    """One port on every address of this machine: (port, the connections that came)."""
    arrived = []

    async def connected(reader, writer):
        arrived.append(writer.get_extra_info("sockname")[:2])
        writer.close()

    four = await asyncio.start_server(connected, "0.0.0.0", 0)
    port = four.sockets[0].getsockname()[1]
    six = await asyncio.start_server(connected, "::", port) if socket.has_ipv6 else None
    try:
        yield port, arrived
    finally:
        for server in filter(None, (four, six)):
            server.close()


async def until(arrived, count):
    """Wait until so many connections have come, and not one more."""
    async with asyncio.timeout(5):
        while len(arrived) < count:  # noqa: ASYNC110 - it is the kernel that is waited for
            await asyncio.sleep(0.005)
    assert len(arrived) == count


def test_the_table_is_as_long_as_it_must_be():
    assert len(set(HOSTS)) == len(HOSTS)
    assert len(HOSTS) + len(SHAPES) >= 78


@pytest.mark.parametrize("by_proxy", [False, True])
async def test_nothing_comes_to_a_forbidden_target(monkeypatch, by_proxy):
    async with listening() as (port, arrived), http_script(http_answer(502)) as proxy:
        wire = Wire(monkeypatch, port)
        hop = {"proxy": f"http://127.0.0.1:{proxy.port}"} if by_proxy else {}
        out = Outbound(OutboundPolicy(ports=(443, port), timeout=5, **hop))
        urls = [f"https://{host}:{port}/hook" for host in HOSTS]
        urls += [shape.format(name="good.example", port=port) for shape in SHAPES]
        answers = {url: await out.post(url, b"{}", {}) for url in urls}
        await out.aclose()
    assert {url: answer for url, answer in answers.items() if answer.failure is not Reason.FORBIDDEN_TARGET} == {}
    assert {outcome_of(answer).status for answer in answers.values()} == {"failed"}
    assert (arrived, wire.connected, proxy.connections) == ([], [], 0)


async def test_nothing_comes_to_a_forbidden_mail_server(monkeypatch):
    bare = [host.strip("[]").replace("%25", "%") for host in HOSTS]
    async with listening() as (port, arrived):
        wire = Wire(monkeypatch, port)
        guard = Guard(OutboundPolicy())
        for host in [
            *bare,
            "",
            ".",
            "a b",
            "a@b.example",
            "good.example/x",
            "good.example:25",
            "[good.example]",
            "a\nb",
        ]:
            with pytest.raises(ForbiddenTarget) as refused:
                await guard.dial(host, port, ports=(port,))
            assert not any(address in str(refused.value) for address in ("169.254.", "10.0.0.", "168.63", "fd00"))
        with pytest.raises(ForbiddenTarget, match="only port 25 or 587 is allowed, not"):
            await guard.dial("good.example", port, ports=(25, 587))
    assert (arrived, wire.connected) == ([], [])


@pytest.mark.parametrize(
    "host", ["good.example", "good6.example", "both.example", "bücher.example", PUBLIC, f"[{PUBLIC6}]"]
)
async def test_a_public_target_is_reached_on_the_address_that_was_checked(monkeypatch, host):
    async with listening() as (port, arrived):
        wire = Wire(monkeypatch, port)
        out = Outbound(OutboundPolicy(ports=(port,), timeout=5))
        answer = await out.post(f"https://{host}:{port}/", b"{}", {})
        (await out.guard.dial(host.strip("[]"), port, ports=(port,))).close()
        await out.aclose()
        await until(arrived, 2)
    assert answer.failure is Reason.UNREACHABLE  # it speaks no TLS, but it was there
    assert set(wire.connected) <= {PUBLIC, PUBLIC6}


@pytest.mark.parametrize(
    ("allow", "host"),
    [("127.0.0.1", "127.0.0.1"), ("127.0.0.0/8", "127.0.0.9"), ("::1", "[::1]"), ("loopback.example", "loopback.example"),
     ("127.0.0.0/8", "loopback.example"), ("Loopback6.Example.", "LOOPBACK6.example")],
)  # fmt: skip
async def test_what_the_operator_allows_is_reached(monkeypatch, allow, host):
    async with listening() as (port, arrived):
        wire = Wire(monkeypatch, port)
        wire.names["LOOPBACK6.example"] = wire.names["loopback6.example"]
        guard = Guard(OutboundPolicy(allow=(allow,)))
        (await guard.dial(host.strip("[]"), port, ports=(port,))).close()
        out = Outbound(OutboundPolicy(allow=(allow,), ports=(port,), timeout=5))
        await out.post(f"https://{host}:{port}/", b"{}", {})
        await out.aclose()
        await until(arrived, 2)


async def test_the_operators_own_server_is_dialled_as_it_is():
    async with listening() as (port, arrived):
        guard = Guard(OutboundPolicy())
        (await guard.dial("127.0.0.1", port)).close()
        sock = await asyncio.to_thread(guard.dial_blocking, "localhost", port, timeout=5)
        assert sock.gettimeout() == 5
        sock.close()
        await until(arrived, 2)


async def test_a_dead_address_does_not_hide_a_living_one(monkeypatch):
    async with listening() as (port, arrived):
        wire = Wire(monkeypatch, port)
        wire.names["two.example"] = ["127.0.0.1", PUBLIC]
        guard = Guard(OutboundPolicy(allow=("two.example",)))
        connect = asyncio.SelectorEventLoop.sock_connect

        async def refuse_the_first(loop, sock, address):
            if address[0] == "127.0.0.1" and len(wire.connected) == 0:
                wire.connected.append("refused")
                raise ConnectionRefusedError
            await connect(loop, sock, address)

        monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", refuse_the_first)
        (await guard.dial("two.example", port, ports=(port,))).close()
        with pytest.raises(OSError, match=r"no such name|not known"):
            await guard.dial("nowhere.example", port, ports=(port,))
        await until(arrived, 1)
    assert wire.connected == ["refused", PUBLIC]


async def test_a_name_server_that_hangs_holds_up_neither_others_nor_the_exit(monkeypatch):
    import threading

    hanging, asked = threading.Event(), []

    def getaddrinfo(host, port, *args, **kwargs):
        asked.append(host)
        if host == "hangs.example":
            hanging.wait(20)
        return [_info(PUBLIC, 0)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    guard = Guard(OutboundPolicy())
    stuck = [asyncio.create_task(guard.resolve("hangs.example")) for _ in range(50)]
    assert [one.host for one in await guard.resolve("fine.example")] == [PUBLIC]
    assert asked.count("hangs.example") == 1, "one name takes one thread, however many ask for it"
    for task in stuck:
        task.cancel()
    await asyncio.gather(*stuck, return_exceptions=True)
    hanging.set()


# ------------------------------------------------------------------ TLS and the proxy


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    return authority.make(tmp_path_factory.mktemp("authority"), "good.example", "other.example")


@pytest.mark.parametrize(("name", "status"), [("good.example", 200), ("other.example", None)])
async def test_the_certificate_must_be_the_names_though_the_connection_goes_to_an_address(
    monkeypatch, certificates, name, status
):
    served = []

    async def serve(talk, reader, writer):
        await read_request(talk, reader)
        served.append(writer.get_extra_info("ssl_object").context.sni)
        writer.write(http_answer())

    context = authority.identity(certificates, name)
    context.sni_callback = lambda ssl_object, sni, own: setattr(own, "sni", sni)
    async with bare_server(serve, ssl=context) as talk:
        wire = Wire(monkeypatch, talk.port)
        out = Outbound(OutboundPolicy(ports=(talk.port,), timeout=5, ca_file=certificates / "ca.pem"))
        answer = await out.post(f"https://good.example:{talk.port}/hook", b"{}", {})
        await out.aclose()
    assert (answer.status, wire.connected) == (status, [PUBLIC])
    if status:
        assert (served, b"\r\nHost: good.example:%d\r\n" % talk.port in talk.said[0]) == (["good.example"], True)
    else:
        assert (answer.reached, "certificate" in answer.excerpt) == (False, True)


@pytest.mark.parametrize(("name", "status"), [("good.example", 200), ("other.example", None)])
async def test_a_configured_proxy_is_asked_for_the_address_and_sees_nothing_else(
    monkeypatch, certificates, name, status
):
    async def serve(talk, reader, writer):
        await read_request(talk, reader)
        writer.write(http_answer())

    async def tunnel(talk, reader, writer):
        talk.said.append(await reader.readuntil(b"\r\n\r\n"))
        there = await asyncio.open_connection("127.0.0.1", behind.port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pump(reader, there[1]), _pump(there[0], writer))

    async with bare_server(serve, ssl=authority.identity(certificates, name)) as behind, bare_server(tunnel) as proxy:
        Wire(monkeypatch, 1)
        hop = f"http://ops:canary-pass@127.0.0.1:{proxy.port}"
        policy = OutboundPolicy(timeout=5, ca_file=certificates / "ca.pem", proxy=hop)
        out = Outbound(policy)
        answer = await out.post("https://good.example/hook", b"{}", {"Authorization": "Bearer canary-2"})
        await out.aclose()
    assert answer.status == status
    [asked] = proxy.said
    assert asked.startswith(b"CONNECT %s:443 " % PUBLIC.encode())
    assert b"Basic " in asked
    assert b"canary-2" not in asked
    assert "canary" not in repr((policy, answer))
    if status:
        assert b"\r\nHost: good.example\r\n" in behind.said[0]
        assert b"roxy-Auth" not in behind.said[0]


async def _pump(reader, writer):
    try:
        while chunk := await reader.read(65536):
            writer.write(chunk)
            await writer.drain()
    finally:
        writer.close()


@pytest.mark.parametrize(
    "proxy", ["proxy.example:3128", "socks5://proxy.example", "http://", "http://proxy.example/path"]
)
def test_what_is_no_proxy_is_refused_and_not_shown(proxy):
    with pytest.raises(ValueError, match="URL of an HTTP proxy") as refused:
        OutboundPolicy(proxy=f"{proxy}")
    assert "canary" not in str(refused.value)


async def test_an_authority_that_is_none_is_the_operators_fault(tmp_path):
    for name, content in (("missing.pem", None), ("empty.pem", "no certificate")):
        if content:
            (tmp_path / name).write_text(content)
        out = Outbound(OutboundPolicy(ca_file=tmp_path / name))
        answer = await out.post("https://good.example/", b"{}", {})
        await out.aclose()
        assert (answer.failure, outcome_of(answer).status) == (Reason.MISCONFIGURED, "retry")
