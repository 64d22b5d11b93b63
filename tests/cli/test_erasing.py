"""`livery prune` and `livery erase`, as a person uses them."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from typer.testing import CliRunner

from livery import Config, Engine
from livery.cli import app

SOMEBODY = "joerg.gross@mueller-soehne.example"


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


@pytest.fixture
def name(home):
    return json.loads((home / "event.json").read_text("utf-8"))["data"]["user"]["email"]


def test_a_person_is_erased_after_asking_and_the_record_stays(home, run, name):
    run("send", "event.json")
    assert "Aborted" in run("erase", "--recipient", name, input="n\n", code=1)
    assert name in run("deliveries", "list", "--json")
    said = run("erase", "--recipient", name, "--why", "request 7", input="y\n")
    assert "recipient" in said
    deliveries = json.loads(run("deliveries", "list", "--json"))
    assert deliveries
    assert all(one["purged_at"] and one["state"] != "pending" for one in deliveries)
    assert name not in json.dumps(deliveries)
    for file in home.glob("livery.db*"):
        assert name.encode() not in file.read_bytes(), file
    (record,) = json.loads(run("erase", "--list", "--json"))["erasures"]
    assert (record["kind"], record["erased"]) == ("recipient", len(deliveries))


def test_what_still_names_the_address_elsewhere_is_told(run, name):
    run("suppression", "add", name, "--tenant", "platform", "--kind", "opt_out")
    found = json.loads(run("erase", "--recipient", name, "--json"))
    assert found["elsewhere"] == ["suppression of platform"]


def test_what_is_to_be_erased_must_be_named_once(run):
    assert "--recipient" in run("erase", "--yes", code=2)
    assert "name one of" in run("erase", "--event", "e", "--recipient", "a@b.example", "--yes", code=2)
    assert "one e-mail address" in run("erase", "--recipient", "nobody", "--yes", code=2)


def test_what_is_too_old_is_removed(home, run):
    assert "Nothing is too old." in run("prune")
    run("send", "event.json")
    config = Config.load(home / "livery.toml")
    with Engine(config, now=lambda: datetime.now(UTC) + timedelta(days=181)) as engine:
        removed = engine.retention.prune(rest=0)
    assert set(removed) == {"messages", "texts"}
    assert json.loads(run("prune", "--json")) == {}
