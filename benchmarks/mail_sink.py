"""A mail server that throws everything away; `mail_sink.py 0.02` is a round trip of 20 ms away.

Prints its port. Offers PIPELINING, as mail servers do.
"""

import asyncio
import sys
from typing import cast

ANSWERS = {
    b"EHLO": b"250-sink.example\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n",
    b"DATA": b"354 go on\r\n",
    b"QUIT": b"221 bye\r\n",
}
ONE_WAY = float(sys.argv[1]) / 2 if len(sys.argv) > 1 else 0.0


class Sink(asyncio.Protocol):
    """One connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._rest, self._is_content = b"", False
        self._answer(b"220 sink.example\r\n")

    def data_received(self, data: bytes) -> None:
        if ONE_WAY:
            asyncio.get_running_loop().call_later(ONE_WAY, self._hear, data)
        else:
            self._hear(data)

    def _answer(self, answer: bytes) -> None:
        if ONE_WAY:
            asyncio.get_running_loop().call_later(ONE_WAY, self._transport.write, answer)
        else:
            self._transport.write(answer)

    def _hear(self, data: bytes) -> None:
        self._rest += data
        answers = []
        while True:
            one, end, rest = self._rest.partition(b"\r\n.\r\n" if self._is_content else b"\r\n")
            if not end:
                break
            self._rest = rest
            verb = one[:4].upper()
            answers.append(b"250 ok\r\n" if self._is_content else ANSWERS.get(verb, b"250 ok\r\n"))
            self._is_content = not self._is_content and verb == b"DATA"
        if answers:
            self._answer(b"".join(answers))


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
