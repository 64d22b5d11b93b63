"""PO files out of packs: what translators are given, and what is kept of their last file."""

import gettext
import json
import re
from io import BytesIO

import pytest
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from livery import cldr
from livery.errors import PackError
from livery.packs import po, po_file
from livery.packs.wording import plural_forms
from unit.polyglot import CLDR, MAIN, TextChain, TextPack, texts

EN = {"a.greeting": "Dear {{ event.customer.name }},", "a.closing": "Thank you.", "b.title": "Failed"}
DE = {"a.greeting": "Guten Tag {{ event.customer.name }},"}

# What breaks formats: quotes, backslashes, every kind of line break, marks that turn the direction.
character = st.sampled_from("ab\"'\\#~|{}%:;é ش\n\r\t\x0b\x0c\x1b\x1c\x85\u2028\u202e\u200d🙂") | st.characters(
    exclude_categories=["Cs"], exclude_characters="\0"
)
hostile = st.text(character, min_size=1, max_size=40)
plain_text = hostile.filter(lambda text: "{" not in text)
keys = st.text(st.sampled_from("abc-_é \"'\\\n"), min_size=1, max_size=8)


def entries(text):
    return {one.context: one for one in po_file.read(text).entries}


def by_babel(text):
    catalog = read_po(BytesIO(text.encode()), abort_invalid=True)
    return {message.context: message for message in catalog if message.id}, catalog


def test_an_entry_has_the_key_the_source_and_the_packs_own_translation():
    found, catalog = by_babel(po.export(texts(en=EN, de_AT=DE), "de-AT"))
    assert {key: (one.id, one.string) for key, one in found.items()} == {
        "a.greeting": (EN["a.greeting"], DE["a.greeting"]),
        "a.closing": (EN["a.closing"], ""),
        "b.title": (EN["b.title"], ""),
    }
    assert str(catalog.locale) == "de_AT"
    assert dict(catalog.mime_headers)["Content-Type"] == "text/plain; charset=utf-8"


def test_the_same_packs_give_the_same_file():
    assert po.export(texts(en=EN), "de") == po.export(texts(en=EN), "de")


def test_a_source_says_where_it_stands_and_what_its_author_remarked():
    file = (
        "# On top.\n\n[a]\n# Follows a name.\n# Twice.\ngreeting = 'Dear {{ event.customer.name }},'\nclosing = 'x'\n"
    )
    pack = TextPack("shop", {"en": {**EN, "a.closing": "x"}}, {"strings/en.toml": file})
    found, _ = by_babel(po.export(TextChain((pack,)), "de"))
    assert found["a.greeting"].locations == [("shop/strings/en.toml", 6)]
    assert found["a.closing"].locations == [("shop/strings/en.toml", 7)]
    assert found["b.title"].locations == [("shop/strings/en.toml", None)]
    assert found["a.greeting"].auto_comments[:2] == ["Follows a name.", "Twice."]


def test_placeholders_are_explained():
    chain = texts(en={"a": "{{ event.order.id }} for {{ event.customer.name | short }} in {{ year }}"})
    found, _ = by_babel(po.export(chain, "de", explain={"event.order.id": "The number of the order."}))
    assert found["a"].auto_comments[:2] == [
        "event.order.id: The number of the order.",
        "Keep: event.customer.name, year",
    ]


def test_of_a_plural_the_cases_of_the_language_are_told_with_numbers():
    chain = texts(en={"a": "{{ event.n | plural(one='# day', other='# days') }}"})
    comments = " ".join(by_babel(po.export(chain, "pl"))[0]["a"].auto_comments)
    assert "plural has these cases in pl: one: 1; few: 2, 3, 4 …; many: 0, 5, 6 …; other: 1,5, 0,5" in comments


@pytest.mark.parametrize(
    ("locale", "said"),
    [
        ("fr", "Without a translation readers get: this (en, base 1.0)"),
        ("de", "Translated already; leave it empty unless it is to be another here: Danke. (de, base 1.0)"),
        ("de-AT", "Translated already; leave it empty unless it is to be another here: Danke. (de, base 1.0)"),
        ("pt", "Translated already; leave it empty unless it is to be another here: Obrigado. (pt-BR, base 1.0)"),
    ],
)
def test_of_a_text_the_pack_lacks_it_is_said_what_readers_get(locale, said):
    base = TextPack("base", {"en": EN, "de": {"a.closing": "Danke."}, "pt-BR": {"a.closing": "Obrigado."}})
    found, _ = by_babel(po.export(TextChain((TextPack("shop", {}), base)), locale))
    assert found["a.closing"].string == ""
    assert " ".join(found["a.closing"].auto_comments) == said


def test_the_nearest_packs_source_is_shown_and_its_own_texts_alone_are_translations():
    base = TextPack("base", {"en": EN, "de": {"a.closing": "Danke.", "b.title": "Gescheitert"}})
    shop = TextPack("shop", {"en": {"a.closing": "Cheers."}, "de": {"b.title": "Kaputt"}})
    found, _ = by_babel(po.export(TextChain((shop, base)), "de"))
    assert (found["a.closing"].id, found["a.closing"].string) == ("Cheers.", "")
    assert (found["b.title"].id, found["b.title"].string) == ("Failed", "Kaputt")


def test_a_key_without_a_source_is_shown_in_another_language_and_says_so():
    found, _ = by_babel(po.export(texts(en=EN, de={"only": "Nur hier"}), "fr"))
    assert found["only"].id == "Nur hier"
    assert found["only"].auto_comments[0] == "There is no text in en; this one is in de"


def test_keys_can_be_chosen():
    assert list(entries(po.export(texts(en=EN), "de", keys=["b.title", "none"]))) == ["b.title"]


def test_texts_come_in_the_order_of_the_files_those_of_the_base_first():
    shop = TextPack("shop", {"en": {"z": "1", "a.closing": "2"}, "de": {"y": "3"}})
    found = list(entries(po.export(TextChain((shop, TextPack("base", {"en": EN}))), "de")))
    assert found == ["a.greeting", "a.closing", "b.title", "z", "y"]


def test_the_words_of_a_text_are_no_format_of_pythons():
    assert ", python" not in po.export(texts(en={"a": "100 %s {0} {name}"}), "de")


# --------------------------------------------------------------------------- the file of last time

OLD_HEADER = '"PO-Revision-Date: 2026-11-20 10:00+0000\\n"\n"Last-Translator: Ada <ada@shop.example>\\n"\n'


def old(entry, header=OLD_HEADER):
    return f'msgid ""\nmsgstr ""\n{header}\n{entry}\n'


def test_a_translation_of_a_changed_source_is_fuzzy_and_shows_the_former_source():
    before = po.export(texts(en=EN, de={"b.title": "Gescheitert"}), "de")
    after = po.export(texts(en={**EN, "b.title": "It failed"}, de={"b.title": "Gescheitert"}), "de", old=before)
    found = entries(after)["b.title"]
    assert (found.text, found.is_fuzzy, found.previous) == ("Gescheitert", True, "Failed")
    assert '#, fuzzy\n#| msgid "Failed"\nmsgctxt "b.title"\nmsgid "It failed"\n' in after


def test_a_fuzzy_one_stays_so_until_somebody_looks_at_it():
    before = po.export(texts(en=EN, de={"b.title": "Gescheitert"}), "de")
    chain = texts(en={**EN, "b.title": "It failed"}, de={"b.title": "Gescheitert"})
    again = po.export(chain, "de", old=po.export(chain, "de", old=before))
    assert (entries(again)["b.title"].is_fuzzy, entries(again)["b.title"].previous) == (True, "Failed")
    seen = again.replace("#, fuzzy\n", "").replace('#| msgid "Failed"\n', "")
    assert not entries(po.export(chain, "de", old=seen))["b.title"].is_fuzzy


def test_a_translation_that_changed_with_its_source_is_not_fuzzy():
    before = po.export(texts(en=EN, de={"b.title": "Gescheitert"}), "de")
    chain = texts(en={**EN, "b.title": "It worked"}, de={"b.title": "Geglückt"})
    found = entries(po.export(chain, "de", old=before))["b.title"]
    assert (found.text, found.is_fuzzy) == ("Geglückt", False)
    assert found.comments == ["The old file had: Gescheitert"]


def test_translations_not_yet_imported_and_translators_remarks_are_kept():
    before = old('# Ask Ada.\nmsgctxt "b.title"\nmsgid "Failed"\nmsgstr "Gescheitert"\n')
    found = entries(po.export(texts(en=EN), "de", old=before))["b.title"]
    assert (found.text, found.is_fuzzy, list(found.comments)) == ("Gescheitert", False, ["Ask Ada."])


def test_translations_of_texts_that_are_gone_are_kept_as_obsolete_and_come_back():
    before = old('msgctxt "gone"\nmsgid "Bye"\nmsgstr "Tschüs"\n')
    after = po.export(texts(en=EN), "de", old=before)
    assert '#~ msgctxt "gone"\n#~ msgid "Bye"\n#~ msgstr "Tschüs"\n' in after
    again = po.export(texts(en={**EN, "gone": "Bye"}), "de", old=after)
    assert entries(again)["gone"].text == "Tschüs"
    assert "#~" not in again


def test_who_translated_last_is_kept():
    header = po_file.read(po.export(texts(en=EN), "de", old=old(""))).header
    assert header["Last-Translator"] == "Ada <ada@shop.example>"
    assert header["PO-Revision-Date"] == "2026-11-20 10:00+0000"


@given(former=plain_text, now=plain_text, text=plain_text)
def test_a_former_source_of_any_kind_can_be_read_again(former, now, text):
    before = po.export(texts(en={"a": former}, de={"a": text}), "de")
    after = po.export(texts(en={"a": now}, de={"a": text}), "de", old=before)
    assert entries(after)["a"].previous == (former if former != now else "")
    assert entries(after)["a"].is_fuzzy is (former != now)


# --------------------------------------------------------------------------- plural forms


def test_the_header_has_the_plural_rules_of_cldr_for_whole_numbers():
    wrong = []
    for tag in {json.dumps(cldr.formats(tag)["plural"]): tag for tag in CLDR}.values():
        forms = re.fullmatch(r"nplurals=(\d); plural=\((.+)\);", plural_forms(tag))
        index, formats = gettext.c2py(forms[2]), cldr.formats(tag)
        said = {(cldr.category(n, formats), index(n)) for n in (*range(250), 1000, 10**6, 10**6 + 1)}
        wrong += [] if len({name for name, _ in said}) == len(said) == int(forms[1]) else [(tag, said)]
    assert wrong == []


@pytest.mark.parametrize("tag", MAIN)
def test_the_header_is_understood(tag):
    _, catalog = by_babel(po.export(texts(en=EN), tag))
    assert catalog.plural_forms == plural_forms(tag)


# --------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("chain", "locale", "before", "said"),
    [
        (texts(en=EN), "nonsense!", "", "'nonsense!' is no language"),
        (texts(en={"a": "b\0c"}), "de", "", "'a' holds a NUL"),
        (texts(en=EN, de={"b.title": "\0"}), "de", "", "'b.title' holds a NUL"),
        (texts(en=EN), "de", "hello", "the old PO file:1: is no line of a PO file"),
        (texts(en=EN), "de", "#" * 1_048_577, "the old PO file: is larger than 1024 KiB"),
        (texts(en={f"k{n}": "x" * 200_000 for n in range(6)}), "de", "", "larger than 1 MiB"),
    ],
)
def test_what_cannot_be_exported_says_why(chain, locale, before, said):
    with pytest.raises(PackError, match=re.escape(said)):
        po.export(chain, locale, old=before)


@given(strings=st.dictionaries(keys, hostile, max_size=5))
def test_any_text_is_read_again_as_it_was(strings):
    found, _ = by_babel(po.export(texts(en=strings, de=strings), "de"))
    assert {key: (one.id, one.string) for key, one in found.items()} == {
        key: (text, text) for key, text in strings.items()
    }
