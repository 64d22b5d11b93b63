"""A small pack without parents, in one language, so that a check of it is quick; and what tests change in it."""

import json
from pathlib import Path

from livery.packtools.checking import check
from livery.studio.opening import Target

EVENT = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
NOTIFICATION = "notifications/offer_provision_error.toml"
LAYOUT, TEXT, STRINGS = "layouts/email.mjml.j2", "blocks/text.mjml.j2", "strings/en.toml"
FILES = {
    "pack.toml": """format = 1
id = "tiny"
version = "1.0.0"
title = "Tiny"
license = "MIT"

[tokens]
primary = { type = "colour", value = "#134e6f" }
paper = { type = "colour", value = "#ffffff" }
ink = { type = "colour", value = "#111111", on = "paper" }
""",
    "README.md": "# Tiny\n",
    "strings/en.toml": """[tiny]
subject = "Order {{ event.order.id }}"
text = "It failed: {{ event.error.message }}"
closing = "Sorry."
""",
    NOTIFICATION: """event = "OfferProvisionError"
subject = "tiny.subject"
title = "tiny.subject"
closing = "tiny.closing"

[[blocks]]
id = "summary"
kind = "text"
text = "tiny.text"
""",
    "layouts/email.mjml.j2": """<mjml lang="{{ locale }}" dir="{{ direction }}">
  <mj-head><mj-title>{{ notification.subject }}</mj-title></mj-head>
  <mj-body>
    <mj-section background-color="{{ brand.paper }}"><mj-column>
      {% for block in blocks %}{{ block }}{% endfor %}
      <mj-text color="{{ brand.ink }}">{{ notification.closing }}</mj-text>
    </mj-column></mj-section>
  </mj-body>
</mjml>
""",
    "blocks/text.mjml.j2": "<mj-text>{{ block.text|lines }}</mj-text>\n",
    "samples/offer_provision_error/en.json": json.dumps(EVENT),
}


def write(folder, files):
    """Lay files over what is there; None takes one away."""
    for name, content in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if content is None:
            file.unlink(missing_ok=True)
        else:
            file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def tiny(tmp_path, files=None):
    """The small pack, with files laid over its own."""
    return write(tmp_path / "tiny", {**FILES, **(files or {})})


def changed(file, old, new):
    """One of the small pack's files with a piece replaced, which must be there."""
    assert old in FILES[file]
    return {file: FILES[file].replace(old, new, 1)}


def over(tmp_path, parent="base", files=None, name="fjord"):
    """A pack over another."""
    manifest = f'format = 1\nid = "{name}"\nversion = "1.0.0"\ntitle = "{name}"\nlicense = "MIT"\nparent = "{parent}"\n'
    return write(tmp_path / name, {"pack.toml": manifest, "README.md": "# hi\n", **(files or {})})


def target(folder, config=None, seller=""):
    return Target.named(str(folder), config, seller)


def checked(folder, config=None, seller=""):
    return check(target(folder, config, seller))


def lines(report):
    """Findings as a terminal shows them."""
    return [f"{one.place}: {one.severity} {one.rule}: {one.message}; {one.fix}" for one in report.findings]
