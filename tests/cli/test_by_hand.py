"""`livery deliveries retry|cancel|purge` and `livery destinations`, as a person uses them."""

import json

import pytest
from typer.testing import CliRunner

from livery import Engine
from livery.cli import app


@pytest.fixture
def run(home, monkeypatch):
    """A command in the folder of the configuration; its answer."""
    monkeypatch.chdir(home)
    runner = CliRunner()

    def ran(*words, code=0, **options):
        done = runner.invoke(app, list(words), **options)
        assert done.exit_code == code, done.output
        return done.output

    return ran


def listed(run, *filters):
    return json.loads(run("deliveries", "list", "--json", *filters))


def sent(home):
    with Engine.open(home / "livery.toml") as engine:
        engine.drain()


@pytest.fixture
def dead(home, http, run):
    """The id of a webhook delivery that was refused for good."""
    http.answers["/hook"] = [(400, "not like this", {}), (200, "ok", {})]
    run("send", "event.json", code=1)
    (one,) = listed(run, "--state", "dead")
    return one["id"]


def test_a_dead_delivery_is_sent_again_by_filter_after_asking(home, http, run, dead):
    assert "Aborted" in run("deliveries", "retry", "--state", "dead", input="n\n", code=1)
    said = run("deliveries", "retry", "--state", "dead", "--why", "mended", input="y\n")
    assert "1 deliveries: send again?" in said
    assert "1 of 1 done" in said
    sent(home)
    (again,) = [one for one in listed(run, "--channel", "webhook") if one["id"] != dead]
    assert (again["state"], again["replay_of"], again["event_id"]) == ("delivered", dead, listed(run)[0]["event_id"])
    first, second = http.at("/hook")
    assert first.body == second.body
    assert second.headers["webhook-id"] == again["id"]
    shown = run("deliveries", "show", dead)
    assert "retry by" in shown
    assert "(mended)" in shown
    assert dead in run("deliveries", "show", again["id"])


def test_a_filter_by_time_finds_what_was_made_in_it(run, dead):
    assert json.loads(run("deliveries", "retry", "--until", "2h", "--json")) == []
    (done,) = json.loads(run("deliveries", "retry", "--since", "2h", "--json"))
    assert (done["delivery"], done["done"]) == (dead, True)


def test_a_time_that_is_none_says_how_to_write_one(run):
    assert "2026-11-20T12:00" in run("deliveries", "list", "--since", "yesterday", code=2)


def test_a_waiting_delivery_is_cancelled_and_not_sent(home, http, run):
    run("send", "--queue", "event.json")
    run("deliveries", "cancel", "--channel", "webhook", "--yes")
    sent(home)
    assert http.requests == []
    (one,) = listed(run, "--channel", "webhook")
    assert (one["state"], one["reason"]) == ("suppressed", "cancelled")
    assert "it is suppressed already" in run("deliveries", "cancel", one["id"], code=1)


def test_a_purge_says_how_many_and_keeps_the_rows(run, dead):
    assert "0 purged" in run("deliveries", "purge", "--older-than", "1d", "--yes")
    assert "2 purged" in run("deliveries", "purge", "--older-than", "0m", "--yes")
    assert {one["state"] for one in listed(run)} == {"dead", "accepted"}
    assert "ada.buyer" not in json.dumps(listed(run))
    assert "not 'soon'" in run("deliveries", "purge", "--older-than", "soon", code=2)


def test_a_destination_that_is_gone_is_shown_and_can_be_enabled(home, http, run):
    http.answers["/hook"] = [(410, "gone", {}), (200, "ok", {})]
    run("send", "event.json", code=1)
    assert "0 paused, 1 disabled" in run("deliveries", "list")
    (one,) = json.loads(run("destinations", "list", "--json"))
    assert "it answered 410 Gone" in " ".join(run("destinations", "list").split())
    run("destinations", "enable", one["key"], "--why", "it is back")
    assert "No destination is paused or disabled" in run("destinations", "list")
    run("deliveries", "retry", "--channel", "webhook", "--yes")
    sent(home)
    assert len(http.at("/hook")) == 2
    run("destinations", "disable", one["key"])
    assert json.loads(run("destinations", "list", "--json"))[0]["disabled_at"]
    assert "has ever failed" in run("destinations", "enable", "nowhere", code=2)
