"""Receivers that mean harm: each says what it says for as long as anybody listens."""

import gzip
import itertools
import socket
import struct
import threading
import zlib
from contextlib import suppress

_OK = b"HTTP/1.1 200 OK\r\n"
_BOMB = gzip.compress(b"\0" * 50_000_000)
_PIECE = b"x" * 65_536


class Receiver:
    """One behaviour on one port; every connection has a thread of its own."""

    def __init__(self, behave):
        self._behave = behave
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._stop = threading.Event()
        self.connections = 0
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock):
        with sock, suppress(OSError, ValueError):
            self._behave(sock, self._stop)

    def __enter__(self):
        return self

    def __exit__(self, *error):
        self._stop.set()
        self._listener.close()


def read_request(sock):
    got = b""
    while b"\r\n\r\n" not in got:
        piece = sock.recv(65_536)
        if not piece:
            raise OSError("gone")
        got += piece
    head, _, body = got.partition(b"\r\n\r\n")
    length = next(int(line[15:]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += sock.recv(65_536)


def says(*pieces, then="close"):
    """Reads the request, says the pieces, then closes, hangs, resets, or goes on with the last one for ever."""

    def behave(sock, stop):
        while True:
            read_request(sock)
            for piece in pieces:
                sock.sendall(piece)
            if then == "for ever":
                while not stop.is_set():
                    sock.sendall(pieces[-1])
            elif then == "hang":
                stop.wait(60)
            elif then == "reset":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            if then != "again":
                return

    return behave


def drips(head, drop=b"x"):
    def behave(sock, stop):
        read_request(sock)
        sock.sendall(head)
        while not stop.wait(0.05):
            sock.sendall(drop)

    return behave


def numbered_headers(sock, stop):
    read_request(sock)
    sock.sendall(_OK)
    for number in itertools.count():
        if stop.is_set():
            return
        sock.sendall(b"X-%d: %s\r\n" % (number, b"v" * 4000))


def never_reads(sock, stop):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stop.wait(60)


def never_shakes_hands(sock, stop):
    stop.wait(60)


def answered(status=200, body=b"ok", **headers):
    lines = [b"HTTP/1.1 %d X" % status, b"Content-Length: %d" % len(body)]
    lines += [f"{name.replace('_', '-')}: {value}".encode("latin-1") for name, value in headers.items()]
    return b"\r\n".join([*lines, b"", b""]) + body


def _chunked(*chunks, extra=b""):
    return _OK + b"Transfer-Encoding: chunked\r\n" + extra + b"\r\n" + b"".join(chunks)


SLOW = {
    "hang": says(then="hang"),
    "drip a head": drips(_OK, b"X: 1\r\n"),
    "drip a line of a head": drips(_OK + b"X: "),
    "drip a body": drips(_OK + b"Content-Length: 100000\r\n\r\n"),
    "drip chunks": drips(_chunked(), b"1\r\nx\r\n"),
    "drip the size of a chunk": drips(_chunked(), b"0"),
    "hang amid a body": says(_OK + b"Content-Length: 9\r\n\r\nabc", then="hang"),
    "no request read": never_reads,
}
ENDLESS = {
    "a body": says(_OK + b"\r\n", _PIECE, then="for ever"),
    "a body longer than said": says(_OK + b"Content-Length: 5\r\n\r\n", _PIECE, then="for ever"),
    "a body of a terabyte": says(_OK + b"Content-Length: 1099511627776\r\n\r\n", _PIECE, then="for ever"),
    "chunks": says(_chunked(), b"10000\r\n" + _PIECE + b"\r\n", then="for ever"),
    "one chunk": says(_chunked(b"FFFFFFFF\r\n"), _PIECE, then="for ever"),
    "tiny chunks": says(_chunked(), b"1\r\nx\r\n" * 5000, then="for ever"),
    "the extension of a chunk": says(_chunked(b"5;"), _PIECE, then="for ever"),
    "trailers": says(_chunked(b"0\r\n"), b"X: 1\r\n" * 5000, then="for ever"),
    "a header": says(_OK + b"X: ", _PIECE, then="for ever"),
    "the name of a header": says(_OK, _PIECE, then="for ever"),
    "headers": numbered_headers,
    "small headers": says(_OK, b"X: 1\r\n" * 5000, then="for ever"),
    "folded headers": says(_OK + b"X: 1\r\n", b" 2\r\n" * 5000, then="for ever"),
    "a status line": says(b"HTTP/1.1 200 ", _PIECE, then="for ever"),
    "garbage": says(_PIECE, then="for ever"),
    "empty lines": says(b"\r\n" * 5000, then="for ever"),
    "answers": says(answered() * 500, then="for ever"),
    "100 Continue": says(b"HTTP/1.1 100 Continue\r\n\r\n", then="for ever"),
    "102 Processing": says(b"HTTP/1.1 102 Processing\r\n\r\n" * 50, then="hang"),
    "103 Early Hints": says(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n", then="for ever"),
}
ODD = {
    "reset at once": says(then="reset"),
    "reset amid the head": says(_OK, then="reset"),
    "reset amid the body": says(_OK + b"Content-Length: 9\r\n\r\nabc", then="reset"),
    "closed amid the body": says(_OK + b"Content-Length: 9\r\n\r\nabc"),
    "a length below zero": says(_OK + b"Content-Length: -1\r\n\r\nabc"),
    "a length in words": says(_OK + b"Content-Length: many\r\n\r\nabc"),
    "a length of 5000 digits": says(_OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nabc"),
    "two lengths": says(_OK + b"Content-Length: 3\r\nContent-Length: 9\r\n\r\nabc"),
    "a length and chunks": says(_chunked(b"3\r\nabc\r\n0\r\n\r\n", extra=b"Content-Length: 1\r\n")),
    "a chunk below zero": says(_chunked(b"-5\r\nabcde\r\n0\r\n\r\n")),
    "a chunk of 40 digits": says(_chunked(b"F" * 40 + b"\r\nabc")),
    "a chunk that is none": says(_chunked(b"zz\r\nabc\r\n0\r\n\r\n")),
    "an unknown transfer coding": says(_OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
    "a NUL in a header": says(b"HTTP/1.1 200 OK\r\nX: a\0b\r\n\r\n"),
    "a bare line feed": says(b"HTTP/1.1 200 OK\nX: 1\n\nok"),
    "HTTP/0.9": says(b"ok"),
    "HTTP/2": says(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "switching protocols": says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", then="hang"),
    "status 99": says(b"HTTP/1.1 099 X\r\n\r\n"),
    "status 1000": says(b"HTTP/1.1 1000 X\r\n\r\n"),
    "a mail server": says(b"220 mail.example ESMTP\r\n"),
    "gzip bomb": says(answered(500, _BOMB, Content_Encoding="gzip")),
    "deflate bomb": says(answered(500, zlib.compress(b"\0" * 50_000_000), Content_Encoding="deflate")),
    "bomb in a bomb": says(answered(500, gzip.compress(_BOMB), Content_Encoding="gzip, gzip")),
    "gzip without end": says(_OK + b"Content-Encoding: gzip\r\n\r\n", _BOMB, then="for ever"),
    "brotli that is none": says(answered(500, b"\xff" * 1000, Content_Encoding="br")),
    "large headers": says(answered(200, b"ok", **{f"X{number}": "v" * 7000 for number in range(100)})),
    "cookies": says(answered(200, b"ok", Set_Cookie="a=" + "b" * 7000)),
    **{f"a redirect by {status}": says(answered(status, Location="/hook"), then="again") for status in (301, 302, 303, 307, 308)},
    "a redirect to metadata": says(answered(302, Location="http://169.254.169.254/latest/meta-data/")),
    "a refresh": says(answered(200, Refresh="0; url=http://169.254.169.254/")),
}  # fmt: skip
WAITS = [
    "999999999",
    "9" * 30,
    "-1",
    "0",
    "1e9",
    "soon",
    "",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "NaN",
    "\xff",
]
RETRIES = {f"Retry-After: {value[:30]}": says(answered(503, b"", Retry_After=value)) for value in WAITS}
EVERY = {**SLOW, **{f"endless: {name}": one for name, one in ENDLESS.items()}, **ODD, **RETRIES}
