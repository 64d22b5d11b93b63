"""A log of very many deliveries, made by the database itself, and what it costs to ask it something."""

import json
import os
from contextlib import contextmanager

from sqlalchemy import event, text

from livery.storage.database import moment

ROWS = 1_000_000 if os.environ.get("LIVERY_SOAK") else 12_000
START_US = 1_750_000_000_000_000
STEP_US = 1_000_000
"""One delivery a second, the oldest first; every eighth has the moment of the one before."""
OPEN = 60
"""The newest of all are open; everything else was settled a minute after it was made."""

_NUMBERS = "WITH RECURSIVE n(i) AS (SELECT CAST(1 AS BIGINT) UNION ALL SELECT i + 1 FROM n WHERE i < :rows)"
_EVENTS = """
INSERT INTO livery_event (key, tenant, source, event_id, type, body, digest, accepted_at, planned_at, tries, audience)
{numbers} SELECT {key}, {tenant}, 'src', 'e-' || i, 'X', {body}, '-', {at}, {at}, 0, '{{}}'
FROM n
"""
_DELIVERIES = """
INSERT INTO livery_delivery (id, tenant, event_key, event_id, event_type, channel, unique_key, destination, envelope,
  endpoint, state, attempts, crashes, fence, due_at, created_at, settled_at, settled, title, locale, message_id, degraded,
  warnings, trace, wire, priority, destination_key)
{numbers} SELECT 'dlv_' || CAST(10000000 + i AS TEXT), {tenant}, {key}, 'e-' || i, 'X',
  CASE WHEN i % 5000 = 17 THEN 'teams' WHEN i % 3 = 0 THEN 'webhook' ELSE 'smtp' END, 'u-' || i, 'ada@a.example',
  {envelope}, NULL,
  CASE WHEN i > :rows - :open THEN 'pending' WHEN i % 4000 = 9 THEN 'dead' ELSE 'accepted' END,
  1, 0, 1, {at}, {at}, CASE WHEN i > :rows - :open THEN NULL ELSE {at} + 60000000 END, '{{}}', 'Title', 'en', '<m>',
  '[]', '[]', '{{}}', {body}, 0, 'hook-' || (i % 900)
FROM n
"""
_ATTEMPTS = """
INSERT INTO livery_attempt (delivery, number, started_at, duration_us, status, outcome, worker)
{numbers} SELECT 'dlv_' || CAST(10000000 + i AS TEXT), 1, {at}, 5, 'accepted',
  '{{"status": "accepted", "detail": "ok ada@a.example"}}', 'w' FROM n WHERE i <= :rows - :open
"""
_AT = f"{START_US} + (i - CASE WHEN i % 8 = 0 THEN 1 ELSE 0 END) * {STEP_US}"
_TENANT = "'t-' || (CASE WHEN i % 10 < 6 THEN 0 WHEN i % 3000 = 7 THEN 999 ELSE i % 40 END)"
_DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"
_TIME = " || ".join(
    f"substr('{_DIGITS}', CAST((({_AT}) / 1000 / {32**place}) % 32 AS INTEGER) + 1, 1)" for place in reversed(range(10))
)
_KEY = f"'evt_' || {_TIME} || CAST(10000000 + i AS TEXT)"
_ENVELOPE = (
    '\'{"delivery_id": "x", "event_id": "e", "event_type": "X", "created_at": "2026-01-01T00:00:00Z",'
    ' "to": [{"address": "ada@a.example"}]}\''
)


def moment_of(days):
    """So many days after the first."""
    return moment(START_US + days * 86_400_000_000)


def fill(engine, rows=ROWS):
    """One delivery, with its event and its attempt, for each of so many; statistics are up to date."""
    body = "X'7b7d'" if engine.dialect.name == "sqlite" else "'{}'::bytea"
    with engine.connect() as connection:
        connection.execution_options(livery_begin="BEGIN IMMEDIATE")
        with connection.begin():
            for statement in (_EVENTS, _DELIVERIES, _ATTEMPTS):
                made = statement.format(
                    numbers=_NUMBERS, at=_AT, tenant=_TENANT, body=body, envelope=_ENVELOPE, key=_KEY
                )
                values = {"rows": rows, **({"open": OPEN} if ":open" in made else {})}
                escaped = made.replace('": ', '"\\: ').replace("T00:00:00Z", "T00\\:00\\:00Z").replace("::", "\\:\\:")
                connection.execute(text(escaped), values)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if engine.dialect.name == "postgresql":
            for table in ("event", "delivery", "attempt"):
                connection.exec_driver_sql(f"VACUUM ANALYZE livery_{table}")


@contextmanager
def watched(engine):
    """Every statement that asks or changes something within the block, with its values."""
    seen = []

    def note(connection, cursor, statement, parameters, context, executemany):
        if statement.lstrip().split(None, 1)[0].upper() in ("SELECT", "UPDATE", "DELETE") and not executemany:
            seen.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", note)


def plans(engine, statements):
    """For each statement: how the database goes about it, a line for each table it reads."""
    found = []
    with engine.connect() as connection:
        for statement, values in statements:
            if engine.dialect.name == "sqlite":
                rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values).all()
                found.append((statement, [row[-1] for row in rows]))
            else:
                (row,) = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", values).all()
                plan = row[0] if isinstance(row[0], list) else json.loads(row[0])
                found.append((statement, list(_nodes(plan[0]["Plan"]))))
    return found


def _nodes(node):
    names = [node[name] for name in ("Node Type", "Index Name", "Relation Name") if name in node]
    yield " ".join(names)
    for below in node.get("Plans", ()):
        yield from _nodes(below)


def scans(engine, statements):
    """What among it reads a whole table of the log, or sorts what it read."""
    wrong = []
    for statement, lines in plans(engine, statements):
        for line in lines:
            whole = line.startswith("SCAN livery_") and "USING" not in line
            if whole or line.startswith(("Seq Scan livery_event", "Seq Scan livery_del", "Seq Scan livery_att")):
                wrong.append((statement, line))
    return wrong


@contextmanager
def counted(engine):
    """A list that then holds how much work the database had: SQLite's instructions, PostgreSQL's blocks read."""
    cost = [0]
    if engine.dialect.name == "sqlite":

        def tick():
            cost[0] += 100

        def begin(connection, *_):
            connection.connection.dbapi_connection.set_progress_handler(tick, 100)

        event.listen(engine, "before_cursor_execute", begin)
        try:
            yield cost
        finally:
            event.remove(engine, "before_cursor_execute", begin)
        return
    with watched(engine) as seen:
        yield cost
    with engine.connect() as connection:
        for statement, values in seen:
            if statement.lstrip().upper().startswith("SELECT") and "FOR UPDATE" not in statement:
                answer = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}", values)
                plan = answer.scalar()
                plan = plan if isinstance(plan, list) else json.loads(plan)
                top = plan[0]["Plan"]
                cost[0] += top.get("Shared Hit Blocks", 0) + top.get("Shared Read Blocks", 0)
