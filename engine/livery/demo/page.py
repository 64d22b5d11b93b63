"""The demo's page: everything received, side by side. The chat messages are drawn from their JSON."""

import json
from pathlib import Path
from typing import Any


def write_page(file: Path, received: list[dict[str, Any]]) -> None:
    """Write index.html; it refers to the files beside it and to nothing outside."""
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("livery.demo", ""), autoescape=True, trim_blocks=True)
    sellers = []
    for one in received:
        folder: Path = one["folder"]
        found = {
            name: json.loads((folder / f"{name}.json").read_text("utf-8")) for name in ("slack", "teams", "webhook")
        }
        signed = json.loads((folder / "webhook.headers.json").read_text("utf-8"))
        link = folder.relative_to(file.parent).as_posix()
        text = (folder / "email.txt").read_text("utf-8")
        body = json.dumps(found["webhook"], ensure_ascii=False, indent=2)
        rtl = one["locale"].startswith(("ar", "he", "fa"))
        sellers.append({**one, **found, "link": link, "text": text, "signed": signed, "body": body, "rtl": rtl})
    file.write_text(environment.get_template("index.html.j2").render(sellers=sellers), encoding="utf-8")
