"""What the tests do to their PostgreSQL, shown: it comes back with what was committed, on the same port."""

import psycopg
import pytest

from waiting import until


@pytest.fixture
def kept(own_postgres):
    """A row that was committed; and a connection to ask by."""
    with psycopg.connect(own_postgres.url, autocommit=True) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (name text)")
        connection.execute("INSERT INTO kept VALUES ('here')")

        def rows():
            with psycopg.connect(own_postgres.url) as again:
                return [name for (name,) in again.execute("SELECT name FROM kept").fetchall()]

        yield rows
        with psycopg.connect(own_postgres.url, autocommit=True) as again:
            again.execute("DROP TABLE kept")


@pytest.mark.parametrize("end", ["stop", "kill"])
def test_it_ends_and_comes_back(own_postgres, kept, end):
    with psycopg.connect(own_postgres.url) as open_one:
        open_one.execute("INSERT INTO kept VALUES ('gone')")
        getattr(own_postgres, end)()
        with pytest.raises(psycopg.OperationalError):
            open_one.execute("SELECT 1")
    with pytest.raises(psycopg.OperationalError):
        kept()
    own_postgres.start()
    assert kept() == ["here"]


def test_it_pauses_and_goes_on(own_postgres, kept):
    with psycopg.connect(own_postgres.url, autocommit=True) as open_one:
        own_postgres.pause()
        open_one.pgconn.send_query(b"SELECT name FROM kept")
        open_one.pgconn.flush()
        open_one.pgconn.consume_input()
        assert open_one.pgconn.is_busy()
        own_postgres.resume()
        until(lambda: (open_one.pgconn.consume_input(), not open_one.pgconn.is_busy())[1])
        assert open_one.pgconn.get_result().get_value(0, 0) == b"here"
        assert open_one.pgconn.get_result() is None
    assert kept() == ["here"]
