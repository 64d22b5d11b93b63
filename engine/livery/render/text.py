"""Plain text: a channel of its own, and the fallback part of every richer format. Works on plain data."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

RULE = "-" * 40


def plain(said: Mapping[str, Any], own: Callable[[Mapping[str, Any]], str | None] = lambda _: None) -> str:
    """Every row of a notification (as plain data) as text, without its title.

    Args:
        said: the notification.
        own: a block as the pack itself writes it; None leaves it to `block_text`.

    """
    blocks = [block_text(block) if (mine := own(block)) is None else mine for block in said["blocks"]]
    parts = [said["greeting"], *blocks, said["closing"]]
    parts += ["\n".join(said["signature"]), f"{RULE}\n{said['footer']}" if said["footer"] else ""]
    return "\n\n".join(part for part in parts if part) + "\n"


def block_text(block: Mapping[str, Any]) -> str:
    """One block (as plain data) as text."""
    match block["kind"]:
        case "text":
            return _under(block["heading"], [block["text"]])
        case "error":
            lines = [*block["text"].splitlines(), *([f"[{block['code']}]"] if block["code"] else [])]
            return _under(block["heading"], [f"    {line}" for line in lines])
        case "facts":
            return _under(block["heading"], [f"{fact['label']}: {fact['value']}" for fact in block["facts"]])
        case "list":
            return _under(block["heading"], [f"- {item}" for item in block["items"]])
        case "actions":
            return "\n".join(f"{action['label']}: {action['url']}" for action in block["actions"])
        case "image":
            return str(block["alt"])
        case _:
            return RULE


def _under(heading: str, lines: Iterable[str]) -> str:
    return "\n".join([*([heading] if heading else []), *lines])
