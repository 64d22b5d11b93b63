"""Which values templates ask for, traced through their own names, and which there are."""

import pytest

from livery.catalogue import livery_register_event_types
from livery.packtools.shapes import in_templates, in_texts
from livery.stencils import grammar, naming

DATA = next(kind.data for kind in livery_register_event_types() if kind.name == "OfferProvisionError")


def asked(source):
    return [".".join(one.path) for one in naming.names(grammar.parsed(source, markup=True)).asked]


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("{{ event.order.id }}", ["event.order.id"]),
        ("{{ block['items'] }}", ["block.items"]),
        ("{{ event.lines[0].name }}", ["event.lines.[].name"]),
        ("{% for x in event.lines %}{{ x.a }}{{ loop.index }}{% endfor %}", ["event.lines", "event.lines.[].a"]),
        ("{% for x in event.lines|sort %}{{ x.a }}{% endfor %}", ["event.lines", "event.lines.[].a"]),
        ("{% for a, b in event.lines %}{{ a.x }}{% endfor %}", ["event.lines"]),
        ("{% set o = event.order %}{{ o.id }}", ["event.order", "event.order.id"]),
        ("{% set o %}x{% endset %}{{ o }}", []),
        ("{% with o = event.order %}{{ o.id }}{% endwith %}{{ o }}", ["event.order", "event.order.id", "o"]),
        ("{% macro m(a, b=brand.x) %}{{ a.b }}{{ brand.y }}{% endmacro %}{{ m(1) }}", ["brand.x", "brand.y"]),
        ("{% from 'parts/x.mjml.j2' import m %}{{ m(event.x) }}", ["event.x"]),
        ("{% block a %}{{ super() }}{% endblock %}", []),
        ("{{ (event.a or event.b).c }}", ["event.a", "event.b"]),
        ("{{ event[brand.x].y }}", ["brand.x", "event"]),
        ("{% if event.a is defined %}{% endif %}", ["event.a"]),
    ],
)
def test_what_is_asked_for(source, paths):
    assert sorted(asked(source)) == paths


def test_lines_are_those_of_the_template():
    found = naming.names(grammar.parsed("a\n{{ x }}\n\n{{ y }}", markup=True)).asked
    assert [(one.path, one.line) for one in found] == [(("x",), 2), (("y",), 4)]


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("event.order.id", None),
        ("event.user.email", None),
        ("envelope.time", None),
        ("brand.name", None),
        ("event.order.idd", "did you mean event.order.id?"),
        ("event.order.id.x", ""),
        ("event.order.[]", None),
        ("evnt.order", "did you mean event?"),
        ("brand.primry", "did you mean brand.primary?"),
        ("block.text", "there are event, envelope, year, brand, locale"),
    ],
)
def test_what_texts_can_ask_for(path, said):
    miss = in_texts(DATA, ["primary"]).miss(path.split("."))
    assert (miss.fix if miss else None) == said


@pytest.mark.parametrize(
    ("file", "path", "there"),
    [
        ("layouts/email.mjml.j2", "notification.title", True),
        ("layouts/email.mjml.j2", "block.text", False),
        ("blocks/facts.mjml.j2", "block.facts.[].label", True),
        ("blocks/facts.mjml.j2", "block.facts.label", False),
        ("blocks/facts.mjml.j2", "block.text", False),
        ("blocks/text.mjml.j2", "block.text", True),
        ("blocks/text.mjml.j2", "notification.title", False),
        ("parts/x.mjml.j2", "block.text", True),
        ("parts/x.mjml.j2", "notification.title", True),
        ("parts/x.mjml.j2", "event.order", False),
    ],
)
def test_what_templates_can_ask_for(file, path, there):
    assert (in_templates(file, []).miss(path.split(".")) is None) is there


def test_of_an_event_nobody_knows_anything_may_be_asked():
    assert in_texts(None, []).miss(["event", "x", "y"]) is None
