"""Delivery through Engine, with a real store and real servers: pauses, disabling, delay, backlog, suppression."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from livery import Config, Engine
from livery.errors import Backlogged
from livery.models.delivery import Reason, State
from livery.plugin import Channel, ChannelType, Format, NoSettings, Outcome, hookimpl

GOOD = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Clock:
    def __init__(self):
        self.at = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self):
        return self.at


class Watching:
    """A host that keeps what it is told, and may bring a channel of its own."""

    def __init__(self, *channels):
        self.alarms, self.outcomes, self._channels = [], [], channels

    @hookimpl
    def livery_on_alarm(self, kind, message):
        self.alarms.append((kind, message))

    @hookimpl
    def livery_on_outcome(self, delivery, attempt):
        self.outcomes.append((delivery.state, attempt.number))

    @hookimpl
    def livery_register_channels(self):
        return self._channels


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def host():
    return Watching()


def configured(folder, http, **settings):
    hook = {"url": http.url("/hook"), "secret": SECRET}
    return Config.load(
        None,
        database_url=f"sqlite:///{folder}/livery.db",
        outbound={"allow": ["127.0.0.1"]},
        tenants={"platform": {}, "res-org-n": {"parent": "platform", "channels": {"webhook": hook}}},
        **settings,
    )


@pytest.fixture
def engine(tmp_path, http, clock, host):
    with Engine.open(configured(tmp_path, http), now=clock, random=Random(1), plugins={"host": host}) as opened:
        yield opened


def events(count, start=0):
    return [{**GOOD, "id": f"evt-{start + number}"} for number in range(count)]


def test_a_destination_that_keeps_failing_is_paused_then_probed_once_then_catches_up(engine, http, clock, host):
    http.answers["/hook"] = [(503, "", {})] * 12 + [(200, "", {})]
    engine.accept_all(events(20))
    engine.drain()
    tried = len(http.at("/hook"))
    assert 5 <= tried <= 5 + 3, "those on their way when the fifth failed, and no more"
    clock.at += timedelta(seconds=6)
    engine.drain()
    assert len(http.at("/hook")) == tried, "paused"
    assert [kind for kind, _ in host.alarms] == ["paused"]
    assert "https" not in host.alarms[0][1].partition("?")[2]
    assert sum(one.attempts for one in engine.deliveries()) == tried
    http.answers["/hook"] = [(503, "", {})] * (tried + 1) + [(200, "", {})]
    clock.at += timedelta(seconds=30)
    engine.drain()
    assert len(http.at("/hook")) == tried + 1, "one probe"
    clock.at += timedelta(seconds=90)
    engine.drain()
    clock.at += timedelta(minutes=10)
    engine.drain()
    assert {one.state for one in engine.deliveries()} == {State.DELIVERED}
    assert engine.destinations() == []


def test_410_disables_the_destination_with_an_alarm_and_nothing_more_is_sent(engine, http, clock, host):
    http.answers["/hook"] = [(410, "gone", {}), (200, "", {})]
    engine.accept_all(events(1))
    engine.drain()
    engine.accept_all(events(3, start=1))
    engine.drain()
    assert len(http.at("/hook")) == 1
    assert {(one.state, one.reason) for one in engine.deliveries()} == {
        (State.DEAD, Reason.GONE),
        (State.SUPPRESSED, Reason.DISABLED),
    }
    assert [kind for kind, _ in host.alarms] == ["disabled", "dead"]
    (one,) = engine.destinations()
    assert one.disabled_why == "it answered 410 Gone"


def test_a_delayed_event_is_sent_when_it_is_due_and_not_before(engine, http, clock):
    engine.accept(GOOD, due=clock.at + timedelta(hours=2))
    engine.drain()
    clock.at += timedelta(hours=2) - timedelta(seconds=1)
    engine.drain()
    assert http.requests == []
    clock.at += timedelta(seconds=1)
    engine.drain()
    assert len(http.requests) == 1


def test_a_due_time_without_a_zone_is_refused(engine):
    with pytest.raises(ValueError, match="time zone"):
        engine.accept(GOOD, due=datetime(2026, 11, 21))  # noqa: DTZ001
    assert engine.deliveries() == []


def test_a_higher_priority_goes_first(tmp_path, http, clock):
    with Engine.open(configured(tmp_path, http, concurrency=1), now=clock) as engine:
        engine.accept_all(events(3))
        engine.accept({**GOOD, "id": "urgent"}, priority=9)
        engine.drain()
    assert json.loads(http.requests[0].body)["id"] == "urgent"


def test_above_the_backlog_nothing_is_accepted_and_the_error_says_what_to_do(tmp_path, http, clock):
    with Engine.open(configured(tmp_path, http, delivery={"max_backlog": 3}), now=clock) as engine:
        engine.accept_all(events(3))
        with pytest.raises(Backlogged, match="3 pieces of work wait, and max_backlog is 3"):
            engine.accept({**GOOD, "id": "one more"})
        assert len(engine.deliveries()) == 3
        engine.drain()
        assert not engine.accept({**GOOD, "id": "one more"}).duplicate


def test_who_is_suppressed_when_it_is_sent_is_not_written_to(tmp_path, http, clock, mail):
    config = configured(tmp_path, http, channels={"smtp": {"port": mail.port}})
    hook = "ada.buyer@custo.example"
    with Engine.open(config, now=clock) as engine:
        engine.suppress = lambda delivery, envelope: {hook: "unsubscribed"} if delivery.channel == "smtp" else {}
        engine.accept(GOOD)
        engine.drain()
        (one,) = engine.deliveries(channel="smtp")
        assert (one.state, one.reason) == (State.SUPPRESSED, Reason.SUPPRESSED)
        assert "unsubscribed" in engine.attempts(one.id)[0].outcome.detail
    assert mail.mails == []


class Slow(Channel):
    """Takes longer than the lease, and counts how often it is asked."""

    Destination = NoSettings
    calls = 0
    seconds = 2.5

    def encode(self, message, envelope):
        return message.text.encode()

    async def send(self, dispatch):
        type(self).calls += 1
        await asyncio.sleep(self.seconds)
        return Outcome(status="delivered")


async def test_a_send_that_outlasts_the_lease_many_times_over_is_made_once(tmp_path, http):
    """Five minutes and a minute's lease, at a hundredth of the size."""
    Slow.calls = 0
    kind = ChannelType(name="slow", summary="Slow", format=Format.TEXT, load=lambda: Slow, deadline=60)
    config = configured(tmp_path, http)
    tenants = {"platform": {}, "res-org-n": {"parent": "platform", "channels": {"slow": {}}}}
    config = Config.load(None, database_url=config.database_url, tenants=tenants).model_copy(
        update={"lease_seconds": 0.5}
    )
    with Engine.open(config, plugins={"host": Watching(kind)}) as engine:
        await asyncio.to_thread(engine.accept, GOOD)
        workers = [asyncio.create_task(engine.work(until_idle=True)) for _ in range(1)]
        await asyncio.gather(*workers)
        (one,) = engine.deliveries()
    assert (Slow.calls, one.state, one.attempts) == (1, State.DELIVERED, 1)


def test_work_that_lost_its_wake_is_found_by_the_sweep_with_an_alarm(engine, http, clock, host):
    engine.accept(GOOD)
    parts = engine._opened()
    with parts.ledger.transaction() as tx:
        parts.execution.cancel(tx, [one.id for one in engine.deliveries()])
    engine.drain()
    assert (http.requests, parts.flow.sweep()) == ([], 0), "not yet: it may be on its way"
    clock.at += timedelta(minutes=10)
    assert parts.flow.sweep() == 1
    engine.drain()
    assert len(http.requests) == 1
    assert [kind for kind, _ in host.alarms] == ["swept"]
    assert parts.flow.sweep() == 0


async def test_what_does_not_end_in_time_when_a_worker_stops_is_broken_off_and_tried_again(tmp_path, http, monkeypatch):
    from livery.execution import embedded

    monkeypatch.setattr(embedded, "_GRACE", 0.1)
    hanging = asyncio.Event()

    async def hang(request):
        del request
        hanging.set()
        await http.stopping.wait()

    http.respond = hang
    with Engine.open(configured(tmp_path, http)) as engine:
        await asyncio.to_thread(engine.accept, GOOD)
        working = asyncio.create_task(engine.work())
        while not http.requests:  # noqa: ASYNC110 - the receiver has a loop of its own
            await asyncio.sleep(0.01)
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
        (one,) = engine.deliveries()
        (attempt,) = engine.attempts(one.id)
    assert one.state is State.RETRYING
    assert (attempt.outcome.status, attempt.outcome.detail) == ("unknown", "broken off: the worker stopped")


def test_the_operator_says_what_is_tried_again_and_how_often(tmp_path, http, clock):
    http.answers["/hook"] = [(404, "not yet", {}), (404, "not yet", {}), (503, "", {})]
    policy = {"temporary": ["webhook:404"], "permanent": ["503"], "ladders": {"webhook": [10, 20, 30]}}
    with Engine.open(configured(tmp_path, http, delivery=policy), now=clock) as engine:
        engine.accept(GOOD)
        engine.drain()
        assert http.requests, "tried"
        for _ in range(5):
            clock.at += timedelta(seconds=60)
            engine.drain()
        (one,) = engine.deliveries()
    assert (one.state, one.attempts, len(http.requests)) == (State.DEAD, 3, 3)


def test_an_attempt_whose_answer_was_lost_can_be_left_at_that(tmp_path, http, clock):
    async def cut(request):
        request.transport.abort()

    http.respond = cut
    with Engine.open(configured(tmp_path, http, delivery={"retry_unknown": False}), now=clock) as engine:
        engine.accept(GOOD)
        engine.drain()
        clock.at += timedelta(days=1)
        engine.drain()
        (one,) = engine.deliveries()
    assert (one.state, len(http.requests)) == (State.UNKNOWN, 1)
