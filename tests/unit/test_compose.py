"""Compose: an event becomes a notification in the reader's language and the seller's brand, whatever a pack gets wrong."""

import pytest

from livery.models.event import Event
from livery.models.notification import Notification
from livery.packs.chain import Library, PackChain
from livery.stencils import stencil
from livery.steps import compose
from unit.making import BASE_FILES, DEFINITION, chain, event, manifest, packs, told, write


def composed(found: PackChain, of: Event | None = None, *, tenants=None, reader="en") -> Notification:
    tenants = tenants or chain({"name": "The Shop"})
    choice = compose.choose_locale(tenants, found, reader, "en")
    return told(found, of or event(), tenants, choice)


def texts(said: Notification) -> dict[str, str]:
    return {block.id: getattr(block, "text", "") for block in said.blocks}


def test_a_notification_says_what_the_pack_says_of_the_event(tmp_path):
    said = composed(packs(tmp_path))
    assert (said.subject, said.title, said.greeting) == ("Failed: Copilot", "Copilot failed", "Dear Custo GmbH,")
    assert (said.closing, said.signature, said.footer) == ("We are sorry.", ("Yours", "The Shop"), "© 2026 The Shop")
    assert texts(said) == {
        "summary": "Copilot could not be provisioned.",
        "error": "Not available in your region.",
        "actions": "",
        "facts": "",
    }
    assert (said.locale, said.direction, said.pack, said.degraded) == ("en", "ltr", "base 1.0", ())


def test_what_a_pack_says_well_is_said_by_the_python_written_for_it_and_not_by_the_slow_way(tmp_path, monkeypatch):
    found = packs(tmp_path)
    wanted = composed(found)  # it is compiled, and known from here on
    monkeypatch.setattr(stencil, "Composer", None)
    assert composed(found) == wanted


def test_a_notification_tells_which_pack_and_language_each_piece_is_from(tmp_path):
    overlay = {"strings/en.toml": 'closing = "mine"', DEFINITION: '[[blocks]]\nid = "facts"\npriority = 1'}
    said = composed(packs(tmp_path, overlay))
    where = {piece.piece: (piece.pack, piece.file, piece.locale) for piece in said.trace}
    assert where["closing"] == ("over1", "strings/en.toml", "en")
    assert where["greeting"] == ("base", "strings/en.toml", "en")
    assert where["block facts"] == ("over1", DEFINITION, "")
    assert where["block error"] == ("base", DEFINITION, "")


# ------------------------------------------------------------------ language

GERMAN = {
    "strings/de.toml": 'greeting = "Guten Tag {{ event.customer.name }},"\nfooter = "{{ event.error.occurred_at | date }}"'
}
ARABIC = {"strings/ar.toml": 'greeting = "السادة {{ event.customer.name }}"'}


@pytest.mark.parametrize(
    ("asked", "reader", "seller", "platform", "last", "tag", "why"),
    [
        ("ar", "de", "en", None, "en", "ar", "asked for"),
        (None, "de-AT", "ar", None, "en", "de", "the recipient's language (de-AT has no texts of its own)"),
        (None, "fr", "ar", None, "en", "ar", "default language of seller shop"),
        (None, None, None, "de", "en", "de", "default language of default platform"),
        (None, None, "ar", "de", "en", "ar", "default language of seller shop"),
        (None, None, None, None, "de", "de", "last resort"),
        (None, "fr", "it", None, "en", "en", "last resort"),
        ("nonsense!", "also nonsense", None, None, "en", "en", "last resort"),
    ],
)
def test_the_language_is_the_asked_one_the_readers_the_nearest_tenants_or_the_last_resort(
    tmp_path, asked, reader, seller, platform, last, tag, why
):
    tenants = chain({"locale": seller}, platform={"locale": platform})
    choice = compose.choose_locale(tenants, packs(tmp_path, GERMAN, ARABIC), reader, last, asked=asked)
    assert (choice.tag, choice.why) == (tag, why)


@pytest.mark.parametrize("last", ["fr", "fr-CA", "nonsense!", ""])
def test_a_last_resort_there_are_no_texts_for_is_english(tmp_path, last):
    found = packs(tmp_path, GERMAN, ARABIC)
    choice = compose.choose_locale(chain(), found, "it", last)
    said = told(found, event(), chain(), choice)
    assert (said.locale, said.greeting) == ("en", "Dear Custo GmbH,")


def test_a_last_resort_there_are_no_texts_for_is_any_language_where_there_is_no_english(tmp_path):
    files = {path: text for path, text in BASE_FILES.items() if path != "strings/en.toml"}
    found = Library([write(tmp_path, {**files, **GERMAN})]).chain("base")
    assert compose.choose_locale(chain(), found, None, "fr").tag == "de"


def test_what_a_language_lacks_is_said_in_the_next(tmp_path):
    said = composed(packs(tmp_path, GERMAN), reader="de-AT")
    assert (said.locale, said.greeting, said.closing) == ("de", "Guten Tag Custo GmbH,", "We are sorry.")
    assert said.footer == "20. November 2026"
    assert said.degraded == ()


def test_a_language_written_from_right_to_left_keeps_foreign_values_apart(tmp_path):
    said = composed(packs(tmp_path, ARABIC), reader="ar-EG")
    assert (said.direction, said.greeting) == ("rtl", "السادة \u2068Custo GmbH\u2069")


# ------------------------------------------------------------------ brand


def test_tokens_are_the_packs_then_each_tenants_from_the_platform_down(tmp_path):
    overlay = {"pack.toml": manifest("over1", "base", a="pack", b="pack", c="pack", d="pack")}
    tenants = chain(
        {"brand": {"d": "seller"}},
        platform={"brand": {"b": "platform", "c": "platform"}},
        distributor={"brand": {"c": "distributor"}},
    )
    tokens = composed(packs(tmp_path, overlay), tenants=tenants).brand
    assert {key: tokens[key] for key in "abcd"} == {"a": "pack", "b": "platform", "c": "distributor", "d": "seller"}


def test_the_name_of_the_brand_is_the_sellers_unless_a_tenant_says_otherwise(tmp_path):
    found = packs(tmp_path)
    assert composed(found).brand["name"] == "The Shop"
    assert composed(found, tenants=chain({"brand": {"name": "Brand"}})).brand["name"] == "Brand"


@pytest.mark.parametrize("name", ["The\u202e Shop", "The Shop\r\nBcc: eve", "The\x07 Shop"])
def test_the_name_of_the_brand_is_one_clean_line(tmp_path, name):
    said = composed(packs(tmp_path), tenants=chain({"name": name}))
    assert said.signature[-1] == said.brand["name"]
    assert not set(said.brand["name"]) & set("\u202e\r\n\x07")


# ------------------------------------------------------------------ what a pack gets wrong

WRONG = [
    "{{ event.nope }}",
    "{{ event.offer.name",
    "{% if %}",
    "{{ event.offer.name.upper() }}",
    "{{ 9 ** 9 }}",
    "{{ event.user.nope.deeper }}",
]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_string_that_fails_gives_way_to_the_parents_and_the_message_is_degraded(tmp_path, wrong):
    said = composed(packs(tmp_path, {"strings/en.toml": f'greeting = "{wrong}"\nsummary = "{wrong}"'}))
    assert (said.greeting, texts(said)["summary"]) == ("Dear Custo GmbH,", "Copilot could not be provisioned.")
    failed = sorted(line.partition(":")[0] for line in said.degraded)
    assert failed == ["greeting of over1 1.0 (en)", "summary of over1 1.0 (en)"]


def test_a_string_that_fails_everywhere_gives_way_to_the_next_language(tmp_path):
    said = composed(packs(tmp_path, {"strings/de.toml": 'greeting = "{{ event.nope }}"'}), reader="de")
    assert (said.locale, said.greeting) == ("de", "Dear Custo GmbH,")
    assert len(said.degraded) == 1


def test_a_string_nobody_has_gives_way_to_the_parents_and_is_named(tmp_path):
    said = composed(packs(tmp_path, {DEFINITION: 'closing = "no.such.key"'}))
    assert said.closing == "We are sorry."
    assert [line for line in said.degraded if "closing" in line and "'no.such.key'" in line]


@pytest.mark.parametrize("wrong", WRONG)
def test_a_block_that_fails_gives_way_to_the_parents(tmp_path, wrong):
    said = composed(packs(tmp_path, {DEFINITION: f'[[blocks]]\nid = "error"\ntext = "{wrong}"'}))
    assert texts(said)["error"] == "Not available in your region."
    (line,) = said.degraded
    assert line.startswith("block error of over1")


@pytest.mark.parametrize("wrong", WRONG)
def test_a_block_that_fails_everywhere_says_the_bare_values_and_the_others_stay(tmp_path, wrong):
    said = composed(packs(tmp_path, {DEFINITION: f'[[blocks]]\nid = "new"\nkind = "text"\ntext = "{wrong}"'}))
    saved = ["new"] if "event" in wrong else []  # there is nothing of the event to lose
    assert list(texts(said)) == ["summary", "error", "actions", "facts", *saved]
    bare = "offer.name: Copilot" if "offer.name" in wrong else "error.message: Not available in your region."
    assert bare in texts(said).get("new", bare)
    assert len(said.degraded) == 1


A = "{{ 'A' }}"
NAMED = "{{ event.nope }} {{ event.error.code }}"


@pytest.mark.parametrize(
    ("block", "field", "wanted"),
    [
        (f'kind = "text"\ntext = "{NAMED}"', "text", "error.code: NOT_IN_REGION"),
        (f'kind = "error"\ntext = "{NAMED}"\ncode = "{NAMED}"', "text", "error.code: NOT_IN_REGION"),
        (f'kind = "text"\ntext = "{{{{ \'fine\' }}}}"\nheading = "{NAMED}"', "text", "fine"),
        ('kind = "text"\ntext = "{{ \'fine\' }}"\nwhen = "event."', "text", "fine"),
        (
            f'kind = "list"\nitems = ["{NAMED}", "{NAMED}"]',
            "items",
            ("error.code: NOT_IN_REGION", "error.code: NOT_IN_REGION"),
        ),
    ],
)
def test_what_fails_of_a_block_is_saved_by_the_values_it_names(tmp_path, block, field, wanted):
    said = composed(packs(tmp_path, {DEFINITION: f'[[blocks]]\nid = "new"\n{block}'}))
    assert getattr(said.blocks[-1], field) == wanted
    assert len(said.degraded) == 1


def test_facts_and_links_that_fail_leave_the_others_and_the_values(tmp_path):
    facts = f'[[blocks]]\nid = "f"\nkind = "facts"\nfacts = [{{ label = "{A}", value = "{NAMED}" }}, {{ label = "{NAMED}", value = "{A}" }}]'
    links = '[[blocks]]\nid = "l"\nkind = "actions"\nactions = [{ label = "x", url = "{{ event.nope }}" }, { label = "{{ event.nope }}", url = "https://b.example/" }]'
    said = composed(packs(tmp_path, {DEFINITION: f"{facts}\n{links}"}))
    assert [(one.label, one.value) for one in said.blocks[-2].facts] == [("A", "NOT_IN_REGION"), ("", "A")]
    assert [(one.label, one.url) for one in said.blocks[-1].actions] == [("https://b.example/", "https://b.example/")]


def test_a_block_whose_text_nobody_has_says_the_bare_values_once(tmp_path):
    blocks = "".join(f'[[blocks]]\nid = "new{n}"\nkind = "text"\ntext = "no.such.key"\n' for n in range(2))
    said = composed(packs(tmp_path, {DEFINITION: blocks}))
    assert "error.message: Not available in your region." in texts(said)["new0"]
    assert "new1" not in texts(said)
    assert {line.partition(":")[0] for line in said.degraded} == {"new0", "new1"}


@pytest.mark.parametrize(("norwegian", "saved"), [("{{ event.error.code }}, takk", ["new"]), ("Takk", [])])
def test_a_text_that_only_other_languages_have_names_the_values_they_name(tmp_path, norwegian, saved):
    files = {
        DEFINITION: '[[blocks]]\nid = "new"\nkind = "text"\ntext = "thanks"\n',
        "strings/nb.toml": f'thanks = "{norwegian}"',
    }
    said = composed(packs(tmp_path, files))
    assert list(texts(said)) == ["summary", "error", "actions", "facts", *saved]
    assert texts(said).get("new", "error.code: NOT_IN_REGION") == "error.code: NOT_IN_REGION"
    assert said.degraded


@pytest.mark.parametrize("when", ["event.", "{{ event.offer }}", "event.offer.name.upper()"])
def test_a_condition_that_fails_gives_way_to_the_parents(tmp_path, when):
    said = composed(packs(tmp_path, {DEFINITION: f'[[blocks]]\nid = "summary"\nwhen = "{when}"'}))
    assert "summary" in texts(said)
    assert len(said.degraded) == 1


@pytest.mark.parametrize("piece", ["subject", "preheader", "title", "greeting", "closing", "footer", "signature"])
@pytest.mark.parametrize("wrong", WRONG)
def test_a_text_outside_of_blocks_that_fails_takes_nothing_else_down(tmp_path, piece, wrong):
    value = f'["{wrong}"]' if piece == "signature" else f'"{wrong}"'
    said = composed(packs(tmp_path, {DEFINITION: f"{piece} = {value}"}))
    assert said.subject
    assert said.title
    assert len(said.blocks) == 4
    assert [line for line in said.degraded if line.startswith(piece)]


@pytest.mark.parametrize(
    "overlay",
    [
        "subject =",
        "subject = 5",
        'remove = ["nobody"]',
        '[[blocks]]\nid = "error"\nkind = "video"',
        '[[blocks]]\nid = "new"\nkind = "divider"\nafter = "nobody"',
        "x = " + "[" * 5000,
    ],
    ids=range(6),
)
def test_a_definition_that_is_not_usable_gives_way_to_the_parents(tmp_path, overlay):
    found = packs(tmp_path, {DEFINITION: overlay, "pack.toml": manifest("over1", "base", colour="red")})
    said = composed(found)
    assert (said.subject, len(said.blocks), said.brand["colour"]) == ("Failed: Copilot", 4, "red")
    (line,) = said.degraded
    assert DEFINITION in line


@pytest.mark.parametrize("base", [{DEFINITION: "broken ="}, {DEFINITION: ""}, None])
def test_where_nothing_is_usable_the_bare_facts_go_out(tmp_path, base):
    found = packs(tmp_path, base=base) if base else PackChain(())
    said = composed(found, event({"data.user": None, "data.many": [1, 2]}), tenants=chain({"name": "The Shop"}))
    assert (said.subject, said.title, said.signature, said.pack) == (
        "OfferProvisionError",
        "OfferProvisionError",
        ("The Shop",),
        "built-in",
    )
    (block,) = said.blocks
    facts = {fact.label: fact.value for fact in block.facts}
    assert facts["error.message"] == "Not available in your region."
    assert facts["order.id"] == "ORD-1"
    assert "user" not in facts
    assert "many" not in facts
    assert block.priority == 100
    assert said.degraded


def test_the_bare_facts_are_clean_lines_whatever_the_event_holds():
    hostile = event({"data.a\u202e\nb": "x\ny\u202e", "data.error.message": "m" * 9000, "data." + "k" * 900: "v"})
    for fact in composed(PackChain(()), hostile).blocks[0].facts:
        assert not set(fact.label + fact.value) & set("\u202e\n")
        assert len(fact.label) <= 100
        assert len(fact.value) <= 300


# ------------------------------------------------------------------ what an event brings


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://shop.example/orders/1", "https://shop.example/orders/1"),
        ("http://shop.example/", "http://shop.example/"),
        ("HTTPS://shop.example/", "HTTPS://shop.example/"),
        ("mailto:desk@shop.example", "mailto:desk@shop.example"),
        ("https://shop.example/\u202egpj", "https://shop.example/gpj"),
        (" https://shop.example/a b\n", "https://shop.example/ab"),
        ("javascript:alert(1)", None),
        ("JaVaScRiPt:alert(1)", None),
        (" javascript:alert(1)", None),
        ("java\nscript:alert(1)", None),
        ("java\x01script:alert(1)", None),
        ("\u2068javascript:alert(1)", None),
        ("data:text/html,<script>alert(1)</script>", None),
        ("vbscript:x", None),
        ("file:///etc/passwd", None),
        ("ftp://shop.example/", None),
        ("//shop.example/orders", None),
        ("/orders/1", None),
        ("shop.example", None),
        ("http://[::1", None),
        ("https://shop.example:port/", "https://shop.example:port/"),
    ],
)
def test_only_http_and_mail_links_become_actions(tmp_path, url, link):
    said = composed(packs(tmp_path), event({"data.order.url": url}))
    links = [action.url for block in said.blocks if block.kind == "actions" for action in block.actions]
    assert links == ([link] if link else [])


def test_an_image_of_an_event_is_shown_only_from_the_web(tmp_path):
    overlay = {DEFINITION: '[[blocks]]\nid = "i"\nkind = "image"\nurl = "{{ event.order.url }}"\nalt = "view"'}
    for url, shown in (
        ("https://shop.example/i.png", True),
        ("javascript:alert(1)", False),
        ("data:image/png;base64,x", False),
    ):
        said = composed(packs(tmp_path, overlay), event({"data.order.url": url}))
        assert ("i" in texts(said)) is shown


def test_a_text_may_speak_of_the_envelope_and_has_no_blank_ends(tmp_path):
    overlay = {"strings/en.toml": 'greeting = "\\n {{ envelope.id }} of {{ envelope.source }} \\n"'}
    assert composed(packs(tmp_path, overlay)).greeting == "evt-1 of /platform/orders"


def test_what_an_event_lacks_is_left_out(tmp_path):
    said = composed(packs(tmp_path), event(without=("data.order.url", "data.error.code")))
    assert ("actions" in texts(said), said.blocks[1].code, said.degraded) == (False, "", ())


def test_long_texts_are_shortened(tmp_path):
    said = composed(packs(tmp_path), event({"data.error.message": "word " * 40_000, "data.customer.name": "n" * 400}))
    assert len(texts(said)["error"]) <= 4000
    assert texts(said)["error"].endswith("…")
    overlay = {"strings/en.toml": 'title = "{{ event.error.message }}"'}
    assert len(composed(packs(tmp_path / "x", overlay), event({"data.error.message": "x" * 9000})).title) <= 300


def test_texts_of_one_line_are_one_line(tmp_path):
    said = composed(packs(tmp_path), event({"data.offer.name": "Co\r\nBcc: eve\u2028pilot"}))
    assert (said.subject, said.title) == ("Failed: Co Bcc: eve pilot", "Co Bcc: eve pilot failed")


def test_nothing_of_an_event_is_taken_for_a_template(tmp_path):
    said = composed(packs(tmp_path), event({"data.offer.name": "{{ brand.name }}", "data.error.message": "{% if %}"}))
    assert (said.title, texts(said)["error"], said.degraded) == ("{{ brand.name }} failed", "{% if %}", ())
