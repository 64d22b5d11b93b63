"""What people may rely on, over the whole path: each address its own end, nothing lost, every copy the same."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from livery import Config, Engine
from livery.testing import MailServer

EVENT = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
SELLER = EVENT["data"]["seller"]["id"]
TAKEN, REFUSED, PUT_OFF = "taken@x.example", "refused@x.example", "put-off@x.example"
pytestmark = pytest.mark.usefixtures("client")


class Clock:
    def __init__(self):
        self.at = datetime(2026, 11, 20, 9, 42, 7, tzinfo=UTC)

    def __call__(self):
        return self.at


class Losing(MailServer):
    """Takes the first message and breaks off instead of answering."""

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        answer = await super().handle_DATA(server, session, envelope)
        if len(self.mails) == 1:
            server.transport.abort()
        return answer


def opened(folder, port, client, clock, *people):
    recipients = [f"address:{one}" for one in people]
    return Engine.open(
        Config.load(
            None,
            database_url=f"sqlite:///{folder}/livery.db",
            channels={"smtp": {"port": port, "client": client}},
            tenants={
                "platform": {},
                SELLER: {
                    "parent": "platform",
                    "settings": {"OfferProvisionError": {"to": recipients, "cc": [], "bcc": []}},
                },
            },
        ),
        now=clock,
    )


def later(engine, clock, times=1):
    for _ in range(times):
        clock.at += timedelta(days=3)
        engine.drain()


def test_three_addresses_end_as_three_states_and_only_the_one_put_off_is_written_to_again(tmp_path, client):
    answers = {REFUSED: "550 5.1.1 no such user", PUT_OFF: "451 4.7.1 later"}
    asked, clock = [], Clock()

    def answer(address):
        asked.append(address)
        return answers.get(address)

    with (
        MailServer(answer=answer) as server,
        opened(tmp_path, server.port, client, clock, TAKEN, REFUSED, PUT_OFF) as engine,
    ):
        engine.accept(EVENT)
        engine.drain()
        [delivery] = engine.deliveries()
        [first] = engine.attempts(delivery.id)
        assert delivery.state == "retrying"
        assert {one.address: (one.status, one.code) for one in first.outcome.recipients} == {
            TAKEN: ("accepted", "250"),
            REFUSED: ("failed", "550"),
            PUT_OFF: ("retry", "451"),
        }
        later(engine, clock)
        del answers[PUT_OFF]
        later(engine, clock)
        [delivery] = engine.deliveries()
    assert delivery.state == "accepted"
    assert asked == [TAKEN, REFUSED, PUT_OFF, PUT_OFF, PUT_OFF]
    assert [mail.recipients for mail in server.mails] == [(TAKEN,), (PUT_OFF,)]
    assert server.mails[0].content == server.mails[1].content


def test_what_is_refused_for_good_is_never_tried_again(tmp_path, client):
    asked, clock = [], Clock()

    def answer(address):
        asked.append(address)
        return "550 5.7.1 no"

    with MailServer(answer=answer) as server, opened(tmp_path, server.port, client, clock, REFUSED) as engine:
        engine.accept(EVENT)
        engine.drain()
        later(engine, clock, times=3)
        [delivery] = engine.deliveries()
    assert (delivery.state, delivery.reason, asked) == ("dead", "refused", [REFUSED])


def test_an_answer_that_was_lost_is_unknown_and_the_same_bytes_go_out_again(tmp_path, client):
    clock = Clock()
    with Losing() as server, opened(tmp_path, server.port, client, clock, TAKEN) as engine:
        engine.accept(EVENT)
        engine.drain()
        [delivery] = engine.deliveries()
        assert [one.outcome.status for one in engine.attempts(delivery.id)] == ["unknown"]
        later(engine, clock)
        [delivery] = engine.deliveries()
        assert [one.outcome.status for one in engine.attempts(delivery.id)] == ["unknown", "accepted"]
    assert delivery.state == "accepted"
    first, second = server.mails
    assert first.content == second.content
    assert first.parsed["Message-ID"] == delivery.message_id
    assert first.parsed["Date"] == "Fri, 20 Nov 2026 09:42:07 +0000"
