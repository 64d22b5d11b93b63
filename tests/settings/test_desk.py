"""Settings are changed at a desk: who may, what it leaves in the trail, and what undoes it."""

from datetime import timedelta

import pytest

from livery import Config, Engine
from livery.errors import NotFound, SettingsConflict, SettingsError, SettingsLocked
from settings.conftest import OTHER_SECRET, SECRET
from waiting import until

TYPE = "OfferProvisionError"
LOG, AUDIT = "address:log@shop.example", "address:audit@north.example"


@pytest.fixture
def settings(settings, store_url):
    """On every database there is."""
    return {**settings, "database_url": store_url}


def rows(desk, field, tenant="res-org-n", channel="smtp", event_type=TYPE, **options):
    """(value, origin) of what counts."""
    view = desk.resolved(tenant, event_type, channel, **options)
    return [(one.value, one.origin) for one in view.rows if one.field == field and not one.left_out]


def trail(desk, **options):
    return [(one.who, one.slot.tenant, one.slot.field, one.before, one.after) for one in desk.history(**options)]


def test_only_the_difference_is_kept_so_what_changes_above_still_arrives(desk):
    desk.change("res-org-n", "add", "bcc", LOG)
    desk.change("north", "add", "bcc", AUDIT, event_type=TYPE)
    assert rows(desk, "bcc") == [(AUDIT, "distributor north"), (LOG, "seller res-org-n")]
    assert rows(desk, "bcc", "nordwind") == [(AUDIT, "distributor north")]
    desk.change("north", "set", "bcc", [], event_type=TYPE)
    assert rows(desk, "bcc") == [(LOG, "seller res-org-n")]


def test_saying_the_same_again_changes_nothing(desk):
    assert len(desk.change("res-org-n", "add", "bcc", LOG)) == 1
    assert desk.change("res-org-n", "add", "bcc", LOG) == []
    assert len(desk.history()) == 1


def test_the_trail_says_who_changed_what_from_what_to_what_and_why(desk, clock):
    nele = desk.by("nele")
    nele.change("res-org-n", "set", "pack", "base", note="a start")
    clock.at += timedelta(hours=1)
    desk.by("robin").change("res-org-n", "set", "pack", "nordwind")
    second, first = desk.history("res-org-n")
    assert (first.who, first.before, first.after, first.note) == ("nele", None, ("set", "base"), "a start")
    assert (second.who, second.before, second.after) == ("robin", ("set", "base"), ("set", "nordwind"))
    assert second.at - first.at == timedelta(hours=1)
    assert desk.history("north") == []
    assert [one.id for one in desk.history(since=first.revision)] == [second.id]


def test_reset_lets_what_comes_from_above_count_again(desk):
    before = desk.resolved("res-org-n", TYPE, "smtp").rows
    desk.change("res-org-n", "set", "cc", [LOG], event_type=TYPE)
    desk.change("res-org-n", "set", "enabled", value=False, channel="smtp")
    assert desk.resolved("res-org-n", TYPE, "smtp").rows != before
    desk.reset("res-org-n")
    assert desk.resolved("res-org-n", TYPE, "smtp").rows == before
    assert desk.own("res-org-n") == []


def test_reset_takes_back_only_what_is_asked(desk):
    desk.change("res-org-n", "add", "cc", LOG)
    desk.change("res-org-n", "add", "cc", AUDIT)
    desk.change("res-org-n", "add", "cc", AUDIT, event_type=TYPE)
    desk.change("res-org-n", "lock", "cc")
    desk.reset("res-org-n", "cc", item=AUDIT, event_type="*")
    assert [(one.slot.event_type, one.slot.item, one.slot.is_lock) for one in desk.own("res-org-n")] == [
        ("*", LOG, False),
        ("*", "", True),
        (TYPE, AUDIT, False),
    ]
    desk.reset("res-org-n", "cc", is_lock=True)
    assert len(desk.own("res-org-n")) == 2


def test_a_whole_list_takes_the_place_of_what_was_added_and_removed_at_the_same_level(desk):
    desk.change("res-org-n", "add", "cc", LOG)
    desk.change("res-org-n", "remove", "cc", "organization_contact:seller.primary")
    assert len(desk.change("res-org-n", "set", "cc", [AUDIT])) == 3
    assert rows(desk, "cc") == [(AUDIT, "seller res-org-n")]


# ------------------------------------------------------------------ locks


def test_a_lock_refuses_changes_below_and_names_who_locked_it(desk):
    desk.by("olaf").change("north", "lock", "bcc", note="compliance")
    with pytest.raises(SettingsLocked, match=r"distributor north by olaf on 2026-11-20 \(compliance\)"):
        desk.change("res-org-n", "add", "bcc", LOG)
    desk.change("north", "add", "bcc", AUDIT)
    desk.change("souq", "add", "bcc", LOG)
    desk.reset("north", "bcc", is_lock=True)
    desk.change("res-org-n", "add", "bcc", LOG)
    assert rows(desk, "bcc") == [(AUDIT, "distributor north"), (LOG, "seller res-org-n")]


def test_what_was_said_before_the_lock_has_no_effect_and_says_so(desk):
    desk.change("res-org-n", "add", "bcc", LOG)
    desk.by("olaf").change("north", "lock", "bcc", event_type=TYPE)
    left_out = [one for one in desk.resolved("res-org-n", TYPE, "smtp").rows if one.left_out]
    assert [(one.value, one.left_out) for one in left_out] == [
        (LOG, "add has no effect: locked by distributor north by olaf on 2026-11-20")
    ]
    assert rows(desk, "bcc", event_type="OfferProvisioned") == [(LOG, "seller res-org-n")]
    desk.reset("res-org-n", "bcc")


def test_livery_toml_can_lock(settings, clock):
    settings["tenants"]["north"]["settings"] = {TYPE: {"locked": ["to", "cc"]}}
    with Engine.open(Config.load(None, **settings), now=clock) as engine:
        with pytest.raises(SettingsLocked, match=r"distributor north \(livery.toml\)"):
            engine.settings.change("res-org-n", "add", "cc", LOG, event_type=TYPE)
        engine.settings.change("res-org-n", "add", "cc", LOG)
        assert rows(engine.settings, "cc")[-1][0] != LOG


# ------------------------------------------------------------------ two at once, and back again


def test_the_second_of_two_who_edit_sees_the_firsts_change_and_loses_nothing(desk):
    seen = desk.resolved("res-org-n").revision
    desk.by("nele").change("res-org-n", "set", "locale", "de", expected_revision=seen)
    with pytest.raises(SettingsConflict, match=r"locale .* set by nele") as caught:
        desk.by("robin").change("res-org-n", "set", "locale", "en", expected_revision=seen)
    assert [(one.who, one.after) for one in caught.value.changes] == [("nele", ("set", "de"))]
    assert rows(desk, "locale") == [("de", "seller res-org-n")]
    now = desk.resolved("res-org-n").revision
    desk.by("robin").change("res-org-n", "set", "locale", "en", expected_revision=now)


def test_a_change_above_is_no_conflict_below(desk):
    seen = desk.revision("res-org-n")
    desk.change("north", "set", "locale", "de")
    desk.change("res-org-n", "set", "locale", "en", expected_revision=seen)


def test_undo_is_a_change_that_can_be_undone(desk):
    desk.change("res-org-n", "add", "cc", LOG)
    (change, *_) = desk.change("res-org-n", "set", "cc", [AUDIT])
    (undone, *_) = desk.by("nele").undo(change.id)
    assert rows(desk, "cc")[-1] == (LOG, "seller res-org-n")
    assert (undone.who, undone.undo_of) == ("nele", change.id)
    desk.undo(undone.id)
    assert rows(desk, "cc") == [(AUDIT, "seller res-org-n")]


def test_what_was_changed_again_since_is_undone_only_by_force(desk):
    (first,) = desk.change("res-org-n", "set", "locale", "de")
    desk.by("nele").change("res-org-n", "set", "locale", "ar")
    with pytest.raises(SettingsConflict, match=r"changed again since[\s\S]*nele") as caught:
        desk.undo(first.id)
    assert len(caught.value.changes) == 1
    assert rows(desk, "locale") == [("ar", "seller res-org-n")]
    desk.undo(first.id, force=True)
    assert rows(desk, "locale") == []


def test_undo_below_a_lock_is_refused_as_any_change(desk):
    (change,) = desk.change("res-org-n", "set", "locale", "de")
    (reset,) = desk.reset("res-org-n")
    desk.change("north", "lock", "locale")
    with pytest.raises(SettingsLocked):
        desk.undo(reset.id)
    assert change.id != reset.id


# ------------------------------------------------------------------ schedules, and other processes


def test_a_scheduled_change_counts_from_its_time_to_its_end(desk, clock):
    day = timedelta(days=1)
    starts, ends = clock.at + day, clock.at + 3 * day
    desk.change("res-org-n", "set", "enabled", value=False, starts=starts, ends=ends, note="stocktaking")
    assert [rows(desk, "enabled", at=clock.at + days * day)[0][0] for days in (0, 1, 2, 3)] == [
        "on",
        "off",
        "off",
        "on",
    ]
    assert rows(desk, "enabled") == [("on", "default")]
    clock.at += day
    assert rows(desk, "enabled") == [("off", "seller res-org-n")]


def test_another_process_sees_a_change(desk, settings, clock):
    with Engine.open(Config.load(None, **settings), now=clock) as other:
        assert rows(other.settings, "locale") == []
        desk.change("north", "set", "locale", "de")
        until(lambda: rows(other.settings, "locale") == [("de", "distributor north")])
        other.settings.reset("north")
        until(lambda: rows(desk, "locale") == [])


# ------------------------------------------------------------------ what may be said


@pytest.mark.parametrize(
    ("operation", "field", "value", "options", "says"),
    [
        ("put", "cc", [LOG], {}, "one of set, add, remove, lock, got 'put'"),
        ("add", "locale", "de", {}, "set: it is one value"),
        ("set", "locale", "no locale", {}, "pattern"),
        ("set", "locale_policy", "both", {}, "'reader' or 'tenant'"),
        ("set", "enabled", "perhaps", {}, "boolean"),
        ("set", "cc", LOG, {}, "a list of selectors"),
        ("add", "cc", "somebody", {}, "event_user or organization_contact"),
        ("add", "cc", "role:", {}, "something after `role:`"),
        ("add", "cc", "address:no address", {}, "an address that can be written to"),
        ("add", "cc", "address:a@b.example,c@d.example", {}, "an address that can be written to"),
        ("add", "cc", "address:a@b.example\r\nBcc: x@y.example", {}, "one line"),
        ("set", "sender.address", "nobody", {}, "one e-mail address"),
        ("set", "sender.name", "A\nB", {}, "one line"),
        ("add", "cc", LOG, {"channel": "webhook"}, "a channel that writes to persons"),
        ("add", "destinations", {}, {"item": "a"}, "the channel they are of"),
        ("add", "destinations", {}, {"item": "a", "channel": "smtp"}, "a channel with destinations"),
        ("add", "destinations", {"url": "x"}, {"item": "a", "channel": "webhook"}, "channels.webhook.a.secret"),
        ("add", "destinations", {"url": "x"}, {"item": "a b", "channel": "webhook"}, "a name of letters"),
        ("add", "quiet", {"from": "22:00"}, {"item": "night"}, "`from` and `until`"),
        ("add", "quiet", {"from": "22:00", "until": "25:00"}, {"item": "night"}, "a time of day"),
        ("add", "quiet", {"from": "22:00", "until": "7:00", "time_zone": "Mars"}, {"item": "n"}, "a time zone, such as"),
        ("add", "quiet", {"from": "22:00", "until": "07:00"}, {"item": "n", "event_type": TYPE}, "which is critical"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_what_is_right(desk, operation, field, value, options, says):
    with pytest.raises(SettingsError, match=says):
        desk.change("res-org-n", operation, field, value, **options)
    assert desk.history() == []


@pytest.mark.parametrize(
    ("arguments", "options", "says"),
    [
        (("nobody", "set", "locale", "de"), {}, "no tenant is called 'nobody'"),
        (("res-org-n", "set", "colour", "red"), {}, "no setting is called 'colour'; there are: enabled"),
        (("res-org-n", "set", "locale", "de"), {"event_type": "Nothing"}, "no event type is called 'Nothing'"),
        (("res-org-n", "set", "locale", "de"), {"channel": "fax"}, "no channel is called 'fax'"),
        (("res-org-n", "set", "pack", "none"), {}, "no pack is called 'none'"),
    ],
)
def test_what_does_not_exist_is_not_found(desk, arguments, options, says):
    with pytest.raises(NotFound, match=says):
        desk.change(*arguments, **options)


def test_times_have_zones_and_an_order(desk, clock):
    for starts, ends in ((clock.at.replace(tzinfo=None), None), (clock.at, clock.at), (None, clock.at)):
        with pytest.raises(SettingsError):
            desk.change("res-org-n", "set", "locale", "de", starts=starts, ends=ends)


# ------------------------------------------------------------------ destinations


def hook(http, secret=SECRET):
    return {"url": http.url("/shop"), "secret": secret}


def test_destinations_are_added_replaced_and_removed_one_by_one_and_never_shown(desk, http):
    desk.change("res-org-n", "add", "destinations", hook(http), item="erp", channel="webhook")
    desk.change("res-org-n", "add", "destinations", hook(http, OTHER_SECRET), item="erp", channel="webhook")
    assert rows(desk, "destinations", channel="webhook") == [
        ("1", "distributor north (livery.toml)"),
        ("erp", "seller res-org-n"),
    ]
    spoken = repr([desk.history(), desk.own("res-org-n"), desk.resolved("res-org-n", TYPE, "webhook")])
    changes = [one.after[1] for one in desk.history()]
    assert [one["secret"] for one in changes] == ["**********"] * 2
    assert SECRET not in spoken + repr(changes)
    assert OTHER_SECRET not in spoken + repr(changes)
    desk.change("res-org-n", "remove", "destinations", item="erp", channel="webhook")
    assert desk.own("res-org-n") == []


def test_nobody_removes_a_destination_of_a_level_above(desk):
    with pytest.raises(NotFound, match="no webhook destination called '1' of its own"):
        desk.change("res-org-n", "remove", "destinations", item="1", channel="webhook")
    desk.change("north", "remove", "destinations", item="1", channel="webhook")
    assert rows(desk, "destinations", channel="webhook") == []


def test_a_wrong_destination_never_repeats_what_was_given(desk):
    raw = {"url": "https://x.example/", "secret": "hunter2", "unknown": "geheim"}
    with pytest.raises(SettingsError) as caught:
        desk.change("res-org-n", "add", "destinations", raw, item="erp", channel="webhook")
    assert "hunter2" not in str(caught.value)
    assert "geheim" not in str(caught.value)
