"""The host of `test_forks`: works with its engine, forks, and goes on working on both sides."""

import json
import os
import sys
import traceback
from pathlib import Path

from livery import Config, Engine

SAMPLE = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))


def event(name):
    data = {**SAMPLE["data"], "seller": {**SAMPLE["data"]["seller"], "id": "shop"}}
    return {**SAMPLE, "id": name, "data": {**data, "offer": {**data["offer"], "name": f"Offer {name}"}}}


def work(engine, who, each):
    for number in range(each):
        engine.accept(event(f"{who}-{number}"))
        if number % 3 == 0:
            engine.drain()
    engine.drain()


def main():
    order = json.load(sys.stdin)
    hook = {"url": order["hook"], "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    config = Config.load(
        None,
        database_url=order["store"],
        outbound={"allow": ["127.0.0.1"]},
        tenants={"shop": {"channels": {"webhook": [hook]}}},
    )
    with Engine.open(config) as engine:
        engine.accept(event("before"))
        engine.drain()
        children = []
        for who in range(order["children"]):
            child = os.fork()
            if child == 0:
                try:
                    work(engine, who, order["each"])
                    engine.close()
                except BaseException:  # noqa: BLE001 - whatever it is, the parent is to know
                    traceback.print_exc()
                    os._exit(1)
                os._exit(0)
            children.append(child)
        work(engine, order["children"], order["each"])
        failed = sum(os.waitpid(child, 0)[1] != 0 for child in children)
    sys.exit(failed)


if __name__ == "__main__":
    main()
