"""Messages without a look of their own: plain text as it is, JSON in lines with its parts told apart."""

import json
import re
from collections.abc import Iterator
from typing import Any

from markupsafe import Markup, escape

from livery.studio.marking import mark

_QUOTED = r'"(?:[^"\\]|\\.)*"'
_TOKEN = re.compile(rf"(?P<key>{_QUOTED})(?=:)|(?P<text>{_QUOTED})|(?P<word>-?\d[\d.eE+-]*|true|false|null)")


def plain(text: str, direction: str) -> Markup:
    """Plain text as a mail program or a pager shows it."""
    return mark('<pre class="text" dir="{}">{}</pre>', direction, text)


def tree(value: Any) -> Markup:
    """JSON for people."""
    text = "".join(_tokens(json.dumps(value, ensure_ascii=False, indent=2)))
    return Markup(f'<pre class="json" dir="ltr">{text}</pre>')  # noqa: S704 - every token was escaped


def _tokens(text: str) -> Iterator[str]:
    """JSON in HTML, piece by piece. Thousands of them in a gallery, hence no `mark`."""
    at = 0
    for found in _TOKEN.finditer(text):
        yield escape(text[at : found.start()])
        # A text of the other direction must not drag the punctuation after it along.
        yield f'<bdi class="{found.lastgroup}">{escape(found[0])}</bdi>'
        at = found.end()
    yield escape(text[at:])
