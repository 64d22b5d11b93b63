"""Secrets of settings are sealed where they are stored, open for their own tenant alone, and outlive their keys."""

import json
import logging
import sqlite3
from contextlib import closing, suppress
from datetime import UTC

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.commands import GOOD, livery
from livery import Config, Engine
from livery.errors import ConfigError, SettingsConflict, SettingsError
from livery.settings.differences import Slot
from livery.settings.sealed import Sealed, context
from livery.storage.rotation import rotate
from livery.vault import SealBroken, Vault, new_key

SECRETS = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"]
CANARIES = [*SECRETS, "canary-header-77", "canary-path-88"]


@pytest.fixture
def settings(tmp_path, mail, http):
    return {
        "database_url": f"sqlite:///{tmp_path}/livery.db",
        "secret_keys": [new_key()],
        "outbound": {"allow": ["127.0.0.1"]},
        "channels": {"smtp": {"host": "127.0.0.1", "port": mail.port}},
        "tenants": {
            "platform": {"contacts": {"operations": {"email": "ops@platform.example"}}},
            "res-org-n": {"parent": "platform"},
            "other": {"parent": "platform"},
        },
    }


def opened(settings):
    return Engine.open(Config.load(None, **settings))


def hook(http, secret=SECRETS[0]):
    return {"url": http.url("/erp"), "secret": secret, "headers": {"X-Key": "canary-header-77"}}


def fill(desk, http):
    """Everything that leaves something in the store or its trail."""
    at = {"channel": "webhook"}
    desk.change("res-org-n", "add", "destinations", hook(http), item="erp", **at)
    desk.change("res-org-n", "add", "destinations", hook(http, SECRETS[1]), item="erp", **at)
    (change,) = desk.change(
        "res-org-n", "set", "destinations", {"a": hook(http)}, event_type="OfferProvisionError", **at
    )
    desk.undo(change.id)
    desk.change("res-org-n", "add", "destinations", {"url": http.url("/canary-path-88")}, item="chat", channel="slack")


def values(desk):
    return [one.value for one in desk.own("res-org-n")]


def leaks(text):
    return [one for one in CANARIES if one in text]


def stored(tmp_path):
    """The bytes of everything that lies beside the store."""
    return "".join(file.read_bytes().decode("latin-1") for file in tmp_path.glob("livery.db*"))


def test_no_byte_of_a_secret_is_stored_or_shown_and_it_still_signs(settings, http, tmp_path, caplog):
    caplog.set_level(logging.DEBUG, "livery")
    with opened(settings) as engine:
        desk = engine.settings
        fill(desk, http)
        assert leaks(stored(tmp_path)) == []
        assert "res-org-n" in stored(tmp_path)
        with pytest.raises(SettingsConflict) as caught:
            desk.change(
                "res-org-n", "add", "destinations", hook(http), item="x", channel="webhook", expected_revision=1
            )
        with pytest.raises(SettingsError) as wrong:
            desk.change("res-org-n", "add", "destinations", {**hook(http), "no": "such"}, item="x", channel="webhook")
        shown = [
            values(desk),
            [(one.before, one.after) for one in desk.history()],
            desk.export(),
            desk.resolved("res-org-n", channel="webhook"),
        ]
        shown += [desk.propose("res-org-n", "add", "destinations", hook(http), item="x", channel="webhook")]
        told = [repr(one) for one in [*shown, engine.explain(GOOD), caught.value, wrong.value, engine.live.__dict__]]
        assert [leaks(one) for one in told] == [[]] * len(told)
        assert http.url("/erp") in told[0], "what is no secret is shown"
        engine.accept(GOOD)
        engine.drain()
        assert [one.state for one in engine.deliveries(channel="webhook")] == ["delivered"]
        assert leaks("\n".join(str(vars(one)) for one in caplog.records)) == []
    assert http.at("/erp")[0].headers["X-Key"] == "canary-header-77"
    assert len(http.at("/canary-path-88")) == 1
    assert leaks(stored(tmp_path)) == []


def test_what_is_said_already_makes_no_change_and_an_export_comes_back_as_it_was(settings, http):
    with opened(settings) as engine:
        desk = engine.settings
        fill(desk, http)
        assert (
            desk.change("res-org-n", "add", "destinations", hook(http, SECRETS[1]), item="erp", channel="webhook") == []
        )
        assert desk.plan_import(desk.export()).changes == []


def test_without_a_key_nothing_is_stored_and_what_holds_no_secret_is(settings, http):
    del settings["secret_keys"]
    with opened(settings) as engine:
        with pytest.raises(ConfigError, match="secret_keys: expected a key") as caught:
            engine.settings.change("res-org-n", "add", "destinations", hook(http), item="erp", channel="webhook")
        assert leaks(str(caught.value)) == []
        assert engine.settings.history() == []
        engine.settings.change("res-org-n", "set", "locale", "de")


@pytest.mark.parametrize("table", ["livery_setting", "livery_setting_change"])
def test_a_row_copied_to_another_tenant_does_not_open(settings, http, tmp_path, table):
    with opened(settings) as engine:
        desk = engine.settings
        (change,) = desk.change("res-org-n", "add", "destinations", hook(http), item="erp", channel="webhook")
        desk.reset("res-org-n")
        desk.undo(desk.history()[0].id)
        with closing(sqlite3.connect(tmp_path / "livery.db")) as store:
            store.execute(f"update {table} set tenant = 'other' where tenant = 'res-org-n'")
            store.execute("update livery_setting_revision set tenant = 'other'")
            store.commit()
    with opened(settings) as engine:
        if table == "livery_setting":
            seller = {**GOOD, "data": {**GOOD["data"], "seller": {"id": "other", "name": "Other"}}}
            with pytest.raises(SealBroken, match="stands where it was not put"):
                engine.explain(seller)
        else:
            (stolen,) = engine._opened().settings.change(engine.settings._scope, change.id)
            with pytest.raises(SealBroken):
                dict(stolen.after[1])


def test_rotation_can_be_broken_off_and_lets_the_old_key_go(settings, http, tmp_path):
    old, new = settings["secret_keys"][0], new_key()
    with opened(settings) as engine:
        fill(engine.settings, http)
    settings["secret_keys"] = [new, old]
    with opened(settings) as engine:
        looked = engine.rotate_secrets(only_look=True)

        def stop(_):
            raise KeyboardInterrupt

        with suppress(KeyboardInterrupt):
            rotate(engine._opened().ledger.engine, engine.vault, progress=stop)
        done = engine.rotate_secrets()
        assert looked.resealed == {"settings": 2, "changes": 6}
        assert (done.current, done.resealed, done.broken) == ({"settings": 2}, {"changes": 6}, {})
        assert engine.rotate_secrets().resealed == {}
        change = engine.settings.history()[-1]
    assert f"sealed:1:{Vault([old]).newest}" not in "".join(_rows(tmp_path))
    settings["secret_keys"] = [new]
    with opened(settings) as engine:
        engine.accept(GOOD)
        engine.drain()
        assert [one.state for one in engine.deliveries(channel="webhook")] == ["delivered"]
        engine.settings.undo(change.id, force=True)
        assert leaks(repr(values(engine.settings))) == []


def test_a_key_that_is_gone_is_named_with_what_needs_it(settings, http):
    lost = Vault(settings["secret_keys"]).newest
    with opened(settings) as engine:
        fill(engine.settings, http)
    settings["secret_keys"] = [new_key()]
    with opened(settings) as engine:
        done = engine.rotate_secrets()
        assert done.broken == {(lost, "settings"): 2, (lost, "changes"): 6}
        assert done.examples[lost, "settings"][:1] == ["slack destinations of res-org-n"]
        assert not engine.accept({**GOOD, "id": "late"}).deliveries, "it waits for the key"
        assert http.url("/erp") in repr(values(engine.settings)), "what is no secret is shown all the same"
        engine.settings.change("res-org-n", "add", "destinations", hook(http), item="erp", channel="webhook")
        engine.settings.reset("res-org-n", "destinations", channel="slack")
        assert [one.channel for one in engine.explain(GOOD).deliveries] == ["smtp", "webhook"]


def test_the_command_line(settings, http, tmp_path, monkeypatch):
    old, new = settings["secret_keys"][0], new_key()
    with opened(settings) as engine:
        fill(engine.settings, http)
    (tmp_path / "livery.toml").write_text('database_url = "sqlite:///livery.db"\n[tenants.platform]\n')
    assert livery("secrets", "rotate", cwd=tmp_path).returncode == 2
    monkeypatch.setenv("LIVERY_SECRET_KEYS", json.dumps([new, old]))
    looked = livery("secrets", "rotate", "--dry-run", "--json", cwd=tmp_path)
    assert json.loads(looked.stdout)["resealed"] == {"settings": 2, "changes": 6}
    done = livery("secrets", "rotate", cwd=tmp_path)
    assert (done.returncode, "older keys may go" in done.stderr) == (0, True)
    monkeypatch.setenv("LIVERY_SECRET_KEYS", json.dumps([old]))
    done = livery("secrets", "rotate", cwd=tmp_path)
    assert done.returncode == 1
    assert f"2 settings need the key {Vault([new]).newest}, such as slack destinations of res-org-n" in done.stderr


def _rows(tmp_path):
    with closing(sqlite3.connect(tmp_path / "livery.db")) as store:
        for table in ("livery_setting", "livery_setting_change"):
            yield from (str(row) for row in store.execute(f"select * from {table}"))


_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=4)
_TIMES = st.none() | st.datetimes(timezones=st.just(UTC))
_SLOTS = st.builds(
    Slot, _WORDS, _WORDS, _WORDS, st.just("destinations"), st.just(""), st.just(False), _TIMES, _TIMES
)  # fmt: skip


@given(_SLOTS, _WORDS, _SLOTS, _WORDS)
def test_one_place_one_context(slot, name, other, its_name):
    assert (context(slot, name) == context(other, its_name)) == ((slot, name) == (other, its_name))


@given(st.dictionaries(_WORDS, _WORDS), st.dictionaries(_WORDS, _WORDS))
def test_sealed_items_are_compared_by_what_was_sealed(item, other):
    vault = Vault([KEY])
    assert Sealed.of(vault, item, {}, "here") == Sealed.of(vault, item, {}, "here") == item
    assert (Sealed.of(vault, item, {}, "here") == Sealed.of(vault, other, {}, "here")) == (item == other)
    assert repr(Sealed.of(vault, item, {"a": 1}, "here")) == "Sealed({'a': 1})"


KEY = new_key()
