"""An old and a new version work side by side on one database: while workers are replaced one by one, nobody waits."""

import json
import subprocess
import sys
import tarfile
from collections import Counter
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config as AlembicConfig
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, inspect, text

import livery.storage
from livery import Config, Engine
from livery.errors import StoreError
from livery.storage import schema
from livery.storage.database import connect
from waiting import until

ROOT = Path(__file__).parents[2]
PREVIOUS = "0aaaf87"
"""The version before; its schema is `schema.OLDEST`."""
GOOD = json.loads((ROOT / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
SOON = 2.0


def scripts():
    config = AlembicConfig()
    config.set_main_option("script_location", str(Path(livery.storage.__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def since_oldest():
    found = [one.revision for one in ScriptDirectory.from_config(scripts()).walk_revisions()]
    return sorted(one for one in found if one > schema.OLDEST)


def migrated(engine, to):
    config = scripts()
    with engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def shape(engine):
    """What older statements rely on: columns, and what the database refuses."""
    seen = inspect(engine)
    return {
        name: {
            "columns": {
                one["name"]: (str(one["type"]), one["nullable"], one["default"] is not None)
                for one in seen.get_columns(name)
            },
            "refuses": {
                *((str(one["constrained_columns"]), str(one["referred_table"])) for one in seen.get_foreign_keys(name)),
                *(str(one["column_names"]) for one in seen.get_unique_constraints(name)),
                *(str(one["column_names"]) for one in seen.get_indexes(name) if one["unique"]),
                *(one["sqltext"] for one in seen.get_check_constraints(name)),
            },
        }
        for name in seen.get_table_names()
    }


def test_every_migration_since_the_oldest_only_adds(store_url):
    """A column older statements do not know has a default or may be empty, and nothing is refused that was not."""
    engine = create_engine(store_url.replace("postgresql:", "postgresql+psycopg:"))
    migrated(engine, schema.OLDEST)
    oldest = before = shape(engine)
    for revision in since_oldest():
        migrated(engine, revision)
        after = shape(engine)
        for table, was in before.items():
            now = after.get(table)
            if now is None and table not in oldest:  # made and given up between two versions
                continue
            assert now, f"{revision} takes {table} away"
            assert was["columns"].items() <= now["columns"].items(), f"{revision} changes columns of {table}"
            new = {name: one for name, one in now["columns"].items() if name not in was["columns"]}
            assert all(nullable or default for _, nullable, default in new.values()), f"{revision}: {table} {new}"
            assert now["refuses"] == was["refuses"], f"{revision} lets {table} refuse what it took"
        before = after
    engine.dispose()


@pytest.mark.parametrize(("oldest", "works"), [(schema.HEAD, True), ("9998", False), (None, False)])
def test_a_newer_schema_is_worked_on_if_it_says_that_this_version_may(store_url, oldest, works):
    engine = connect(store_url)
    with engine.begin() as connection:
        connection.execute(text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999'"))
        connection.execute(text("UPDATE livery_generation SET value = :it"), {"it": oldest or ""})
        if oldest is None:
            connection.execute(text("DROP TABLE livery_generation"))
    engine.dispose()
    if works:
        engine = connect(store_url)
        with engine.connect() as connection:
            assert connection.execute(text(f"SELECT version_num FROM {schema.VERSION_TABLE}")).scalar() == "9999"
        engine.dispose()
    else:
        with pytest.raises(StoreError, match="newer than this Livery's"):
            connect(store_url)


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    """The sources of the version before, out of the history."""
    git = ["git", "-c", "safe.directory=*", "-C", str(ROOT)]
    made = subprocess.run([*git, "archive", PREVIOUS, "engine", "plugins", "template_packs"], capture_output=True)
    if made.returncode:
        pytest.skip(f"the history does not go back to {PREVIOUS}: {made.stderr.decode()[:200]}")
    folder = tmp_path_factory.mktemp("previous")
    with tarfile.open(fileobj=BytesIO(made.stdout)) as archive:
        archive.extractall(folder, filter="data")
    (folder / "engine/livery/_version.py").write_text('__version__ = "0.0.9"\n')
    return folder


@contextmanager
def previous(url, sources, settings):
    """A running process of the version before; what it is told to do is done when this returns its answer."""
    command_ = [sys.executable, str(Path(__file__).with_name("previous.py")), url, str(sources)]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command_, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def told(line):
        print(line, file=process.stdin, flush=True)
        answer = process.stdout.readline()
        assert answer, process.stderr.read()
        return answer.strip()

    try:
        assert told(json.dumps(settings)) == "ready"
        yield told
    finally:
        process.kill()
        process.communicate()


@pytest.fixture
def settings(http):
    hook = {"url": f"http://127.0.0.1:{http.port}/hook", "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    return {
        "outbound": {"allow": ["127.0.0.1"]},
        "tenants": {"platform": {}, "res-org-n": {"parent": "platform", "channels": {"webhook": [hook]}}},
    }


def event(folder, id_):
    file = folder / f"{id_}.json"
    file.write_text(json.dumps({**GOOD, "id": id_}))
    return file


@pytest.mark.source
def test_old_and_new_deliver_each_others_events_each_once(tmp_path, sources, settings, http):
    url = f"sqlite:///{tmp_path}/livery.db"
    config = Config.load(None, database_url=url, **settings)
    with previous(url, sources, settings) as old:
        assert old(f"accept {event(tmp_path, 'old-before')}") == "False"
        with Engine.open(config) as new:
            new.migrate()
            assert old(f"accept {event(tmp_path, 'old-beside')}") == "False"
            new.accept(event(tmp_path, "new-beside").read_bytes())
            assert old(f"accept {event(tmp_path, 'new-beside')}") == "True", "either knows what the other accepted"
            assert new.accept(event(tmp_path, "old-beside").read_bytes()).duplicate
            assert old("drain") == "drained"
            old(f"accept {event(tmp_path, 'old-last')}")
            new.drain()
            assert old("drain") == "drained"
            states = {one.event_id: str(one.state) for one in new.deliveries()}
    ids = ["old-before", "old-beside", "new-beside", "old-last"]
    assert states == dict.fromkeys(ids, "delivered")
    assert Counter(json.loads(one.body)["id"] for one in http.requests) == dict.fromkeys(ids, 1)


@pytest.mark.source
def test_old_and_new_see_each_others_settings_on_postgresql(postgres_store, sources, settings, tmp_path):
    config = Config.load(None, database_url=postgres_store, channels={"smtp": {}}, **settings)
    with previous(postgres_store, sources, {**settings, "channels": {"smtp": {}}}) as old, Engine.open(config) as new:
        new.explain(GOOD)
        assert old("bcc old@shop.example") == "changed"
        until(lambda: "old@shop.example" in str(new.explain(GOOD).audience), seconds=SOON)
        new.settings.change("res-org-n", "add", "bcc", "address:new@shop.example")
        assert "new@shop.example" in old(f"explain {event(tmp_path, 'any')}")
