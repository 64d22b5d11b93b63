"""Leaves a kit for `livery.quick` after a `livery render` that the engine did."""

import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from livery import quick
from livery.cli import output

if TYPE_CHECKING:
    from livery.engine import Engine
    from livery.models.event import Event

_SPEAKING_HOOKS = ("livery_amend_notification",)


def leave(engine: "Engine", event: "Event", config: Path | None) -> None:
    """Write the kit of a request. Does nothing where a plugin has a say in the wording, or no kit can be kept."""
    named = str(config) if config else None
    file = quick.file_of(named, event.seller_id, event.type)
    if file is None or any(engine.hooks.implementations(hook) for hook in _SPEAKING_HOOKS):
        return
    kit = _kit(engine, event)
    kit["note"] = output.trial_note(engine, event.seller_id) if output.is_trial(config) else ""
    kit["signature"] = quick.signature([folder for _, _, folder in kit["packs"]], named)
    try:
        descriptor, name = tempfile.mkstemp(dir=file.parent)
        with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
            json.dump(kit, stream)
        Path(name).replace(file)
    except OSError:
        return


def _kit(engine: "Engine", event: "Event") -> dict[str, Any]:
    from livery.models.event import Event
    from livery.steps import compose

    kind, chain = engine.types[event.type], engine.planner.chain(event)
    packs, _ = engine.writer.packs(chain)
    material = compose.material(packs, kind.notification)
    last = engine.config.default_locale
    envelope = Event.model_json_schema()
    del envelope["properties"]["data"]
    envelope["required"] = [name for name in envelope["required"] if name != "data"]
    strings: dict[str, dict[str, list[list[str]]]] = {}
    for tag in packs.locales():
        keys = dict.fromkeys(key for pack in packs.packs for key in pack.strings.get(tag, {}))
        found = {key: [[one.source, one.pack, one.label] for one in material.strings(key, [tag])] for key in keys}
        strings[tag] = found
    return {
        "envelope": envelope,
        "data": kind.data.model_json_schema(),
        "definition": material.definition,
        "origin": dict(material.origin),
        "strings": strings,
        "file": material.file,
        "label": material.pack,
        "name": kind.notification,
        "brand": compose.brand(chain, packs, chain[-1].name or ""),
        "wishes": compose.wishes(chain, last),
        "available": compose.available(packs, last),
        "packs": [[pack.id, pack.label, str(pack.folder)] for pack in packs.packs],
    }
