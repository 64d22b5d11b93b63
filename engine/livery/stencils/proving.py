"""Proving: what `livery pack check` asks the worker. Grammar of single templates; a stencil against the direct way."""

import json
from collections.abc import Callable
from typing import Any

from livery.composing import Plain
from livery.render.text import plain as plain_text
from livery.stencils import grammar, naming
from livery.stencils.compiling import compiled
from livery.stencils.direct import Direct
from livery.stencils.stencil import Stencil
from livery.stencils.values import StagingError

Report = Callable[[str], None]


def read(templates: list[Plain], report: Report) -> list[Plain]:
    """For each template, all that its grammar forbids, the values it asks for, and the names it gives itself.

    Args:
        templates: `{"name", "source", "mode"}`; the mode is `markup`, `text` or `condition`.
        report: told which template is being read.

    """
    return [_read(one, report) for one in templates]


def _read(template: Plain, report: Report) -> Plain:
    report(template["name"])
    try:
        if template["mode"] == "condition":
            tree: Any = grammar.condition(template["source"])
        else:
            tree = grammar.parsed(template["source"], markup=template["mode"] == "markup")
    except StagingError as error:
        return {"name": template["name"], "problems": [error.plain()], "asked": [], "own": []}
    problems = [one.plain() for one in grammar.problems(tree)]
    if any(one["rule"] == "too-large" for one in problems):
        return {"name": template["name"], "problems": problems, "asked": [], "own": []}
    asked, own = naming.names(tree)
    return {"name": template["name"], "problems": problems, "asked": asked, "own": sorted(own)}


def proved(order: Plain, samples: list[Plain], report: Report) -> Plain:
    """A stencil compiled twice, and each sample written by it and directly.

    Args:
        order: as `livery.stencils.orders` makes it.
        samples: what each sees of its event: see `livery.composing.seen`.
        report: as for `livery.stencils.compiling.compiled`.

    Returns:
        `problems` of the compiling; `deterministic`; and for each sample `said`, `html`, `text`, `degraded`, and
        `differs`: where the two ways part, or an empty text.

    """
    data = compiled(order, report)
    again = compiled(order, report)
    problems = [one["problem"] | {"note": one["note"]} for one in data["notes"] if one["problem"]]
    problems += _problems(data["script"])
    stencil, direct = Stencil(data), Direct(order)
    return {
        "problems": problems,
        "deterministic": json.dumps(data) == json.dumps(again),
        "samples": [_sample(stencil, direct, seen) for seen in samples],
    }


def _sample(stencil: Stencil, direct: Direct, seen: Plain) -> Plain:
    said, really = stencil.notification(seen), direct.notification(seen)
    (html, notes), (page, _) = stencil.html(said), direct.html(really)
    differs = ""
    for name in sorted((set(said) | set(really)) - {"degraded"}):
        if said.get(name) != really.get(name):
            differs = f"{name} of the notification"
    if not differs and html != page:
        at = next((at for at, (one, other) in enumerate(zip(html, page, strict=False)) if one != other), -1)
        differs = f"HTML at character {at}: {html[at : at + 60]!r} instead of {page[at : at + 60]!r}"
    degraded = [*said["degraded"], *notes]
    return {"said": said, "html": html, "text": plain_text(said), "degraded": degraded, "differs": differs}


def _problems(part: Any) -> list[Plain]:
    """What went wrong with texts and conditions, wherever they stand in a script."""
    if isinstance(part, list):
        return [one for each in part for one in _problems(each)]
    if not isinstance(part, dict):
        return []
    own = (
        [{**part["problem"], "piece": part.get("piece", ""), "locale": part.get("locale", "")}]
        if "problem" in part
        else []
    )
    return [*own, *(one for value in part.values() for one in _problems(value))]
