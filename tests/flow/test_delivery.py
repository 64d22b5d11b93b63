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
