"""Drawing: the templates of `web/`, and what they may call."""

from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from livery.http.pages import words

if TYPE_CHECKING:
    from jinja2 import Environment

STATIC = files("livery.http.pages") / "static"


def draw(template: str, **values: Any) -> str:
    """A page as HTML. Every value is escaped; a name that is not given is an error."""
    return environment().get_template(template).render(values)


@cache
def environment() -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("livery.http.pages", "web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals |= {"htmx": htmx(), "version": version, "words": words}
    made.filters |= {"moment": words.moment, "ago": words.ago}
    return made


@cache
def htmx() -> str:
    """The name of the script, if this installation was built with it. Every page works without it."""
    return next((one.name for one in STATIC.iterdir() if one.name.startswith("htmx-")), "")


@cache
def version(name: str) -> str:
    """Changes with a static file, so that browsers may keep it for ever."""
    return sha256((STATIC / name).read_bytes()).hexdigest()[:12]
