"""The commands that show something: explain, render, deliveries, plugin, pack, doctor."""

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta
from email import policy
from email.parser import BytesParser

import pytest

from cli.commands import EVENTS, GOOD, livery, stored
from livery import Engine
from livery.ports import utc_now


@pytest.fixture
def sent(home):
    assert livery("send", "event.json", cwd=home).returncode == 0
    return home


def test_explain_says_who_and_why(home):
    done = livery("explain", "event.json", cwd=home)
    assert done.returncode == 0, done.stderr
    for said in ("Ada Buyer <ada.buyer@custo.example>", "event_user · from default", "smtp → ada.buyer@custo.example"):
        assert said in done.stdout
    assert "no seller primary contact is configured" in done.stdout
    assert stored(home) == []


def test_explain_as_json_holds_the_same(home):
    found = json.loads(livery("explain", "event.json", "--json", cwd=home).stdout)
    assert [one["channel"] for one in found["deliveries"]] == ["smtp", "webhook"]
    assert found["audience"]["entries"][0]["recipient"]["address"] == "ada.buyer@custo.example"
    assert found["deliveries"][0]["wording"]["locale_why"].startswith("the recipient's language")


@pytest.mark.parametrize("locale", ["en", "de", "ar"])
def test_render_writes_the_message_in_the_language_asked_for(home, locale):
    done = livery("render", "event.json", "--channel", "smtp", "--locale", locale, "--wire", "--out", "out", cwd=home)
    assert done.returncode == 0, done.stderr
    stem = f"offer_provision_error.{locale}.smtp"
    mail = BytesParser(policy=policy.default).parsebytes((home / f"out/{stem}.eml").read_bytes())
    assert mail["Content-Language"] == locale
    assert GOOD["data"]["error"]["message"] in (home / f"out/{stem}.html").read_text("utf-8")
    assert GOOD["data"]["error"]["message"] in (home / f"out/{stem}.txt").read_text("utf-8")


@pytest.mark.parametrize("channel", ["slack", "teams", "webhook", "apprise"])
def test_render_writes_what_any_channel_would_send(home, channel):
    done = livery("render", "event.json", "--channel", channel, "--out", "out", "--json", cwd=home)
    assert done.returncode == 0, done.stderr
    (file,) = json.loads(done.stdout)["files"]
    assert GOOD["data"]["offer"]["name"] in (home / file).read_text("utf-8")


def test_render_without_configuration_shows_the_event_in_the_pack_of_its_seller(tmp_path):
    done = livery("render", EVENTS / "offer_provision_error.de.json", "--out", tmp_path, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "showing seller 'nordwind' in the pack 'nordwind'" in done.stderr
    assert "Nordwind Cloud GmbH" in (tmp_path / "offer_provision_error.de.smtp.html").read_text("utf-8")


def test_an_unknown_channel_names_those_there_are(home):
    done = livery("render", "event.json", "--channel", "pigeon", cwd=home)
    assert done.returncode == 2
    assert "no channel is called 'pigeon'; there are: apprise, slack, smtp, teams, webhook" in done.stderr


def test_a_delivery_shows_its_attempts_and_its_trace(sent):
    one = next(one for one in stored(sent) if one["channel"] == "smtp")
    shown = livery("deliveries", "show", one["id"], cwd=sent).stdout
    for said in ("accepted", "250", "event_user · from default", "base 1.0.0", one["message_id"]):
        assert said in shown
    whole = json.loads(livery("deliveries", "show", one["id"], "--json", cwd=sent).stdout)
    assert whole["log"][0]["outcome"]["status"] == "accepted"
    assert whole["trace"]["wording"]["pieces"]


def test_a_delivery_shows_the_message_as_it_was_sent(sent, mail):
    one = next(one for one in stored(sent) if one["channel"] == "smtp")
    shown = livery("deliveries", "show", one["id"], "--message", cwd=sent).stdout
    assert shown.strip().splitlines() == mail.mails[0].content.decode().strip().splitlines()


def test_deliveries_are_filtered(sent):
    def listed(*filters):
        return {one["channel"] for one in json.loads(livery("deliveries", "list", "--json", *filters, cwd=sent).stdout)}

    assert listed("--channel", "smtp") == {"smtp"}
    assert listed("--state", "delivered") == {"webhook"}
    assert listed("--tenant", "nobody") == set()
    assert listed("--event", GOOD["id"]) == {"smtp", "webhook"}
    assert livery("deliveries", "list", "--state", "lost", cwd=sent).returncode == 2


def test_an_unknown_delivery_is_bad_input(sent):
    done = livery("deliveries", "show", "dlv_none", cwd=sent)
    assert done.returncode == 2
    assert "no delivery begins with 'dlv_none'" in done.stderr


def test_plugins_channels_and_packs_are_listed(home):
    found = json.loads(livery("plugin", "list", "--json", cwd=home).stdout)
    assert {one["name"] for one in found["channels"]} == {"apprise", "slack", "smtp", "teams", "webhook"}
    assert {"livery_smtp", "livery_offer_provisioned", "livery_events"} <= {one["name"] for one in found["plugins"]}
    assert not any(one["error"] for one in found["plugins"])
    packs = {one["id"]: one for one in json.loads(livery("pack", "list", "--json", cwd=home).stdout)}
    assert packs["nordwind"]["parents"] == ["base"]
    assert {"en", "de", "ar"} <= set(packs["base"]["locales"])
    for command in ("plugin", "pack"):
        assert livery(command, "list", cwd=home).returncode == 0


def test_doctor_is_content_with_a_good_installation(home):
    done = livery("doctor", cwd=home)
    assert done.returncode == 0, done.stdout
    assert "✗" not in done.stdout


def test_doctor_names_what_is_wrong(home):
    with (home / "livery.toml").open("a") as file:
        file.write('[tenants.other]\nparent = "platform"\npack = "none-such"\n')
    done = livery("doctor", cwd=home)
    assert done.returncode == 1
    assert "no pack is called 'none-such'" in done.stdout
    (home / "livery.toml").write_text("colour = 1\n")
    done = livery("doctor", cwd=home)
    assert done.returncode == 2
    assert "colour: expected no such setting" in done.stdout


def test_doctor_says_once_that_the_store_is_away(home):
    url = f"sqlite:///{home}/nowhere/livery.db"
    done = livery("doctor", "--json", cwd=home, env={**os.environ, "LIVERY_DATABASE_URL": url})
    wrong = [one for one in json.loads(done.stdout) if not one["ok"]]
    assert [one["check"] for one in wrong] == ["store opens"]
    assert "a file in a folder that exists" in wrong[0]["says"]
    assert done.returncode == 1


def test_doctor_sees_that_the_clock_was_set_back(home):
    with Engine.open(home / "livery.toml", now=lambda: utc_now() + timedelta(hours=1)) as early:
        early.accept(GOOD)
    done = livery("doctor", cwd=home)
    assert done.returncode == 1
    assert re.search(r"✗ clock: this machine's is 3,\d{3} s behind the store's: let NTP set both", done.stdout)


def test_the_version_is_told(tmp_path):
    import livery as package

    assert livery("--version", cwd=tmp_path).stdout.strip() == f"livery {package.__version__}"


def on_a_terminal(*arguments, cwd, columns):
    """What a command prints on a terminal so wide."""
    here, there = pty.openpty()
    env = {**os.environ, "COLUMNS": str(columns), "TERM": "dumb"}
    command = [sys.executable, "-m", "livery", *arguments]
    with subprocess.Popen(command, cwd=cwd, env=env, stdin=there, stdout=there, stderr=there):
        os.close(there)
        said = b""
        with suppress(OSError):  # which Linux says at the end of a terminal
            while some := os.read(here, 4096):
                said += some
    os.close(here)
    return said.decode().replace("\r\n", "\n")


def test_no_terminal_is_too_narrow_for_what_people_copy(sent):
    ids = [one["id"] for one in stored(sent)]
    assert ids
    for columns in (60, 80, 200):
        lines = on_a_terminal("deliveries", "list", cwd=sent, columns=columns).splitlines()
        assert max(map(len, lines)) <= columns
        for said in (*ids, GOOD["id"], "ada.buyer@custo.example"):
            assert any(said in line for line in lines), (columns, said, lines)
