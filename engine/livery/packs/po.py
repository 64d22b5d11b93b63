"""PO files, for translators' own tools: out of a pack's texts, and back into `strings/<language>.toml`.

One entry is one text: `msgctxt` is its key, `msgid` what it says in the source language.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import NamedTuple

from livery import cldr
from livery.errors import PackError, shown
from livery.locales import kin, negotiate, normal, one_line
from livery.packs import po_file
from livery.packs.findings import Finding, Severity
from livery.packs.po_file import Entry
from livery.packs.strings import (
    Chain,
    Found,
    Pack,
    all_keys,
    clashes,
    path_of,
    remarks,
    source_text,
    target,
    texts,
    written,
)
from livery.packs.wording import Choosing, WordingError, missing_cases, plural_examples, plural_forms, wording

_SAID = 160
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_NOTE = """\
{language} texts of the template pack {pack}.
Translate into msgstr. What stands between braces stays as it is, but for the words in quotes after one=,
other= and the like; it may move within the text. # in these words becomes the number."""
_HEADER = {
    "Project-Id-Version": "",
    "PO-Revision-Date": "YEAR-MO-DA HO:MI+ZONE",
    "Last-Translator": "FULL NAME <EMAIL@ADDRESS>",
    "Language-Team": "LANGUAGE <LL@li.org>",
}
_TRANSLATORS = ("PO-Revision-Date", "Last-Translator", "Language-Team")


class Imported(NamedTuple):
    """What came of a PO file.

    Attributes:
        file: the path inside the pack that `text` is for.
        text: the whole `strings/<language>.toml` of the pack, with what it had and the PO file has not.
        strings: the same, by dotted key.
        changed: the keys whose text is new or is another than it was.
        findings: all that was wrong. An entry with an error is passed over, a file that is no PO file wholly.

    """

    file: str
    text: str
    strings: Mapping[str, str]
    changed: tuple[str, ...]
    findings: tuple[Finding, ...]


def _language(locale: str) -> str:
    tag = normal(locale)
    if not tag:
        raise PackError(f"{locale!r} is no language; write it as BCP 47 has it, such as de or pt-BR")
    return tag


# --------------------------------------------------------------------------- out


class _Exporting(NamedTuple):
    chain: Chain
    locale: str
    source: str
    explain: Mapping[str, str]

    @property
    def top(self) -> Pack:
        top: Pack = target(self.chain)
        return top


def export(
    chain: Chain,
    locale: str,
    *,
    source: str = "en",
    old: str = "",
    explain: Mapping[str, str] | None = None,
    keys: Collection[str] | None = None,
) -> str:
    """The texts of a chain as a PO file for translators into `locale`.

    `msgstr` is what the pack itself has; where it has nothing, a comment says what readers get instead.

    Args:
        chain: a pack and its parents.
        locale: BCP 47 tag.
        source: the language to translate from; a key without a text in it is shown in another.
        old: the PO file of last time. Translations of texts that have changed since are marked fuzzy, with the
            text they were made of; translators' comments and translations not yet imported are kept.
        explain: what a placeholder such as `event.order.id` is, for people.
        keys: these only; None for all that any pack of the chain has.

    Raises:
        PackError: `locale` is no tag, a text holds a NUL, `old` is no PO file, or the result is larger than 1 MiB.

    """
    tag = _language(locale)
    former = po_file.read(old)
    if former.problems:
        line, problem = former.problems[0]
        raise PackError(f"{problem}; mend it, or export without it", file="the old PO file", line=line)
    known = {entry.context: entry for entry in (*former.obsolete, *former.entries)}
    exporting = _Exporting(chain, tag, source, explain or {})
    entries = []
    for key in all_keys(chain, source):
        found = source_text(chain, key, source, tag)
        if found and key and (keys is None or key in keys):
            entries.append(_carried(_entry(key, found, exporting), known.pop(key, None)))
    gone = [entry for entry in known.values() if entry.text and keys is None]
    header = {**_HEADER, **{name: former.header[name] for name in _TRANSLATORS if name in former.header}}
    text = po_file.write(entries, gone, {**header, **_about(exporting)}, _note(exporting))
    if len(text.encode()) > po_file.MAX_BYTES:
        raise PackError("the PO file would be larger than 1 MiB; export fewer keys at once")
    return text


def _note(exporting: _Exporting) -> str:
    from babel import Locale

    known = Locale.parse(cldr.formats(exporting.locale)["locale"])
    name = known.english_name if kin(str(known)) == kin(exporting.locale) else exporting.locale
    return _NOTE.format(language=f"{name} ({exporting.locale})", pack=exporting.top.label)


def _about(exporting: _Exporting) -> dict[str, str]:
    return {
        "Project-Id-Version": exporting.top.label,
        "Language": exporting.locale.replace("-", "_"),
        "Plural-Forms": plural_forms(exporting.locale),
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=UTF-8",
        "Content-Transfer-Encoding": "8bit",
    }


def _entry(key: str, source: Found, exporting: _Exporting) -> Entry:
    own = exporting.top.strings.get(exporting.locale, {}).get(key, "")
    if "\0" in f"{key}{own}{source.text}":
        raise PackError(f"{key!r} holds a NUL, which no PO file can", pack=source.pack.id)
    beside = remarks(source.pack, source.locale)
    notes = [*beside.above.get(key, ()), *_explained(source, exporting)]
    if not own:
        notes.append(_instead(key, source, exporting))
    place = (f"{source.pack.id}/{path_of(source.pack, source.locale)}", beside.lines.get(key, 0))
    return Entry(context=key, source=source.text, text=own, notes=[note for note in notes if note], place=place)


def _explained(source: Found, exporting: _Exporting) -> Iterator[str]:
    """What translators are told of the placeholders and plurals of a text."""
    if source.locale != exporting.source:
        yield f"There is no text in {exporting.source}; this one is in {source.locale}"
    try:
        asked = wording(source.text)
    except WordingError:
        return
    explained = {name: exporting.explain.get(name, "") for name in sorted(asked.names)}
    yield from (f"{name}: {one_line(what, _SAID)}" for name, what in explained.items() if what)
    if rest := [name for name, what in explained.items() if not what]:
        yield f"Keep: {', '.join(rest)}"
    if any(one.filter == "plural" for one in asked.choosings):
        cases = plural_examples(exporting.locale).items()
        yield f"plural has these cases in {exporting.locale}: {'; '.join(f'{name}: {some}' for name, some in cases)}"


def _instead(key: str, source: Found, exporting: _Exporting) -> str:
    available = sorted({tag for pack in exporting.chain.packs for tag in pack.strings})
    wanted = negotiate([("", exporting.locale), ("", exporting.source)], available).fallbacks
    found = next(texts(exporting.chain, key, wanted), None)
    if found is None:
        return "Without a translation readers get nothing here"
    said = "this" if found.text == source.text else one_line(found.text, _SAID)
    said = f"{said} ({found.locale}, {found.pack.label})"
    if kin(found.locale) == kin(exporting.locale):
        return f"Translated already; leave it empty unless it is to be another here: {said}"
    return f"Without a translation readers get: {said}"


def _carried(entry: Entry, former: Entry | None) -> Entry:
    """The entry with what translators left in that of last time."""
    if former is None:
        return entry
    entry.comments = former.comments
    if entry.text and former.text not in ("", entry.text):
        entry.comments = [*former.comments, f"The old file had: {one_line(former.text, _SAID)}"]
    entry.text = entry.text or former.text
    is_other = former.source != entry.source
    # A text that changed meanwhile was seen to; one that did not may no longer fit its source.
    entry.is_fuzzy = bool(entry.text) and entry.text == former.text and (is_other or former.is_fuzzy)
    entry.previous = (former.source if is_other else former.previous) if entry.is_fuzzy else ""
    return entry


# --------------------------------------------------------------------------- in


class _Importing:
    """Takes what is fit out of a PO file, and notes what is not."""

    def __init__(self, chain: Chain, locale: str, source: str, file: str) -> None:
        self.chain, self.locale, self.source, self.file = chain, locale, source, file or f"{locale}.po"
        self.top: Pack = target(chain)
        self.findings: list[Finding] = []
        self.taken: dict[str, Entry] = {}

    def note(self, severity: Severity, rule: str, message: str, line: int, fix: str = "") -> None:
        if len(self.findings) == po_file.MAX_PROBLEMS:
            severity, rule, message, line, fix = "error", "po-file", "has more that is wrong than is listed", 0, ""
        if len(self.findings) > po_file.MAX_PROBLEMS:
            return
        pack, file = self.top.id, self.file
        self.findings.append(
            Finding(severity=severity, rule=rule, message=message, fix=fix, pack=pack, file=file, line=line)
        )

    def take(self, text: str) -> None:
        found = po_file.read(text)
        for line, problem in found.problems:
            self.note("error", "po-file", problem, line)
        theirs = normal(found.header.get("Language", "").replace("_", "-"))
        if theirs and kin(theirs)[0] != kin(self.locale)[0]:
            self.note(
                "error", "po-language", f"the file is for {theirs}, not for {self.locale}", 1, "name its language"
            )
            return
        known = set(all_keys(self.chain, self.source))
        for entry in found.entries:
            if not entry.context:
                self.note("warning", "po-key", "an entry has no msgctxt; which text it is of nobody knows", entry.line)
            elif entry.context not in known:
                self.note("warning", "po-key", f"no pack of the chain has a text {shown(entry.context)}", entry.line)
            elif entry.context in self.taken:
                self.note("error", "po-key", f"{entry.context} is there twice; the first counts", entry.line)
            elif entry.text and not entry.is_fuzzy and self._is_fit(entry):
                self.taken[entry.context] = entry

    def _is_fit(self, entry: Entry) -> bool:
        source = source_text(self.chain, entry.context, self.source, self.locale)
        if source and source.text != entry.source:
            said = f"{entry.context} has changed since this was exported, now: {one_line(source.text, _SAID)}"
            self.note("warning", "po-stale", said, entry.line, "see that the translation still fits")
        faults = list(_faults(entry, source.text if source else "", self.locale))
        for severity, rule, message, fix in faults:
            self.note(severity, rule, f"{entry.context} {message}", entry.line, fix)
        return not any(severity == "error" for severity, *_ in faults)

    def result(self) -> Imported:
        """The nearest pack's texts with what was taken: theirs in their order, then the new in that of the base."""
        own = dict(self.top.strings.get(self.locale, {}))
        order = [*own, *(key for key in all_keys(self.chain, self.source) if key not in own)]
        strings = own | {key: entry.text for key, entry in self.taken.items()}
        strings = {key: strings[key] for key in order if key in strings}
        for table, within in clashes(strings):
            new, other = (table, within) if within in own else (within, table)
            said = f"{new} cannot stand in one file with {other}: one of them would be a text and a table"
            self.note("error", "po-key", said, self.taken[new].line, "rename one of the keys")
            strings.pop(new, None)
        changed = tuple(key for key, text in strings.items() if own.get(key) != text)
        text = written(strings, remarks(self.top, self.locale))
        return Imported(path_of(self.top, self.locale), text, strings, changed, tuple(self.findings))


def import_po(text: str, chain: Chain, locale: str, *, source: str = "en", file: str = "") -> Imported:
    """What a translated PO file makes of the texts of the pack whose chain it is. Nothing is written.

    A translation is taken if it is finished (not empty, not fuzzy) and uses the same values as its source. Texts
    are added and changed, never removed: one that the file lacks stays.

    Args:
        text: the PO file.
        chain: a pack and its parents.
        locale: BCP 47 tag of the language it is translated into.
        source: the language it was exported from.
        file: what findings call the file.

    Raises:
        PackError: `locale` is no tag, or the pack's own file of this language is wrong, whose texts would be lost.

    """
    importing = _Importing(chain, _language(locale), source, file)
    path = path_of(importing.top, importing.locale)
    if any(one.file == path and one.severity == "error" for one in getattr(importing.top, "findings", ())):
        raise PackError("has errors, so its texts cannot be kept; mend it first", pack=importing.top.id, file=path)
    importing.take(text)
    return importing.result()


def _faults(entry: Entry, source: str, locale: str) -> Iterator[tuple[Severity, str, str, str]]:
    """What keeps a translation from being used, and what would read badly: severity, rule, message, fix."""
    if entry.is_plural:
        yield "error", "po-plural", "has plural forms of gettext's", "write {{ … | plural(one=…, other=…) }} instead"
    if _NO_TEXT.search(entry.text):
        yield "error", "po-text", "holds a NUL or half a character", "delete it"
    try:
        asked = wording(entry.text)
    except WordingError as error:
        yield "error", "po-placeholder", f"is no template: {error}", "compare its braces with those of msgid"
        return
    try:
        wanted = wording(source).names
    except WordingError:
        wanted = asked.names
    for name in sorted(wanted - asked.names):
        yield "error", "po-placeholder", f"lacks {{{{ {name} }}}}", "put it where it belongs"
    for name in sorted(asked.names - wanted):
        yield "error", "po-placeholder", f"uses {shown(name)}, which its source does not", "leave it as it is in msgid"
    for one in asked.choosings:
        yield from _faults_of(one, locale)


def _faults_of(one: Choosing, locale: str) -> Iterator[tuple[Severity, str, str, str]]:
    if "other" not in one.cases:
        yield (
            "error",
            "po-plural",
            f"has {one.filter}(…) without other=…",
            "keep other; it is for all that is left over",
        )
    if one.filter != "plural":
        return
    for name in one.cases:
        if name not in cldr.CATEGORIES:
            yield "error", "po-plural", f"has plural({shown(name)}=…)", f"cases are: {', '.join(cldr.CATEGORIES)}"
    if missing := missing_cases(one, locale):
        numbers = "; ".join(f"{name}: {plural_examples(locale)[name]}" for name in missing)
        yield "warning", "po-plural", f"has plural(…) without {', '.join(missing)}", f"{locale} has for {numbers}"
