"""PgQueuer's own commands and dashboard look at Livery's queue, as the operators' page says."""

import json
import os
import subprocess
import sys
from datetime import timedelta

import databases
from livery.execution.pgqueuer.adapter import PgQueuerExecution
from livery.ports import Wake, utc_now
from livery.storage.database import connect, writing


def asked(url, *words):
    environment = {**os.environ, "PGQUEUER_PREFIX": "livery_", "PGDSN": url, "COLUMNS": "200"}
    command = [sys.executable, "-m", "pgqueuer", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_its_backlog_its_workers_and_what_went_silent(postgres):
    with databases.database(postgres) as url:
        engine = connect(url)
        wakes = [Wake(f"d{number}", "smtp", utc_now() + timedelta(hours=number), tenant="shop") for number in range(3)]
        with writing(engine) as tx:
            PgQueuerExecution(engine, now=utc_now).put(tx, wakes)
        engine.dispose()
        (lane,) = json.loads(asked(url, "backlog", "--json"))
        assert "smtp" in lane.values()
        assert 3 in lane.values()
        asked(url, "workers")
        asked(url, "stale")
