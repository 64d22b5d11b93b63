"""A name server on this machine."""

import socket
import threading

import dns.message
import dns.rcode
import dns.rrset
import pytest


@pytest.fixture
def name_server():
    """Answers TXT by a table; a name that is not in it does not exist, None is never answered."""
    table = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind(("127.0.0.1", 0))

        def serve():
            while True:
                data, client = wire.recvfrom(4096)
                if data == b"stop":
                    return
                query = dns.message.from_wire(data)
                reply = dns.message.make_response(query)
                question = query.question[0]
                texts = table.get(question.name.to_text().rstrip("."), ())
                if texts is None:
                    continue
                if texts:
                    quoted = [" ".join(f'"{part}"' for part in text) for text in texts]
                    reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", "TXT", *quoted))
                else:
                    reply.set_rcode(dns.rcode.NXDOMAIN)
                wire.sendto(reply.to_wire(), client)

        thread = threading.Thread(target=serve)
        thread.start()
        yield table, wire.getsockname()[1]
        wire.sendto(b"stop", wire.getsockname())
        thread.join()
