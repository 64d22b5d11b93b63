"""What the MJML compiler writes into the head of a page because of what stands in its body.

A picture or a new width of column adds styles to the head. Where such an element stands in a branch that an event
may not take, the head depends on the event, too; so the page is compiled once for each way.
"""

from collections.abc import Callable, Sequence

from livery.errors import PackError
from livery.stencils.placing import Fork, Words
from livery.stencils.values import Branch, Repeat, StagingError

Compile = Callable[[str], str]


def check(words: Words, mjml: str, html: str, compile_: Compile) -> None:
    """See that the head is the same whichever branches an event takes.

    Args:
        words: the template's words.
        mjml: the document with them.
        html: what it compiles to.
        compile_: compiles MJML.

    Raises:
        Fork: it depends on this branch; compile once for each way.
        StagingError: it depends on a loop that cannot be decided.

    """
    spans = words.outermost(mjml)
    if not spans:
        return
    bare = _head(compile_, mjml, [span for _, span in spans])
    if bare is None or bare == html.partition("</head>")[0]:
        return
    for at, (piece, _) in enumerate(spans):
        others = [span for number, (_, span) in enumerate(spans) if number != at]
        if _head(compile_, mjml, others) != bare:
            raise _culprit(piece)


def _culprit(piece: Branch | Repeat) -> Exception:
    if isinstance(piece, Branch):
        return Fork(piece.condition, piece.place)
    if piece.only is None:
        return Fork(piece.over, piece.place)
    return StagingError(
        "what stands in a loop over the event adds styles to the page", piece.place, "put an {% if %} around the loop"
    )


def _head(compile_: Compile, mjml: str, without: Sequence[tuple[int, int]]) -> str | None:
    """The head of the page without some parts of the document; None if that is no document."""
    parts, at = [], 0
    for start, end in without:
        parts.append(mjml[at:start])
        at = end
    try:
        return compile_("".join([*parts, mjml[at:]])).partition("</head>")[0]
    except PackError:
        return None
