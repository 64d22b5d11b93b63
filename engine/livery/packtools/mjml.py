"""Which attributes MJML's elements have. The compiler leaves out what it does not know, and says nothing.

As of MJML 5.4 (https://documentation.mjml.io), whose components list what they take.
"""

from collections.abc import Mapping
from typing import Final

_PADDING = "padding padding-top padding-right padding-bottom padding-left"
_BORDER = "border border-top border-right border-bottom border-left"
_FONT = "font-family font-size font-weight"
_LINE = f"{_FONT} font-style text-decoration"
_LINK = "href name rel target"
_ICONS = (
    "icon-align icon-height icon-position icon-unwrapped-alt icon-unwrapped-url icon-width icon-wrapped-alt "
    "icon-wrapped-url"
)
_SECTION = (
    f"{_PADDING} {_BORDER} background-color background-position background-position-x background-position-y "
    "background-repeat background-size background-url border-radius direction full-width gutter text-align text-padding"
)
_OF: Final = {
    "mjml": "dir lang owa",
    "mj-accordion": f"{_PADDING} {_ICONS} border container-background-color font-family",
    "mj-accordion-element": f"{_ICONS} background-color border font-family",
    "mj-accordion-text": f"{_PADDING} {_FONT} background-color color letter-spacing line-height",
    "mj-accordion-title": f"{_PADDING} {_FONT} background-color color",
    "mj-body": "background-color id width",
    "mj-breakpoint": "width",
    "mj-button": f"{_PADDING} {_BORDER} {_LINE} {_LINK} align background-color border-radius color height "
    "inner-padding container-background-color letter-spacing line-height text-align text-transform title "
    "vertical-align width",
    "mj-carousel": f"{_PADDING} align border-radius container-background-color icon-width left-icon right-icon "
    "tb-border tb-border-radius tb-hover-border-color tb-selected-border-color tb-width thumbnails",
    "mj-carousel-image": "alt border-radius href rel src target tb-border tb-border-radius thumbnails-src title",
    "mj-column": f"{_PADDING} {_BORDER} background-color border-radius direction inner-background-color inner-border "
    "inner-border-bottom inner-border-left inner-border-radius inner-border-right inner-border-top "
    "vertical-align width",
    "mj-divider": f"{_PADDING} align border-color border-style border-width container-background-color width",
    "mj-font": "href name",
    "mj-group": "background-color direction vertical-align width",
    "mj-hero": f"{_PADDING} background-color background-height background-position background-url background-width "
    "border-radius height inner-background-color inner-padding inner-padding-bottom inner-padding-left "
    "inner-padding-right inner-padding-top mode vertical-align",
    "mj-html-attribute": "name",
    "mj-image": f"{_PADDING} {_BORDER} {_LINK} align alt border-radius container-background-color fluid-on-mobile "
    "font-size height max-height sizes src srcset title usemap width",
    "mj-navbar": f"{_PADDING} align base-url hamburger ico-align ico-close ico-color ico-font-family ico-font-size "
    "ico-line-height ico-open ico-padding ico-padding-bottom ico-padding-left ico-padding-right ico-padding-top "
    "ico-text-decoration ico-text-transform",
    "mj-navbar-link": f"{_PADDING} {_LINE} {_LINK} color letter-spacing line-height text-transform",
    "mj-raw": "position",
    "mj-section": _SECTION,
    "mj-selector": "path",
    "mj-social": f"{_PADDING} {_LINE} align border border-radius color container-background-color icon-height "
    "icon-padding icon-size inner-padding line-height mode table-layout text-padding vertical-align",
    "mj-social-element": f"{_PADDING} {_LINE} {_LINK} align alt background-color border border-radius color "
    "icon-height icon-padding icon-position icon-size line-height sizes src srcset text-padding title vertical-align",
    "mj-spacer": f"{_PADDING} {_BORDER} container-background-color height",
    "mj-style": "inline",
    "mj-table": f"{_PADDING} {_FONT} align border cellpadding cellspacing color container-background-color line-height "
    "role table-layout vertical-align width",
    "mj-text": f"{_PADDING} {_LINE} align background-color color container-background-color height letter-spacing "
    "line-height text-transform vertical-align",
    "mj-wrapper": f"{_SECTION} gap",
}
_EVERYWHERE = frozenset(("css-class", "mj-class"))
ATTRIBUTES: Final[Mapping[str, frozenset[str]]] = {
    **{name: frozenset(said.split()) | _EVERYWHERE for name, said in _OF.items()},
    **dict.fromkeys(("mj-all", "mj-class"), frozenset(" ".join((*_OF.values(), "name")).split()) | _EVERYWHERE),
}
"""By element; those that take none at all are not in it."""
