"""MJML as its documentation has it, or refused with the line and what to write: in the stencil as in the direct way."""

import re

import pytest

from livery.stencils.compiling import compiled
from livery.stencils.direct import Direct
from livery.stencils.stencil import Stencil
from packtools.making import checked, lines, tiny
from stencils.both import mailed, order, page, part, said

CLASSES = '<mj-attributes><mj-class name="a" color="#aaaaaa" font-size="11px" /><mj-class name="b" color="#bbbbbb" /></mj-attributes>'


def both(files):
    """The e-mail, which is the same both ways."""
    made = order(files)
    assert mailed(made, [["x"]]) == []
    html, notes = Stencil(compiled(made)).html(said(["x"]))
    assert (html, notes) == Direct(made).html(said(["x"]))
    return html


@pytest.mark.parametrize(
    ("classes", "colour", "size"),
    [
        ('"a"', "aaaaaa", "11px"),
        ('"a b"', "bbbbbb", "11px"),
        ("'b a'", "aaaaaa", "11px"),
        ('" a  b "', "bbbbbb", "11px"),
        ('"a nobody"', "aaaaaa", "11px"),
        ('"b" color="#cccccc"', "cccccc", "13px"),
    ],
)
def test_of_two_classes_that_say_the_same_the_last_counts(classes, colour, size):
    body = f"<mj-section><mj-column><mj-text mj-class={classes}>here</mj-text></mj-column></mj-section>"
    style = re.search(r'<div style="([^"]*)">here', both(page(body, CLASSES)))[1]
    assert f"color:#{colour}" in style
    assert f"font-size:{size}" in style


def test_attributes_for_all_and_for_one_element_are_less_than_those_of_a_class_and_of_its_own():
    head = '<mj-attributes><mj-all color="#111111" /><mj-text color="#222222" line-height="2" /><mj-class name="c" color="#333333" /></mj-attributes>'
    body = '<mj-section><mj-column><mj-text>one</mj-text><mj-text mj-class="c">two</mj-text><mj-button>three</mj-button></mj-column></mj-section>'
    html = both(page(body, head))
    assert re.search(r"line-height:2;[^>]*color:#222222;?\">one", html)
    assert re.search(r"color:#333333;?\">two", html)
    assert re.search(r"color:#111111;[^>]*>\s*three", html)


def test_a_style_sheet_stands_in_the_head_as_it_is():
    html = both(
        page(
            "<mj-section><mj-column><mj-text css-class='k'>x</mj-text></mj-column></mj-section>",
            "<mj-style>.k div { color: red }</mj-style>",
        )
    )
    assert ".k div { color: red }" in html.partition("</head>")[0]
    assert 'class="k"' in html


REFUSED = {
    "mj-style inline": ('<mj-style inline="inline">b { color: red }</mj-style>', "rules are not inlined", "leave inline out"),
    "mj-html-attributes": (
        '<mj-html-attributes><mj-selector path=".k"><mj-html-attribute name="data-x">1</mj-html-attribute></mj-selector></mj-html-attributes>',
        "<mj-html-attributes> is not available",
        "write the attribute at the element",
    ),
    "mj-include": ('<mj-include path="./x.mjml" />', "<mj-include> is not available", "{% include 'parts/"),
    "mj-font": ('<mj-font name="x" href="https://a.example/x.css" />', "<mj-font> is not available", "[fonts] of pack.toml"),
    "an unknown element": ("<mj-heading>x</mj-heading>", "<mj-heading> is not available", "use the elements of MJML"),
}  # fmt: skip


@pytest.mark.parametrize("about", REFUSED)
def test_what_this_mjml_does_otherwise_is_refused_with_its_line(tmp_path, about):
    source, what, fix = REFUSED[about]
    made = order(page("<mj-section><mj-column><mj-text>x</mj-text></mj-column></mj-section>", source))
    assert "available to packs" in mailed(made, [])[0]["message"]
    assert "available to packs" in Direct(made).html(said(["x"]))[1][0]
    layout = f"<mjml>\n<mj-head>\n{source}\n</mj-head><mj-body><mj-section><mj-column>{{% for block in blocks %}}{{{{ block }}}}{{% endfor %}}</mj-column></mj-section></mj-body></mjml>"
    told = [one for one in lines(checked(tiny(tmp_path, {"layouts/email.mjml.j2": layout}))) if what in one]
    assert len(told) == 1
    assert told[0].startswith("layouts/email.mjml.j2:3")
    assert ": error " in told[0]
    assert fix in told[0]


@pytest.mark.parametrize("source", ["<mj-include path='x.mjml' />", "<mj-heading>x</mj-heading>"])
def test_so_it_is_in_a_partial(source):
    assert mailed(order(part(source)), [])
