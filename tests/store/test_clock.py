"""Clocks: a machine whose clock is not the store's is told apart, since retries would come at odd times."""

import json
from datetime import timedelta
from pathlib import Path

from livery import Config, Engine
from livery.ports import utc_now

EVENT = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
HOUR = timedelta(hours=1)


def at(url, clock):
    tenants = {"platform": {}, EVENT["data"]["seller"]["id"]: {"parent": "platform"}}
    return Engine.open(Config.load(None, database_url=url, channels={"smtp": {}}, tenants=tenants), now=clock)


def test_a_clock_that_is_not_the_stores_is_seen(store_url):
    with at(store_url, utc_now) as engine:
        assert abs(engine.clock_ahead()) < HOUR / 2
    with at(store_url, lambda: utc_now() + HOUR) as ahead:
        ahead.accept(EVENT)
        assert (ahead.clock_ahead() > HOUR / 2) == store_url.startswith("postgresql"), "a file has no clock"
    with at(store_url, lambda: utc_now() - HOUR) as behind:
        assert behind.clock_ahead() < -HOUR / 2
