"""The quick way of `livery render` says to the byte what the engine says, or leaves it to the engine."""

import contextlib
import json
import shutil
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from livery import Config, Engine, quick
from livery.catalogue import OfferProvisionErrorData
from livery.cli import kit
from livery.errors import EventError
from livery.models.event import Event
from livery.schema import Misfit, completed

EVENTS = sorted((Path(__file__).parents[2] / "examples/events").glob("*.json"))
GOOD = json.loads(next(file for file in EVENTS if file.stem == "offer_provision_error.en").read_text("utf-8"))
SELLERS = {"res-org-n": "base", "nordwind": "nordwind", "souq-cloud": "souq-cloud"}


@pytest.fixture
def engine(home):
    tenants = {"platform": {}} | {
        seller: {"parent": "platform", "pack": pack, "locale": "de", "brand": {"support_email": "help@x.example"}}
        for seller, pack in SELLERS.items()
    }
    with Engine.open(Config.load(None, tenants=tenants, channels={"smtp": {}})) as opened:
        yield opened


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def by_engine(engine, raw, locale):
    made = engine.preview(raw, channel="smtp", locale=locale)
    stem = f"{engine.types[json.loads(raw)['type']].notification}.{made.message.locale}.smtp"
    return made.message.title, quick.files_of(stem, made.message.html, made.message.text)


def by_kit(engine, raw, locale):
    return quick._written({**kit._kit(engine, engine.read(raw), locale)}, json.loads(raw), locale)


@pytest.mark.parametrize("pack", sorted(set(SELLERS.values())))
@pytest.mark.parametrize(
    ("file", "locale"),
    # A kit is of an event type and a language: what the event itself is written in matters where none is asked for.
    [(file, None) for file in EVENTS]
    + [(file, locale) for file in EVENTS if file.stem.endswith(".en") for locale in ("en", "de", "ar", "de-CH")],
    ids=lambda one: getattr(one, "stem", str(one)),
)
def test_every_example_in_every_pack_and_language_is_the_same(engine, home, file, pack, locale):
    event = json.loads(file.read_text("utf-8"))
    event["data"]["seller"]["id"] = next(seller for seller, used in SELLERS.items() if used == pack)
    raw = json.dumps(event).encode()
    assert by_kit(engine, raw, locale) == by_engine(engine, raw, locale)


def test_a_language_that_the_pack_lacks_is_the_engines_which_says_so(engine, home):
    assert by_kit(engine, json.dumps(GOOD).encode(), "fr") is None


texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"), min_size=1, max_size=60)
maybe = st.none() | texts


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    name=texts,
    message=texts,
    code=maybe,
    url=maybe,
    quantity=st.none() | st.integers(0, 10**9),
    retry=st.sampled_from([True, False, None]),
    user=st.booleans(),
)
def test_whatever_the_event_says_it_is_the_same_or_left_to_the_engine(
    engine, home, name, message, code, url, quantity, retry, user
):
    event = json.loads(json.dumps(GOOD))
    event["data"]["offer"] = {"name": name, "quantity": quantity}
    event["data"]["error"] = {"message": message, "code": code, "retryable": retry}
    event["data"]["order"]["url"] = url
    if not user:
        del event["data"]["user"]
    raw = json.dumps(event).encode()
    try:
        expected = by_engine(engine, raw, None)
    except EventError:
        return
    assert by_kit(engine, raw, None) in (expected, None)


leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.sampled_from(["", " x", "x", "2026-11-20T09:41:27Z", "2026-11-20", "x" * 3000])
)


@settings(max_examples=300, deadline=None)
@given(
    path=st.sampled_from(
        [
            "seller.id",
            "seller.name",
            "customer.name",
            "user.name",
            "user.email",
            "order.placed_at",
            "order.id",
            "offer.quantity",
            "offer.name",
            "error.retryable",
            "error.occurred_at",
            "error.message",
            "user",
            "error",
        ]
    ),
    value=leaves,
)
def test_the_schema_never_lets_through_what_the_model_refuses(path, value):
    data = json.loads(json.dumps(GOOD["data"]))
    *parents, last = path.split(".")
    at = data
    for parent in parents:
        at = at[parent]
    at[last] = value
    try:
        found = completed(data, OfferProvisionErrorData.model_json_schema())
    except Misfit:
        return
    assert found == OfferProvisionErrorData.model_validate_json(json.dumps(data)).model_dump(mode="json")


def rendered(home, *options):
    from livery.__main__ import main

    sys.argv = ["livery", "render", "event.json", "--out", "out", *options]
    with contextlib.suppress(SystemExit):
        main()
    return {file.name: file.read_bytes() for file in (home / "out").iterdir()}


@pytest.fixture
def asked(home, monkeypatch):
    """An event, a configuration and a pack of one's own; and how often the quick way was gone."""
    monkeypatch.setattr("sys.argv", [])
    (home / "event.json").write_text(json.dumps(GOOD))
    (home / "pack").mkdir()
    (home / "pack/pack.toml").write_text('format = 1\nid = "own"\nversion = "1"\nparent = "base"\n')
    (home / "livery.toml").write_text(
        'pack_paths = ["pack"]\n[channels.smtp]\n[tenants.platform]\n[tenants.res-org-n]\nparent = "platform"\npack = "own"\n'
    )
    went = []
    real = quick._rendered
    monkeypatch.setattr(quick, "_rendered", lambda request: went.append(real(request) is not None) or real(request))
    return home, went


def test_the_second_time_goes_the_quick_way_and_gives_the_same(asked):
    home, went = asked
    first = rendered(home)
    assert rendered(home) == first
    assert went == [False, True]


def test_a_changed_pack_is_seen(asked):
    home, went = asked
    rendered(home)
    (home / "pack/strings").mkdir()
    (home / "pack/strings/en.toml").write_text('[common]\ngreeting = "Good day {{ event.customer.name }}!"\n')
    assert b"Good day Custo. Org N.!" in rendered(home)["offer_provision_error.en.smtp.txt"]
    assert went == [False, False]


def test_a_changed_configuration_is_seen(asked):
    home, went = asked
    rendered(home)
    with (home / "livery.toml").open("a") as file:
        file.write('[tenants.res-org-n.brand]\nsupport_email = "new@x.example"\n')
    assert b"new@x.example" in rendered(home)["offer_provision_error.en.smtp.html"]
    assert went == [False, False]


def test_a_configuration_named_by_the_environment_is_looked_at_too(asked, monkeypatch):
    home, went = asked
    (home / "livery.toml").rename(home / "other.toml")
    monkeypatch.setenv("LIVERY_CONFIG", str(home / "other.toml"))
    rendered(home)
    rendered(home)
    with (home / "other.toml").open("a") as file:
        file.write('[tenants.res-org-n.brand]\nsupport_email = "new@x.example"\n')
    assert b"new@x.example" in rendered(home)["offer_provision_error.en.smtp.html"]
    assert went == [False, True, False]


def test_a_kit_serves_every_language_it_was_asked_for(asked):
    home, went = asked
    for _ in range(2):
        rendered(home)
        assert "offer_provision_error.de.smtp.html" in rendered(home, "--locale", "de")
    assert went == [False, False, True, True]


@pytest.mark.parametrize("options", [["--wire"], ["--json"], ["--channel", "slack"]])
def test_what_is_out_of_the_ordinary_is_the_engines(asked, options, capsys):
    home, went = asked
    rendered(home)
    rendered(home, *options)
    assert True not in went


def test_a_wrong_event_is_told_by_the_engine_however_often_it_was_right(asked, capsys):
    home, _ = asked
    rendered(home)
    wrong = json.loads(json.dumps(GOOD))
    wrong["data"]["offer"]["quantity"] = "many"
    (home / "event.json").write_text(json.dumps(wrong))
    assert quick.render(["event.json", "--out", "out"]) is False


def test_kits_are_kept_only_where_nobody_else_can_write(home):
    kits = home / "cache/livery/kits"
    assert quick.folder() == kits
    kits.chmod(0o777)
    assert quick.folder() is None
    shutil.rmtree(home / "cache")
    (home / "cache").write_text("no folder")
    assert quick.folder() is None


def test_a_plugin_with_a_say_in_the_wording_keeps_kits_away(engine, home):
    from livery.plugin import hookimpl

    class Amending:
        @hookimpl
        def livery_amend_notification(self, notification):
            return notification

    event = engine.read(json.dumps(GOOD))
    kit.leave(engine, event, None, None)
    assert list((home / "cache/livery/kits").iterdir())
    shutil.rmtree(home / "cache")
    engine.hooks.register(Amending(), "amending")
    kit.leave(engine, event, None, None)
    assert not list((home / "cache/livery/kits").glob("*.json"))
    assert isinstance(event, Event)


def test_the_quick_way_says_too_that_there_is_no_configuration(asked, capsys):
    home, went = asked
    (home / "livery.toml").unlink()
    for _ in range(2):
        rendered(home)
        assert "No livery.toml: showing seller 'res-org-n' in the pack 'base'." in capsys.readouterr().err
    assert went == [False, True]
