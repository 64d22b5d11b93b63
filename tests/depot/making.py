"""A small pack over the base in versions, as zips; and an engine with a chain of tenants to upload it for."""

import json
from pathlib import Path

from livery import Config, Engine
from livery.packtools.building import zipped
from packtools.making import FILES

EVENT = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))
SELLER, NORTH, RIVAL = "res-org-n", "north", "rival"
CAPTION = "summary"


def files(pack="fjord", version="1.0.0", *, parent="base", word="", **more):
    """A pack that says of itself which version it is, in the subject of every message."""
    manifest = (
        f'format = 1\nid = "{pack}"\nversion = "{version}"\ntitle = "Fjord"\nlicense = "MIT"\nparent = "{parent}"\n'
    )
    said = f'[offer_provision_error]\nsubject = "{word or pack + " " + version}"\n'
    return {"pack.toml": manifest, "README.md": "# Fjord\n", "strings/en.toml": said, **more}


def tiny(pack="fjord", version="1.0.0", **more):
    """A whole pack without parents, in one language: it is checked quickly."""
    manifest = FILES["pack.toml"].replace('"tiny"', f'"{pack}"').replace("1.0.0", version)
    return {**FILES, "pack.toml": manifest, **more}


def tiny_zip(*args, **options):
    return zipped({name: one.encode() for name, one in tiny(*args, **options).items()})


def pack_zip(*args, **options):
    made = files(*args, **options)
    return zipped({name: one if isinstance(one, bytes) else one.encode() for name, one in made.items()})


def opened(store_url, **settings):
    tenants = {
        "platform": {},
        NORTH: {"parent": "platform"},
        SELLER: {"parent": NORTH, "name": "Res. Org N."},
        RIVAL: {"parent": "platform"},
    }
    config = Config.load(None, database_url=store_url, tenants=tenants, channels={"smtp": {}}, **settings)
    return Engine.open(config)


def event(seller=SELLER, **changes):
    return {**EVENT, **changes, "data": {**EVENT["data"], "seller": {"id": seller, "name": seller}}}


def said(engine, seller=SELLER):
    """The subject of a message for a seller, and the packs it was made with."""
    made = engine.preview(event(seller), locale="en")
    return made.wording.subject, made.wording.packs, made.wording.degraded
