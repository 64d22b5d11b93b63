"""`OfferProvisioned` came with a plugin and an add-on pack: every seller has its words, every channel draws it."""

import json
import re
from pathlib import Path

import pytest

import livery_pack_offer_provisioned
from livery import Config, Engine

ROOT = Path(__file__).parents[2]
ADDED = Path(livery_pack_offer_provisioned.__file__).parent
SAMPLES = sorted((ADDED / "samples/offer_provisioned").glob("*.json"))
PACKS = ("base", "nordwind", "souq-cloud", "polar", "atelier")
FULL = json.loads((ADDED / "samples/offer_provisioned/offer_provisioned.en.json").read_text("utf-8"))
ADMIN, SIGN_IN, ORDER = "https://vendor.example/admin", "https://vendor.example/sign-in", "https://seller.example/order"


@pytest.fixture(scope="module")
def engine():
    tenants = {"platform": {}} | {pack: {"parent": "platform", "pack": pack, "name": "The Seller"} for pack in PACKS}
    with Engine.open(Config.load(None, tenants=tenants, channels={"smtp": {}})) as opened:
        yield opened


def event(seller="base", **data):
    return {**FULL, "data": {**FULL["data"], "seller": {"id": seller, "name": "The Seller"}, **data}}


def said(engine, locale="en", **data):
    return engine.preview(event(**data), locale=locale).message.text


@pytest.mark.parametrize("locale", ["en", "de", "ar"])
@pytest.mark.parametrize("channel", ["smtp", "slack", "teams"])
@pytest.mark.parametrize("seller", PACKS)
def test_every_pack_tells_it_through_every_channel(engine, seller, channel, locale):
    for file in SAMPLES:
        raw = json.loads(file.read_text("utf-8"))
        raw["data"]["seller"]["id"] = seller
        made = engine.preview(raw, channel=channel, locale=locale)
        assert made.message.degraded == ()
        shown = made.message.text if channel == "smtp" else made.wire.decode()
        assert raw["data"]["order"]["id"] in shown
        assert raw["data"]["offer"]["name"] in shown


def test_it_goes_out_in_the_livery_of_the_seller_not_of_the_add_on(engine):
    mails = {seller: engine.preview(event(seller)) for seller in PACKS}
    assert len({made.message.html for made in mails.values()}) == len(PACKS)
    assert "cast off" in mails["nordwind"].message.text
    assert "Make something good with it." in mails["atelier"].message.text


@pytest.mark.parametrize(
    ("locale", "quantity", "words"),
    [
        ("en", 1, "with 1 licence."),
        ("en", 25, "with 25 licences."),
        ("de", 1, "mit 1 Lizenz, "),
        ("de", 1000, "mit 1.000 Lizenzen, "),
        ("ar", 1, "ترخيصًا واحدًا"),
        ("ar", 2, "ترخيصين"),
        ("ar", 3, "3 تراخيص"),
        ("ar", 11, "11 ترخيصًا"),
        ("ar", 100, "100 ترخيص."),
    ],
)
def test_how_many_is_said_in_the_forms_of_the_language(engine, locale, quantity, words):
    assert words in said(engine, locale, offer={"name": "Mail Plus", "quantity": quantity})


def test_a_quantity_nobody_gave_is_not_mentioned(engine):
    for quantity in (None, 0):
        assert "licence" not in said(engine, access=None, offer={"name": "Mail Plus", "quantity": quantity})


@pytest.mark.parametrize(
    ("access", "step", "buttons"),
    [
        ({"admin_url": ADMIN, "sign_in_url": SIGN_IN}, "Open the admin centre and", [ADMIN, SIGN_IN, ORDER]),
        ({"admin_url": ADMIN}, "Open the admin centre and", [ADMIN, ORDER]),
        ({"sign_in_url": SIGN_IN}, "Sign in to start", [SIGN_IN, ORDER]),
        (None, "nothing you need to confirm", [ORDER]),
    ],
)
def test_the_next_step_is_the_one_there_is_a_way_to(engine, access, step, buttons):
    made = engine.preview(event(access=access, order={"id": "ORD-1", "url": ORDER})).message
    steps = ("Open the admin centre and", "Sign in to start", "nothing you need to confirm")
    assert [one for one in steps if one in made.text] == [step]
    assert [url for url in (ADMIN, SIGN_IN, ORDER) if url in made.text] == buttons
    primary, *others = made.html.split("lv-gutter lv-button ")[1:]
    assert primary.startswith("lv-go")
    assert f'href="{buttons[0]}"' in primary
    assert all(one.startswith("lv-quiet") for one in others)


@pytest.mark.skipif(not (ROOT / "engine").is_dir(), reason="the source roots are away: the wheel is tested")
def test_neither_the_engine_nor_a_channel_has_a_line_about_it():
    sources = [*(ROOT / "engine").rglob("*.py"), *(ROOT / "plugins").glob("*/*.py")]
    name = re.compile(r"offer_?provisioned\b", re.IGNORECASE)
    assert {file.parent.name for file in sources if name.search(file.read_text("utf-8"))} == {
        "livery_offer_provisioned"
    }
