"""What is seen in markup as it is written, and that nobody's markup takes long to look at."""

import pytest

from livery.packs.pack import Pack
from livery.packtools import markup
from livery.packtools.sources import sources
from packtools.making import NOTIFICATION, tiny

TEXT = "blocks/text.mjml.j2"


def found(tmp_path, files):
    pack = Pack(tiny(tmp_path, files))
    return [(one.rule, one.line, one.column) for one in markup.findings(pack, sources(pack))]


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ('<img src="a" alt="x" />', []),
        ("<img src='a' ALT='' />", []),
        ('<img src="a" {{ more }} />', []),
        ('<img src="a" {% if a > b %} alt="x"{% endif %} />', []),
        ('<img src="a" title="alt=1" />', ["alt"]),
        ('<mj-image\n  src="a"\n></mj-image>', ["alt"]),
        ('{# <img src="a" /> #}<!-- <img src="a" /> -->', []),
        ('<a href="https://x.example">x</a><a href="mailto:a@b.example">x</a><a href="#top">x</a>', []),
        ('<a href="{{ block.url }}">x</a><a href="{{ a }}:x">x</a>', []),
        ('<a href="&#106;avascript:x">x</a>', ["link"]),
        ('<a href="JAVASCRIPT:x">x</a>', ["link"]),
        ('<a href="data:text/html,x">x</a>', ["link"]),
        ('<mj-button href="orders/{{ id }}">x</mj-button>', ["link"]),
        ('<a href="http://x.example">x</a>', ["link"]),
        ('<mj-text colour="red" font-size="12px" css-class="x" mj-class="y">x</mj-text>', ["attribute"]),
        ('<mj-text {{ more }} {% if a %}colour="red"{% endif %}>x</mj-text>', ["attribute"]),
        (
            '<mj-attributes><mj-all color="red" /><mj-class name="x" src="y" /><mj-text width="1" /></mj-attributes>',
            ["attribute"],
        ),
        ('<mj-wrapper gap="8px" background-color="red"><mj-section gap="8px" /></mj-wrapper>', ["attribute"]),
        ('<!-- <mj-text colour="red"> --><td colour="red">x</td>', []),
    ],
)
def test_templates(tmp_path, text, rules):
    assert [rule for rule, _, _ in found(tmp_path, {TEXT: text})] == rules


def test_places_are_those_of_the_file(tmp_path):
    text = '{# three\nlines #}\n  <img src="a" />\n<a href="ftp://x">y</a>'
    assert found(tmp_path, {TEXT: text}) == [("alt", 3, 3), ("link", 4, 10)]


def test_an_attribute_that_is_mistyped_is_told_with_the_one_it_is_near_to(tmp_path):
    pack = Pack(tiny(tmp_path, {TEXT: '<mj-text\n  font-sise="12px">x</mj-text>'}))
    [one] = markup.findings(pack, sources(pack))
    assert (one.file, one.line, one.column, one.severity) == (TEXT, 2, 3, "warning")
    assert one.message == "<mj-text> has no font-sise, so it is left out"
    assert one.fix == "did you mean font-size?"


def test_notifications_and_texts(tmp_path):
    blocks = """event = "OfferProvisionError"
subject = "tiny.subject"
title = "tiny.subject"

[[blocks]]
id = "picture"
kind = "image"
url = "https://x.example/a.png"

[[blocks]]
id = "go"
kind = "actions"
actions = [{ label = "tiny.text", url = "http://x.example" }, { label = "tiny.text", url = "{{ event.order.url }}" }]
"""
    files = {NOTIFICATION: blocks, "strings/en.toml": '[tiny]\ntext = """\nSee\nhttp://x.example"""\n'}
    assert found(tmp_path, files) == [("link", 4, 1), ("alt", 5, 3), ("link", 13, 42)]


@pytest.mark.parametrize(
    "piece",
    [
        "<!--",
        "<a ",
        '<a "',
        "<a '",
        "<a x",
        "<a x=",
        "{{ ",
        "{# ",
        "{% ",
        "<a href=",
        "a ",
        "aa",
        '"<',
        "<a\n",
        "<mj-text a=''>",
        "<mj-text b='' ",
    ],
)
def test_no_markup_takes_long_to_look_at(tmp_path, piece):
    """With a pattern that looks at a text twice, this would take minutes."""
    pack = Pack(tiny(tmp_path, {TEXT: f"<x {piece * (200_000 // len(piece))}"}))
    assert isinstance(markup.findings(pack, sources(pack)), list)
