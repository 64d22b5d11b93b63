"""Copying a parent's piece, and what is seen of it when the parent moves on."""

import tomllib

import pytest

from livery.errors import LiveryError, NotFound
from livery.packtools.overriding import accept, compared, override
from packtools.making import FILES, NOTIFICATION, checked, lines, over, target, tiny, write

TEXT, CLOSING = "blocks/text.mjml.j2", "strings/en.toml#tiny.closing"
SUMMARY = f"{NOTIFICATION}#summary"
PIECES = [TEXT, "layouts/email.mjml.j2", CLOSING, SUMMARY]


@pytest.fixture
def family(tmp_path):
    """A parent, a pack over it, and the configuration that knows both."""
    tiny(tmp_path)
    child = over(tmp_path, "tiny")
    config = write(tmp_path, {"livery.toml": f'pack_paths = ["{tmp_path / "tiny"}"]\n'}) / "livery.toml"
    return target(child, config), tmp_path / "tiny"


def moved(parent, file, old, new):
    write(parent, {file: FILES[file].replace(old, new)})


@pytest.mark.parametrize("piece", PIECES)
def test_a_copied_piece_is_recorded_and_changes_no_message(family, piece):
    asked, _ = family
    done = override(asked, piece)
    assert done.of == "tiny 1.0.0"
    record = tomllib.loads((asked.path / "pack.toml").read_text())["overrides"][piece]
    assert record["of"] == "tiny 1.0.0"
    assert len(record["digest"]) == 64
    (side,) = compared(asked)
    assert (side.rest.state, side.theirs, side.ours) == ("same", [], [])
    assert lines(checked(asked.path, asked.config)) == []


def test_all_pieces_can_be_copied_one_after_the_other(family):
    asked, _ = family
    for piece in PIECES:
        override(asked, piece)
    assert [one.rest.piece for one in compared(asked)] == PIECES
    assert (asked.path / "pack.toml").read_text().count("[overrides]") == 1


def test_texts_of_the_pack_and_their_comments_stay(family):
    asked, _ = family
    write(asked.path, {"strings/en.toml": '# mine\n[tiny]\ntext = "Oh no." # really\n'})
    override(asked, CLOSING)
    assert (asked.path / "strings/en.toml").read_text() == (
        '# mine\n[tiny]\ntext = "Oh no." # really\nclosing = "Sorry."\n'
    )


@pytest.mark.parametrize(
    ("piece", "file", "old", "new"),
    [
        (TEXT, TEXT, "block.text|lines", "block.heading"),
        (CLOSING, "strings/en.toml", "Sorry.", "So sorry."),
        (SUMMARY, NOTIFICATION, 'kind = "text"', 'kind = "text"\npriority = 90'),
    ],
)
def test_a_parent_that_moved_is_shown_from_three_sides(family, piece, file, old, new):
    asked, parent = family
    override(asked, piece)
    moved(parent, file, old, new)
    (side,) = compared(asked, piece)
    assert side.rest.state == "moved"
    assert any(line.startswith("+") and new.split("\n")[-1] in line for line in side.theirs)
    assert side.ours == []
    assert not side.has_conflict
    assert [one.rule for one in checked(asked.path, asked.config).findings if one.rule == "drift"] == ["drift"]
    accept(asked, piece)
    assert compared(asked, piece)[0].rest.state == "same"
    assert lines(checked(asked.path, asked.config)) == []


@pytest.mark.parametrize(
    ("mine", "theirs", "conflict"),
    [
        ("a\nb\nc\nD\n", "A\nb\nc\nd\n", False),
        ("a\nB\nc\nd\n", "a\nX\nc\nd\n", True),
        ("a\nnew\nb\nc\nd\n", "a\nother\nb\nc\nd\n", True),
        ("a\nc\nd\n", "a\nB\nc\nd\n", True),
        ("a\nb\nc\nd\n", "a\nB\nc\nd\n", False),
    ],
)
def test_whether_both_changed_the_same_lines(family, mine, theirs, conflict):
    asked, parent = family
    write(parent, {"parts/p.mjml.j2": "a\nb\nc\nd\n"})
    override(asked, "parts/p.mjml.j2")
    write(asked.path, {"parts/p.mjml.j2": mine})
    write(parent, {"parts/p.mjml.j2": theirs})
    (side,) = compared(asked)
    assert side.has_conflict is conflict


def test_a_parent_that_has_no_such_piece_any_more(family):
    asked, parent = family
    write(parent, {"parts/p.mjml.j2": "x"})
    override(asked, "parts/p.mjml.j2")
    write(parent, {"parts/p.mjml.j2": None})
    assert compared(asked)[0].rest.state == "gone"
    with pytest.raises(LiveryError, match="no parent has parts/p"):
        accept(asked, "parts/p.mjml.j2")


def test_a_piece_the_pack_gave_up_is_a_note(family):
    asked, _ = family
    override(asked, TEXT)
    write(asked.path, {TEXT: None})
    assert compared(asked)[0].rest.state == "dropped"
    assert [one.severity for one in checked(asked.path, asked.config).findings] == ["note"]


def test_a_piece_that_was_there_before_can_be_recorded(family):
    asked, _ = family
    write(asked.path, {TEXT: "<mj-text>Mine: {{ block.text|lines }}</mj-text>\n"})
    with pytest.raises(LiveryError, match="--record"):
        override(asked, TEXT)
    override(asked, TEXT, record=True)
    assert "Mine" in (asked.path / TEXT).read_text()
    (side,) = compared(asked)
    assert side.rest.state == "same"
    assert any("Mine" in line for line in side.ours)


def test_a_record_written_as_a_table_is_changed_in_place(family):
    asked, _ = family
    manifest = (asked.path / "pack.toml").read_text()
    record = f'\n[overrides."{TEXT}"] # by hand\ndigest = "{"0" * 64}"\nof = "tiny 0.1.0"\n'
    write(asked.path, {"pack.toml": manifest + record, TEXT: FILES[TEXT]})
    accept(asked, TEXT)
    assert compared(asked)[0].rest.state == "same"
    assert "# by hand" in (asked.path / "pack.toml").read_text()


@pytest.mark.parametrize(
    ("piece", "error", "said"),
    [
        ("blocks/txt.mjml.j2", NotFound, "did you mean blocks/text.mjml.j2"),
        ("strings/en.toml#tiny.closng", NotFound, "did you mean strings/en.toml#tiny.closing"),
        (f"{NOTIFICATION}#sumary", NotFound, f"did you mean {SUMMARY}"),
        ("strings/en.toml", LiveryError, "is no piece that can be copied"),
        ("pack.toml", LiveryError, "is no piece that can be copied"),
        ("../secrets", LiveryError, "is no piece that can be copied"),
        ("blocks/../../secrets", NotFound, "no parent has"),
    ],
)
def test_what_cannot_be_copied_is_said_with_what_can(family, piece, error, said):
    asked, _ = family
    before = sorted(asked.path.rglob("*"))
    with pytest.raises(error, match=said):
        override(asked, piece)
    assert sorted(asked.path.rglob("*")) == before


def test_a_pack_without_a_parent_has_nothing_to_copy(tmp_path):
    with pytest.raises(NotFound, match="no parent"):
        override(target(tiny(tmp_path)), TEXT)


def test_only_folders_are_written_to():
    with pytest.raises(LiveryError, match="not a folder"):
        override(target("base"), TEXT)


def test_a_wrapper_that_is_copied_is_told_of(family, tmp_path):
    asked, parent = family
    middle = over(tmp_path, "tiny", {TEXT: '{% include "parent:blocks/text.mjml.j2" %}'}, "middle")
    top = over(tmp_path, "middle", name="top")
    config = write(tmp_path, {"two.toml": f'pack_paths = ["{parent}", "{middle}"]\n'}) / "two.toml"
    assert override(target(top, config), TEXT).wraps
    assert not override(asked, TEXT).wraps
