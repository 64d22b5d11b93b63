"""Trying out: an example event, and one delivery of it that no store knows of; for commands and for pages."""

import json
from typing import Any

from livery.channel import Dispatch
from livery.engine import Engine
from livery.errors import NotFound
from livery.ids import new_id
from livery.models.delivery import Outcome
from livery.steps import deliver
from livery.writing import Reading

_DEADLINE = 35


class Try:
    """One delivery to a destination, as it would be made: same bytes, same guard, same verdict. Stores nothing.

    Attributes:
        event: the id of the event.
        title: of the message.
        wire: the bytes that are sent.
        label: what people are shown of the destination.

    """

    def __init__(self, engine: Engine, channel: str, destination: Any, raw: bytes) -> None:
        self._engine, self._channel, self._destination = engine, channel, destination
        event, now = engine.read(raw), engine.now()
        self._envelope = engine.planner.specimen(event, now)
        chain = engine.planner.chain(event)
        message, _, self.wire = engine.writer.message(
            event, chain, channel, self._envelope, Reading(now), destination=destination
        )
        self.event, self.title = event.id, message.title
        self.label = type(engine.channels.open(channel)).label(destination)

    async def send(self) -> tuple[Outcome, float]:
        """What came of it, and how many milliseconds it took."""
        dispatch = Dispatch(self._envelope, self._destination, self.wire, 1)
        async with self._engine.channels.apart(self._channel) as channel:
            return await deliver.attempt(channel, dispatch, deadline=_DEADLINE)


def example(
    engine: Engine, event_type: str | None = None, *, seller: str | None = None, email: str = ""
) -> dict[str, Any]:
    """A sample of the packs, as an event of its own that says it is a test (`liverytest`).

    Args:
        engine: has the packs.
        event_type: of which type; of any if None.
        seller: whose event it is; a tenant there is if None and the sample's is none.
        email: who is written to in the place of the sample's user.

    Raises:
        NotFound: there is no such event type, or no sample of it.

    """
    if event_type is not None and event_type not in engine.types:
        raise NotFound(f"no event type is called {event_type!r}; there are: {', '.join(sorted(engine.types))}")
    kinds = [engine.types[event_type]] if event_type else [*engine.types.values()]
    samples = [
        one for kind in kinds for pack in engine.library.packs.values() for one in pack.samples(kind.notification)
    ]
    if not samples:
        raise NotFound(f"no installed pack has a sample of {event_type or 'any event type'}; give an event of your own")
    _, raw = next((one for one in samples if ".en." in one[0]), samples[0])
    event: dict[str, Any] = json.loads(raw)
    event["id"], event["liverytest"] = new_id("test", engine.now()), True
    wanted = seller or _seller(engine, event["data"]["seller"]["id"])
    if wanted:
        found = engine.tenants.chain(wanted)
        event["data"]["seller"] = {"id": wanted, "name": (found[-1].name if found else None) or wanted}
    if email:
        event["data"]["user"] = {**(event["data"].get("user") or {"id": "test"}), "email": email}
    return event


def _seller(engine: Engine, named: str) -> str:
    """A tenant for the event: the one it names, else the last of livery.toml; empty if there are none."""
    tenants = engine.config.tenants
    return "" if not tenants or named in tenants else [*tenants][-1]
