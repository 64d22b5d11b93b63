"""The guard: no URL reaches what only we can reach, and nothing is connected to but what was checked."""

import asyncio
import ipaddress
import socket

import pytest

from channels.making import http_answer, http_script, outbound
from livery.outbound import ForbiddenTarget, Outbound, OutboundPolicy, is_public, outcome_of
from livery.plugin import Reason

PUBLIC = "93.184.215.14"
PUBLIC6 = "2606:2800:21f:cb07:6820:80da:af6b:8b2c"
INTERNAL = [
    "127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.254",
    "192.168.0.1", "192.168.255.255", "169.254.169.254", "169.254.0.1", "168.63.129.16", "100.64.0.1", "100.127.255.254",
    "192.0.0.1", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1",
    "239.255.255.255", "240.0.0.1", "255.255.255.255",
]  # fmt: skip
INTERNAL6 = [
    "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:93.184.215.14", "::ffff:0:127.0.0.1",
    "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a00:1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2001::1", "2001:0:7f00:1::",
    "2001:db8::1", "3fff::1", "fc00::1", "fd00:ec2::254", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1", "100::1",
    "5f00::1", "4000::1", "2a00:1450:4001:80b:0:5efe:a00:1", "2a00:1450:4001:80b:200:5efe:a9fe:a9fe",
]  # fmt: skip
SPELLINGS = [
    # 127.0.0.1 and 169.254.169.254 as resolvers and browsers also read them
    "127.1", "127.0.1", "0x7f000001", "0x7f.0.0.1", "0x7F.1", "2130706433", "017700000001", "0177.0.0.1", "0177.1", "127.0.0.01",
    "127.00.0.1", "0", "00", "0x0", "0.0", "10.1", "2852039166", "0xa9fea9fe", "0xA9.0xFE.0xA9.0xFE", "0251.0376.0251.0376",
    "169.254.43518", "①②⑦.⓪.⓪.①", "①②⑦。⓪。⓪。①", "127。0。0。1", "１２７.0.0.1", "٠.0.0.0", "127.0.0.1.", "127.1.", "localhost.127.0.0.1",
    "256.256.256.256", "1.2.3.4.5", "0x", "1e3.1", "%31%32%37.0.0.1",
]  # fmt: skip
SHAPES = [
    "http://{public}/", "https://{public}:80/", "https://{public}:22/", "https://{public}:25/", "https://{public}:6379/",
    "https://{public}:444/", "https://{public}:0/", "https://{public}:65536/", "https://{public}:-1/", "https://{public}:443:80/",
    "https://{public}:４４４/", "ftp://{public}/", "file:///etc/passwd", "file://{public}/etc/passwd", "gopher://{public}:443/",
    "dict://{public}:443/", "unix:///run/docker.sock", "ws://{public}/", "wss://{public}/", "data:,x", "javascript:alert(1)",
    "//{public}/", "/hook", "", " ", "https", "https:", "https://", "https:///hook", "https:/{public}/", "https:{public}",
    "https://?x", "https://#x", "https://./", "https://../", "https://:443/", "https://user@{public}/", "https://user:pass@{public}/",
    "https://@{public}/", "https://:@{public}/", "https://:pass@{public}/", "https://{public}@127.0.0.1/", "https://{public}%40127.0.0.1/",
    "https://{public}\\@127.0.0.1/", "https://127.0.0.1\\@{public}/", "https://{public} &@127.0.0.1# @{public}/", "https://{public}\t.example/",
    "https://{public}/\r\nHost: x", "https://{public}/ x", "\nhttps://{public}/", "https://{public}\n/", "https://{public}\0/",
    "https://[::1", "https://::1]/", "https://é][~@", "https://[127.0.0.1]/", "https://[v1.x]/", "https://[fe80::1%25eth0]/", "https://[fe80::1%eth0]/",
    "https://[{public6}%25eth0]/", "https://[::ffff:127.0.0.1%25lo]/", "https://exa\xadmple.example/", "https://{public}./",
]  # fmt: skip
HOSTILE = [
    *(f"https://{address}/hook" for address in INTERNAL),
    *(f"https://[{address}]/hook" for address in INTERNAL6),
    *(f"https://{spelling}/hook" for spelling in SPELLINGS),
    *(shape.format(public=PUBLIC, public6=PUBLIC6) for shape in SHAPES),
]


class Network:
    """In place of names and wires: what was asked, what was connected to; every connection is refused."""

    def __init__(self):
        self.names = {}
        self.asked, self.connected = [], []

    def getaddrinfo(self, host, port, family=0, type=0, proto=0, flags=0):  # noqa: A002
        self.asked.append(host)
        answers = self.names.get(host)
        answers = answers.pop(0) if answers and isinstance(answers[0], list) else answers
        if answers is None:
            try:
                answers = [socket.inet_ntoa(socket.inet_aton(host))]  # what the system's resolver reads into numbers
            except OSError:
                raise socket.gaierror(socket.EAI_NONAME, "no such name") from None
        found = []
        for one in answers:
            v6 = ":" in one
            address = (one, port, 0, 0) if v6 else (one, port)
            found.append((socket.AF_INET6 if v6 else socket.AF_INET, socket.SOCK_STREAM, 6, "", address))
        return found

    async def sock_connect(self, sock, address):
        self.connected.append(address[:2])
        raise ConnectionRefusedError


@pytest.fixture
def network(monkeypatch):
    fake = Network()
    monkeypatch.setattr(socket, "getaddrinfo", fake.getaddrinfo)
    monkeypatch.setattr(asyncio.SelectorEventLoop, "sock_connect", fake.sock_connect)
    return fake


def named(answers, *names):
    return {name: list(answers) for name in names}


async def post(url, *allow):
    out = Outbound(OutboundPolicy(allow=allow, timeout=10))
    try:
        return await out.post(url, b"{}", {})
    finally:
        await out.aclose()


def test_the_table_is_long_and_says_nothing_twice():
    assert len(set(HOSTILE)) == len(HOSTILE) >= 140


@pytest.mark.parametrize("url", HOSTILE, ids=ascii)
async def test_a_hostile_url_is_refused_before_any_connection_is_made(network, url):
    answer = await post(url)
    assert answer.failure is Reason.FORBIDDEN_TARGET, answer
    assert (network.connected, answer.reached) == ([], False)
    assert outcome_of(answer).status == "failed"


@pytest.mark.parametrize("url", HOSTILE, ids=ascii)
def test_its_form_alone_gives_a_hostile_url_away(url):
    with pytest.raises(ForbiddenTarget):
        Outbound(OutboundPolicy()).check(url)


@pytest.mark.parametrize(
    ("url", "reached"),
    [
        (f"https://{PUBLIC}/hook", (PUBLIC, 443)),
        (f"https://{PUBLIC}:443/hook", (PUBLIC, 443)),
        (f"HTTPS://{PUBLIC}:8443/hook", (PUBLIC, 8443)),
        (f"https://[{PUBLIC6}]/hook", (PUBLIC6, 443)),
        ("https://hooks.example/a@b?c=d@e#f@g", (PUBLIC, 443)),
        ("https://hooks.example.:8443/", (PUBLIC, 8443)),
        ("https://HOOKS.example/", (PUBLIC, 443)),
        ("https://bücher.example/", (PUBLIC, 443)),
        ("https://a_b.1x.example/", (PUBLIC, 443)),
    ],
)
async def test_a_public_target_is_connected_to(network, url, reached):
    network.names = named([PUBLIC], "hooks.example", "hooks.example.", "xn--bcher-kva.example", "a_b.1x.example")
    answer = await post(url)
    assert (answer.failure, network.connected) == (Reason.UNREACHABLE, [reached])


# ------------------------------------------------------------------ names


@pytest.mark.parametrize("address", [*INTERNAL, *INTERNAL6, "fe80::1%eth0"])
async def test_a_name_of_an_internal_address_is_refused_and_the_address_not_told(network, address):
    network.names = {"hooks.example": [address]}
    answer = await post("https://hooks.example/")
    assert (answer.failure, network.connected) == (Reason.FORBIDDEN_TARGET, [])
    assert outcome_of(answer).status == "failed"
    assert address not in answer.excerpt.removeprefix("hooks.example")
    assert "hooks.example" in answer.excerpt


@pytest.mark.parametrize(
    "answers", [[PUBLIC, "10.0.0.1"], ["10.0.0.1", PUBLIC], [PUBLIC6, "::1"], [PUBLIC, PUBLIC6, "169.254.169.254"]]
)
async def test_one_internal_address_among_public_ones_is_refused(network, answers):
    network.names = {"hooks.example": answers}
    answer = await post("https://hooks.example/")
    assert (answer.failure, network.connected) == (Reason.FORBIDDEN_TARGET, [])


@pytest.mark.parametrize(
    "name",
    ["localhost", "LOCALHOST", "localhost.", "ip6-localhost", "metadata.google.internal", "db", "ｌｏｃａｌｈｏｓｔ"],
)
async def test_names_of_this_machine_and_network_are_refused(network, name):
    for known in ("localhost", "LOCALHOST", "localhost.", "ip6-localhost", "metadata.google.internal", "db"):
        network.names[known] = ["127.0.0.1"]
    answer = await post(f"https://{name}/")
    assert (answer.failure, network.connected) == (Reason.FORBIDDEN_TARGET, [])


async def test_a_name_that_changes_its_mind_is_connected_to_where_it_was_checked(network):
    network.names = {"rebind.example": [[PUBLIC], ["127.0.0.1"], ["127.0.0.1"]]}
    answer = await post("https://rebind.example/")
    assert (network.asked, network.connected) == (["rebind.example"], [(PUBLIC, 443)])
    assert answer.failure is Reason.UNREACHABLE


async def test_a_name_is_checked_anew_for_every_request(network):
    network.names = {"rebind.example": [[PUBLIC], ["127.0.0.1"]]}
    out = Outbound(OutboundPolicy(timeout=10))
    failures = [(await out.post("https://rebind.example/", b"{}", {})).failure for _ in range(2)]
    await out.aclose()
    assert failures == [Reason.UNREACHABLE, Reason.FORBIDDEN_TARGET]
    assert network.connected == [(PUBLIC, 443)]


async def test_a_name_nobody_knows_is_tried_again(network):
    answer = await post("https://nowhere.example/")
    assert (answer.failure, answer.reached) == (Reason.UNREACHABLE, False)
    assert outcome_of(answer).status == "retry"


# ------------------------------------------------------------------ what an operator allows


@pytest.mark.parametrize(
    ("allow", "url", "connected"),
    [
        ("10.2.0.0/16", "http://10.2.3.4:8080/", ("10.2.3.4", 8080)),
        ("10.2.3.4", "https://10.2.3.4/", ("10.2.3.4", 443)),
        ("fd00::/8", "http://[fd00::7]:81/", ("fd00::7", 81)),
        ("intranet.example", "http://intranet.example:8080/", ("10.9.9.9", 8080)),
        ("Intranet.Example.", "http://INTRANET.example./", ("10.9.9.9", 80)),
        ("10.9.0.0/16", "https://intranet.example/", ("10.9.9.9", 443)),
    ],
)
async def test_what_is_allowed_is_connected_to(network, allow, url, connected):
    network.names = named(["10.9.9.9"], "intranet.example", "intranet.example.", "INTRANET.example.")
    await post(url, allow)
    assert network.connected == [connected]


@pytest.mark.parametrize(
    ("allow", "url"),
    [
        ("10.2.0.0/16", "https://10.3.0.1/"),
        ("10.2.0.0/16", "https://[::ffff:10.2.0.1]/"),
        ("10.2.0.0/16", "ftp://10.2.0.1/"),
        ("10.2.0.0/16", "http://user:pass@10.2.0.1/"),
        ("10.2.0.0/16", "http://intranet.example/"),
        ("10.2.0.0/16", "http://167903233/"),
        ("intranet.example", "http://x.intranet.example/"),
        ("intranet.example", "http://intranet.example.evil.example/"),
        ("intranet.example", "https://10.2.0.1/"),
        ("fe80::/10", "http://[fe80::1%25eth0]/"),
        ("127.0.0.1", "http://127.1/"),
    ],
)
async def test_no_more_than_that_is_allowed(network, allow, url):
    network.names = named(["10.2.0.1"], "intranet.example", "x.intranet.example", "intranet.example.evil.example")
    answer = await post(url, allow)
    assert (answer.failure, network.connected) == (Reason.FORBIDDEN_TARGET, [])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_from_a_good_host_leads_nowhere(status):
    async with http_script(http_answer()) as inside:
        there = http_answer(status, Location=f"http://127.0.0.1:{inside.port}/")
        async with http_script(there) as talk:
            out = outbound("127.0.0.1")
            answer = await out.post(f"http://127.0.0.1:{talk.port}/", b"{}", {})
            await out.aclose()
    assert (answer.status, inside.connections) == (status, 0)


@pytest.mark.parametrize(
    "address", [PUBLIC, PUBLIC6, "1.1.1.1", "8.8.8.8", "223.255.255.255", "192.0.1.1", "2a00:1450:4001:80b::200e"]
)
def test_servers_of_others_are_public(address):
    assert is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", [*INTERNAL, *INTERNAL6])
def test_everything_else_is_not(address):
    assert not is_public(ipaddress.ip_address(address))
