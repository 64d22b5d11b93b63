"""Statements over arrays say what the same statements say row by row."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from sqlalchemy import BigInteger, Column, LargeBinary, MetaData, String, Table, create_engine, make_url, select

import databases
from livery.storage.prepared import Adding, Setting

TABLE = Table(
    "kept",
    MetaData(),
    Column("id", String, primary_key=True),
    Column("fence", BigInteger, nullable=False),
    Column("state", String, nullable=False),
    Column("said", String),
    Column("wire", LargeBinary),
)
ADD = Adding(TABLE, ("id", "fence", "state", "said", "wire"))
KEEP = Setting(TABLE, ["id", "fence"], ["said", "wire"], state="sending")
WORDS = some.none() | some.text(some.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
ROWS = some.dictionaries(
    some.text("abc", min_size=1, max_size=3),
    some.tuples(some.integers(0, 2**40), some.sampled_from(["sending", "dead"]), WORDS, some.none() | some.binary()),
    min_size=1,
    max_size=6,
)


@pytest.fixture(scope="module")
def stores(postgres, tmp_path_factory):
    """A table of the same shape in PostgreSQL, which takes arrays, and in SQLite, which takes rows."""
    with databases.database(postgres) as url:
        file = tmp_path_factory.mktemp("prepared") / "rows.db"
        made = [create_engine(make_url(url).set(drivername="postgresql+psycopg")), create_engine(f"sqlite:///{file}")]
        for one in made:
            TABLE.create(one)
        yield made
        for one in made:
            one.dispose()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=ROWS, change=ROWS)
def test_what_arrays_write_is_what_rows_write(stores, before, change):
    rows = [
        dict(zip(("id", "fence", "state", "said", "wire"), (id_, *one), strict=True)) for id_, one in before.items()
    ]
    changes = []
    for id_, (fence, _, said, wire) in change.items():
        known = before.get(id_)
        changes.append({"id_": id_, "fence_": known[0] if known else fence, "said_": said, "wire_": wire})
    found = []
    for one in stores:
        with one.connect() as tx:
            added, kept = ADD.run(tx, rows), KEEP.run(tx, changes)
            after = [tuple(row) for row in tx.execute(select(TABLE).order_by(TABLE.c.id))]
            found.append((added, kept, after))
            tx.rollback()
    assert found[0] == found[1]
    assert found[0][1] == sum(before[id_][1] == "sending" for id_ in change if id_ in before)
