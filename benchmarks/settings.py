"""Resolution of one event's settings with many sellers in the store, beside the whole of accepting an event.

User CPU of this process per event; rounds are interleaved, ratios are medians of the rounds. Warm: the seller was
asked for before; cold: it was not, so its settings are read. Queries are counted on the connection.
"""

import json
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import event as events
from sqlalchemy import insert

from livery import Config, Engine
from livery.models.event import Event
from livery.storage import schema

SELLERS, ROUNDS, EVENTS = 10_000, 7, 300
CHANNELS = ("smtp", "slack", "teams", "webhook")
SAMPLE = json.loads((Path(__file__).parents[1] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))


def timed(job: Callable[[], object]) -> float:
    """Seconds of this process's CPU that a job takes."""
    began = time.process_time()
    job()
    return time.process_time() - began


def of(seller: str, number: int = 0) -> dict[str, Any]:
    """An event of a seller."""
    data = {**SAMPLE["data"], "seller": {"id": seller, "name": seller}}
    return {**SAMPLE, "id": f"evt-{seller}-{number}", "data": data}


def fill(engine: Engine) -> None:
    """Sellers under ten distributors, each with a copy of its own, a pack and a language."""
    desk, rows, said = engine.settings, [], []
    for number in range(10):
        engine.tenants.add(f"d{number}", parent="platform", level="distributor")
        desk.change(f"d{number}", "add", "bcc", f"address:log@d{number}.example")
        desk.change(f"d{number}", "set", "locale", "de", channel="smtp")
    engine.tenants.add("s0", parent="d0")
    desk.change("s0", "add", "bcc", "address:log@s0.example", event_type=SAMPLE["type"])
    with engine._opened().ledger.transaction() as tx:  # noqa: SLF001 - ten thousand through the front door take long
        tenant = dict(tx.execute(schema.tenant.select().where(schema.tenant.c.id == "s0")).mappings().one())
        setting = dict(tx.execute(schema.setting.select().where(schema.setting.c.tenant == "s0")).mappings().one())
        for number in range(1, SELLERS):
            id_ = f"s{number}"
            rows.append({**tenant, "id": id_, "parent": f"d{number % 10}"})
            said.append({**setting, "tenant": id_, "item": f"address:log@{id_}.example"})
        tx.execute(insert(schema.tenant), rows)
        tx.execute(insert(schema.setting), said)


def resolve(engine: Engine, wanted: list[Event]) -> None:
    """What the planner asks of settings for each event."""
    planner, now = engine.planner, engine.now()
    for one in wanted:
        engine.live.refresh()
        chain = planner.chain(one)
        for channel in CHANNELS:
            planner.resolved(chain, one.type, channel, now)


def main() -> None:
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        tenants = {"platform": {"contacts": {"operations": {"email": "ops@platform.example"}}}}
        config = Config.load(None, database_url=f"sqlite:///{folder}/livery.db", channels={"smtp": {}}, tenants=tenants)
        with Engine.open(config) as engine:
            fill(engine)
            queries: list[str] = []
            events.listen(
                engine._opened().ledger.engine,  # noqa: SLF001
                "before_cursor_execute",
                lambda _c, _cu, statement, *_: queries.extend([statement] if statement.startswith("SELECT") else []),
            )
            ids = [f"s{number}" for number in chance.sample(range(SELLERS), ROUNDS * EVENTS)]
            warm: list[float] = []
            cold: list[float] = []
            accept: list[float] = []
            counts = {}
            for number in range(ROUNDS):
                some = [engine.read(of(id_)) for id_ in ids[number * EVENTS : (number + 1) * EVENTS]]
                engine.live.forget()
                queries.clear()
                cold.append(timed(lambda some=some: resolve(engine, some)) / EVENTS)
                counts["cold"] = len(queries) / EVENTS
                queries.clear()
                warm.append(timed(lambda some=some: resolve(engine, some)) / EVENTS)
                counts["warm"] = len(queries) / EVENTS
                raws = [of(one.seller_id, number) for one in some]
                accept.append(timed(lambda raws=raws: engine.accept_all(raws)) / EVENTS)
    print(f"{SELLERS:,} sellers in the store, {len(CHANNELS)} channels an event")
    for name, rounds in (("warm", warm), ("cold", cold)):
        print(f"resolution, {name}: {statistics.median(rounds) * 1e6:7.0f} µs CPU, {counts[name]:.1f} queries an event")
    print(f"accepting it:     {statistics.median(accept) * 1e6:7.0f} µs CPU")
    ratio = statistics.median(one / whole for one, whole in zip(warm, accept, strict=True))
    print(f"resolution, warm / accepting: {ratio:.2f}")


if __name__ == "__main__":
    main()
