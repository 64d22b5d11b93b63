"""Leaves a kit for `livery.quick` after a `livery render` that the engine did."""

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livery import quick
from livery.cli import output
from livery.models.classification import marks

if TYPE_CHECKING:
    from livery.engine import Engine
    from livery.models.event import Event

_MAX_STENCILS = 8
_SPEAKING_HOOKS = ("livery_amend_notification",)


def leave(engine: "Engine", event: "Event", config: Path | None, asked: str | None) -> None:
    """Write the kit of a request. Does nothing where a plugin or a store has a say in it, or no kit can be kept."""
    named = str(config) if config else None
    file = quick.file_of(named, event.seller_id, event.type)
    if (
        file is None
        or engine.config.store_exists()
        or any(engine.hooks.implementations(hook) for hook in _SPEAKING_HOOKS)
    ):
        return
    chain, kind = engine.planner.settled(event, quick.CHANNEL, engine.now()), engine.types[event.type]
    if marks(kind.data) or engine.writer.audiences(chain, kind):
        return  # it depends on the reader what is said
    packs, _ = engine.writer.packs(chain)
    if packs.packs and packs.set_aside(kind.notification):
        return  # which only the engine tells
    kit = _kit(engine, event, asked)
    kit["note"] = output.trial_note(engine, event.seller_id) if output.is_trial(config) else ""
    kit["store"] = str(engine.config.store_file or "")
    kit["signature"] = quick.signature([folder for _, _, folder in kit["packs"]], named)
    kit["stencils"] = {**_older(file, kit["signature"]), **kit["stencils"]}
    try:
        descriptor, name = tempfile.mkstemp(dir=file.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(kit, stream)
        Path(name).replace(file)
    except OSError:
        return


def _older(file: Path, signature: list[Any]) -> dict[str, Any]:
    """The stencils of the kit that is there, if it is as fresh as the new one."""
    try:
        kit: dict[str, Any] = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    fresh = kit.get("signature") == json.loads(json.dumps(signature))
    return dict(list(kit["stencils"].items())[-_MAX_STENCILS:]) if fresh else {}


def _kit(engine: "Engine", event: "Event", asked: str | None) -> dict[str, Any]:
    from livery.models.event import Event
    from livery.steps import compose
    from livery.writing import Reading

    kind, chain = engine.types[event.type], engine.planner.settled(event, quick.CHANNEL, engine.now())
    packs, _ = engine.writer.packs(chain)
    last = engine.config.default_locale
    user = event.data.user
    reading = Reading(engine.now(), reader_locale=user.locale if user else None, asked_locale=asked)
    choice = engine.writer.choice(chain, packs, reading)
    envelope = Event.model_json_schema()
    del envelope["properties"]["data"]
    envelope["required"] = [name for name in envelope["required"] if name != "data"]
    key = quick.stencil_key(choice.tag, choice.regional, event.data.seller.name)
    return {
        "envelope": envelope,
        "data": kind.data.model_json_schema(),
        "name": kind.notification,
        "wishes": compose.wishes(chain, last),
        "available": compose.available(packs, last),
        "packs": [[pack.id, pack.label, str(pack.folder)] for pack in packs.packs],
        "stencils": {key: engine.writer.compiled(event, chain, reading)},
    }
