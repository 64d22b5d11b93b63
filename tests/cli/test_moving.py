"""`livery migrate-store`, as an operator uses it."""

import json

from typer.testing import CliRunner

from livery.cli import app


def test_a_store_is_moved_and_says_what_came(home, monkeypatch):
    monkeypatch.chdir(home)
    runner = CliRunner()
    assert runner.invoke(app, ["send", "--queue", "event.json"]).exit_code == 0
    source, target = "sqlite:///livery.db", "sqlite:///moved.db"
    done = runner.invoke(app, ["migrate-store", source, target, "--json"])
    assert done.exit_code == 0, done.output
    moved = json.loads(done.output)
    assert moved["tables"]["livery_event"] == 1
    assert moved["wakes"] == moved["tables"]["livery_delivery"]
    assert "Moved and compared" in runner.invoke(app, ["migrate-store", source, target]).output
    refused = runner.invoke(app, ["deliveries", "list"])
    assert (refused.exit_code, "was moved to sqlite:///moved.db" in refused.output) == (2, True)
    monkeypatch.setenv("LIVERY_DATABASE_URL", target)
    assert len(json.loads(runner.invoke(app, ["deliveries", "list", "--json"]).output)) == moved["wakes"]
    assert runner.invoke(app, ["migrate-store", source, target, "--abandon"]).exit_code == 2
