"""Texts and conditions of packs, by a stencil and by Jinja: what is handed back is what both say."""

from livery.locales import direction
from livery.packs.operations import Tongue
from livery.stencils.direct import Sandbox
from livery.stencils.fill import Condition, Program
from livery.stencils.staging import Stager
from livery.stencils.values import Dynamic, plain

DYNAMIC = ("event", "envelope", "year", "a")


def text(source, seen, *, locale="en", markup=False):
    """A text filled.

    Raises:
        StagingError: it is refused.
        FillError: a value in it is missing.

    """
    tongue = Tongue(locale, direction(locale), markup=markup)
    pieces = Stager(tongue).template("p!x", source, _known(seen))
    written = Program(plain(pieces), tongue).fill(seen)
    assert written == str(Sandbox(tongue).from_string(source).render(seen))
    return written


def holds(condition, seen):
    """Whether a condition holds.

    Raises:
        Exception: it cannot be said.

    """
    if not condition:
        return True
    tongue = Tongue("en", "ltr", lenient=True)
    found = Stager(tongue).condition(condition, _known(seen))
    mine = found if isinstance(found, bool) else Condition(found, tongue).holds(seen)
    assert mine is bool(Sandbox(tongue).compile_expression(condition)(**seen))
    return mine


def _known(seen):
    return {name: Dynamic(["r", name, []]) if name in DYNAMIC else value for name, value in seen.items()}
