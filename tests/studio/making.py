"""Packs to look at: a small one over the installed base, and what tests change in it."""

import json
import zipfile
from html.parser import HTMLParser
from pathlib import Path

from livery.studio.opening import Target

EVENT = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
NOTIFICATION = "offer_provision_error"
MANIFEST = """format = 1
id = "fjord"
version = "1.0.0"
title = "Fjord Cloud"
parent = "base"
locales = ["en"]

[tokens]
primary = "#134e6f"
"""
BREAKING = "</iframe></style></textarea></title><script>alert(1)</script>"


LAYOUT = """<mjml lang="{{ locale }}" dir="{{ direction }}"><mj-head>
<mj-title>{{ notification.subject }}</mj-title>
<mj-preview>{{ notification.preheader }}</mj-preview>
</mj-head><mj-body>
<mj-section><mj-column>
<mj-text color="{{ brand.primary }}"><h1>{{ notification.title }}</h1></mj-text>
{% for block in blocks %}{{ block }}{% endfor %}
</mj-column></mj-section></mj-body></mjml>
"""
DEFINITION = """event = "OfferProvisionError"
subject = "subject"
preheader = "preheader"
title = "title"

[[blocks]]
id = "error"
kind = "error"
priority = 100
heading = "heading"
text = "{{ event.error.message }}"

[[blocks]]
id = "actions"
kind = "actions"

[[blocks.actions]]
label = "heading"
url = "{{ event.order.url }}"
when = "event.order.url"
"""
STRINGS = """subject = "Failed: {{ event.offer.name }}"
preheader = "For {{ event.customer.name }}"
title = "{{ event.offer.name }} failed"
heading = "What was said"
"""
TINY = {
    "pack.toml": MANIFEST.replace('parent = "base"\n', "").replace("fjord", "tiny").replace("Fjord", "Tiny"),
    f"notifications/{NOTIFICATION}.toml": DEFINITION,
    f"samples/{NOTIFICATION}/en.json": json.dumps(EVENT),
    "strings/en.toml": STRINGS,
    "strings/ar.toml": STRINGS.replace("What was said", "تفاصيل الخطأ").replace("Failed", "تعذّر توفير"),
    "layouts/email.mjml.j2": LAYOUT,
    "blocks/error.mjml.j2": "<mj-text>{{ block.heading }}: {{ block.text|lines }}</mj-text>",
    "blocks/actions.mjml.j2": '{% for one in block.actions %}<mj-button href="{{ one.url }}">{{ one.label }}</mj-button>{% endfor %}',
}


def write(folder, files):
    for name, text in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    return folder


def fjord(tmp_path, files=None):
    """The pack `fjord` over `base`; `files` are laid over its own."""
    return write(tmp_path / "fjord", {"pack.toml": MANIFEST, **(files or {})})


def tiny(tmp_path, files=None):
    """A whole small pack that stands on no other, so that there is little to render; `files` are laid over its own."""
    return write(tmp_path / "tiny", {**TINY, **(files or {})})


def zipped(folder, out):
    with zipfile.ZipFile(out, "w") as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return out


def target(pack, **options):
    return Target.named(str(pack), **options)


def event(**changes):
    """The example event with values set by dotted path under `data`."""
    made = json.loads(json.dumps(EVENT))
    for path, value in changes.items():
        *parts, key = path.split("__")
        part = made["data"]
        for one in parts:
            part = part[one]
        part[key] = value
    return made


class Page(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its text."""

    def __init__(self, html):
        super().__init__()
        self.elements, self.text = [], ""
        self.feed(str(html))
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def values(self, *names):
        return [value for _, attributes in self.elements for name, value in attributes.items() if name in names]
