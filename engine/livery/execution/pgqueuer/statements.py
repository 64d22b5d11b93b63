"""What is said to the queue's tables, by whoever puts work and by the workers. Migrations 0015 and 0016 made them."""

CHANNEL = "livery_ch_pgqueuer"
"""Where workers are told that there is something new."""
CHANGED = (
    f'{{"channel":"{CHANNEL}","operation":"insert","sent_at":"1970-01-01T00:00:00Z","table":"livery_pgqueuer",'
    '"type":"table_changed_event"}'
)
"""Always the same, so that PostgreSQL tells it once for all that one transaction puts."""

_AT = "coalesce(CAST(:now AS timestamptz), clock_timestamp())"
"""The server's clock, one for all machines; a clock of the caller's only where it has no real one."""

# ------------------------------------------------------------------ in anybody's transaction, through SQLAlchemy

PUT = f"""
WITH put AS (
    INSERT INTO livery_pgqueuer
        (priority, entrypoint, dedupe_key, payload, tenant, destination, execute_after, ready, status)
    SELECT w.priority, w.lane, w.work, convert_to(w.work, 'UTF8'), w.tenant, w.destination,
        b.at + w.after * interval '1 microsecond', w.after <= 0, 'queued'
    FROM unnest(
        CAST(:priorities AS integer[]), CAST(:lanes AS text[]), CAST(:works AS text[]), CAST(:tenants AS text[]),
        CAST(:destinations AS text[]), CAST(:afters AS bigint[])
    ) w (priority, lane, work, tenant, destination, after), (SELECT {_AT} AS at) b
    ON CONFLICT (dedupe_key) WHERE status IN ('queued', 'picked') AND dedupe_key IS NOT NULL DO NOTHING
    RETURNING 1
)
SELECT count(*), CASE WHEN count(*) > 0 THEN CAST(pg_notify(:channel, :changed) AS text) END FROM put
"""

CANCEL = """
DELETE FROM livery_pgqueuer WHERE dedupe_key = ANY (CAST(:works AS text[])) AND status IN ('queued', 'picked')
"""

HOLD = f"""
INSERT INTO livery_pgqueuer_hold (destination, until)
VALUES (:destination, {_AT} + CAST(:after AS bigint) * interval '1 microsecond')
ON CONFLICT (destination) DO UPDATE SET until = excluded.until
"""

RELEASE = f"""
WITH freed AS (DELETE FROM livery_pgqueuer_hold WHERE destination = :destination RETURNING 1), due AS (
    UPDATE livery_pgqueuer SET ready = true, execute_after = {_AT}
    WHERE destination = :destination AND status = 'queued' AND NOT ready AND relative
    RETURNING 1
)
SELECT pg_notify(:channel, :changed) WHERE EXISTS (SELECT FROM freed) OR EXISTS (SELECT FROM due)
"""

COUNT = "SELECT count(*) FROM livery_pgqueuer WHERE status IN ('queued', 'picked')"

DEPTHS = f"""
SELECT q.entrypoint, count(*), count(*) FILTER (WHERE q.execute_after <= b.at),
    coalesce(extract(epoch FROM b.at - min(q.execute_after) FILTER (WHERE q.execute_after <= b.at)), 0)
FROM livery_pgqueuer q, (SELECT {_AT} AS at) b
WHERE q.status IN ('queued', 'picked') GROUP BY q.entrypoint, b.at ORDER BY q.entrypoint
"""

DUE = """
SELECT dedupe_key, execute_after FROM livery_pgqueuer
WHERE dedupe_key = ANY (CAST(:works AS text[])) AND status IN ('queued', 'picked')
"""

# ------------------------------------------------------------------ on a worker's own connection

TAKE = """
SELECT * FROM livery_pgqueuer_take_2(
    $1::uuid, $2::integer, $3::boolean, $4::text[], $5::text[], $6::timestamptz, $7::interval, $8::text[],
    $9::integer[], $10::text[], $11::integer[], $12::integer[], $13::integer, $14::integer
)
"""

END = """
WITH done AS (
    DELETE FROM livery_pgqueuer
    WHERE id = ANY ($2::bigint[]) AND status = 'picked' AND queue_manager_id = $1
)
UPDATE livery_pgqueuer q
SET status = 'queued', queue_manager_id = NULL, updated = clock_timestamp(), relative = true,
    attempts = q.attempts + e.counts::integer, crashes = CASE WHEN e.counts THEN 0 ELSE q.crashes END,
    execute_after = coalesce($6::timestamptz, clock_timestamp()) + e.after * interval '1 microsecond',
    ready = e.after <= 0
FROM unnest($3::bigint[], $4::bigint[], $5::boolean[]) e (id, after, counts)
WHERE q.id = e.id AND q.status = 'picked' AND q.queue_manager_id = $1
"""

BEAT = """
UPDATE livery_pgqueuer SET heartbeat = clock_timestamp()
WHERE id = ANY ($2::bigint[]) AND status = 'picked' AND queue_manager_id = $1
"""

LEFT = """
SELECT count(*) AS count FROM (
    SELECT FROM livery_pgqueuer q
    CROSS JOIN (SELECT coalesce($3::timestamptz, clock_timestamp()) AS at) b
    WHERE (q.status = 'picked' OR (q.status = 'queued' AND (q.ready OR q.execute_after <= b.at)))
        AND ($1::text[] IS NULL OR q.entrypoint = ANY ($1)) AND ($2::text[] IS NULL OR q.tenant = ANY ($2))
        AND NOT EXISTS (
            SELECT FROM livery_pgqueuer_hold h WHERE h.destination = q.destination AND h.until > b.at
        )
    LIMIT 1
) one
"""
