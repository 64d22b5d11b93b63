"""How far a pack is translated: in numbers, text by text, and as findings."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.packs.completeness import completeness, findings
from unit.polyglot import TextChain, TextPack, texts

DAYS = "{{ event.n | plural(one='# day', other='# days') }}"
BASE = TextPack("base", {"en": {"a": "A", "b": "B", "c": DAYS}, "de": {"a": "Ä", "b": "Be"}})
SHOP = TextPack(
    "shop",
    {"de-AT": {"b": "Servus"}, "pl": {"c": DAYS, "a": "Ą"}},
    {"strings/pl.toml": "c = 'x'\na = 'y'\n"},
)
CHAIN = TextChain((SHOP, BASE))


def rows(report, locale):
    return {row.key: (row.state, row.source, row.pack) for row in report.rows if row.locale == locale}


def test_each_text_says_in_which_language_and_from_which_pack_readers_get_it():
    report = completeness(CHAIN, locales=["de", "de-AT", "fr"])
    assert rows(report, "de") == {
        "a": ("translated", "de", "base"),
        "b": ("translated", "de", "base"),
        "c": ("elsewhere", "en", "base"),
    }
    assert rows(report, "de-AT") == {
        "a": ("translated", "de", "base"),
        "b": ("translated", "de-AT", "shop"),
        "c": ("elsewhere", "en", "base"),
    }
    assert {state for state, _, _ in rows(report, "fr").values()} == {"elsewhere"}


def test_a_language_in_sum():
    report = completeness(CHAIN, locales=["de-AT", "fr", "en"])
    sums = {one.locale: (one.texts, one.translated, one.own, one.elsewhere, one.percent) for one in report.languages}
    assert sums == {"de-AT": (3, 2, 1, 1, 66), "fr": (3, 0, 0, 3, 0), "en": (3, 3, 3, 0, 100)}


def test_all_languages_there_are_texts_in_are_reported_on():
    assert [one.locale for one in completeness(CHAIN).languages] == ["de", "de-AT", "en", "pl"]


def test_another_script_is_another_language():
    chain = texts(en={"a": "A"}, zh={"a": "简"})
    assert rows(completeness(chain, locales=["zh-TW", "zh-CN"]), "zh-TW") == {"a": ("elsewhere", "zh", "shop")}
    assert rows(completeness(chain, locales=["zh-TW", "zh-CN"]), "zh-CN") == {"a": ("translated", "zh", "shop")}


def test_plural_cases_that_a_language_has_and_a_text_has_not_are_named_with_their_place():
    (row,) = [row for row in completeness(CHAIN).rows if row.plural]
    assert (row.key, row.locale, row.plural, row.pack, row.file, row.line) == (
        "c",
        "pl",
        ("few", "many"),
        "shop",
        "strings/pl.toml",
        1,
    )


def test_what_is_used_and_nowhere_and_what_nothing_uses():
    report = completeness(CHAIN, used={"a", "c", "new"}, locales=["en"])
    assert (report.unused, report.untold) == (("b",), ("new",))
    assert rows(report, "en")["new"] == ("missing", "", "")
    assert "b" not in rows(report, "en")
    (english,) = report.languages
    assert (english.texts, english.translated, english.missing, english.percent) == (3, 2, 1, 66)


def test_without_knowing_what_is_used_nothing_is_unused():
    assert (completeness(CHAIN).unused, completeness(CHAIN).untold) == ((), ())


def test_what_is_left_to_do():
    report = completeness(CHAIN, locales=["de", "pl"])
    assert [(row.locale, row.key) for row in report.left()] == [("de", "c"), ("pl", "b"), ("pl", "c")]
    assert [row.key for row in report.left("de")] == ["c"]


def test_a_text_that_is_no_template_is_for_another_check_to_tell():
    assert completeness(texts(pl={"a": "{{ event"})).rows[0].plural == ()


@pytest.mark.parametrize("chain", [TextChain((TextPack("shop", {}),)), texts(en={})])
def test_where_there_are_no_texts_nothing_is_left_to_translate(chain):
    report = completeness(chain, locales=["de"])
    assert [(one.texts, one.percent) for one in report.languages] == [(0, 100)]
    assert completeness(chain, used={"a"}, locales=["de"]).untold == ("a",)


def test_a_report_is_plain_json():
    plain = completeness(CHAIN, used={"a", "new"}).plain()
    assert json.loads(json.dumps(plain)) == plain
    assert plain["languages"][0]["percent"] == 50


def test_findings_say_what_a_check_should():
    report = completeness(CHAIN, used={"a", "c", "new"})
    assert [(one.severity, one.rule, str(one)) for one in findings(report, "shop")] == [
        (
            "error",
            "text-missing",
            "the text 'new' is used, and there is none in any language; write it in strings/en.toml",
        ),
        (
            "warning",
            "text-plural",
            "strings/pl.toml:1: c has plural(…) without few, many, which pl has; add the cases",
        ),
        ("note", "text-untranslated", "de is translated to 33 %; 1 of 3 texts come in another language"),
        ("note", "text-untranslated", "de-AT is translated to 33 %; 1 of 3 texts come in another language"),
        ("note", "text-unused", "nothing uses the text 'b'"),
    ]


def test_a_text_that_several_varieties_share_is_found_fault_with_once():
    report = completeness(texts(en={"a": DAYS}, pl={"a": DAYS}), locales=["pl", "pl-PL", "pl-x-formal"])
    assert [row.locale for row in report.rows if row.plural] == ["pl", "pl-PL", "pl-x-formal"]
    (found,) = [one for one in findings(report, "shop") if one.rule == "text-plural"]
    assert found.message == "a has plural(…) without few, many, which pl has"


some = st.dictionaries(st.sampled_from("abcd"), st.text(max_size=3), max_size=4)
strings = st.dictionaries(st.sampled_from(["en", "de", "de-AT", "ar", "zh-Hant"]), some, max_size=4)


@given(
    near=strings, far=strings, used=st.none() | st.sets(st.sampled_from("abcde")), source=st.sampled_from(["en", "ar"])
)
def test_every_text_is_counted_once_in_every_language(near, far, used, source):
    chain = TextChain((TextPack("near", near), TextPack("far", far)))
    report = completeness(chain, used=used, locales=["de", "de-AT", "fr"], source=source)
    known = {key for pack in chain.packs for some in pack.strings.values() for key in some}
    for one in report.languages:
        assert one.texts == len(known if used is None else used) == one.translated + one.elsewhere + one.missing
        assert one.own <= one.translated
        assert (one.percent == 100) is (one.translated == one.texts)
    assert set(report.unused) == (known - used if used is not None else set())
    assert set(report.untold) == (used or set()) - known
