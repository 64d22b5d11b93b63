"""The whole path through Engine, with a real store and real servers."""

import asyncio
import json
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from livery import Config, Engine, EventError
from livery.errors import ConfigError, EventConflict, LiveryError, StoreError
from livery.models.delivery import State
from livery.plugin import Recipient, hookimpl

GOOD = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self):
        self.at = datetime(2026, 11, 20, 12, tzinfo=UTC)

    def __call__(self):
        return self.at


@pytest.fixture
def settings(store_url, mail, http):
    return {
        "database_url": store_url,
        "message_id_domain": "mail.platform.example",
        "sender": {"address": "notifications@platform.example"},
        "outbound": {"allow": ["127.0.0.1"]},
        "channels": {"smtp": {"host": "127.0.0.1", "port": mail.port}},
        "tenants": {
            "platform": {"contacts": {"operations": {"email": "ops@platform.example"}}},
            "north": {"parent": "platform", "channels": {"webhook": {"url": http.url("/north"), "secret": SECRET}}},
            "res-org-n": {
                "parent": "north",
                "name": "Res. Org N.",
                "contacts": {"primary": {"email": "robin@res-org-n.example"}},
                "channels": {
                    "slack": {"url": http.url("/slack")},
                    "webhook": {"url": http.url("/seller"), "secret": SECRET},
                },
            },
        },
    }


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def engine(settings, clock):
    with Engine.open(Config.load(None, **settings), now=clock, random=Random(1)) as opened:
        yield opened


def states(engine):
    return {(one.channel, one.destination.rpartition("/")[2]): one.state for one in engine.deliveries()}


def event(**changes):
    return {**json.loads(json.dumps(GOOD)), **changes}


def test_one_event_goes_out_on_every_channel_and_to_the_webhooks_of_every_level(engine, mail, http):
    receipt = engine.accept(GOOD)
    assert (receipt.event_id, receipt.duplicate, len(receipt.deliveries)) == (GOOD["id"], False, 4)
    engine.drain()
    assert set(states(engine).values()) == {State.ACCEPTED, State.DELIVERED}
    assert len(mail.mails) == len(http.at("/north")) == len(http.at("/seller")) == len(http.at("/slack")) == 1
    assert mail.mails[0].recipients == ("ada.buyer@custo.example", "robin@res-org-n.example")


def test_accepting_again_adds_nothing(engine, mail):
    engine.accept(GOOD)
    assert engine.accept(json.dumps(GOOD, indent=4)).duplicate
    engine.drain()
    assert engine.accept(GOOD).duplicate
    engine.drain()
    assert len(mail.mails) == 1


def test_the_same_key_with_another_body_is_refused_and_the_first_one_stands(engine, mail):
    engine.accept(GOOD)
    with pytest.raises(EventConflict, match="accepted before with another body"):
        engine.accept(event(time="2026-11-21T00:00:00Z"))
    engine.drain()
    assert len(mail.mails) == 1


def test_a_hundred_publishers_at_once_make_one_set_of_deliveries(engine):
    receipts = []
    threads = [threading.Thread(target=lambda: receipts.append(engine.accept(GOOD))) for _ in range(100)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.duplicate for one in receipts].count(False) == 1
    assert len(engine.deliveries()) == 4


def test_one_wrong_event_of_several_stores_none(engine):
    with pytest.raises(EventError):
        engine.accept_all([GOOD, {"id": "x"}])
    assert engine.deliveries() == []


def test_one_failing_channel_neither_stops_nor_repeats_another(engine, clock, mail, http):
    http.answers["/slack"] = [(500, "oops", {}), (200, "ok", {})]
    engine.accept(GOOD)
    engine.drain()
    assert states(engine)["slack", "…"] is State.RETRYING
    clock.at += timedelta(seconds=10)
    engine.drain()
    assert set(states(engine).values()) == {State.ACCEPTED, State.DELIVERED}
    assert (len(mail.mails), len(http.at("/slack")), len(http.at("/seller"))) == (1, 2, 1)


def test_a_retry_is_not_made_before_it_is_due(engine, clock, http):
    http.answers["/slack"] = [(503, "later", {})]
    engine.accept(GOOD)
    engine.drain()
    engine.drain()
    assert len(http.at("/slack")) == 1
    clock.at += timedelta(seconds=3)
    engine.drain()
    assert len(http.at("/slack")) == 1
    clock.at += timedelta(seconds=7)
    engine.drain()
    assert len(http.at("/slack")) == 2


def test_every_copy_is_the_same_message_with_the_same_identity(engine, clock, http):
    http.answers["/seller"] = [(500, "", {}), (500, "", {}), (200, "", {})]
    engine.accept(GOOD)
    for _ in range(3):
        engine.drain()
        clock.at += timedelta(hours=1)
    copies = http.at("/seller")
    assert len(copies) == 3
    assert len({one.body for one in copies}) == 1
    assert len({one.headers["webhook-id"] for one in copies}) == 1


def test_a_permanent_refusal_is_never_tried_again(engine, clock, http):
    http.answers["/slack"] = [(404, "no_team", {})]
    engine.accept(GOOD)
    for _ in range(3):
        engine.drain()
        clock.at += timedelta(days=1)
    assert len(http.at("/slack")) == 1
    dead = next(one for one in engine.deliveries() if one.channel == "slack")
    assert (dead.state, dead.reason) == ("dead", "gone")
    assert engine.attempts(dead.id)[0].outcome.detail == "no_team"


def test_the_ladder_ends_in_a_dead_letter(engine, clock, http):
    http.answers["/slack"] = [(500, "", {})]
    engine.accept(GOOD)
    for _ in range(12):
        engine.drain()
        clock.at += timedelta(days=2)
    dead = next(one for one in engine.deliveries() if one.channel == "slack")
    assert (dead.state, dead.attempts, len(http.at("/slack"))) == ("dead", 10, 10)


def test_a_destination_taken_out_of_the_configuration_is_not_written_to(settings, clock, http):
    with Engine.open(Config.load(None, **settings), now=clock) as engine:
        engine.accept(GOOD)
    del settings["tenants"]["res-org-n"]["channels"]["slack"]
    with Engine.open(Config.load(None, **settings), now=clock) as engine:
        engine.drain()
        gone = next(one for one in engine.deliveries() if one.channel == "slack")
    assert (gone.state, gone.reason, http.at("/slack")) == ("dead", "gone", [])


async def test_a_worker_sees_at_once_what_the_same_process_accepts(settings, clock, mail):
    sent = threading.Event()

    class Watching:
        @hookimpl
        def livery_on_outcome(self, delivery):
            if delivery.channel == "smtp":
                sent.set()

    with opened(settings, clock, Watching()) as engine:
        async with engine.worker():
            receipt = await asyncio.to_thread(engine.accept, GOOD)
            assert await asyncio.to_thread(sent.wait, 20)
    assert len(mail.mails) == 1
    assert receipt.deliveries


def test_the_explanation_is_what_is_delivered(engine, mail):
    explained = engine.explain(GOOD)
    assert engine.deliveries() == []
    engine.accept(GOOD)
    engine.drain()
    made = {(one.channel, one.destination) for one in engine.deliveries()}
    assert {(one.channel, one.destination) for one in explained.deliveries} == made
    assert tuple(one.recipient.address for one in explained.audience.entries) == mail.mails[0].recipients


def test_a_preview_is_what_is_delivered(engine, mail):
    preview = engine.preview(GOOD, channel="smtp")
    engine.accept(GOOD)
    engine.drain()
    (got,) = mail.mails
    assert got.part("html").splitlines() == preview.message.html.splitlines()
    assert got.parsed["Subject"] == preview.message.title


class Plugin:
    """A host's own hooks."""

    def __init__(self, **options):
        self.seen, self.alarms, self.options = [], [], options

    @hookimpl
    def livery_directory(self, selectors):
        manager = Recipient(address="manager@res-org-n.example", name="Mia Manager")
        return {one: [manager] for one in selectors if one == "role:account_manager"}

    @hookimpl
    def livery_amend_notification(self, notification):
        if self.options.get("broken"):
            raise RuntimeError("no words")
        return notification.model_copy(update={"subject": f"[test] {notification.subject}"})

    @hookimpl
    def livery_on_outcome(self, delivery, attempt):
        self.seen.append((delivery.channel, delivery.state, attempt.outcome.status))

    @hookimpl
    def livery_on_alarm(self, kind, message):
        self.alarms.append((kind, message))


def opened(settings, clock, plugin):
    return Engine.open(Config.load(None, **settings), plugins={"host": plugin}, now=clock)


def test_a_host_answers_selectors_amends_and_observes(settings, clock, mail):
    settings["tenants"]["res-org-n"]["settings"] = {"OfferProvisionError": {"bcc": ["role:account_manager"]}}
    plugin = Plugin()
    with opened(settings, clock, plugin) as engine:
        engine.accept(GOOD)
        engine.drain()
    assert mail.mails[0].recipients[-1] == "manager@res-org-n.example"
    assert "manager@" not in mail.mails[0].content.decode()
    assert mail.mails[0].parsed["Subject"].strip().startswith("[test] ")
    assert ("smtp", "accepted", "accepted") in plugin.seen
    assert len(plugin.seen) == 4


def test_a_raising_plugin_is_reported_and_loses_nothing(settings, clock, mail):
    plugin = Plugin(broken=True)
    with opened(settings, clock, plugin) as engine:
        engine.accept(GOOD)
        engine.drain()
    assert len(mail.mails) == 1
    assert {kind for kind, _ in plugin.alarms} == {"hook_failed"}
    assert "no words" in plugin.alarms[0][1]


def test_nobody_reachable_is_an_alarm_and_never_silence(settings, clock, mail):
    plugin = Plugin()
    del settings["tenants"]["platform"]["contacts"], settings["tenants"]["res-org-n"]["contacts"]
    with opened(settings, clock, plugin) as engine:
        alone = event()
        del alone["data"]["user"]
        engine.accept(alone)
        engine.drain()
        assert engine.explain(alone).unreachable
    assert [kind for kind, _ in plugin.alarms] == ["unreachable"]
    assert mail.mails == []


def test_the_fallback_chain_reaches_somebody_with_a_warning_on_the_delivery(engine, mail):
    alone = event()
    alone["data"]["user"]["email"] = "not an address"
    engine.accept(alone)
    engine.drain()
    (delivery,) = engine.deliveries(channel="smtp")
    assert delivery.warnings == ("Nobody configured could be reached; sent to the seller's primary contact instead.",)
    assert mail.mails[0].recipients == ("robin@res-org-n.example",)


def test_an_event_that_cannot_be_planned_now_is_accepted_and_planned_later(engine, clock, mail, monkeypatch):
    from livery.planning import Planner

    def failing(*_):
        raise ConnectionError("directory down")

    with monkeypatch.context() as patch:
        patch.setattr(Planner, "plan", failing)
        assert engine.accept(GOOD).deliveries == ()
    assert engine.counts()["unplanned"] == 1
    clock.at += timedelta(minutes=1)
    engine.drain()
    assert engine.counts()["unplanned"] == 0
    assert len(mail.mails) == 1


def test_planning_that_would_end_its_process_ends_no_worker(engine, clock, mail, monkeypatch):
    from livery.planning import Planner

    def failing(*_):
        raise ConnectionError("directory down")

    def leaving(*_, **__):
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr(Planner, "plan", failing)
        engine.accept(GOOD)
        patch.setattr(Planner, "plan", leaving)
        clock.at += timedelta(minutes=1)
        engine.drain()
    clock.at += timedelta(minutes=1)
    engine.drain()
    assert len(mail.mails) == 1


def test_a_connection_to_another_database_is_refused(engine, tmp_path):
    from sqlalchemy import create_engine

    engine.migrate()
    other = create_engine(f"sqlite:///{tmp_path}/other.db")
    with other.begin() as connection, pytest.raises(StoreError, match="another database"):
        engine.accept(GOOD, connection=connection)
    other.dispose()


async def test_draining_inside_an_event_loop_says_what_to_do(engine):
    with pytest.raises(LiveryError, match="inside an event loop"):
        engine.drain()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"channels": {"smtp": {"port": "high"}}}, "channels.smtp.port"),
        ({"sender": {"address": "nobody"}}, "sender.address: expected one e-mail address"),
        ({"tenants": {"p": {"settings": {"OfferVanished": {}}}}}, "tenants.p.settings.OfferVanished"),
    ],
)
def test_a_wrong_setting_stops_the_start(settings, change, says):
    with pytest.raises(ConfigError, match=says):
        Engine.open(Config.load(None, **{**settings, **change}))
