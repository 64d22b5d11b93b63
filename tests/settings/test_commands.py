"""`livery settings` on the command line: exit codes, tables for people, JSON for machines."""

import json

import pytest

from cli.commands import livery

FILE = """
[channels.smtp]
[tenants.platform]
[tenants.north]
parent = "platform"
[tenants.shop]
parent = "north"
"""
LOG = "address:log@shop.example"


@pytest.fixture
def say(tmp_path):
    (tmp_path / "livery.toml").write_text(FILE, "utf-8")

    def run(*words, code=0, **options):
        done = livery("settings", *words, cwd=tmp_path, **options)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def test_what_is_added_is_shown_with_where_it_is_from_and_undone(say):
    made = json.loads(say("add", "shop", "bcc", LOG, "--type", "OfferProvisionError", "--who", "nele", "--json"))
    assert [(one["who"], one["field"], one["item"], one["after"]) for one in made] == [
        ("nele", "bcc", LOG, {"operation": "add", "value": None})
    ]
    shown = say("show", "shop", "--type", "OfferProvisionError")
    assert "seller shop" in next(line for line in shown.splitlines() if LOG in line)
    assert "nele" in say("history", "shop")
    say("undo", made[0]["id"])
    assert LOG not in say("show", "shop", "--type", "OfferProvisionError")


def test_what_is_locked_above_is_refused_with_who_did_it(say):
    say("lock", "north", "bcc", "--who", "olaf", "--note", "compliance")
    assert "locked by distributor north by olaf" in say("add", "shop", "bcc", LOG, code=2)
    say("unlock", "north", "bcc")
    say("add", "shop", "bcc", LOG)
    assert "Nothing to change" in say("add", "shop", "bcc", LOG)


def test_export_edit_plan_and_import(say, tmp_path):
    say("add", "shop", "bcc", LOG)
    say("add", "north", "quiet", "night", "from=22:00", "until=07:00")
    text = say("export")
    (tmp_path / "code.toml").write_text(text.replace("log@", "archive@"), "utf-8")
    planned = say("import", "code.toml", code=1, input="n\n")
    assert f"- shop bcc {LOG}" in planned
    assert "+ shop bcc address:archive@shop.example" in planned
    assert LOG in say("export")
    say("import", "code.toml", "--yes")
    assert "archive@shop.example" in say("export", "shop")
    assert "changed since they were exported" in say("import", "code.toml", "--yes", code=2)


def test_what_is_wrong_is_said_with_exit_code_2(say):
    assert "no tenant is called 'nobody'" in say("show", "nobody", code=2)
    assert "no setting is called 'colour'" in say("set", "shop", "colour", "red", code=2)
    assert "--since" in say("diff", "set", "shop", "locale", "de", "--since", "long", code=2)
    assert "geheim" not in say("add", "shop", "destinations", "erp", "geheim", "--channel", "webhook", code=2)
    assert "a time with its zone" in say("set", "shop", "locale", "de", "--from", "tomorrow", code=2)


def test_diff_counts_and_changes_nothing(say):
    assert "Of 0 events of the last 30d, 0 would go out differently" in say("diff", "set", "shop", "enabled", "off")
    assert json.loads(say("history", "--json")) == []
