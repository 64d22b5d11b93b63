"""Quoted-printable in pieces says what the text says, whatever the pieces; what is remembered of them is bounded."""

import json
import quopri
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.mails import lines, parsed
from channels.making import ENVELOPE, message
from channels.test_smtp_fuzz import TEXTS, whole
from livery import Config, Engine
from livery.plugin import Joined, hookimpl
from livery_smtp import quoted as module
from livery_smtp.mime import assemble
from livery_smtp.quoted import quoted

PIECES = st.lists(TEXTS, max_size=8)
EVENT = json.loads((Path(__file__).parents[2] / "examples/events/offer_provision_error.en.json").read_text("utf-8"))


@given(pieces=PIECES)
@settings(max_examples=300)
def test_pieces_say_what_the_text_says(pieces):
    text = "".join(pieces)
    encoded = b"".join(quoted(text, pieces))
    assert lines(quopri.decodestring(encoded).decode()) == whole(text)
    assert encoded.isascii()
    assert encoded.endswith(b"\r\n")
    assert max(len(line) for line in encoded.split(b"\r\n")) <= 76
    assert encoded.count(b"\n") == encoded.count(b"\r\n") == encoded.count(b"\r")


@given(pieces=st.lists(st.text(alphabet=".=a \né\t", max_size=400), max_size=4), is_one=st.booleans())
@settings(max_examples=200)
def test_no_line_begins_with_a_dot_or_is_too_long(pieces, is_one):
    text = "".join(pieces)
    encoded = b"".join(quoted(text, () if is_one else pieces))
    assert lines(quopri.decodestring(encoded).decode()) == whole(text)
    assert not encoded.startswith(b".")
    assert b"\n." not in encoded
    assert max(len(line) for line in encoded.split(b"\r\n")) <= 76


@pytest.mark.parametrize("ending", ["a", "é", ".", "=", " "])
@pytest.mark.parametrize("length", range(68, 80))
def test_a_soft_break_has_room_whatever_the_length_of_a_piece(length, ending):
    pieces = ["\n" + "x" * length + ending, "more"]
    encoded = b"".join(quoted("".join(pieces), pieces))
    assert quopri.decodestring(encoded).decode() == "".join(pieces).replace("\n", "\r\n") + "\r\n"
    assert max(len(line) for line in encoded.split(b"\r\n")) <= 76


@pytest.mark.parametrize("blank", [" ", "\t"])
@pytest.mark.parametrize("length", range(70, 80))
def test_a_line_that_ends_in_a_blank_is_no_longer_than_others(length, blank):
    text = "é" + "x" * (length - 6) + blank + "\nmore\n"
    for pieces in ((), [text]):
        encoded = b"".join(quoted(text, pieces))
        assert quopri.decodestring(encoded).decode() == text.replace("\n", "\r\n")
        assert max(len(line) for line in encoded.split(b"\r\n")) <= 76


@given(pieces=PIECES)
@settings(max_examples=100)
def test_an_email_in_pieces_is_read_as_the_one_in_one_piece(pieces):
    html = Joined(pieces)
    mail, other = (parsed(assemble(message(html=one), ENVELOPE)) for one in (html, str(html)))
    assert not any(part.defects for part in mail.walk())
    assert mail.get_body(("html",)).get_content() == other.get_body(("html",)).get_content()


@given(piece=st.text(min_size=1).filter(lambda text: "\r" not in text))
def test_the_same_piece_gives_the_same_bytes_the_second_time(piece):
    assert quoted(piece * 2, [piece, piece]) == quoted(piece * 2, [piece, piece])


def test_what_is_remembered_is_bounded(monkeypatch):
    known = module._Known(module._encoded)
    monkeypatch.setattr(module, "_known", known)
    monkeypatch.setattr(module, "_ROOM", 10_000)
    for number in range(1000):
        quoted("", [f"piece {number}"])
        quoted("", ["one that comes again and again"])
        quoted("", [f"piece {number}"])
    assert 50 < len(known) + len(known._old) < 200
    assert "one that comes again and again" in known
    quoted("", ["one that came once"])
    assert "one that came once" not in known


def test_a_joined_text_is_a_text_and_knows_its_pieces():
    joined = Joined(["a", "", "b"])
    assert joined == "ab"
    assert {joined: 1}["ab"] == 1
    assert joined.pieces == ["a", "", "b"]
    assert json.dumps(joined) == '"ab"'


class Watching:
    """A plugin that changes nothing, so that every message takes the way by the notification."""

    seen = 0

    @hookimpl
    def livery_amend_notification(self, notification, event):
        Watching.seen += 1


def test_an_email_is_the_same_whether_a_plugin_looks_at_it_or_not():
    config = Config.load(
        None, channels={"smtp": {}}, tenants={"platform": {}, EVENT["data"]["seller"]["id"]: {"parent": "platform"}}
    )
    with Engine.open(config) as direct, Engine.open(config, plugins={"watching": Watching()}) as watched:
        for locale in ("en", "de", "ar"):
            one, other = (engine.preview(EVENT, locale=locale) for engine in (direct, watched))
            assert one.wording == other.wording
            assert one.message == other.message
            assert isinstance(one.message.html, Joined)
            text, other_text = (parsed(each.wire).get_body(("html",)).get_content() for each in (one, other))
            assert text == other_text
    assert Watching.seen == 3
