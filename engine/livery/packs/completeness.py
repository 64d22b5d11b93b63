"""How far a pack is translated: for each language which texts it has, which come from elsewhere, and what is left."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from livery.locales import kin, negotiate
from livery.packs.findings import Finding
from livery.packs.strings import Chain, Found, all_keys, path_of, remarks, texts
from livery.packs.wording import WordingError, missing_cases, wording

State = Literal["translated", "elsewhere", "missing"]


@dataclass(frozen=True, slots=True)
class Row:
    """One text for the readers of one language.

    Attributes:
        key: the text's.
        locale: the readers'.
        state: `translated` if they get their own language, be it another country's; `elsewhere` if they get
            another language; `missing` if they get nothing.
        source: the language they get; empty if nothing.
        pack: the pack they get it from.
        file: where it stands there, with `line` (0 if it is not known).
        line: see `file`.
        plural: cases of `plural(…)` that their language has and the text has not.

    """

    key: str
    locale: str
    state: State
    source: str = ""
    pack: str = ""
    file: str = ""
    line: int = 0
    plural: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Language:
    """One language in sum.

    Attributes:
        locale: its tag.
        texts: how many texts there are to translate.
        translated: how many its readers get in their language.
        own: how many of them are in exactly this variety, such as `de-AT` rather than `de`.
        elsewhere: how many they get in another language.
        missing: how many they do not get.
        plural: how many lack a case of `plural(…)`.

    """

    locale: str
    texts: int
    translated: int
    own: int
    elsewhere: int
    missing: int
    plural: int

    @property
    def percent(self) -> int:
        """Translated, in whole per cent, rounded down: 100 only if nothing is left."""
        return 100 * self.translated // self.texts if self.texts else 100


@dataclass(frozen=True, slots=True)
class Completeness:
    """What is translated and what is not.

    Attributes:
        languages: each in sum, as asked for.
        rows: every text in every language.
        unused: keys with texts that nothing uses; empty if it was not said what is used.
        untold: keys that are used and have no text in any language.

    """

    languages: tuple[Language, ...]
    rows: tuple[Row, ...]
    unused: tuple[str, ...]
    untold: tuple[str, ...]

    def left(self, locale: str = "") -> tuple[Row, ...]:
        """The texts that are not translated or lack a plural case, in one language or in all."""
        rows = (row for row in self.rows if row.state != "translated" or row.plural)
        return tuple(row for row in rows if locale in ("", row.locale))

    def plain(self) -> dict[str, Any]:
        """All of it as plain data, for `--json`."""
        return {
            "languages": [{**asdict(one), "percent": one.percent} for one in self.languages],
            "texts": [{**asdict(row), "plural": list(row.plural)} for row in self.rows],
            "unused": list(self.unused),
            "untold": list(self.untold),
        }


def completeness(
    chain: Chain,
    *,
    used: Collection[str] | None = None,
    locales: Iterable[str] | None = None,
    source: str = "en",
) -> Completeness:
    """How far the texts of a chain are translated.

    Args:
        chain: a pack and its parents.
        used: the keys that notifications and partials use; None if that is not known. A key nobody uses needs no
            translation, one without any text needs one.
        locales: the languages to report on; None for all the chain has texts in.
        source: the language that readers get in the end.

    """
    available = sorted({tag for pack in chain.packs for tag in pack.strings})
    known = all_keys(chain, source)
    keys = [*known, *sorted(set(used or ()) - set(known))]
    reached = [key for key in keys if used is None or key in used]
    asked = list(dict.fromkeys(available if locales is None else locales))
    rows = [row for locale in asked for row in _rows(chain, reached, locale, _wanted(locale, source, available))]
    return Completeness(
        tuple(_summed(locale, [row for row in rows if row.locale == locale]) for locale in asked),
        tuple(rows),
        tuple(key for key in known if used is not None and key not in used),
        tuple(key for key in keys if key not in set(known)),
    )


def _wanted(locale: str, source: str, available: Sequence[str]) -> tuple[str, ...]:
    return negotiate([("", locale), ("", source)], available).fallbacks if available else ()


def _rows(chain: Chain, keys: Iterable[str], locale: str, wanted: Sequence[str]) -> list[Row]:
    rows = []
    for key in keys:
        found = next(texts(chain, key, wanted), None)
        rows.append(_row(key, locale, found) if found else Row(key, locale, "missing"))
    return rows


def _row(key: str, locale: str, found: Found) -> Row:
    is_own = kin(found.locale) == kin(locale)
    line = remarks(found.pack, found.locale).lines.get(key, 0)
    plural = _missing_cases(found.text, locale) if is_own else ()
    state: State = "translated" if is_own else "elsewhere"
    return Row(key, locale, state, found.locale, found.pack.id, path_of(found.pack, found.locale), line, plural)


def _missing_cases(text: str, locale: str) -> tuple[str, ...]:
    try:
        missing = [name for one in wording(text).choosings for name in missing_cases(one, locale)]
    except WordingError:  # what is wrong with a text is for the check of texts to say
        return ()
    return tuple(dict.fromkeys(missing))


def _summed(locale: str, rows: Sequence[Row]) -> Language:
    states = [row.state for row in rows]
    return Language(
        locale,
        len(rows),
        states.count("translated"),
        sum(row.source == locale for row in rows),
        states.count("elsewhere"),
        states.count("missing"),
        sum(bool(row.plural) for row in rows),
    )


def findings(report: Completeness, pack: str) -> list[Finding]:
    """What of a report is worth saying in a check of `pack`.

    A text nobody has in any language is an error. Missing plural cases are warnings. Untranslated texts are one
    note for each language, for a pack need not speak them all; so are texts that nothing uses.
    """
    found = [
        Finding(
            severity="error",
            rule="text-missing",
            message=f"the text {key!r} is used, and there is none in any language",
            fix="write it in strings/en.toml",
            pack=pack,
        )
        for key in report.untold
    ]
    found += [
        Finding(
            severity="warning",
            rule="text-plural",
            message=f"{row.key} has plural(…) without {', '.join(row.plural)}, which {row.locale} has",
            fix="add the cases",
            pack=row.pack,
            file=row.file,
            line=row.line,
        )
        for row in {(row.pack, row.file, row.key): row for row in reversed(report.rows) if row.plural}.values()
    ]
    found += [
        Finding(
            severity="note",
            rule="text-untranslated",
            message=f"{one.locale} is translated to {one.percent} %; "
            f"{one.elsewhere} of {one.texts} texts come in another language",
            pack=pack,
        )
        for one in report.languages
        if one.elsewhere
    ]
    found += [
        Finding(severity="note", rule="text-unused", message=f"nothing uses the text {key!r}", pack=pack)
        for key in report.unused
    ]
    return found
