"""`livery queue`, as an operator uses it."""

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


def test_a_channel_is_held_back_and_goes_on(home, http, run):
    assert "Nothing waits." in run("queue", "stats")
    assert "is held back" in run("queue", "pause", "--channel", "webhook", "--why", "its receiver moves")
    assert "already" in run("queue", "pause", "--channel", "webhook")
    run("send", "event.json", code=1)
    assert http.requests == []
    assert "its receiver moves" in run("queue", "stats")
    assert json.loads(run("queue", "drain", "--timeout", "0", "--json", code=1)) == {"left": 1}
    (held,) = json.loads(run("queue", "stuck", "--minutes", "0", "--json", code=1))
    assert "channel webhook is paused" in held["why"]
    assert "1 waited" in run("queue", "resume", "--channel", "webhook")
    with Engine.open(home / "livery.toml") as engine:
        engine.drain()
    assert len(http.requests) == 1
    assert "Nothing is left." in run("queue", "drain")
    assert "Nothing is stuck." in run("queue", "stuck", "--minutes", "0")


def test_what_is_meant_must_be_named_and_exist(run):
    assert "name one of --channel" in run("queue", "pause", code=2)
    assert "no channel is called 'fax'" in run("queue", "pause", "--channel", "fax", code=2)
    assert "is not paused" in run("queue", "resume", "--tenant", "nordwind", code=2)
    assert "--by is channel" in run("queue", "stats", "--by", "colour", code=2)
