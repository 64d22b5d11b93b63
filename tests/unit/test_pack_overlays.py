"""Packs: what a pack changes of its parent, by file, by Jinja block, by string, by token, by notification block."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.errors import NotFound, PackError
from livery.models.notification import BLOCK_KINDS
from unit.making import DEFINITION, PARTIALS, manifest, packs, write

NAME = "offer_provision_error"
BASE_BLOCKS = ["summary", "error", "actions", "facts"]


def shown(chain, path: str, **context) -> str:
    return chain.markup("en").get_template(chain.nearest(path)).render(context)


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
    base = {"a.j2": '{% include "part.j2" %}', "part.j2": "from the base"}
    child = packs(tmp_path, {"part.j2": "from the child"}, base=base)
    assert shown(child, "a.j2") == "from the child"
    assert shown(child.without_top(), "a.j2") == "from the base"


# ------------------------------------------------------------------ Jinja blocks

PARENT = "{% block a %}a{% endblock %} {% block b %}b{% endblock %} {% block c %}c{% endblock %}"


@pytest.mark.parametrize(
    ("layers", "expected"),
    [
        (['{% extends "parent:x.j2" %}{% block b %}B{% endblock %}'], "a B c"),
        (['{% extends "parent:x.j2" %}{% block b %}[{{ super() }}]{% endblock %}'], "a [b] c"),
        (
            [
                '{% extends "parent:x.j2" %}{% block b %}[{{ super() }}]{% endblock %}',
                '{% extends "parent:x.j2" %}{% block b %}<{{ super() }}>{% endblock %}{% block c %}C{% endblock %}',
            ],
            "a <[b]> C",
        ),
        (['{% extends "parent:x.j2" %}', '{% extends "parent:x.j2" %}{% block a %}A{% endblock %}'], "A b c"),
        (["plain", '{% extends "parent:x.j2" %}'], "plain"),
        (["{% include 'parent:x.j2' %}!"], "a b c!"),
        (['{% from "parent:x.j2" import none_such %}{{ none_such is defined }}'], "False"),
    ],
)
def test_a_file_may_extend_its_parents_and_change_one_block(tmp_path, layers, expected):
    found = packs(tmp_path, *[{"x.j2": text} for text in layers], base={"x.j2": PARENT})
    assert shown(found, "x.j2") == expected


@pytest.mark.parametrize(
    "text", ['{% extends "parent:x.j2" %}', '{% include "parent:x.j2" %}', '{% include "nowhere.j2" %}']
)
def test_there_is_nothing_above_the_base_and_the_error_says_who_asked(tmp_path, text):
    found = packs(tmp_path, base={"x.j2": text})
    with pytest.raises(Exception, match=r"x\.j2|nowhere\.j2") as caught:
        shown(found, "x.j2")
    assert "asked for by base!x.j2" in str(caught.value)


@pytest.mark.parametrize("text", ['{% include "x.j2" %}', '{% extends "x.j2" %}', '{% import "x.j2" as x %}'])
def test_a_file_that_includes_itself_is_an_error_and_not_the_end_of_the_process(tmp_path, text):
    found = packs(tmp_path, {"x.j2": text})
    with pytest.raises(Exception, match=r"."):
        shown(found, "x.j2")


@pytest.mark.parametrize(
    "path", ["../secret.j2", "parent:../secret.j2", "/etc/passwd", "base!../secret.j2", "parts/../../secret.j2"]
)
def test_a_template_reaches_nothing_outside_its_packs(tmp_path, path):
    write(tmp_path, {"secret.j2": "geheim"})
    found = packs(tmp_path, {"x.j2": f'{{% include "{path}" %}}'})
    with pytest.raises(Exception, match=r"outside|secret|passwd"):
        shown(found, "x.j2")


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
    ("overlay", "says"),
    [
        (blocks(NEW + 'after = "nobody"'), "'new' is to stand after 'nobody', which is not there"),
        (blocks(NEW + 'before = "nobody"'), "'new' is to stand before 'nobody', which is not there"),
        (blocks('id = "facts"\nafter = "facts"'), "'facts' is to stand after 'facts', which is not there"),
        (blocks(NEW + 'after = "facts"', head='remove = ["facts"]'), "after 'facts', which is not there"),
        (blocks(NEW + 'after = "error"\nbefore = "facts"'), "both `after` and `before`"),
        (blocks(head='remove = ["nobody"]'), "removes the block 'nobody', which no parent has"),
        (blocks(head='remove = ["facts", "facts"]'), "removes the block 'facts', which no parent has"),
        (blocks('kind = "divider"'), "a block without an id"),
        (blocks('id = 5\nkind = "divider"'), "a block without an id"),
        (blocks('id = ""\nkind = "divider"'), "a block without an id"),
        (blocks('id = "new"'), "kind"),
        (blocks('id = "new"\nkind = "video"'), "kind"),
        (blocks('id = "error"\npriority = 101'), "priority"),
        (blocks('id = "error"\ncolour = "red"'), "colour"),
        (blocks('id = "facts"\nfacts = [{label = "a"}]'), "value"),
        ({DEFINITION: "subject = 5"}, "subject"),
        ({DEFINITION: "unheard_of = 5"}, "unheard_of"),
        ({DEFINITION: 'blocks = "all"'}, "blocks"),
        ({DEFINITION: "format = 2"}, "format"),
    ],
)
def test_an_overlay_that_does_not_fit_says_what_and_in_which_file(tmp_path, overlay, says):
    with pytest.raises(PackError) as caught:
        packs(tmp_path, overlay).definition(NAME)
    assert says in str(caught.value)
    assert "over1" in str(caught.value)
    assert caught.value.file == DEFINITION


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
