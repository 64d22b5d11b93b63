"""Packs: what a pack changes of its parent, by file, by Jinja block, by string, by token, by notification block."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.composing import seen
from livery.errors import NotFound, PackError
from livery.locales import Choice
from livery.models.notification import BLOCK_KINDS
from livery.stencils.direct import Direct
from livery.stencils.orders import order
from unit.making import DEFINITION, PARTIALS, event, manifest, packs, write

NAME = "offer_provision_error"
BASE_BLOCKS = ["summary", "error", "actions", "facts"]


X = "parts/x.j2"
LAYOUT = "layouts/email.mjml.j2"
PAGE = f'<mjml><mj-head><mj-title>[{{% include "{X}" %}}]</mj-title></mj-head><mj-body></mj-body></mjml>'


def shown(tmp_path, *layers: str, base: str, **more: str) -> tuple[str, str]:
    """What the base's layout shows of `parts/x.j2`, each layer over the one before; and what went wrong."""
    chain = packs(tmp_path, *[{X: text} for text in layers], base={LAYOUT: PAGE, X: base, **more})
    choice = Choice("en", ("en",), "", "en")
    direct = Direct(order(chain, NAME, "OfferProvisionError", choice=choice, brand={"name": "The Shop"}))
    html, notes = direct.html(direct.notification(seen(event().plain(), 2026)))
    title = re.search(r"<title>\[(.*)\]</title>", html, re.DOTALL)
    return title[1] if title else "", "\n".join(notes)


# ------------------------------------------------------------------ files


def test_the_nearest_pack_that_has_a_file_gives_it(tmp_path):
    found = packs(tmp_path, {"blocks/text.mjml.j2": "mine", "parts/new.j2": "new"}, {})
    assert {
        path: found.nearest(path) for path in ("blocks/text.mjml.j2", "parts/new.j2", "blocks/list.mjml.j2", "no")
    } == {
        "blocks/text.mjml.j2": "over1!blocks/text.mjml.j2",
        "parts/new.j2": "over1!parts/new.j2",
        "blocks/list.mjml.j2": "base!blocks/list.mjml.j2",
        "no": None,
    }


def test_an_included_file_is_looked_for_over_the_whole_chain(tmp_path):
    assert shown(tmp_path, "from the child", base="from the base") == ("from the child", "")


# ------------------------------------------------------------------ Jinja blocks

PARENT = "{% block a %}a{% endblock %} {% block b %}b{% endblock %} {% block c %}c{% endblock %}"


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (['{% extends "parent:parts/x.j2" %}{% block b %}B{% endblock %}'], "a B c"),
        (['{% extends "parent:parts/x.j2" %}{% block b %}({{ super() }}){% endblock %}'], "a (b) c"),
        (
            [
                '{% extends "parent:parts/x.j2" %}{% block b %}({{ super() }}){% endblock %}',
                '{% extends "parent:parts/x.j2" %}{% block b %}!{{ super() }}!{% endblock %}{% block c %}C{% endblock %}',
            ],
            "a !(b)! C",
        ),
        (
            ['{% extends "parent:parts/x.j2" %}', '{% extends "parent:parts/x.j2" %}{% block a %}A{% endblock %}'],
            "A b c",
        ),
        (["plain", '{% extends "parent:parts/x.j2" %}'], "plain"),
        (["{% include 'parent:parts/x.j2' %}!"], "a b c!"),
    ],
)
def test_a_file_may_extend_its_parents_and_change_one_block(tmp_path, layers, expected):
    assert shown(tmp_path, *layers, base=PARENT) == (expected, "")


@pytest.mark.parametrize(
    "text", ['{% extends "parent:parts/x.j2" %}', '{% include "parent:parts/x.j2" %}', '{% include "nowhere.j2" %}']
)
def test_there_is_nothing_above_the_base_and_the_error_says_what_is_missing(tmp_path, text):
    title, wrong = shown(tmp_path, base=text)
    assert title == ""
    assert text.split('"')[1].removeprefix("parent:") in wrong


@pytest.mark.parametrize(
    "tag", ['{% include "parts/x.j2" %}', '{% extends "parts/x.j2" %}', '{% import "parts/x.j2" as x %}']
)
def test_a_file_that_includes_itself_gives_way_and_is_not_the_end_of_the_process(tmp_path, tag):
    title, wrong = shown(tmp_path, tag, base="from the base")
    assert title == "from the base"
    assert "over1" in wrong


@pytest.mark.parametrize(
    "path", ["../secret.j2", "parent:../secret.j2", "/etc/passwd", "base!../secret.j2", "parts/../../secret.j2"]
)
def test_a_template_reaches_nothing_outside_its_packs(tmp_path, path):
    write(tmp_path, {"secret.j2": "geheim"})
    title, wrong = shown(tmp_path, f'{{% include "{path}" %}}', base="from the base")
    assert title == "from the base"
    assert "over1" in wrong
    assert "geheim" not in wrong


# ------------------------------------------------------------------ tokens and strings


def test_the_nearest_packs_token_wins_and_the_others_stay(tmp_path):
    found = packs(
        tmp_path,
        {"pack.toml": manifest("over1", "base", a="1", b="1")},
        {"pack.toml": manifest("over2", "over1", b="2", c="2")},
    )
    assert found.tokens() == {"a": "1", "b": "2", "c": "2"}


STRINGS = {
    "over2": {"en": 'a = "a en over2"'},
    "over1": {"de": 'a = "a de over1"', "de-AT": 'b = "b de-AT over1"'},
    "base": {"en": 'a = "a en base"\nb = "b en base"', "de": 'a = "a de base"\nb = "b de base"'},
}


@pytest.mark.parametrize(
    ("key", "fallbacks", "found"),
    [
        ("a", ["en"], ["a en over2", "a en base"]),
        ("a", ["de", "en"], ["a de over1", "a de base", "a en over2", "a en base"]),
        ("a", ["de-AT", "de", "en"], ["a de over1", "a de base", "a en over2", "a en base"]),
        ("b", ["de-AT", "de", "en"], ["b de-AT over1", "b de base", "b en base"]),
        ("a", ["fr"], []),
        ("none", ["de-AT", "de", "en"], []),
    ],
)
def test_the_right_language_beats_the_nearest_pack(tmp_path, key, fallbacks, found):
    files = {id_: {f"strings/{tag}.toml": text for tag, text in tags.items()} for id_, tags in STRINGS.items()}
    made = packs(tmp_path, files["over1"], files["over2"], base=files["base"])
    assert [text for text, _, _ in made.strings(key, fallbacks)] == found
    assert made.locales() == ["de", "de-AT", "en"]


# ------------------------------------------------------------------ blocks of a notification


def blocks(*changes: str, head: str = "") -> dict[str, str]:
    return {DEFINITION: head + "\n" + "\n".join(f"[[blocks]]\n{change}" for change in changes)}


NEW = 'id = "new"\nkind = "divider"\n'


@pytest.mark.parametrize(
    ("overlay", "ids"),
    [
        (blocks(), BASE_BLOCKS),
        (blocks(NEW), [*BASE_BLOCKS, "new"]),
        (blocks(NEW + 'after = "summary"'), ["summary", "new", "error", "actions", "facts"]),
        (blocks(NEW + 'before = "summary"'), ["new", *BASE_BLOCKS]),
        (blocks(NEW + 'after = "facts"'), [*BASE_BLOCKS, "new"]),
        (blocks('id = "facts"\nbefore = "error"'), ["summary", "facts", "error", "actions"]),
        (blocks('id = "summary"\nafter = "facts"'), ["error", "actions", "facts", "summary"]),
        (blocks('id = "summary"\npriority = 1'), BASE_BLOCKS),
        (blocks(head='remove = ["facts"]'), BASE_BLOCKS[:-1]),
        (blocks(head='remove = ["facts", "summary"]'), ["error", "actions"]),
        (blocks(NEW + 'after = "error"', head='remove = ["summary"]'), ["error", "new", "actions", "facts"]),
        (blocks(NEW, 'id = "newer"\nkind = "divider"\nbefore = "new"'), [*BASE_BLOCKS, "newer", "new"]),
    ],
)
def test_a_pack_adds_moves_and_removes_blocks(tmp_path, overlay, ids):
    definition, origin = packs(tmp_path, overlay).definition(NAME)
    assert [block.id for block in definition.blocks] == ids
    assert {id_ for id_, pack in origin.items() if pack == "over1"} >= {"new"} & set(ids)


def test_a_pack_changes_single_fields_of_a_block_and_the_others_stay(tmp_path):
    made, origin = packs(
        tmp_path, blocks('id = "error"\nheading = "mine"'), blocks('id = "error"\npriority = 7')
    ).definition(NAME)
    error = next(block for block in made.blocks if block.id == "error")
    assert (error.heading, error.priority, error.text) == ("mine", 7, "{{ event.error.message }}")
    assert (origin["error"], origin["summary"]) == ("over2", "base")


def test_a_pack_changes_single_texts_of_a_notification_and_the_others_stay(tmp_path):
    made, _ = packs(tmp_path, {DEFINITION: 'subject = "mine"\nsignature = []'}).definition(NAME)
    assert (made.subject, made.signature, made.title, len(made.blocks)) == ("mine", (), "title", 4)


def test_an_overlay_sees_what_the_pack_between_did(tmp_path):
    made, _ = packs(
        tmp_path, blocks(NEW, head='remove = ["facts"]'), blocks('id = "last"\nkind = "divider"\nafter = "new"')
    ).definition(NAME)
    assert [block.id for block in made.blocks] == ["summary", "error", "actions", "new", "last"]


@pytest.mark.parametrize(
    ("overlay", "line", "says"),
    [
        (blocks(NEW + 'after = "nobody"'), 5, "'new' is to stand after 'nobody', which is not there"),
        (blocks(NEW + 'before = "nobody"'), 5, "'new' is to stand before 'nobody', which is not there"),
        (blocks('id = "facts"\nafter = "facts"'), 4, "'facts' is to stand after 'facts', which is not there"),
        (blocks(NEW + 'after = "facts"', head='remove = ["facts"]'), 5, "after 'facts', which is not there"),
        (blocks(head='remove = ["nobody"]'), 1, "removes the block 'nobody', which no parent has"),
        (blocks(head='remove = ["facts", "facts"]'), 1, "removes the block 'facts', which no parent has"),
        (blocks('id = "summary"', 'id = "new"'), 4, "block 'new': kind is missing"),
    ],
)
def test_an_overlay_that_does_not_fit_its_parents_says_what_and_where(tmp_path, overlay, line, says):
    with pytest.raises(PackError) as caught:
        packs(tmp_path, overlay).definition(NAME)
    assert says in str(caught.value)
    assert (caught.value.pack, caught.value.file, caught.value.line) == ("over1", DEFINITION, line)
    assert [one.pack for one in caught.value.findings] == ["over1"]


@pytest.mark.parametrize(
    ("text", "place", "says"),
    [
        ("subject =", "1:10", "is not TOML: invalid value"),
        ("subject = 5", "1:11", "subject: expected a text, got 5"),
        ("subjekt = 'x'", "1:1", "subjekt is no field; did you mean subject?"),
        ("unheard_of = 5", "1:1", "unheard_of is no field; there are blocks, closing"),
        ('blocks = "all"', "1:11", "blocks: expected a list"),
        ("format = 2", "1:1", "is of format 2, which needs a newer Livery"),
        ("format = 0", "1:10", "format: expected 1, got 0"),
        ("format = true", "1:10", "format: expected a number, got True"),
        ('[[blocks]]\nid = "a"\npriority = "5"', "3:13", "blocks[0].priority: expected a whole number, got '5'"),
        ("\n".join(f"[[blocks]]\nid = '{one}'" for one in range(201)), "1:3", "blocks: expected a list of at most 200"),
        ('[[blocks]]\nkind = "divider"', "1:3", "blocks[0].id is missing"),
        ("[[blocks]]\nid = 5", "2:6", "blocks[0].id: expected a text, got 5"),
        ('[[blocks]]\nid = ""', "2:7", "blocks[0].id: expected a text that is not empty"),
        ('[[blocks]]\nid = "error"\nkind = "txt"', "3:9", "blocks[0].kind: expected 'text', "),
        ('[[blocks]]\nid = "error"\nkind = "txt"', "3:9", "did you mean 'text'?"),
        ('[[blocks]]\nid = "error"\npriority = 101', "3:12", "blocks[0].priority: expected less than or equal to 100"),
        ('[[blocks]]\nid = "error"\ncolour = "red"', "3:1", "colour is no field of blocks[0]; there are actions, "),
        ('[[blocks]]\nid = "error"\nhedding = "x"', "3:1", "did you mean heading?"),
        ('[[blocks]]\nid = "x"\nafter = "a"\nbefore = "b"', "4:11", "either `after` or `before`, not both"),
        ('[[blocks]]\nid = "facts"\nfacts = [{label = "a"}]', "3:10", "blocks[0].facts[0].value is missing"),
        ('[[blocks]]\nid = "facts"\n[[blocks.facts]]\nlabel = "a"\nvalue = 5', "5:9", "blocks[0].facts[0].value"),
        ('[[blocks]]\nid = "a"\n[[blocks.facts]]\nlabel = "a"\nvalu = ""', "5:1", "did you mean value?"),
    ],
)
def test_a_definition_that_is_wrong_is_set_aside_and_names_the_place(tmp_path, text, place, says):
    found = packs(tmp_path, {DEFINITION: text, "strings/en.toml": 'closing = "mine"'})
    (said,) = [str(one) for one in found.top.findings if says in str(one)]
    assert said.startswith(f"{DEFINITION}:{place}: ")
    assert found.top.notification(NAME) is None
    assert found.top.read(DEFINITION) is None
    assert [block.id for block in found.definition(NAME)[0].blocks] == BASE_BLOCKS
    assert next(found.strings("closing", ["en"]))[0] == "mine"
    assert [line for line in found.set_aside(NAME) if says in line and line.startswith("over1 1.0: ")]
    assert found.set_aside("another") == []


def test_all_that_is_wrong_is_listed_at_once(tmp_path):
    text = 'subject = 5\nx = 1\n[[blocks]]\nid = "a"\nkind = "video"\npriority = -1\n[[blocks]]\ntext = "b"'
    found = packs(tmp_path, {DEFINITION: text, "strings/de.toml": "x = 1\ny = 2"})
    places = {one.place for one in found.findings()}
    mine = {f"{DEFINITION}:{place}" for place in ("1:11", "2:1", "5:9", "6:12", "7:3")}
    assert places == {*mine, "strings/de.toml:1:1", "strings/de.toml:2:1"}


def test_a_notification_no_pack_defines_names_the_chain(tmp_path):
    with pytest.raises(NotFound, match="no pack of over1 → base defines 'other'"):
        packs(tmp_path, {}).definition("other")


@given(data=st.data())
def test_moving_blocks_about_loses_none_and_puts_each_beside_its_neighbour(tmp_path_factory, data):
    ids = list(BASE_BLOCKS)
    id_ = data.draw(st.sampled_from([*ids, "new"]))
    neighbour = data.draw(st.sampled_from([one for one in ids if one != id_]))
    side = data.draw(st.sampled_from(["after", "before"]))
    kind = '\nkind = "divider"' if id_ == "new" else ""
    found = packs(tmp_path_factory.mktemp("packs"), blocks(f'id = "{id_}"{kind}\n{side} = "{neighbour}"'))
    order = [block.id for block in found.definition(NAME)[0].blocks]
    assert sorted(order) == sorted({*ids, id_})
    assert order.index(id_) - order.index(neighbour) == (1 if side == "after" else -1)
    assert [one for one in order if one != id_] == [one for one in ids if one != id_]


def test_the_small_base_has_a_partial_for_every_kind_of_block():
    assert set(PARTIALS) == set(BLOCK_KINDS)
