"""Bodies and headers that mean harm: each is told what is wrong with it, and nothing of it is stored.

Over a real server on loopback, byte by byte where a client would not send it so.
"""

import gzip
import json
import re
import socket
from contextlib import closing
from threading import Thread

import pytest
import uvicorn

from service.served import Service, event

STRUCTURED = "Content-Type: application/cloudevents+json\r\n"
DEEP = 200_000


class Server:
    """The service behind uvicorn, in a thread."""

    def __init__(self, folder):
        limits = {"rate": 0, "stranger_rate": 0, "max_body": 300_000, "body_seconds": 0.5}
        self.service = Service(folder, server=limits)
        self.engine = self.service.engine
        self.token = self.service.token("sender")
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        self.port, self._listening = listening.getsockname()[1], listening
        self._server = uvicorn.Server(uvicorn.Config(self.service.app, log_config=None, access_log=False))
        self._thread = Thread(target=self._server.run, kwargs={"sockets": [listening]})
        self._thread.start()

    def close(self):
        self._server.should_exit = True
        self._thread.join()
        self._listening.close()
        self.service.close()

    def send(self, *parts, headers=STRUCTURED, authorized=True, length=True):
        """Send a POST in parts, and have the status and the problem that is answered."""
        body = b"".join(parts) if length else b""
        said = f"POST /v1/events HTTP/1.1\r\nHost: livery.test\r\nConnection: close\r\n{headers}"
        if authorized:
            said += f"Authorization: Bearer {self.token}\r\n"
        if length:
            said += f"Content-Length: {len(body)}\r\n"
        return self.talk(said.encode() + b"\r\n", *([body] if length else parts))

    def talk(self, *parts):
        with closing(socket.create_connection(("127.0.0.1", self.port), timeout=20)) as connection:
            try:
                for part in parts:
                    connection.sendall(part)
            except OSError:
                pass  # it was answered before all was sent
            answer = b""
            try:
                while more := connection.recv(65536):
                    answer += more
            except ConnectionResetError:
                pass
        head, _, body = answer.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1]) if head else 0
        return status, json.loads(body) if b"application/problem+json" in head else body


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Server(tmp_path_factory.mktemp("hostile"))
    yield made
    made.close()


@pytest.fixture(autouse=True)
def nothing_is_stored(server):
    yield
    assert server.engine.events() == []
    assert server.engine.counts() == {"unplanned": 0}


def raw(**changes):
    return json.dumps(event(**changes)).encode()


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_read(server):
    head = f"POST /v1/events HTTP/1.1\r\nHost: x\r\n{STRUCTURED}Authorization: Bearer {server.token}\r\nContent-Length: 999999999\r\n\r\n"
    status, said = server.talk(head.encode())
    assert (status, said["type"]) == (413, "urn:livery:problem:too-large")
    assert "300,000 bytes" in said["detail"]


def test_a_body_without_end_is_refused_once_it_is_too_large(server):
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    status, said = server.send(*[chunk] * 40, headers=f"{STRUCTURED}Transfer-Encoding: chunked\r\n", length=False)
    assert (status, said["type"]) == (413, "urn:livery:problem:too-large")


def test_a_body_that_never_ends_is_not_waited_for(server):
    status, said = server.send(b'5\r\n{"id"\r\n', headers=f"{STRUCTURED}Transfer-Encoding: chunked\r\n", length=False)
    assert (status, said["type"]) == (408, "urn:livery:problem:too-slow")


@pytest.mark.parametrize("packing", ["gzip", "deflate", "br", "zstd", "GZIP", "gzip, gzip"])
def test_a_packed_body_is_not_unpacked(server, packing):
    bomb = gzip.compress(b" " * 50_000_000)
    status, said = server.send(bomb, headers=f"{STRUCTURED}Content-Encoding: {packing}\r\n")
    assert (status, said["type"]) == (415, "urn:livery:problem:unsupported-media-type")


def nested(opening, closing):
    return b'{"data": ' + opening * DEEP + closing * DEEP + b"}"


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        pytest.param(nested(b"[", b"]")[:200_000], 400, "not JSON|nested deeper", id="unclosed and deep"),
        pytest.param(b"[" * 100_000 + b"]" * 100_000, 400, "nested deeper than 32 levels", id="deep lists"),
        pytest.param(b'{"a":' * 40 + b"1" + b"}" * 40, 422, "no message can carry", id="40 objects"),
        pytest.param(b'{"id": "a", "id": "b"}', 400, "'id' stands twice", id="a key twice"),
        pytest.param(b'{"data": NaN}', 400, "NaN is no JSON number", id="NaN"),
        pytest.param(b'{"data": -Infinity}', 400, "-Infinity is no JSON number", id="infinity"),
        pytest.param(b'{"data": 1e999}', 422, "no message can carry", id="a number without end"),
        pytest.param(b'{"data": ' + b"9" * 5000 + b"}", 400, "more digits than can be read", id="digits"),
        pytest.param(b'{"data": "\\u0000"}', 422, "no message can carry", id="NUL"),
        pytest.param(b'{"data": "\\ud800"}', 422, "no message can carry", id="half a character"),
        pytest.param(b'{"data": "\xff"}', 400, "not UTF-8", id="no UTF-8"),
        pytest.param(b'{"data": "\xed\xa0\x80"}', 400, "not UTF-8", id="a surrogate in UTF-8"),
        pytest.param('{"data": 1}'.encode("utf-16"), 400, "not UTF-8", id="UTF-16"),
        pytest.param(b"", 400, "not JSON", id="nothing"),
        pytest.param(b"null", 422, "not an event", id="null"),
    ],
)  # fmt: skip
def test_json_that_two_readers_could_read_differently_is_refused(server, body, status, says):
    for headers in (STRUCTURED, "Content-Type: application/json\r\nce-specversion: 1.0\r\n"):
        came, said = server.send(body, headers=headers)
        if headers is STRUCTURED or status == 400:
            assert came == status, said
            assert re.search(says, said["detail"]), said
        assert 400 <= came < 500


def test_a_batch_is_held_to_the_same_rules(server):
    kind = "Content-Type: application/cloudevents-batch+json\r\n"
    good = raw().decode()
    assert server.send(f'[{good}, {{"id": 1, "id": 2}}]'.encode(), headers=kind)[0] == 400
    status, said = server.send(f'[{good}, {{"data": "\\u0000"}}]'.encode(), headers=kind)
    assert (status, said["errors"][0]["pointer"]) == (422, "#/1/data")
    status, said = server.send(f"[{','.join(['{}'] * 1001)}]".encode(), headers=kind)
    assert (status, said["detail"]) == (422, "the batch is too large")


def test_an_event_over_its_size_is_refused_though_a_batch_could_hold_it(server):
    status, said = server.send(raw(subject="x" * 270_000))
    assert (status, said["detail"]) == (422, "the event is too large")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (f"{STRUCTURED}Authorization: Bearer other\r\n", 400),
        (f"{STRUCTURED}{STRUCTURED}", 400),
        ("Content-Type: application/json\r\nce-id: a\r\nce-id: b\r\nce-specversion: 1.0\r\n", 422),
        ("Content-Type: application/json\r\nce-id: %ff\r\nce-specversion: 1.0\r\n", 422),
        ("Content-Type: application/json\r\nce-data: {}\r\nce-specversion: 1.0\r\n", 422),
        ("Content-Type: application/cloudevents+json; charset=utf-16\r\n", 415),
        ("Content-Type: application/cloudevents+xml\r\n", 415),
        (f"{STRUCTURED}Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", 400),
        (f"{STRUCTURED}Content-Length: 0\r\n", 400),
    ],
    ids=["two tokens", "two types", "an attribute twice", "no UTF-8", "data in a header", "charset", "XML", "two lengths",
         "other length"],
)  # fmt: skip
def test_headers_that_say_two_things_are_refused(server, headers, status):
    assert server.send(raw(), headers=headers)[0] == status


def test_headers_over_their_size_are_refused(server):
    # By the HTTP parser if they come in pieces, else by us.
    assert server.send(raw(), headers=f"{STRUCTURED}X-Long: {'x' * 100_000}\r\n")[0] in (400, 431)


def test_an_address_with_a_nul_is_refused(server):
    for target in ("/v1/events/%00", "/v1/events?type=%00", "/v1/deliveries/a%00b/message"):
        head = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {server.token}\r\n\r\n"
        assert server.talk(head.encode())[0] == 400


def test_an_error_repeats_no_token(server):
    for headers in (f"{STRUCTURED}Authorization: Bearer {server.token}\r\n", "Content-Type: text/plain\r\n"):
        assert server.token not in str(server.send(raw(), headers=headers))
