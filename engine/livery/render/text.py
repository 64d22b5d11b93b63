"""Plain text: a channel of its own, and the fallback part of every richer format. Works on plain data."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from livery.locales import shorten

RULE = "-" * 40


def plain(said: Mapping[str, Any], own: Callable[[Mapping[str, Any]], str | None] | None = None) -> str:
    """Every row of a notification (as plain data) as text, without its title.

    Args:
        said: the notification.
        own: a block as the pack itself writes it; None leaves it, or all of them, to `block_text`.

    """
    parts = [said["greeting"]]
    for block in said["blocks"]:
        mine = own(block) if own is not None else None
        parts.append(block_text(block) if mine is None else mine)
    parts += (said["closing"], "\n".join(said["signature"]), f"{RULE}\n{said['footer']}" if said["footer"] else "")
    return "\n\n".join(filter(None, parts)) + "\n"


def block_text(block: Mapping[str, Any]) -> str:
    """One block (as plain data) as text."""
    kind = block["kind"]
    if kind == "text":
        return f"{block['heading']}\n{block['text']}" if block["heading"] else str(block["text"])
    match kind:
        case "error":
            lines = [*block["text"].splitlines(), *([f"[{block['code']}]"] if block["code"] else [])]
            return _under(block["heading"], [f"    {line}" for line in lines])
        case "facts":
            return _under(block["heading"], [f"{fact['label']}: {fact['value']}" for fact in block["facts"]])
        case "list":
            return _under(block["heading"], [f"- {item}" for item in block["items"]])
        case "actions":
            return "\n".join([f"{action['label']}: {action['url']}" for action in block["actions"]])
        case "image":
            return str(block["alt"])
        case _:
            return RULE


def shorter(block: dict[str, Any], length: int) -> dict[str, Any]:
    """A block (as plain data) with so many characters for each of its texts; ids, kinds and links stay whole."""

    def cut(part: Any, name: str = "") -> Any:
        if isinstance(part, dict):
            return {key: cut(one, key) for key, one in part.items()}
        if isinstance(part, list):
            return [cut(one) for one in part]
        return shorten(part, length) if isinstance(part, str) and name not in ("id", "kind", "url") else part

    return {key: cut(one, key) for key, one in block.items()}


def _under(heading: str, lines: Iterable[str]) -> str:
    return "\n".join([heading, *lines] if heading else lines)
