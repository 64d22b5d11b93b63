"""What is to be said of a pack's texts: missing, unused, not translated, without a plural form their language has."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import PurePath

from livery.locales import is_language
from livery.packs.chain import PackChain
from livery.packs.completeness import Completeness, Row, completeness
from livery.packs.completeness import findings as told
from livery.packs.findings import Finding
from livery.packs.pack import Pack
from livery.packs.strings import path_of
from livery.packtools.uses import Uses, used_at

_SHORT = 2
"""Of how many letters the tags of most languages are."""


def report(packs: PackChain, uses: Uses) -> Completeness:
    """How far the texts that are used are translated into the languages the pack speaks."""
    return completeness(packs, used=uses.keys, locales=languages(packs))


def languages(packs: PackChain) -> list[str]:
    """The languages the pack says it speaks; if it says none, all that there are texts in."""
    known = packs.locales()
    return [tag for tag in packs.asked.manifest.locales if tag in known] or known


def findings(packs: PackChain, found: Completeness) -> list[Finding]:
    """What of a report the author of the pack can do something about."""
    own = packs.asked
    missing = {*found.untold}
    made = [one for one in told(replace(found, untold=(), unused=()), own.id) if one.pack == own.id]
    made += [_untold(packs, key) for key in found.untold]
    made += [_missing(packs, row) for row in _once(found.rows) if row.key not in missing]
    made += _unused(packs, found.unused, {row.key for row in found.rows})
    made += _odd_languages(own)
    return made


def _odd_languages(own: Pack) -> Iterator[Finding]:
    """Files named after what may be a tag (BCP 47) but is that of no language."""
    for tag, file in own.string_files.items():
        if is_language(tag):
            continue
        meant = _language_called(PurePath(file).stem)
        fix = f"did you mean strings/{meant}.toml?" if meant else "name it after a language, such as de.toml"
        said = f"{tag} is no language that CLDR knows, so no reader's is this one"
        yield Finding(severity="warning", rule="language", message=said, fix=fix, pack=own.id, file=file)


def _once(rows: Sequence[Row]) -> Iterator[Row]:
    """For each text that some readers do not get in any language, one of its rows."""
    seen: set[str] = set()
    for row in rows:
        if row.state == "missing" and row.key not in seen:
            seen.add(row.key)
            yield row


def _untold(packs: PackChain, key: str) -> Finding:
    fix = f"write it in {path_of(packs.asked, 'en')}, or put {{{{ … }}}} around what is a template"
    said = f"there is no text {key!r} in any language"
    return used_at(packs, key, severity="error", rule="text-missing", message=said, fix=fix)


def _missing(packs: PackChain, row: Row) -> Finding:
    there = ", ".join(sorted(tag for pack in packs.packs for tag in pack.strings if row.key in pack.strings[tag]))
    said = f"readers of {row.locale} get nothing for {row.key!r}: there is a text in {there} only"
    fix = f"write one in {path_of(packs.asked, 'en')}"
    return used_at(packs, row.key, severity="error", rule="text-missing", message=said, fix=fix)


def _unused(packs: PackChain, keys: Sequence[str], used: Collection[str]) -> Iterator[Finding]:
    own = packs.asked
    for key in keys:
        tag = next((tag for tag in own.strings if key in own.strings[tag]), None)
        if tag is not None:
            near = get_close_matches(key, used, 1, 0.85)
            file, place = own.string_place(tag, key)
            yield Finding(
                severity="warning" if near else "note", rule="text-unused", message=f"nothing uses the text {key!r}",
                fix=f"did you mean {near[0]}?" if near else "", pack=own.id, file=file, line=place.line,
                column=place.column,
            )  # fmt: skip


def _language_called(name: str) -> str:
    """The tag of the language of a name, in English or in the language itself; empty if none is called so.

    It takes a second or two: many languages are gone through.
    """
    from babel import Locale
    from babel.localedata import exists

    english, asked = {str(tag): str(said) for tag, said in Locale("en").languages.items()}, name.casefold()
    found = next((tag for tag, said in english.items() if said.casefold() == asked), "")
    tags = sorted(tag for tag in english if len(tag) == _SHORT and exists(tag))
    own = (tag for tag in tags if str(Locale(tag).languages.get(tag, "")).casefold() == asked)
    return found or next(own, "")
