"""A small pack of tokens that has every kind of reference, and what layers over it change."""

from livery.packs.tokens import TokenSpec, resolve


def colour(value="", **more):
    return TokenSpec(type="colour", value=value, **more)


BASE = (
    "base",
    {
        "primary": colour("#2747c9", dark="dark_primary"),
        "on_primary": colour(on="primary", dark="dark_on_primary"),
        "header": colour(same_as="page", dark="dark_header"),
        "on_header": colour(on="header", dark="dark_on_header"),
        "mark": colour(same_as="primary"),
        "on_mark": colour(on="mark", same_as="on_primary"),
        "page": colour("#f2f4f7", dark="dark_page"),
        "text": colour("#1c2736", on="page", dark="dark_text"),
        "danger": colour("#b3261e", on="page", dark="dark_danger"),
        "dark_primary": colour(same_as="primary"),
        "dark_on_primary": colour(on="dark_primary", same_as="on_primary"),
        "dark_header": colour(same_as="header"),
        "dark_on_header": colour("#eef1f5", on="dark_header", same_as="on_header"),
        "dark_page": colour("#0f1319"),
        "dark_text": colour("#e8ecf2", on="dark_page"),
        "dark_danger": colour("#ff9d94", on="dark_page"),
        "font": TokenSpec(type="font", value="Arial, sans-serif", description="Text."),
        "radius": TokenSpec(type="length", value="12px"),
        "logo": TokenSpec(type="image"),
        "help": TokenSpec(type="url"),
        "motto": TokenSpec(type="text"),
    },
)


def changed(*layers, brand=()):
    """What layers over `BASE` change, and what is said."""
    before, after = resolve([BASE]).values, resolve([BASE, *layers], brand)
    values = {name: value for name, value in after.values.items() if before.get(name) != value}
    return values, [f"{one.severity} {one.rule} {one.pack or '-'}: {one}" for one in after.findings]
