"""The store: migrations, who may work, what a full disk does."""

import sqlite3
import subprocess
import sys

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from livery.errors import ConfigError, StoreError, StoreFull
from livery.storage import fresh, schema
from livery.storage.database import connect, writing


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/livery.db"


def is_queues(difference):
    """Whether it is about PgQueuer's tables, which are no part of our schema."""
    return difference[0] in ("remove_table", "remove_index") and "livery_pgqueuer" in str(difference[1])


def tables(engine):
    return {name for name in inspect(engine).get_table_names() if not name.startswith("livery_pgqueuer")}


def test_the_migrations_replayed_are_the_schema(store_url):
    engine = connect(store_url)
    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection,
            opts={"compare_type": True, "compare_server_default": True, "version_table": schema.VERSION_TABLE},
        )
        assert [one for one in compare_metadata(context, schema.metadata) if not is_queues(one)] == []
        assert connection.execute(text(f"SELECT version_num FROM {schema.VERSION_TABLE}")).scalar() == schema.HEAD
    engine.dispose()


def test_a_new_store_is_what_the_migrations_come_to(tmp_path):
    urls = [f"sqlite:///{tmp_path}/{name}.db" for name in ("at once", "step by step")]
    connect(urls[0]).dispose()
    replayed = create_engine(urls[1])
    with replayed.begin() as connection:
        fresh.replay(connection)
    replayed.dispose()
    dumps = []
    for url in urls:
        with sqlite3.connect(url.removeprefix("sqlite:///")) as raw:
            dumps.append({line for line in raw.iterdump() if "livery_generation" not in line})
        raw.close()
    assert dumps[0] == dumps[1]
    assert any(schema.HEAD in line for line in dumps[0])


def test_opening_again_changes_nothing(store_url):
    connect(store_url).dispose()
    engine = connect(store_url)
    assert tables(engine) == {*schema.metadata.tables, schema.VERSION_TABLE}
    engine.dispose()


def test_many_processes_may_open_a_new_store_at_once(store_url):
    program = f"from livery.storage.database import connect; connect({store_url!r}).dispose()"
    processes = [subprocess.Popen([sys.executable, "-c", program], stderr=subprocess.PIPE) for _ in range(6)]
    ends = [(process.communicate()[1], process.returncode) for process in processes]
    assert [code for _, code in ends] == [0] * 6, ends


def test_a_migration_that_is_killed_half_way_leaves_nothing_and_can_be_run_again(store_url):
    killed = (
        "import os, signal\n"
        "from alembic import op\n"
        "made = op.create_index\n"
        "def create_index(name, *arguments, **options):\n"
        "    made(name, *arguments, **options)\n"
        "    if name == 'ix_livery_setting_change_revision': os.kill(os.getpid(), signal.SIGKILL)\n"
        "op.create_index = create_index\n"
        "from livery.storage import database, fresh\n"
        "database.make = fresh.replay\n"
        f"database.connect({store_url!r})\n"
    )
    done = subprocess.run([sys.executable, "-c", killed], capture_output=True, text=True, check=False)
    assert done.returncode == -9, done.stderr
    raw = create_engine(store_url.replace("postgresql:", "postgresql+psycopg:"))
    assert inspect(raw).get_table_names() == []
    raw.dispose()
    engine = connect(store_url)
    assert tables(engine) == {*schema.metadata.tables, schema.VERSION_TABLE}
    engine.dispose()


def test_commits_survive_power_loss(url):
    engine = connect(url)
    with engine.connect() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"
        assert connection.execute(text("PRAGMA synchronous")).scalar() == 2
        assert connection.execute(text("PRAGMA foreign_keys")).scalar() == 1
    engine.dispose()


@pytest.mark.parametrize(
    "wrong", ["", "livery.db", "oracle://x/y", "sqlite://", "sqlite:///:memory:", "sqlite:////nowhere/at/all/livery.db"]
)
def test_a_url_that_is_no_store_says_what_one_looks_like(wrong):
    with pytest.raises(ConfigError, match="database_url"):
        connect(wrong)


def test_a_file_that_is_no_database_is_a_store_error(tmp_path):
    (tmp_path / "livery.db").write_bytes(b"this is no database, " * 100)
    with pytest.raises(StoreError, match="not a database"):
        connect(f"sqlite:///{tmp_path}/livery.db")


def test_a_full_disk_is_told_as_such_and_nothing_is_half_written(url):
    engine = connect(url)
    insert = text("INSERT INTO livery_wake (work, lane, due) VALUES (:work, 'x', 0)")
    with engine.connect() as connection:
        pages = connection.execute(text("PRAGMA page_count")).scalar()
        connection.execute(text(f"PRAGMA max_page_count = {pages + 2}"))
        connection.commit()

    def fill():
        with writing(engine) as tx:
            for number in range(5000):
                tx.execute(insert, {"work": f"w{number:030}"})

    with pytest.raises(StoreFull, match="nothing was written"):
        fill()
    engine.dispose()
    with sqlite3.connect(url.removeprefix("sqlite:///")) as raw:
        assert raw.execute("SELECT count(*) FROM livery_wake").fetchone() == (0,)
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_nothing_is_written_into_a_file_that_was_taken_away(tmp_path, how):
    """It would be accepted, and gone with the process."""
    url, file = f"sqlite:///{tmp_path}/livery.db", tmp_path / "livery.db"
    engine = connect(url)
    with writing(engine) as tx:
        tx.exec_driver_sql("INSERT INTO livery_stencil VALUES ('kept', '-', X'00', 0)")
    file.rename(tmp_path / "aside.db")
    for end in ("-wal", "-shm"):
        (tmp_path / f"livery.db{end}").rename(tmp_path / f"aside.db{end}")
    if how == "replaced":
        connect(url).dispose()
    with (
        pytest.raises(StoreError, match="removed or replaced while it was in use; nothing was written"),
        writing(engine),
    ):
        pytest.fail("nothing is written")
    if how == "replaced":
        with writing(engine) as tx:
            assert tx.exec_driver_sql("SELECT count(*) FROM livery_stencil").scalar() == 0
    else:
        with pytest.raises(StoreError, match="is gone; put it back"), writing(engine):
            pytest.fail("nothing is written")
        assert not file.exists(), "nor is an empty one begun"
    for end in ("", "-wal", "-shm"):
        if (tmp_path / f"aside.db{end}").exists():
            (tmp_path / f"aside.db{end}").rename(tmp_path / f"livery.db{end}")
    if how == "removed":
        with writing(engine) as tx:
            assert tx.exec_driver_sql("SELECT count(*) FROM livery_stencil").scalar() == 1
    engine.dispose()
