"""Settings in the store decide what is sent: real mail, real hooks."""

import json
from datetime import timedelta
from pathlib import Path

import pytest

from livery import Config, Engine
from livery.models.delivery import State
from settings.conftest import OTHER_SECRET, SECRET

TYPE = "OfferProvisionError"
EVENT = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
MINOR = json.loads((Path(__file__).parents[2] / "examples/events/offer_provisioned.en.json").read_text("utf-8"))


def event(number: int = 1, of=EVENT, **changes):
    return {**json.loads(json.dumps(of)), "id": f"evt-{number}", **changes}


def sent(engine, mail, number: int = 1, **changes) -> tuple[str, ...]:
    """Who got the mail of one more event."""
    before = len(mail.mails)
    engine.accept(event(number, **changes))
    engine.drain()
    (one,) = mail.mails[before:]
    return one.recipients


def test_a_seller_adds_a_bcc_the_distributor_changes_cc_later_and_the_mail_has_both(engine, mail):
    desk = engine.settings
    desk.change("res-org-n", "add", "bcc", "address:log@res-org-n.example", event_type=TYPE)
    assert sent(engine, mail, 1) == ("ada.buyer@custo.example", "robin@res-org-n.example", "log@res-org-n.example")
    desk.change("north", "set", "cc", ["address:desk@north.example"], event_type=TYPE)
    assert sent(engine, mail, 2) == ("ada.buyer@custo.example", "desk@north.example", "log@res-org-n.example")
    desk.reset("north")
    assert sent(engine, mail, 3) == ("ada.buyer@custo.example", "robin@res-org-n.example", "log@res-org-n.example")


def test_explain_and_what_is_delivered_and_the_stored_trace_say_the_same(engine, mail):
    engine.settings.change("north", "add", "cc", "address:desk@north.example", note="quality")
    engine.settings.change("res-org-n", "remove", "cc", "organization_contact:seller.primary", note="too many")
    engine.settings.change("north", "lock", "bcc", note="compliance")
    said = engine.explain(event())
    assert sent(engine, mail) == tuple(one.recipient.address for one in said.audience.entries)
    (stored,) = engine.deliveries(channel="smtp")
    assert stored.trace["audience"]["entries"] == said.model_dump(mode="json")["audience"]["entries"]
    assert stored.trace["audience"]["excluded"] == said.model_dump(mode="json")["audience"]["excluded"]
    (planned,) = [one for one in said.deliveries if one.channel == "smtp"]
    assert stored.trace["settings"] == planned.model_dump(mode="json")["settings"]
    assert [(one.selector, one.reason) for one in said.audience.excluded] == [
        ("organization_contact:seller.primary", "removed by seller res-org-n (too many)")
    ]
    assert "distributor north by host on 2026-11-20 (compliance)" in [one.locked_by for one in planned.settings]


def test_a_channel_that_is_switched_off_gets_nothing_and_says_by_whom(engine, mail, http):
    engine.settings.change("res-org-n", "set", "enabled", value=False, channel="webhook")
    said = engine.explain(event())
    assert [(one.channel, one.origin) for one in said.switched_off] == [("webhook", "seller res-org-n")]
    engine.accept(event())
    engine.drain()
    assert (len(mail.mails), http.at("/north")) == (1, [])


def test_mail_that_is_switched_off_is_no_alarm_and_an_event_that_is_says_by_whom(engine, mail, http):
    engine.settings.change("north", "set", "enabled", value=False, channel="smtp", event_type=TYPE)
    receipt = engine.accept(event())
    engine.drain()
    assert (receipt.unreachable, mail.mails, len(http.at("/north"))) == (False, [], 1)
    engine.settings.change("north", "set", "enabled", value=False)
    engine.settings.reset("north", "enabled", event_type=TYPE)
    said = engine.explain(event(2))
    assert (said.enabled, said.enabled_why) == (False, "distributor north")
    assert engine.accept(event(2)).deliveries == ()


def test_channels_may_tell_different_people(engine, mail):
    engine.settings.change("res-org-n", "add", "cc", "address:slow@x.example", channel="smtp")
    assert "slow@x.example" in sent(engine, mail)


def test_webhooks_of_every_level_get_their_own_delivery_and_a_removed_one_gets_none(engine, http):
    hook = {"url": http.url("/shop"), "secret": OTHER_SECRET}
    engine.settings.change("res-org-n", "add", "destinations", hook, item="erp", channel="webhook")
    engine.accept(event())
    engine.drain()
    assert (len(http.at("/north")), len(http.at("/shop"))) == (1, 1)
    engine.accept(event(2))
    engine.settings.change("res-org-n", "remove", "destinations", item="erp", channel="webhook")
    engine.drain()
    states = {
        one.destination.rpartition("/")[2]: (one.state, one.reason) for one in engine.deliveries(event_id="evt-2")
    }
    assert states["shop"] == (State.DEAD, "gone")
    assert len(http.at("/shop")) == 1


def test_a_secret_that_is_replaced_signs_what_waits(engine, http, clock):
    hook = {"url": http.url("/shop"), "secret": SECRET}
    engine.settings.change("res-org-n", "add", "destinations", hook, item="erp", channel="webhook")
    http.answers["/shop"] = [(503, "later", {}), (200, "ok", {})]
    engine.accept(event())
    engine.drain()
    engine.settings.change(
        "res-org-n", "add", "destinations", {**hook, "secret": OTHER_SECRET}, item="erp", channel="webhook"
    )
    clock.at += timedelta(minutes=5)
    engine.drain()
    assert [one.state for one in engine.deliveries() if one.destination.endswith("/shop")] == [State.DELIVERED]


def test_sender_language_and_pack_come_from_the_store(engine, mail):
    desk = engine.settings
    desk.change("res-org-n", "set", "sender.name", "Robin's Cloud")
    desk.change("north", "set", "sender.reply_to", "help@north.example")
    desk.change("res-org-n", "set", "locale", "de")
    desk.change("res-org-n", "set", "locale_policy", "tenant")
    desk.change("north", "set", "pack", "nordwind", event_type=TYPE)
    engine.accept(event())
    engine.drain()
    message = mail.mails[0].content.decode("utf-8", "replace")
    assert "Robin's Cloud" in message
    assert "help@north.example" in message
    (one,) = engine.deliveries(channel="smtp")
    assert one.locale == "de"
    assert one.trace["wording"]["packs"][0].startswith("nordwind")


def test_what_is_not_critical_waits_for_the_end_of_a_quiet_period_and_what_is_does_not(engine, mail, clock):
    night = {"from": "22:00", "until": "07:00", "time_zone": "Europe/Berlin"}
    engine.settings.change("north", "add", "quiet", night, item="night")
    clock.at = clock.at.replace(hour=23)
    engine.accept(event(1))
    engine.accept(event(2, of=MINOR))
    engine.drain()
    assert len(mail.mails) == 1
    (held,) = [one for one in engine.deliveries(channel="smtp") if one.event_type == MINOR["type"]]
    assert held.trace["held"] == "held until 2026-11-21 06:00 UTC by quiet period night of distributor north"
    assert held.due_at == clock.at.replace(day=21, hour=6)
    said = engine.explain(event(3, of=MINOR)).deliveries
    assert {one.held for one in said} == {held.trace["held"]}
    clock.at = held.due_at
    engine.drain()
    assert len(mail.mails) == 2


def test_a_schedule_is_judged_by_when_the_event_was_accepted(engine, mail, clock):
    hour = timedelta(hours=1)
    engine.settings.change("res-org-n", "add", "bcc", "address:log@x.example", ends=clock.at + hour)
    engine.accept(event())
    clock.at += 2 * hour
    engine.drain()
    assert "log@x.example" in mail.mails[0].recipients
    assert "log@x.example" not in sent(engine, mail, 2)


def test_explaining_makes_no_store(settings, tmp_path):
    with Engine.open(Config.load(None, **settings)) as engine:
        engine.explain(event())
        engine.preview(event())
    assert not (tmp_path / "livery.db").exists()


# ------------------------------------------------------------------ what is kept in memory


def through(engine, number: int, seller: str = "res-org-n") -> set[str]:
    """The channels one more event goes out by."""
    data = {**EVENT["data"], "seller": {"id": seller, "name": "A seller"}}
    ids = engine.accept(event(number, data=data)).deliveries
    return {engine.delivery(one).channel for one in ids}


def test_what_is_scheduled_counts_from_its_first_moment_to_its_last(engine, clock):
    starts, ends = clock.at + timedelta(hours=1), clock.at + timedelta(hours=2)
    engine.settings.change(
        "res-org-n", "set", "enabled", value=False, channel="webhook", starts=starts, ends=ends, note="stocktaking"
    )
    moment = timedelta(microseconds=1)
    for number, at in enumerate((clock.at, starts - moment, starts, ends - moment, ends, ends + moment)):
        clock.at = at
        assert through(engine, number) == ({"smtp"} if starts <= at < ends else {"smtp", "webhook"})


def test_a_tenant_that_moves_has_the_channels_of_those_above_it_now(engine):
    engine.tenants.add("kiosk", parent="north")
    assert through(engine, 1, "kiosk") == {"smtp", "webhook"}
    engine.tenants.change("kiosk", parent="south")
    assert through(engine, 2, "kiosk") == {"smtp"}


def test_what_another_process_changes_counts_for_the_next_event(engine, settings):
    assert through(engine, 1) == {"smtp", "webhook"}
    with Engine.open(Config.load(None, **settings)) as other:
        other.settings.change("north", "set", "enabled", value=False, channel="webhook")
    assert through(engine, 2) == {"smtp"}


def test_what_would_be_is_not_taken_for_what_is(engine, clock):
    assert through(engine, 1) == {"smtp", "webhook"}
    clock.at += timedelta(seconds=1)
    proposal = engine.settings.propose("north", "set", "enabled", value=False, channel="webhook")
    assert engine.settings.what_if(proposal, since=clock.at - timedelta(days=1)).differing == 1
    assert through(engine, 2) == {"smtp", "webhook"}


# ------------------------------------------------------------------ what if, and as code


def test_what_if_counts_what_would_differ_and_changes_nothing(engine, clock):
    for number in range(6):
        seller = {"id": "souq", "name": "Souq"} if number % 3 == 0 else {"id": "res-org-n", "name": "Res."}
        engine.accept(event(number, data={**EVENT["data"], "seller": seller}))
        clock.at += timedelta(days=1)
    desk, since = engine.settings, clock.at - timedelta(days=30)
    proposal = desk.propose("north", "add", "cc", "address:boss@north.example")
    report = desk.what_if(proposal, since=since)
    assert (report.events, report.differing, report.messages, report.changed) == (6, 4, 10, 4)
    assert report.kinds == {"recipient added": 4}
    assert report.examples[0].differs == ("recipient added: boss@north.example in Cc",)
    assert desk.history() == []
    off = desk.what_if(desk.propose("res-org-n", "set", "enabled", value=False, channel="webhook"), since=since)
    assert off.kinds == {"channel removed": 4, "destination removed": 4}
    assert desk.what_if(proposal, since=clock.at - timedelta(hours=30)).events == 1
    assert (
        desk.scoped("south", who="s").what_if(desk.propose("souq", "set", "enabled", value=False), since=since).events
        == 2
    )
    desk.apply(proposal)
    assert desk.what_if(desk.propose("north", "add", "cc", "address:boss@north.example"), since=since).differing == 0


def test_a_plan_is_refused_if_somebody_changed_the_tenant_since(engine):
    from livery.errors import SettingsConflict

    desk = engine.settings
    proposal = desk.propose("north", "set", "locale", "de")
    desk.by("nele").change("north", "set", "locale", "en")
    with pytest.raises(SettingsConflict, match="set by nele"):
        desk.apply(proposal)
