"""Colours: reading them, their contrast (WCAG 2.2), and others near them that can be read."""

import re
from collections.abc import Iterable
from functools import lru_cache
from math import hypot

AA, AA_LARGE = 4.5, 3.0
"""What text needs (https://www.w3.org/TR/WCAG22/#contrast-minimum), and what is enough for large text."""
INK, BLACK, WHITE = "#16202e", "#000000", "#ffffff"

_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")
_STEPS, _STRIDE = 200, 10
_SLACK = 1e-4
_FAINT, _DARK, _LIGHT = 0.06, 0.35, 0.9
"""In OKLCH: chroma below which, and lightness outside of which, a colour is as good as black or white."""
# The named colours of CSS: https://www.w3.org/TR/css-color-4/#named-colors
_NAMES = """
aliceblue f0f8ff antiquewhite faebd7 aqua 00ffff aquamarine 7fffd4 azure f0ffff beige f5f5dc bisque ffe4c4 black 000000
blanchedalmond ffebcd blue 0000ff blueviolet 8a2be2 brown a52a2a burlywood deb887 cadetblue 5f9ea0 chartreuse 7fff00
chocolate d2691e coral ff7f50 cornflowerblue 6495ed cornsilk fff8dc crimson dc143c cyan 00ffff darkblue 00008b
darkcyan 008b8b darkgoldenrod b8860b darkgray a9a9a9 darkgreen 006400 darkgrey a9a9a9 darkkhaki bdb76b
darkmagenta 8b008b darkolivegreen 556b2f darkorange ff8c00 darkorchid 9932cc darkred 8b0000 darksalmon e9967a
darkseagreen 8fbc8f darkslateblue 483d8b darkslategray 2f4f4f darkslategrey 2f4f4f darkturquoise 00ced1
darkviolet 9400d3 deeppink ff1493 deepskyblue 00bfff dimgray 696969 dimgrey 696969 dodgerblue 1e90ff firebrick b22222
floralwhite fffaf0 forestgreen 228b22 fuchsia ff00ff gainsboro dcdcdc ghostwhite f8f8ff gold ffd700 goldenrod daa520
gray 808080 green 008000 greenyellow adff2f grey 808080 honeydew f0fff0 hotpink ff69b4 indianred cd5c5c indigo 4b0082
ivory fffff0 khaki f0e68c lavender e6e6fa lavenderblush fff0f5 lawngreen 7cfc00 lemonchiffon fffacd lightblue add8e6
lightcoral f08080 lightcyan e0ffff lightgoldenrodyellow fafad2 lightgray d3d3d3 lightgreen 90ee90 lightgrey d3d3d3
lightpink ffb6c1 lightsalmon ffa07a lightseagreen 20b2aa lightskyblue 87cefa lightslategray 778899
lightslategrey 778899 lightsteelblue b0c4de lightyellow ffffe0 lime 00ff00 limegreen 32cd32 linen faf0e6
magenta ff00ff maroon 800000 mediumaquamarine 66cdaa mediumblue 0000cd mediumorchid ba55d3 mediumpurple 9370db
mediumseagreen 3cb371 mediumslateblue 7b68ee mediumspringgreen 00fa9a mediumturquoise 48d1cc mediumvioletred c71585
midnightblue 191970 mintcream f5fffa mistyrose ffe4e1 moccasin ffe4b5 navajowhite ffdead navy 000080 oldlace fdf5e6
olive 808000 olivedrab 6b8e23 orange ffa500 orangered ff4500 orchid da70d6 palegoldenrod eee8aa palegreen 98fb98
paleturquoise afeeee palevioletred db7093 papayawhip ffefd5 peachpuff ffdab9 peru cd853f pink ffc0cb plum dda0dd
powderblue b0e0e6 purple 800080 rebeccapurple 663399 red ff0000 rosybrown bc8f8f royalblue 4169e1 saddlebrown 8b4513
salmon fa8072 sandybrown f4a460 seagreen 2e8b57 seashell fff5ee sienna a0522d silver c0c0c0 skyblue 87ceeb
slateblue 6a5acd slategray 708090 slategrey 708090 snow fffafa springgreen 00ff7f steelblue 4682b4 tan d2b48c
teal 008080 thistle d8bfd8 tomato ff6347 turquoise 40e0d0 violet ee82ee wheat f5deb3 white ffffff whitesmoke f5f5f5
yellow ffff00 yellowgreen 9acd32
"""
NAMED = {name: f"#{digits}" for name, digits in zip(_NAMES.split()[::2], _NAMES.split()[1::2], strict=True)}


def normal(text: str) -> str:
    """`#rgb`, `#rrggbb` or a name of CSS as `#rrggbb` in small letters; empty if it is none of these."""
    small = text.lower()
    if _HEX.fullmatch(small):
        digits = small[1:]
        return f"#{digits}" if len(digits) > len("rgb") else "#" + "".join(2 * digit for digit in digits)
    return NAMED.get(small, "")


def contrast(one: str, other: str) -> float:
    """The ratio of two colours (`#rrggbb`), 1 to 21: https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    return _lowest(_luminance(one), [_luminance(other)])


def worst(colour: str, backgrounds: Iterable[str]) -> float:
    """The lowest contrast of a colour with any of the backgrounds; 21 without one."""
    return _lowest(_luminance(colour), [_luminance(background) for background in backgrounds])


def readable(backgrounds: Iterable[str]) -> str:
    """Ink or white, whichever can be read better; black for ink where neither reaches 4.5:1."""
    grounds = tuple(backgrounds)
    best = max((INK, WHITE), key=lambda colour: worst(colour, grounds))
    return best if worst(best, grounds) >= AA else max((BLACK, WHITE), key=lambda colour: worst(colour, grounds))


@lru_cache(maxsize=4096)
def nearest(colour: str, backgrounds: tuple[str, ...], ratio: float = AA) -> str:
    """The colour of the same hue, nearest in lightness, that has `ratio` with all backgrounds.

    Lightness is OKLCH's; chroma gives way where sRGB has no such colour. Against one background there is always
    one, as black or white has 4.58:1. Where several leave none, the colour that comes closest.
    """
    grounds = [_luminance(background) for background in backgrounds]
    if _lowest(_luminance(colour), grounds) >= ratio:
        return colour
    step, best = _moved(colour, grounds, ratio, range(_STRIDE, _STEPS + 1, _STRIDE))
    return _moved(colour, grounds, ratio, range(step - _STRIDE + 1, step + 1))[1] if step else best


def _moved(colour: str, grounds: list[float], ratio: float, steps: Iterable[int]) -> tuple[int, str]:
    """The first of the steps, up or down in lightness, that has the ratio, and the colour; step 0 if none has."""
    lightness, a, b = _oklab(colour)
    best, reached = colour, _lowest(_luminance(colour), grounds)
    for step in steps:
        for moved in (max(lightness - step / _STEPS, 0.0), min(lightness + step / _STEPS, 1.0)):
            candidate = _srgb(moved, a, b)
            if (got := _lowest(_luminance(candidate), grounds)) > reached:
                best, reached = candidate, got
        if reached >= ratio:
            return step, best
    return 0, best


def fitting(start: str, backgrounds: tuple[str, ...]) -> str:
    """`start` if text in it can be read on all backgrounds, else what comes nearest.

    What is as good as ink or white gives way to the other of the two, as does no colour at all; any other keeps
    its hue.
    """
    if start and worst(start, backgrounds) >= AA:
        return start
    other = readable(backgrounds) if not start or _is_plain(start) else ""
    return other if other and worst(other, backgrounds) >= AA else nearest(start or INK, backgrounds)


def _lowest(luminance: float, grounds: Iterable[float]) -> float:
    ratios = ((max(luminance, one) + 0.05) / (min(luminance, one) + 0.05) for one in grounds)
    return min(ratios, default=21.0)


def _is_plain(colour: str) -> bool:
    """Whether people would call it black or white."""
    lightness, a, b = _oklab(colour)
    return hypot(a, b) < _FAINT and not _DARK < lightness < _LIGHT


def _linear(colour: str) -> tuple[float, float, float]:
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in channels)  # noqa: PLR2004 - https://www.w3.org/TR/WCAG22/#dfn-relative-luminance
    return red, green, blue


@lru_cache(maxsize=4096)
def _luminance(colour: str) -> float:
    red, green, blue = _linear(colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


# OKLab: https://bottosson.github.io/posts/oklab/#converting-from-linear-srgb-to-oklab


def _oklab(colour: str) -> tuple[float, float, float]:
    red, green, blue = _linear(colour)
    long = (0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue) ** (1 / 3)
    medium = (0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue) ** (1 / 3)
    short = (0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue) ** (1 / 3)
    return (
        0.2104542553 * long + 0.7936177850 * medium - 0.0040720468 * short,
        1.9779984951 * long - 2.4285922050 * medium + 0.4505937099 * short,
        0.0259040371 * long + 0.7827717662 * medium - 0.8086757660 * short,
    )


def _channels(lightness: float, a: float, b: float) -> tuple[float, float, float]:
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _srgb(lightness: float, a: float, b: float) -> str:
    """The colour of that lightness and hue with as much of the chroma as sRGB has."""
    most, least = 1.0, 0.0
    if not _inside(_channels(lightness, a, b)):
        for _ in range(12):
            middle = (most + least) / 2
            if _inside(_channels(lightness, a * middle, b * middle)):
                least = middle
            else:
                most = middle
        most = least
    shown = (min(max(part, 0.0), 1.0) for part in _channels(lightness, a * most, b * most))
    encoded = (part * 12.92 if part <= 0.0031308 else 1.055 * part ** (1 / 2.4) - 0.055 for part in shown)  # noqa: PLR2004 - https://www.w3.org/TR/css-color-4/#color-conversion-code
    return "#" + "".join(f"{round(part * 255):02x}" for part in encoded)


def _inside(channels: Iterable[float]) -> bool:
    return all(-_SLACK <= part <= 1 + _SLACK for part in channels)
