"""Every example e-mail is accessible: axe has nothing to say about any of them, but that an e-mail is no page.

The short run has every sample of every pack in one language, by turns; the long one (`make soak`) in each.
"""

import json
import os
import re
from pathlib import Path, PurePath

import pytest

from a11y.axe import violations
from livery import Config, Engine

EXAMPLE = Path(__file__).parents[2] / "examples/thirdparty_pack/livery_pack_fjord"
LOCALES = ("en", "de", "ar")
NAME, OURS = "Seller & Söhne", ".every"
OF_A_PAGE = {"region"}
"""Rules about landmarks of a web page: the mail program is the page, and has its own."""

EVERY_KIND = """
[[blocks]]
id = "every_list"
kind = "list"
heading = "offer_provision_error.error"
items = ["{{ event.offer.name }}", "{{ event.order.id }}"]

[[blocks]]
id = "every_divider"
kind = "divider"

[[blocks]]
id = "every_image"
kind = "image"
url = "https://pictures.example/a.png"
alt = "{{ event.offer.name }}"

[[blocks]]
id = "every_image_of_a_width"
kind = "image"
url = "https://pictures.example/b.png"
alt = "{{ event.offer.name }}"
width = 96
"""


def bases():
    """The installed packs a seller can be in, and the example of somebody else's."""
    with Engine.open(Config.load(None, pack_paths=[EXAMPLE])) as engine:
        packs = engine.library.packs.values()
        return sorted(pack.id for pack in packs if not getattr(pack.manifest, "adds_to", None))


def with_every_kind(base, folder):
    """A pack over `base` that shows the kinds of blocks no notification of ours has."""
    (folder / "notifications").mkdir(parents=True)
    manifest = f'format = 1\nid = "{base}{OURS}"\nversion = "1"\nparent = "{base}"\n'
    (folder / "pack.toml").write_text(manifest, "utf-8")
    (folder / "notifications/offer_provision_error.toml").write_text(EVERY_KIND, "utf-8")
    return folder


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    packs = bases()
    made = [with_every_kind(pack, tmp_path_factory.mktemp("packs") / pack) for pack in packs]
    sellers = [*packs, *(f"{pack}{OURS}" for pack in packs)]
    tenants = {"platform": {}} | {pack: {"parent": "platform", "pack": pack, "name": NAME} for pack in sellers}
    settings = {"channels": {"smtp": {}}, "images": {"hosts": ["pictures.example"]}, "pack_paths": [EXAMPLE, *made]}
    config = Config.load(None, tenants=tenants, **settings)
    with Engine.open(config) as opened:
        yield opened


def samples(engine, seller):
    """Every sample event of every notification, by name. Of a pack of ours over another, one: it is about its blocks."""
    packs = engine.library.chain(seller).packs
    names = [kind.notification for kind in engine.types.values()]
    found = [sample for name in names for pack in packs for sample in pack.samples(name)]
    if seller.endswith(OURS):
        found = [sample for pack in packs for sample in pack.samples("offer_provision_error")][:1]
    for path, raw in found:
        event = json.loads(raw)
        event["data"]["seller"] = {"id": seller, "name": NAME}
        yield PurePath(path).name, event


def emails(engine):
    """Every pack, notification and sample, in its locales: what it is, and the message."""
    for seller in sorted(set(engine.config.tenants) - {"platform"}):
        is_whole = "LIVERY_SOAK" in os.environ or seller.endswith(OURS)  # whose one sample is for the kinds of blocks
        for number, (name, event) in enumerate(samples(engine, seller)):
            for locale in LOCALES if is_whole else [LOCALES[number % len(LOCALES)]]:
                yield f"{seller}: {name} in {locale}", engine.preview(event, channel="smtp", locale=locale).message


def test_axe_finds_nothing_in_any_example_email_and_would_if_there_were(engine):
    messages = dict(emails(engine))
    degraded = {name: message.degraded for name, message in messages.items() if message.degraded}
    assert degraded == {}, "what fell back is not what the pack's designer made"
    pages = {name: message.html for name, message in messages.items()}
    assert {name.partition(":")[0] for name in pages} == set(engine.config.tenants) - {"platform"}

    spoilt = re.sub(r"<html[^>]*>", "<html>", next(iter(pages.values())))
    spoilt = spoilt.replace("</h1>", '</h1><img src="https://pictures.example/c.png"><a href="https://a.example"></a>')
    found = violations({**pages, "spoilt": spoilt})

    assert set(found.pop("spoilt")) - OF_A_PAGE == {"html-has-lang", "image-alt", "link-name"}
    assert set(found) == set(pages)
    wrong = {name: {rule: at for rule, at in rules.items() if rule not in OF_A_PAGE} for name, rules in found.items()}
    assert {name: rules for name, rules in wrong.items() if rules} == {}
