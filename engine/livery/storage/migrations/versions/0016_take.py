"""How the next jobs are taken, for many tenants at once: those with one line are asked for no more than is needed."""

from alembic import op

revision = "0016"
down_revision = "0015"

_TAKE = """
CREATE FUNCTION livery_pgqueuer_take_2(
    _manager uuid,          -- who takes
    _want integer,          -- how many
    _alone boolean,         -- whether it may have one that has to run alone
    _lanes text[],          -- of these lanes; NULL for all
    _tenants text[],        -- of these tenants; NULL for all
    _now timestamptz,       -- NULL for the time it is
    _stale interval,        -- silent for so long, a worker is taken for dead
    _capped text[], _caps integer[],                       -- lanes, and how much of each at once
    _narrow text[], _narrows integer[], _own integer[],    -- lanes, and how much for a destination: of all, of _manager
    _narrowest integer, _ownest integer                    -- the same of any other lane
) RETURNS TABLE (
    job bigint, work text, lane text, due timestamptz, priority integer, tenant text, destination text, crashes integer,
    later double precision  -- of the last row, without a job: seconds until there may be more; 1 crash: it is full
) LANGUAGE plpgsql
-- Plans are kept; one made while the table was small must not read all of it when it is large.
SET enable_seqscan = off SET enable_bitmapscan = off SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    _at timestamptz;
    _beat timestamptz;
    _held boolean;
    _full text[];           -- lanes without room
    _last text COLLATE "C";
    _at_tenant text COLLATE "C";
    _wrapped boolean := false;
    _ended boolean := false;
    _chunk text[];
    _cap integer;
    _tenant text COLLATE "C";
    _lane text COLLATE "C";
    _destination text COLLATE "C";
    _room integer;
    _lines integer;
    _is_full boolean;
    _mine bigint[];
    _several text[] := '{}';  -- tenants with more than one line
    _turn integer := 0;
    _looked integer := 0;
    _crowded boolean;
    _numbers integer[];
    _ids bigint[] := '{}';
    _places integer[] := '{}';
    _turns integer[] := '{}';
    _chosen bigint[];
BEGIN
    -- One worker takes at a time: limits hold over all of them, and nobody finds what another has just taken.
    PERFORM pg_advisory_xact_lock('livery_pgqueuer'::regclass::oid::integer, 1);
    _beat := clock_timestamp();
    _at := coalesce(_now, _beat);

    -- Nobody could show a sign of life while the server was down.
    IF pg_postmaster_start_time() < _beat - _stale THEN
        UPDATE livery_pgqueuer q
        SET status = 'queued', ready = true, queue_manager_id = NULL, updated = _beat, crashes = q.crashes + 1
        WHERE q.status = 'picked' AND q.heartbeat < _beat - _stale;
    END IF;
    UPDATE livery_pgqueuer q SET ready = true WHERE q.id IN (
        SELECT l.id FROM livery_pgqueuer l
        WHERE l.status = 'queued' AND NOT l.ready AND l.execute_after <= _at ORDER BY l.execute_after LIMIT 2000
    );
    DELETE FROM livery_pgqueuer_hold h WHERE h.until <= _at;

    IF _alone AND _want > 0 THEN
        SELECT array_agg(s.id) INTO _chosen FROM (
            SELECT q.id FROM livery_pgqueuer q
            WHERE q.status = 'queued' AND q.crashes >= 2 AND q.ready
                AND (_lanes IS NULL OR q.entrypoint = ANY (_lanes)) AND (_tenants IS NULL OR q.tenant = ANY (_tenants))
            ORDER BY q.id LIMIT 1
        ) s;
        IF _chosen IS NOT NULL THEN
            RETURN QUERY UPDATE livery_pgqueuer q
            SET status = 'picked', updated = _beat, heartbeat = _beat, queue_manager_id = _manager
            WHERE q.id = ANY (_chosen)
            RETURNING q.id, q.dedupe_key, q.entrypoint, q.execute_after, q.priority, q.tenant, q.destination, q.crashes,
                NULL::double precision;
            RETURN;
        END IF;
    END IF;

    -- Lanes that are full are not looked at.
    SELECT array_agg(c.lane) INTO _full FROM unnest(_capped, _caps) c (lane, most)
    WHERE (SELECT count(*) FROM livery_pgqueuer q WHERE q.status = 'picked' AND q.entrypoint = c.lane) >= c.most;
    _crowded := _full IS NOT NULL;
    _full := coalesce(_full, '{}');
    _held := EXISTS (SELECT FROM livery_pgqueuer_hold);
    _numbers := ARRAY (SELECT generate_series(1, _want));

    SELECT t.last INTO _last FROM livery_pgqueuer_turn t WHERE t.key = '';
    _last := coalesce(_last, '');
    _at_tenant := _last;
    WHILE cardinality(_ids) < _want AND NOT _ended AND _looked < 5000 LOOP
        -- The next tenants in the circle, as many as are needed if each has one.
        _chunk := '{}';
        WHILE cardinality(_chunk) < _want - cardinality(_ids) AND NOT _ended LOOP
            IF _tenants IS NULL AND _at_tenant IS NULL THEN
                SELECT q.tenant INTO _at_tenant FROM livery_pgqueuer q
                WHERE q.status = 'queued' AND q.ready AND q.crashes < 2 ORDER BY q.tenant LIMIT 1;
            ELSIF _tenants IS NULL THEN
                SELECT q.tenant INTO _at_tenant FROM livery_pgqueuer q
                WHERE q.status = 'queued' AND q.ready AND q.crashes < 2 AND q.tenant > _at_tenant
                ORDER BY q.tenant LIMIT 1;
            ELSE
                SELECT w.tenant INTO _at_tenant FROM unnest(_tenants) w (tenant)
                WHERE (_at_tenant IS NULL OR w.tenant COLLATE "C" > _at_tenant) AND EXISTS (
                    SELECT FROM livery_pgqueuer q
                    WHERE q.status = 'queued' AND q.ready AND q.crashes < 2 AND q.tenant = w.tenant
                )
                ORDER BY w.tenant COLLATE "C" LIMIT 1;
            END IF;
            IF _at_tenant IS NULL AND NOT _wrapped THEN
                _wrapped := true;
            ELSIF _at_tenant IS NULL OR (_wrapped AND _at_tenant > _last) THEN
                _ended := true;
            ELSE
                _chunk := _chunk || _at_tenant;
            END IF;
        END LOOP;
        EXIT WHEN _chunk = '{}';
        _cap := least(_want, ceil(2.0 * (_want - cardinality(_ids)) / cardinality(_chunk))::integer);

        FOREACH _tenant IN ARRAY _chunk LOOP
            _turn := _turn + 1;
            _looked := _looked + 1;
            SELECT q.entrypoint, q.destination INTO _lane, _destination FROM livery_pgqueuer q
            WHERE q.status = 'queued' AND q.ready AND q.crashes < 2 AND q.tenant = _tenant
            ORDER BY q.entrypoint, q.destination LIMIT 1;
            IF NOT EXISTS (
                SELECT FROM livery_pgqueuer q
                WHERE q.status = 'queued' AND q.ready AND q.crashes < 2 AND q.tenant = _tenant
                    AND (q.entrypoint, q.destination) > (_lane, _destination)
            ) THEN
                -- Most have one line only.
                CONTINUE WHEN _lane <> ALL (_lanes) OR _lane = ANY (_full);
                CONTINUE WHEN _held AND EXISTS (
                    SELECT FROM livery_pgqueuer_hold h WHERE h.destination = _destination
                );
                _room := _cap;
                IF _destination <> '' THEN
                    SELECT least(
                        _cap, coalesce(max(n.most), _narrowest) - count(q.id),
                        coalesce(max(n.own), _ownest) - count(q.id) FILTER (WHERE q.queue_manager_id = _manager)
                    ) INTO _room
                    FROM (SELECT) one
                    LEFT JOIN unnest(_narrow, _narrows, _own) n (lane, most, own) ON n.lane = _lane
                    LEFT JOIN livery_pgqueuer q
                        ON q.status = 'picked' AND q.entrypoint = _lane AND q.destination = _destination;
                END IF;
                IF _room <= 0 THEN
                    _crowded := true;
                    CONTINUE;
                END IF;
                _mine := ARRAY (
                    SELECT q.id FROM livery_pgqueuer q
                    WHERE q.status = 'queued' AND q.ready AND q.crashes < 2
                        AND q.tenant = _tenant AND q.entrypoint = _lane AND q.destination = _destination
                    ORDER BY q.priority DESC, q.execute_after, q.id LIMIT _room
                );
            ELSE
                -- Its lines, each as long as there is room: by priority, then each line in its turn.
                _several := _several || _tenant;
                WITH RECURSIVE line (lane, destination) AS (
                    SELECT _lane, _destination
                    UNION ALL
                    SELECT n.entrypoint, n.destination FROM line, LATERAL (
                        SELECT q.entrypoint, q.destination FROM livery_pgqueuer q
                        WHERE q.status = 'queued' AND q.ready AND q.crashes < 2 AND q.tenant = _tenant
                            AND (q.entrypoint, q.destination) > (line.lane, line.destination)
                        ORDER BY q.entrypoint, q.destination LIMIT 1
                    ) n
                ), room AS (
                    SELECT l.lane, l.destination, least(_cap,
                        CASE WHEN l.destination = '' THEN _cap ELSE coalesce((
                            SELECT least(
                                coalesce(n.most, _narrowest) - count(*),
                                coalesce(n.own, _ownest) - count(*) FILTER (WHERE q.queue_manager_id = _manager)
                            ) FROM livery_pgqueuer q
                            WHERE q.status = 'picked' AND q.entrypoint = l.lane AND q.destination = l.destination
                        ), _cap) END
                    ) AS most
                    FROM line l LEFT JOIN unnest(_narrow, _narrows, _own) n (lane, most, own) ON n.lane = l.lane
                    WHERE (_lanes IS NULL OR l.lane = ANY (_lanes)) AND l.lane <> ALL (_full)
                        AND NOT (_held AND EXISTS (
                            SELECT FROM livery_pgqueuer_hold h WHERE h.destination = l.destination
                        ))
                ), last (line) AS (
                    SELECT t.last FROM livery_pgqueuer_turn t WHERE t.key = 't' || _tenant
                ), placed AS (
                    SELECT c.id, row_number() OVER (ORDER BY
                        c.priority DESC, c.rank,
                        r.lane || ' ' || r.destination <= coalesce((SELECT line FROM last), ''), r.lane, r.destination
                    ) AS place
                    FROM room r CROSS JOIN LATERAL (
                        SELECT q.id, q.priority,
                            row_number() OVER (ORDER BY q.priority DESC, q.execute_after, q.id) AS rank
                        FROM livery_pgqueuer q
                        WHERE q.status = 'queued' AND q.ready AND q.crashes < 2
                            AND q.tenant = _tenant AND q.entrypoint = r.lane AND q.destination = r.destination
                        ORDER BY q.priority DESC, q.execute_after, q.id LIMIT greatest(r.most, 0)
                    ) c
                    WHERE r.most > 0
                )
                SELECT array_agg(p.id ORDER BY p.place), (SELECT bool_or(r.most <= 0) FROM room r),
                    (SELECT count(*) FROM line)
                INTO _mine, _is_full, _lines FROM placed p WHERE p.place <= _cap;
                _crowded := _crowded OR coalesce(_is_full, false);
                _looked := _looked + _lines;
                CONTINUE WHEN _mine IS NULL;
            END IF;
            _ids := _ids || _mine;
            _places := _places || _numbers[1:cardinality(_mine)];
            _turns := _turns || array_fill(_turn, ARRAY[cardinality(_mine)]);
        END LOOP;
    END LOOP;

    IF _ids <> '{}' THEN
        -- Each tenant one, then each its second; of a lane no more than it has room for.
        IF _capped = '{}' THEN
            _chosen := ARRAY (
                SELECT u.id FROM unnest(_ids, _places, _turns) u (id, place, turn) ORDER BY u.place, u.turn LIMIT _want
            );
        ELSE
            SELECT array_agg(f.id ORDER BY f.place, f.turn) INTO _chosen FROM (
                SELECT p.id, p.place, p.turn FROM (
                    SELECT u.id, u.place, u.turn, q.entrypoint AS lane,
                        row_number() OVER (PARTITION BY q.entrypoint ORDER BY u.place, u.turn) AS of_lane
                    FROM unnest(_ids, _places, _turns) u (id, place, turn) JOIN livery_pgqueuer q ON q.id = u.id
                ) p
                LEFT JOIN unnest(_capped, _caps) c (lane, most) ON c.lane = p.lane
                WHERE c.lane IS NULL OR p.of_lane <= c.most - (
                    SELECT count(*) FROM livery_pgqueuer q WHERE q.status = 'picked' AND q.entrypoint = c.lane
                )
                ORDER BY p.place, p.turn LIMIT _want
            ) f;
        END IF;
        INSERT INTO livery_pgqueuer_turn AS t (key, last)
        SELECT '', q.tenant FROM livery_pgqueuer q WHERE q.id = _chosen[cardinality(_chosen)]
        ON CONFLICT (key) DO UPDATE SET last = excluded.last WHERE t.last <> excluded.last;
        IF _several <> '{}' THEN
            INSERT INTO livery_pgqueuer_turn AS t (key, last)
            SELECT DISTINCT ON (q.tenant) 't' || q.tenant, q.entrypoint || ' ' || q.destination
            FROM unnest(_chosen) WITH ORDINALITY c (id, number) JOIN livery_pgqueuer q ON q.id = c.id
            WHERE q.tenant = ANY (_several) ORDER BY q.tenant, c.number DESC
            ON CONFLICT (key) DO UPDATE SET last = excluded.last WHERE t.last <> excluded.last;
        END IF;
        RETURN QUERY
        WITH taken AS (
            UPDATE livery_pgqueuer q
            SET status = 'picked', updated = _beat, heartbeat = _beat, queue_manager_id = _manager
            WHERE q.id = ANY (_chosen) RETURNING q.*
        )
        SELECT q.id, q.dedupe_key, q.entrypoint, q.execute_after, q.priority, q.tenant, q.destination, q.crashes,
            NULL::double precision
        FROM taken q ORDER BY array_position(_chosen, q.id);
    END IF;
    _crowded := _crowded OR _looked >= 5000;
    RETURN QUERY SELECT NULL::bigint, '', '', _at, 0, '', '', _crowded::integer, extract(epoch FROM least(
        (SELECT min(q.execute_after) FROM livery_pgqueuer q WHERE q.status = 'queued' AND NOT q.ready) - _at,
        (SELECT min(h.until) FROM livery_pgqueuer_hold h) - _at,
        greatest(
            (SELECT min(q.heartbeat) FROM livery_pgqueuer q WHERE q.status = 'picked'), pg_postmaster_start_time()
        ) + _stale - _beat,
        CASE WHEN _crowded THEN interval '100 milliseconds' END
    ))::double precision;
END
$$;
"""


def upgrade() -> None:
    if op.get_bind().dialect.name != "postgresql":
        return
    plain = op.get_bind().execution_options(no_parameters=True)
    plain.exec_driver_sql(_TAKE)
