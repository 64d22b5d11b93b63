"""The tenant's brand on its pages: colours that can be read, whatever the tokens say.

Only colours, a list of fonts and the address of a picture are taken from the tokens, each in the one form that the
packs' own reader lets through.
"""

import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from livery.engine import Engine
from livery.errors import LiveryError
from livery.models.tenant import Chain
from livery.packs import colour
from livery.packs.tokens import resolve

_PAGE, _CARD = {"light": "#f6f6f4", "dark": "#131416"}, {"light": "#ffffff", "dark": "#1c1e21"}
"""The backgrounds of pages.css that a coloured text or edge may stand on."""
_TINT = {"light": "#eeeeea", "dark": "#26292d"}
_PLAIN = {"primary": "#2747c9", "header": "#1c2736"}
_FONT = re.compile(r"[A-Za-z0-9 _-]{1,60}")
_GENERIC = frozenset({"serif", "sans-serif", "monospace", "system-ui", "cursive", "fantasy"})


@dataclass(frozen=True, slots=True)
class Brand:
    """What a tenant's pages look like.

    Attributes:
        name: as the brand has it; empty if it has none.
        logo: the https address of its picture; empty if it has none.
        css: the style sheet that lays its colours over ours.

    """

    name: str
    logo: str
    css: str

    @property
    def logo_origin(self) -> str:
        """Where the picture comes from, for the content security policy."""
        parts = urlsplit(self.logo)
        return f"https://{parts.netloc}" if self.logo else ""


def of(engine: Engine, chain: Chain) -> Brand:
    """The brand of a tenant; ours where there is none, or its pack cannot be read."""
    tokens = _tokens(engine, chain)
    return Brand(tokens.get("name", ""), _picture(tokens.get("logo_url", "")), style(tokens))


def style(tokens: dict[str, str]) -> str:
    """The style sheet for some tokens. What is not a colour or a font is left out; what cannot be read is moved."""
    light, dark = (_scheme(tokens, name) for name in ("light", "dark"))
    fonts = _fonts(tokens.get("font", ""))
    font = f":root{{--brand-font:{fonts}}}\n" if fonts else ""
    return f":root{{{light}}}\n@media (prefers-color-scheme:dark){{:root{{{dark}}}}}\n{font}"


def _scheme(tokens: dict[str, str], scheme: str) -> str:
    def token(name: str) -> str:
        dark = tokens.get(f"dark_{name}", "") if scheme == "dark" else ""
        return colour.normal(dark) or colour.normal(tokens.get(name, ""))

    primary = token("primary") or _PLAIN["primary"]
    header = token("header") or (token("mark") or primary)
    grounds = (_PAGE[scheme], _CARD[scheme], _TINT[scheme])
    values = {
        "band": header,
        "on-band": colour.fitting(token("on_header"), (header,)),
        "mark": token("mark") or primary,
        "on-mark": colour.fitting(token("on_mark"), (token("mark") or primary,)),
        "fill": primary,
        "on-fill": colour.fitting(token("on_primary"), (primary,)),
        "edge": colour.nearest(primary, grounds, colour.AA_LARGE),
        "link": colour.nearest(primary, grounds),
    }
    return ";".join(f"--{name}:{value}" for name, value in values.items())


def _tokens(engine: Engine, chain: Chain) -> dict[str, str]:
    """Every token of a tenant, checked as for its messages."""
    name = next((one.pack for one in reversed(chain) if one.pack), None) or engine.config.default_pack
    given = [(one.id, one.brand) for one in chain if one.brand]
    try:
        packs = engine.stock.chain(name, chain)
    except LiveryError:  # a pack that is not there or broken is told of on the page of packs
        return {}
    return resolve(packs.token_layers(), given).values


def _picture(url: str) -> str:
    """An https address with a plain host; everything else is shown as name and initial."""
    parts = urlsplit(url)
    is_plain = parts.scheme == "https" and re.fullmatch(r"[a-z0-9.-]{1,253}(:\d{1,5})?", parts.netloc)
    return url if is_plain else ""


def _fonts(text: str) -> str:
    names = [one.strip() for one in text.split(",")]
    kept = [one for one in names if _FONT.fullmatch(one)]
    return ",".join(one if one in _GENERIC or one.startswith("-") else f'"{one}"' for one in kept)
