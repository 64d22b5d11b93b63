"""A secret of an event reaches those who may see it and nobody and nothing else: shown by canaries.

The canaries are in the event's secret fields; after the whole path they are looked for in everything that left it.
"""

import json
import logging
import sqlite3
from contextlib import closing
from typing import Annotated, Any

import pytest

from livery import Config, Engine, EventError
from livery.errors import ConfigError
from livery.plugin import INTERNAL, EventData, EventPart, EventType, secret
from livery.ports import Who
from livery.vault import new_key
from unit.making import plugin

PASSWORD, PIN, MARGIN = "canary-Pa55&<wort>", 918273645, "canary-margin-17"
WEBHOOK = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


class Admin(EventPart):
    login: str
    password: Annotated[str, secret("user", "seller")]
    pins: Annotated[list[int], secret("user")] = []


class TenantData(EventData):
    admin: Admin
    margin: Annotated[str | None, INTERNAL] = None


KIND = EventType(
    name="NewTenantCreated",
    data=TenantData,
    notification="new_tenant",
    to=("event_user",),
    cc=("organization_contact:seller.primary",),
    bcc=("address:archive@platform.example",),
)
EVENT = {
    "specversion": "1.0",
    "id": "evt-1",
    "source": "/platform",
    "type": "NewTenantCreated",
    "time": "2026-11-20T09:41:27Z",
    "data": {
        "seller": {"id": "shop", "name": "Shop"},
        "customer": {"id": "c", "name": "Custo"},
        "user": {"id": "u", "name": "Ada", "email": "ada@custo.example", "locale": "en"},
        "admin": {"login": "admin@custo.example", "password": PASSWORD, "pins": [PIN]},
        "margin": MARGIN,
    },
}
PACK = {
    "pack.toml": 'format = 1\nid = "p"\nversion = "1"\nparent = "base"\n',
    "notifications/new_tenant.toml": """event = "NewTenantCreated"
subject = "{% if event.admin.password %}Password {{ event.admin.password }}{% else %}A tenant{% endif %}"
title = "{{ event.customer.name }} has a tenant"
[[blocks]]
id = "login"
kind = "text"
text = "Login {{ event.admin.login }}"
[[blocks]]
id = "password"
kind = "text"
when = "event.admin.password"
text = "Password {{ event.admin.password }}{% for one in event.admin.pins or [] %} PIN {{ one }}{% endfor %}"
[[blocks]]
id = "margin"
kind = "text"
audience = ["seller", "platform"]
text = "Margin {{ event.margin }}"
[[blocks]]
id = "welcome"
kind = "text"
audience = ["user"]
text = "Welcome {{ event.user.name }} on board"
""",
}


@pytest.fixture
def settings(tmp_path, mail, http):
    folder = tmp_path / "pack"
    for name, text in PACK.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return {
        "database_url": f"sqlite:///{tmp_path}/livery.db",
        "pack_paths": [str(folder)],
        "secret_keys": [new_key()],
        "outbound": {"allow": ["127.0.0.1"]},
        "channels": {"smtp": {"host": "127.0.0.1", "port": mail.port}},
        "tenants": {
            "platform": {},
            "shop": {
                "parent": "platform",
                "pack": "p",
                "contacts": {"primary": {"email": "desk@shop.example"}},
                "channels": {
                    "slack": {"url": http.url("/slack")},
                    "teams": {"url": http.url("/teams")},
                    "webhook": [
                        {"url": http.url("/plain"), "secret": WEBHOOK},
                        {"url": http.url("/allowed"), "secret": WEBHOOK, "may_see_secrets": True},
                    ],
                },
            },
        },
    }


@pytest.fixture
def engine(settings):
    heard: list[str] = []
    listener = plugin(
        "listener",
        livery_register_event_types=lambda: [KIND],
        livery_on_alarm=lambda kind, message, event: heard.append(f"{kind} {message} {event!r}"),
        livery_on_outcome=lambda delivery, attempt: heard.append(f"{delivery!r} {attempt!r}"),
    )
    with Engine.open(Config.load(None, **settings), plugins={"listener": listener}) as opened:
        opened.heard = heard  # type: ignore[attr-defined]
        yield opened


def canaries(text: Any) -> set[str]:
    text = text if isinstance(text, str) else json.dumps(text, default=str, ensure_ascii=False)
    found = {PASSWORD: "password", "canary-Pa55&amp;&lt;wort&gt;": "password", str(PIN): "pin", MARGIN: "margin"}
    return {name for one, name in found.items() if one in text}


def texts(received) -> str:
    return "\n".join([str(received.parsed["Subject"]), received.part("plain"), received.part("html")])


def test_each_reader_gets_what_it_may_see(engine, mail, http):
    engine.accept(EVENT)
    engine.drain()
    by_reader = {one.recipients: one for one in mail.mails}
    assert set(by_reader) == {("ada@custo.example",), ("desk@shop.example",), ("archive@platform.example",)}
    user, desk, archive = (
        texts(by_reader[key,]) for key in ("ada@custo.example", "desk@shop.example", "archive@platform.example")
    )
    assert canaries(user) == {"password", "pin"}
    assert "Welcome Ada on board" in user
    assert canaries(desk) == {"password", "margin"}
    assert "Welcome Ada on board" not in desk
    assert canaries(archive) == {"margin"}
    assert canaries(http.at("/slack")[0].body.decode()) == {"margin"}
    assert canaries(http.at("/teams")[0].body.decode()) == {"margin"}
    assert canaries(http.at("/plain")[0].body.decode()) == {"margin"}
    assert canaries(http.at("/allowed")[0].body.decode()) == {"password", "margin"}
    body = json.loads(http.at("/plain")[0].body)
    assert body["data"]["admin"] == {"login": "admin@custo.example"}
    assert [(one.state, one.degraded) for one in engine.deliveries() if one.degraded or not one.is_good] == []


def test_a_copy_has_its_own_readers_in_to_and_bcc_stays_unseen(engine, mail):
    engine.accept(EVENT)
    engine.drain()
    by_reader = {one.recipients[0]: one.parsed for one in mail.mails}
    assert by_reader["desk@shop.example"]["To"] == "desk@shop.example"
    assert by_reader["desk@shop.example"]["Cc"] is None
    assert "archive@platform.example" not in by_reader["archive@platform.example"].as_string()
    assert by_reader["archive@platform.example"]["To"].startswith("undisclosed-recipients")
    assert len({str(one["Message-ID"]) for one in by_reader.values()}) == 3


def test_one_mail_where_all_may_see_the_same(settings, mail):
    plain = json.loads(json.dumps(EVENT))
    plain["data"] = {**plain["data"], "admin": {"login": "admin@custo.example"}, "margin": None}
    optional = type(
        "TenantData", (EventData,), {"__annotations__": {"margin": Annotated[str | None, INTERNAL]}, "margin": None}
    )
    kind = KIND.model_copy(update={"data": optional})
    del settings["tenants"]["shop"]["pack"]
    with Engine.open(
        Config.load(None, **settings), plugins={"p": plugin("p", livery_register_event_types=lambda: [kind])}
    ) as engine:
        engine.accept(plain)
        engine.drain()
    (received,) = mail.mails
    assert received.recipients == ("ada@custo.example", "desk@shop.example", "archive@platform.example")


def test_nothing_that_is_kept_or_told_holds_a_secret(engine, settings, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    engine.accept(EVENT)
    engine.drain()
    ours = [one for one in caplog.records if not one.name.startswith("mail.")]  # the receiving server's own
    assert canaries("\n".join(f"{one.getMessage()} {vars(one)}" for one in ours)) == set()
    assert canaries("\n".join(engine.heard)) <= {"margin"}
    for one in engine.deliveries():
        assert canaries(one.model_dump(mode="json")) <= {"margin"}
        assert canaries([attempt.model_dump(mode="json") for attempt in engine.attempts(one.id)]) == set()
    assert canaries(engine.explain(EVENT).model_dump(mode="json")) <= {"margin"}
    assert canaries(repr(engine.read(EVENT))) <= {"margin"}
    with closing(sqlite3.connect(tmp_path / "livery.db")) as store:
        told = [
            (table, column)
            for (table,) in store.execute("select name from sqlite_master where type = 'table'").fetchall()
            for column in [row[1] for row in store.execute(f"pragma table_info({table})").fetchall()]
            for (value,) in store.execute(f"select {column} from {table}").fetchall()
            if canaries(value.decode("latin-1") if isinstance(value, bytes) else str(value)) - {"margin"}
        ]
    assert told == []
    sealed = [one for one in engine.deliveries() if engine.wire(one.id) is None]
    assert {one.channel for one in sealed} == {"smtp", "slack", "teams", "webhook"}


def test_an_event_with_a_secret_is_refused_where_no_key_is(settings):
    del settings["secret_keys"]
    listener = plugin("listener", livery_register_event_types=lambda: [KIND])
    with Engine.open(Config.load(None, **settings), plugins={"listener": listener}) as engine:
        with pytest.raises(ConfigError, match="secret_keys: expected a key") as caught:
            engine.accept(EVENT)
        assert engine.deliveries() == []
    assert canaries(str(caught.value)) == set()


def test_the_same_event_is_the_same_event_however_it_is_sealed(engine):
    assert not engine.accept(EVENT).duplicate
    assert engine.accept(EVENT).duplicate


def test_a_sealed_message_can_be_sent_again_as_it_was(engine, mail):
    engine.accept(EVENT)
    engine.drain()
    (first,) = [one for one in engine.deliveries(channel="smtp") if "ada@" in one.destination]
    engine.interventions.retry([first.id], Who("desk", "asked for it"))
    engine.drain()
    once, again = [one for one in mail.mails if one.recipients == ("ada@custo.example",)]
    assert once.content == again.content
    assert canaries(texts(again)) == {"password", "pin"}


def test_what_was_stored_under_an_old_key_goes_out_under_a_new_one(settings, mail):
    old = settings["secret_keys"]
    listener = plugin("listener", livery_register_event_types=lambda: [KIND])
    with Engine.open(Config.load(None, **settings), plugins={"listener": listener}) as engine:
        engine.accept(EVENT)
    settings["secret_keys"] = [new_key(), *old]
    with Engine.open(Config.load(None, **settings), plugins={"listener": listener}) as engine:
        engine.drain()
        assert {one.state for one in engine.deliveries(channel="smtp")} == {"accepted"}
    assert any(canaries(texts(one)) == {"password", "pin"} for one in mail.mails)


@pytest.mark.parametrize("channel", ["smtp", "slack", "teams", "webhook"])
def test_a_preview_shows_a_stand_in(engine, channel):
    made = engine.preview(EVENT, channel=channel)
    assert canaries(made.wire.decode()) <= {"margin"}
    assert canaries(made.message.model_dump(mode="json")) <= {"margin"}
    if channel == "smtp":
        assert "••••••" in made.message.text


@pytest.mark.parametrize(
    "admin",
    [
        {"login": 5, "password": PASSWORD},
        PASSWORD,
        {"password": {"x": PASSWORD}},
        {"login": "x", "password": "x", "pins": [PASSWORD]},
    ],
)
def test_a_refused_event_is_refused_without_its_secrets(engine, admin):
    with pytest.raises(EventError) as caught:
        engine.accept({**EVENT, "data": {**EVENT["data"], "admin": admin}})
    assert "data.admin" in str(caught.value)
    assert canaries(str(caught.value)) == set()


def test_a_far_side_that_echoes_a_secret_puts_it_in_no_log(settings, mail, http):
    http.answers["/allowed"] = [(400, f"wrong: {PASSWORD}", {})]
    listener = plugin("listener", livery_register_event_types=lambda: [KIND])
    with Engine.open(Config.load(None, **settings), plugins={"listener": listener}) as engine:
        engine.accept(EVENT)
        engine.drain()
        told = [attempt.model_dump_json() for one in engine.deliveries() for attempt in engine.attempts(one.id)]
    assert any("400" in one for one in told)
    assert canaries("\n".join(told)) == set()
