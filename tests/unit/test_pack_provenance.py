"""Where every piece comes from: which pack, which line, and what it hides."""

import pytest

from livery.errors import NotFound, PackError
from livery.packs.provenance import LAYOUT, piece_digest, pieces
from unit.making import DEFINITION, manifest, packs

NAME = "offer_provision_error"
BASE_LAYOUT = """<mjml>
{# {% block commented %} #}
{% block head %}a{% endblock %}
{%- block body -%}
  {% block title %}b{% endblock %}
{% endblock %}"""
BASE = {
    "pack.toml": manifest("base", primary="red", radius="4px"),
    LAYOUT: BASE_LAYOUT,
    "strings/de.toml": 'title = "Titel"\nclosing = "Gruß"',
    "parts/heading.mjml.j2": "",
    "blocks/text.block_kit.json": "{}",
}
MIDDLE = {
    "pack.toml": manifest("over1", "base", primary="blue"),
    "strings/en.toml": 'closing = "middle"',
    LAYOUT: '{% extends "parent:layouts/email.mjml.j2" %}\n{% block title %}{{ super() }}{% endblock %}',
    DEFINITION: '[[blocks]]\nid = "facts"\npriority = 1',
}
TOP = {
    "pack.toml": manifest("over2", "over1", primary="green", own="x"),
    "strings/en.toml": 'closing = "top"\n[top]\nthanks = "thanks"',
    "strings/de.toml": 'title = "oben"',
    "blocks/error.mjml.j2": "mine",
    "parts/own.j2": "mine",
    LAYOUT: "{% extends 'parent:layouts/email.mjml.j2' %}\n\n  {% block title %}x{% endblock %}{% block own %}{% endblock %}",
    DEFINITION: """remove = ["actions"]
subject = "top.thanks"
[[blocks]]
id = "facts"
before = "error"
[[blocks]]
id = "summary"
priority = 3
text = "nobody.has.it"
[[blocks]]
id = "thanks"
kind = "text"
text = "{{ event.offer.name }}"
""",
}


@pytest.fixture
def chain(tmp_path):
    return packs(tmp_path, MIDDLE, TOP, base=BASE)


def rows(chain, kind, fallbacks=("en",)):
    return {one.name: one for one in pieces(chain, NAME, fallbacks) if one.kind == kind}


def brief(found):
    return {name: (one.pack, one.line, one.how, one.shadows) for name, one in found.items()}


def test_tokens(chain):
    assert brief(rows(chain, "token")) == {
        "primary": ("over2", 6, "changed", ("over1", "base")),
        "own": ("over2", 7, "own", ()),
        "radius": ("base", 6, "inherited", ()),
    }


def test_fields_of_the_notification(chain):
    found = brief(rows(chain, "field"))
    assert found["subject"] == ("over2", 2, "changed", ("base",))
    assert found["title"] == ("base", 3, "inherited", ())


def test_blocks_in_their_order(chain):
    found = rows(chain, "block")
    assert list(found) == ["summary", "facts", "error", "thanks", "actions"]
    assert brief(found) == {
        "summary": ("over2", 6, "changed", ("base",)),
        "facts": ("over2", 3, "moved", ("over1", "base")),
        "error": ("base", 13, "inherited", ()),
        "thanks": ("over2", 10, "own", ()),
        "actions": ("over2", 1, "removed", ("base",)),
    }
    assert {one.file for one in found.values()} == {DEFINITION}


def test_blocks_as_a_pack_in_between_sees_them(chain):
    found = brief(rows(chain.without_top(), "block"))
    assert found["facts"] == ("over1", 1, "changed", ("base",))
    assert found["actions"][2] == "inherited"


def test_texts_by_language_and_pack(chain):
    found = rows(chain, "text", ("de", "en"))
    assert {name: (one.pack, one.file, one.line, one.column, one.locale, one.how) for name, one in found.items()} == {
        "top.thanks": ("over2", "strings/en.toml", 3, 11, "en", "own"),
        "title": ("over2", "strings/de.toml", 1, 10, "de", "changed"),
        "greeting": ("base", "strings/en.toml", 3, 13, "en", "inherited"),
        "closing": ("base", "strings/de.toml", 2, 12, "de", "inherited"),
        "regards": ("base", "strings/en.toml", 5, 12, "en", "inherited"),
        "footer": ("base", "strings/en.toml", 6, 11, "en", "inherited"),
        "nobody.has.it": ("", "", 0, 0, "", "missing"),
        "order": ("base", "strings/en.toml", 9, 10, "en", "inherited"),
    }
    assert found["title"].shadows == ("base", "base strings/en.toml")
    assert found["closing"].shadows == ("over2 strings/en.toml", "over1 strings/en.toml", "base strings/en.toml")


def test_the_layout_and_its_jinja_blocks(chain):
    assert brief(rows(chain, "layout")) == {LAYOUT: ("over2", 1, "changed", ("over1", "base"))}
    assert brief(rows(chain, "jinja block")) == {
        f"{LAYOUT}#title": ("over2", 3, "changed", ("over1", "base")),
        f"{LAYOUT}#own": ("over2", 3, "own", ()),
        f"{LAYOUT}#head": ("base", 3, "inherited", ()),
        f"{LAYOUT}#body": ("base", 4, "inherited", ()),
    }


@pytest.mark.parametrize(
    ("layouts", "blocks"),
    [
        (["no blocks", BASE_LAYOUT], []),
        (['{% extends "layouts/other.j2" %}{% block a %}{% endblock %}'], ["a", "other"]),
        (['{% extends "layouts/email.mjml.j2" %}{% block a %}{% endblock %}'], ["a"]),
        (['{% extends "parent:nowhere" %}{% block a %}{% endblock %}'], ["a"]),
        (['{# {% extends "layouts/other.j2" %} #}{% block a %}{% endblock %}{# {% block b %}'], ["a", "b"]),
        ([None, BASE_LAYOUT], ["head", "body", "title"]),
    ],
)
def test_a_layout_is_followed_as_far_as_it_goes(tmp_path, layouts, blocks):
    files = [{LAYOUT: text} if text else {} for text in layouts]
    base = {**BASE, **(files.pop() if len(files) > 1 else {}), "layouts/other.j2": "{% block other %}{% endblock %}"}
    found = rows(packs(tmp_path, *files, base=base), "jinja block")
    assert sorted(found) == sorted(f"{LAYOUT}#{name}" for name in blocks)


def test_partials_of_every_channel_and_parts(chain):
    found = brief(rows(chain, "partial"))
    assert found["blocks/error.mjml.j2"] == ("over2", 1, "changed", ("base",))
    assert found["blocks/text.block_kit.json"] == ("base", 1, "inherited", ())
    assert set(found) == {f"blocks/{kind}.mjml.j2" for kind in ("text", "error", "facts")} | {
        "blocks/text.block_kit.json"
    }
    assert brief(rows(chain, "part")) == {
        "parts/heading.mjml.j2": ("base", 1, "inherited", ()),
        "parts/own.j2": ("over2", 1, "own", ()),
    }


def test_a_kind_nobody_can_show_is_missing(tmp_path):
    found = packs(tmp_path, base={"blocks/facts.mjml.j2": ""})
    pack = found.packs[0]
    assert pack.read("blocks/facts.mjml.j2") == ""
    base = {DEFINITION: 'event = "X"\nsubject = "s"\ntitle = "t"\n[[blocks]]\nid = "a"\nkind = "divider"'}
    made = packs(tmp_path / "other", base=base)
    (tmp_path / "other/base/blocks/divider.mjml.j2").unlink()
    again = type(made)([type(pack)(tmp_path / "other/base")])
    assert rows(again, "partial")["blocks/divider.mjml.j2"].how == "missing"


def test_a_notification_nobody_has_and_one_that_does_not_fit(tmp_path, chain):
    with pytest.raises(NotFound, match="no pack of over2 → over1 → base defines 'other'"):
        pieces(chain, "other", ["en"])
    with pytest.raises(PackError, match="removes the block 'nobody'"):
        pieces(packs(tmp_path / "wrong", {DEFINITION: 'remove = ["nobody"]'}), NAME, ["en"])


# ------------------------------------------------------------------ what a copied piece stood on

PIECES = [
    (LAYOUT, {LAYOUT: "changed"}),
    ("strings/en.toml#closing", {"strings/en.toml": 'closing = "changed"'}),
    (f"{DEFINITION}#facts", {DEFINITION: '[[blocks]]\nid = "facts"\npriority = 99'}),
    ("blocks/error.mjml.j2", {"blocks/error.mjml.j2": "changed"}),
]


@pytest.mark.parametrize(("piece", "change"), PIECES, ids=[piece for piece, _ in PIECES])
def test_the_digest_of_a_piece_changes_with_it_and_with_nothing_else(tmp_path, piece, change):
    before = piece_digest(packs(tmp_path / "a"), piece)
    assert before
    assert piece_digest(packs(tmp_path / "b", change), piece) != before
    for number, (other, same) in enumerate(PIECES):
        if other != piece:
            assert piece_digest(packs(tmp_path / f"c{number}", same), piece) == before


@pytest.mark.parametrize(
    "piece",
    [
        "layouts/none.j2",
        "strings/en.toml#none",
        "strings/xx.toml#closing",
        f"{DEFINITION}#none",
        "parts/x.j2#y",
        "#",
        "",
    ],
)
def test_a_piece_nobody_has_has_no_digest(tmp_path, piece):
    assert piece_digest(packs(tmp_path), piece) is None
