"""Elements that lay out a page stand where MJML has them: anything else is told, with its line."""

import pytest

from livery.stencils import content
from livery.stencils.values import StagingError

BODY = "<mjml><mj-head><mj-attributes><mj-section padding='0' /><mj-column></mj-column></mj-attributes></mj-head><mj-body>{}</mj-body></mjml>"


@pytest.mark.parametrize(
    "inside",
    [
        "<mj-section><mj-column></mj-column><mj-group><mj-column></mj-column></mj-group></mj-section>",
        "<mj-wrapper><mj-section></mj-section><mj-hero></mj-hero></mj-wrapper><mj-hero><mj-text>x</mj-text></mj-hero>",
        "<mj-section><mj-raw></mj-raw><mj-column /></mj-section><mj-section></mj-section>",
    ],
)
def test_what_mjml_has_is_fine(inside):
    assert list(content.faults(BODY.format(inside))) == []


@pytest.mark.parametrize(
    ("inside", "said"),
    [
        ("<mj-column></mj-column>", "<mj-column> stands in <mj-body>; MJML has it in <mj-section> and <mj-group> only"),
        ("<mj-section><mj-section></mj-section></mj-section>", "<mj-section> stands in <mj-section>"),
        ("<mj-wrapper><mj-wrapper></mj-wrapper></mj-wrapper>", "<mj-wrapper> stands in <mj-wrapper>"),
        ("<mj-section><mj-column><mj-column /></mj-column></mj-section>", "<mj-column> stands in <mj-column>"),
    ],
)  # fmt: skip
def test_what_mjml_has_not_is_told(inside, said):
    (fault,) = content.faults(BODY.format(inside))
    assert fault.message.startswith(said)


def test_a_partial_with_a_column_of_its_own_is_refused_with_its_line():
    source = "<mj-text>x</mj-text>\n<mj-column></mj-column>\n"
    with pytest.raises(StagingError) as caught:
        content.check(source, [("p!blocks/text.mjml.j2", source)], is_part=True)
    assert (caught.value.place.template, caught.value.place.line) == ("p!blocks/text.mjml.j2", 2)
    assert "a partial gives what stands in a column" in str(caught.value)


def test_a_partial_may_be_sections_of_a_layout_that_has_room_for_them():
    assert list(content.faults("<mj-section><mj-column></mj-column></mj-section>", is_part=True)) == []
