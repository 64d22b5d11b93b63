"""Languages: tags, how one is chosen, where its texts are looked for, which way it is written."""

import pytest
from babel import Locale
from babel.core import get_global
from hypothesis import given
from hypothesis import strategies as st

from livery import locales
from unit.polyglot import CLDR

GARBAGE = [
    "",
    " ",
    "d",
    "deutsch!",
    "de-",
    "-de",
    "de--AT",
    "de AT",
    "toolonglanguage",
    "12",
    "de-123456789",
    "*",
    "ü",
    "de\n",
    "de" + "-abcdefgh" * 20,
]


@pytest.mark.parametrize(
    ("tag", "cased"),
    [
        ("de", "de"),
        ("DE", "de"),
        ("de_at", "de-AT"),
        ("EN-gb", "en-GB"),
        ("zh-hant-tw", "zh-Hant-TW"),
        ("ZH_HANT", "zh-Hant"),
        ("es-419", "es-419"),
        ("sl-ROZAJ-1994", "sl-rozaj-1994"),
        *[(tag, "") for tag in GARBAGE],
    ],
)
def test_a_tag_is_cased_as_rfc_5646_says_and_garbage_is_none(tag, cased):
    assert locales.normal(tag) == cased


@given(tag=st.text(st.sampled_from("abcXYZ019-_ü "), max_size=16))
def test_casing_a_tag_twice_changes_nothing_more(tag):
    assert locales.normal(locales.normal(tag)) == locales.normal(tag)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("de", ["de"]),
        ("de-AT", ["de-AT", "de"]),
        ("zh-Hant-TW", ["zh-Hant-TW", "zh-Hant", "zh"]),
        ("de_de", ["de-DE", "de"]),
        ("en-x-private", ["en-x-private", "en"]),
        *[(tag, []) for tag in GARBAGE],
    ],
)
def test_the_prefixes_of_a_tag_lose_a_subtag_each_and_never_end_in_a_singleton(tag, expected):
    assert locales.prefixes(tag) == expected


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("iw", "he"),
        ("iw_il", "he-IL"),
        ("in-ID", "id-ID"),
        ("ji", "yi"),
        ("sh", "sr-Latn"),
        ("sh-Cyrl-RS", "sr-Cyrl-RS"),
        ("prs", "fa-AF"),
        ("deu-AT", "de-AT"),
        ("cmn-Hant", "zh-Hant"),
        ("zh-cmn-Hans-CN", "zh-Hans-CN"),
        ("zh-yue", "yue"),
        ("en-UK", "en-GB"),
        ("de-AT-u-co-phonebk", "de-AT"),
        ("de-x-formal", "de"),
        ("de-AT", "de-AT"),
        *[(tag, "") for tag in GARBAGE],
    ],
)
def test_old_names_of_languages_become_those_of_today_and_extensions_go(tag, expected):
    assert locales.canonical(tag) == expected


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("de", "de"),
        ("de-AT", "de-AT de"),
        ("de-AT-u-co-phonebk", "de-AT de"),
        ("de-AT-t-en-x-mine", "de-AT de"),
        ("de-AT-x-formal", "de-AT-x-formal de-AT de"),
        ("de-Latn-AT", "de-Latn-AT de-AT de-Latn de"),
        ("ca-ES-valencia", "ca-ES-valencia ca-ES ca"),
        ("en-GB", "en-GB en-001 en"),
        ("en-CH", "en-CH en-150 en-001 en"),
        ("es-MX", "es-MX es-419 es"),
        ("pt-AO", "pt-AO pt-PT pt"),
        ("pt-BR", "pt-BR pt"),
        ("zh-TW", "zh-TW zh-Hant-TW zh-Hant zh"),
        ("zh-Hant-TW", "zh-Hant-TW zh-TW zh-Hant zh"),
        ("zh-MO", "zh-MO zh-Hant-MO zh-Hant-HK zh-HK zh-Hant zh"),
        ("zh-CN", "zh-CN zh-Hans-CN zh-Hans zh"),
        ("zh-Hant", "zh-Hant zh"),
        ("zh", "zh zh-Hans"),
        ("sr-Latn-RS", "sr-Latn-RS sr-Latn sr"),
        ("sr-RS", "sr-RS sr-Cyrl-RS sr-Cyrl sr"),
        ("sr-ME", "sr-ME sr-Latn-ME sr-Latn sr"),
        ("sh", "sh sr-Latn sr"),
        ("iw-IL", "iw-IL he-IL he iw"),
        ("nb-NO", "nb-NO nb no"),
        ("nn", "nn no nb"),
        ("no", "no nb"),
        ("hi-Latn", "hi-Latn en-IN en-001 en hi"),
        ("ht", "ht fr-HT fr"),
        *[(tag, "") for tag in GARBAGE],
    ],
)
def test_texts_are_looked_for_under_the_tag_then_its_parents(tag, expected):
    assert locales.lookups(tag) == tuple(expected.split())


def test_what_is_known_of_languages_is_what_cldr_says():
    wrong = []
    for tag in CLDR:
        known = Locale.parse(tag, sep="-")
        parent = get_global("parent_exceptions").get(tag.replace("-", "_"), "").replace("_", "-")
        usual = known.script or get_global("likely_subtags")[known.language].split("_")[1]
        wrong += [(tag, parent)] if parent and parent not in locales.lookups(tag)[1:] else []
        # Mongolian script runs from top to bottom, which no channel can do.
        wrong += [(tag, "direction")] if locales.direction(tag) != known.text_direction.replace("ttb", "ltr") else []
        wrong += [(tag, usual)] if locales.kin(tag)[1] not in ("", usual) else []
    assert wrong == []


def test_old_names_are_those_of_cldr():
    known = {tag.split("-")[0] for tag in CLDR}
    aliases = {old: new.replace("_", "-") for old, new in get_global("language_aliases").items()}
    aliases = {old: new for old, new in aliases.items() if new.split("-")[0] in known}
    assert {old: locales.canonical(old) for old in aliases} == aliases


@pytest.mark.parametrize(
    ("tag", "region"),
    [("zh-TW", "Hant"), ("zh-SG", "Hans"), ("pa-PK", "Arab"), ("az-IR", "Arab"), ("uz-AF", "Arab"), ("sr-ME", "Latn")],
)
def test_the_script_that_goes_without_saying_depends_on_the_region(tag, region):
    assert locales.kin(tag) == (tag.split("-")[0], region)


any_tag = st.text(st.sampled_from("abchzTW019-_uxé "), max_size=20) | st.sampled_from([*CLDR, *GARBAGE])


@given(tag=any_tag)
def test_lookups_start_with_the_tag_and_never_repeat(tag):
    found = locales.lookups(tag)
    assert len(set(found)) == len(found)
    assert bool(found) == bool(locales.normal(tag))
    assert all(one == locales.normal(one) for one in found)
    plain = [one for one in locales.prefixes(tag) if "-x-" not in one and "-u-" not in one]
    assert not found or {plain[-1]} <= set(found)


@pytest.mark.parametrize(
    ("wanted", "available", "tag", "fallbacks"),
    [
        ([("reader", "pt")], ["en", "pt-BR", "pt-PT"], "pt-BR", ("pt-BR", "pt-PT", "en")),
        ([("reader", "pt-AO")], ["en", "pt-BR", "pt-PT"], "pt-PT", ("pt-PT", "pt-BR", "en")),
        ([("reader", "en")], ["de", "en-AU", "en-GB", "en-US"], "en-US", ("en-US", "en-AU", "en-GB", "de")),
        ([("reader", "de-CH"), ("tenant", "fr")], ["fr", "de-AT"], "de-AT", ("de-AT", "fr")),
        ([("reader", "zh-HK")], ["en", "zh", "zh-CN", "zh-TW"], "zh-TW", ("zh-TW", "zh", "en")),
        ([("reader", "zh-TW")], ["en", "zh-CN", "zh-Hant"], "zh-Hant", ("zh-Hant", "en")),
        ([("reader", "zh-SG")], ["en", "zh-CN", "zh-TW"], "zh-CN", ("zh-CN", "en")),
        ([("reader", "sr-Latn")], ["en", "sr-Cyrl"], "en", ("en",)),
        ([("reader", "iw-IL")], ["en", "he"], "he", ("he", "en")),
        ([("reader", "he")], ["en", "iw"], "iw", ("iw", "en")),
        ([("reader", "iw")], ["en", "he", "iw"], "iw", ("iw", "he", "en")),
        ([("reader", "nb")], ["en", "no"], "no", ("no", "en")),
        ([("reader", "nn-NO")], ["en", "nb"], "nb", ("nb", "en")),
        ([("reader", "es-MX")], ["en", "es", "es-419"], "es-419", ("es-419", "es", "en")),
        ([("reader", "de-x-formal")], ["en", "de", "de-x-formal"], "de-x-formal", ("de-x-formal", "de", "en")),
        ([("reader", "de-u-nu-arab")], ["en", "de"], "de", ("de", "en")),
        ([("reader", "en")], ["en", "de"], "en", ("en",)),
        ([("reader", "de-AT")], ["en", "de"], "de", ("de", "en")),
        ([("reader", "de-AT")], ["en", "de", "de-AT"], "de-AT", ("de-AT", "de", "en")),
        ([("reader", "en-GB")], ["en", "de"], "en", ("en",)),
        ([("reader", "zh-Hant-TW")], ["en", "zh-Hant", "zh"], "zh-Hant", ("zh-Hant", "zh", "en")),
        ([("reader", "zh-Hant-TW")], ["en", "zh-Hans"], "en", ("en",)),
        ([("reader", "DE_at")], ["en", "de"], "de", ("de", "en")),
        ([("reader", "fr"), ("tenant", "de")], ["en", "de"], "de", ("de", "en")),
        ([("reader", "ar"), ("tenant", "de")], ["en", "de", "ar"], "ar", ("ar", "de", "en")),
        ([("reader", None), ("tenant", "de")], ["en", "de"], "de", ("de", "en")),
        ([("reader", "fr")], ["en", "de"], "en", ("en",)),
        ([("reader", "fr"), ("tenant", None)], ["de"], "de", ("de",)),
        ([], ["de", "en"], "de", ("de",)),
        *[([("reader", tag), ("tenant", "de")], ["en", "de"], "de", ("de", "en")) for tag in GARBAGE],
    ],
)
def test_the_first_wanted_language_there_are_texts_for_is_chosen(wanted, available, tag, fallbacks):
    choice = locales.negotiate(wanted, available)
    assert (choice.tag, choice.fallbacks) == (tag, fallbacks)


@pytest.mark.parametrize(
    ("wanted", "why", "regional"),
    [
        ([("reader", "de-AT-u-nu-thai")], "reader (de-AT has no texts of its own)", "de-AT-u-nu-thai"),
        ([("reader", "de-AT-u-nu-roman")], "reader (de-AT has no texts of its own)", "de-AT"),
        ([("reader", "de")], "reader", "de"),
        ([("reader", "de-AT")], "reader (de-AT has no texts of its own)", "de-AT"),
        ([("reader", "fr"), ("tenant", "de-CH")], "tenant (de-CH has no texts of its own)", "de-CH"),
        ([("reader", "fr")], "nobody's language is available", "en"),
        ([("reader", "de-AT-u-co-phonebk")], "reader (de-AT has no texts of its own)", "de-AT"),
        ([("reader", "deu")], "reader", "deu"),
        ([("reader", "en-UK")], "reader (en-UK has no texts of its own)", "en-UK"),
        ([("reader", "hi-Latn")], "reader (hi-Latn has no texts of its own)", "en-IN"),
    ],
)
def test_a_choice_says_how_it_was_come_by_and_keeps_the_readers_region(wanted, why, regional):
    choice = locales.negotiate(wanted, ["en", "de"])
    assert (choice.why, choice.regional) == (why, regional)


tags = st.sampled_from(["en", "en-GB", "de", "de-AT", "ar", "ar-EG", "zh-Hant", "zh-Hant-TW", "fr", *GARBAGE])


@given(wanted=st.lists(st.tuples(st.just("who"), st.none() | tags)), available=st.lists(tags, min_size=1, unique=True))
def test_what_is_chosen_is_always_available_and_the_first_fallback(wanted, available):
    choice = locales.negotiate(wanted, available)
    assert choice.tag in available
    assert choice.fallbacks[0] == choice.tag
    assert choice.fallbacks[-1] == available[0] or available[0] in choice.fallbacks
    assert set(choice.fallbacks) <= set(available)


@given(wanted=st.lists(st.tuples(st.just("who"), any_tag)), available=st.lists(any_tag, min_size=1, unique=True))
def test_who_wants_what_was_chosen_is_given_it_again(wanted, available):
    choice = locales.negotiate(wanted, available)
    assert locales.negotiate([("again", choice.tag), *wanted], available).tag == choice.tag


@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("en", "ltr"),
        ("de-AT", "ltr"),
        ("ar", "rtl"),
        ("AR_eg", "rtl"),
        ("he", "rtl"),
        ("fa-IR", "rtl"),
        ("ur", "rtl"),
        ("ar-Latn", "ltr"),
        ("az-Arab", "rtl"),
        ("iw", "rtl"),
        ("pa-PK", "rtl"),
        ("sd-IN", "ltr"),
        ("prs", "rtl"),
        ("pa-Arab-PK", "rtl"),
        ("ha-Arab", "rtl"),
        ("ha", "ltr"),
        ("en-AR", "ltr"),
        ("zh-Hant-TW", "ltr"),
        ("", "ltr"),
        ("nonsense!", "ltr"),
    ],
)
def test_the_script_decides_which_way_is_written_else_the_language(tag, written):
    assert locales.direction(tag) == written
