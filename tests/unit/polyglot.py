"""What the tests of languages share: the languages there are, and packs that are nothing but texts."""

from dataclasses import dataclass, field

from babel.localedata import locale_identifiers

from livery.packs.findings import Finding

_MAIN = "en de de-AT de-CH fr ar ar-EG he ja pl lv ru hi fa th pt-BR en-GB es-MX zh-Hant sr-Latn cs sl lt cy ga mt"
MAIN = _MAIN.split()
"""The languages a test looks at first."""
CLDR = sorted(tag.replace("_", "-") for tag in locale_identifiers())
"""Every language that Babel has data for."""


@dataclass
class TextPack:
    """A pack as far as its texts go."""

    id: str
    strings: dict[str, dict[str, str]]
    files: dict[str, str] = field(default_factory=dict)
    string_files: dict[str, str] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def label(self) -> str:
        return f"{self.id} 1.0"

    def read(self, path: str) -> str | None:
        return self.files.get(path)


@dataclass
class TextChain:
    """Packs laid over each other, the nearest first."""

    packs: tuple[TextPack, ...]
    asked: TextPack | None = None


def texts(**strings: dict[str, str]) -> TextChain:
    """A chain of one pack: texts by language (`de_AT` for `de-AT`) and key."""
    return TextChain((TextPack("shop", {tag.replace("_", "-"): some for tag, some in strings.items()}),))
