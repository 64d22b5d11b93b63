"""Foreign text: cleaned, isolated from the direction around it, on one line, shortened."""

from unicodedata import bidirectional, category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery import locales

FSI, PDI = "\u2068", "\u2069"
BIDI = "\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u061c"
LATIN, ARABIC, HEBREW = "Copilot", "مايكروسوفت", "שלום"
words = st.text(st.sampled_from(["a", "Z", "é", "ع", "ש", "1", " ", "-", "(", "\n", "🙂", "٣", *BIDI]), max_size=12)


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ("plain text, as it is.", "plain text, as it is."),
        ("line\nbreak\tand tab", "line\nbreak\tand tab"),
        ("bell\x07 null\x00 escape\x1b[31m", "bell  null  escape [31m"),
        ("delete\x7f and C1 \x85\x9b", "delete  and C1   "),
        ("line\u2028and paragraph\u2029", "line and paragraph "),
        ("in\u202evoice.exe", "invoice.exe"),
        ("zero\u200bwidth\u2060\ufeff", "zerowidth"),
        (f"{FSI}{LATIN}{PDI}", LATIN),
        ("Joined\u200d and \u200cnot: Persian needs them", "Joined\u200d and \u200cnot: Persian needs them"),
        ("🙂👩\u200d💻", "🙂👩\u200d💻"),
        ("", ""),
    ],
)
def test_controls_become_spaces_and_marks_that_turn_or_hide_text_go(text, cleaned):
    assert locales.clean(text) == cleaned


@given(text=st.text())
def test_clean_text_holds_no_control_and_no_mark_of_direction(text):
    cleaned = locales.clean(text)
    assert not set(cleaned) & set(BIDI)
    assert not {char for char in cleaned if category(char) in ("Cc", "Zl", "Zp")} - {"\n", "\t", "\r"}
    assert locales.clean(cleaned) == cleaned


@given(text=st.text())
def test_cleaning_keeps_every_character_a_reader_sees(text):
    def seen(one: str) -> list[str]:
        return [char for char in one if category(char) not in ("Cc", "Cf", "Zl", "Zp", "Zs")]

    assert seen(locales.clean(text)) == seen(text)


@pytest.mark.parametrize(
    ("text", "around", "isolated"),
    [
        (LATIN, "ltr", False),
        (LATIN, "rtl", True),
        (ARABIC, "ltr", True),
        (HEBREW, "ltr", True),
        (ARABIC, "rtl", False),
        (f"{LATIN} {ARABIC}", "ltr", True),
        (f"{LATIN} {ARABIC}", "rtl", True),
        ("ORD-1", "ltr", False),
        ("12345", "ltr", False),
        ("-5 %", "ltr", False),
        ("12345", "rtl", True),
        ("", "ltr", False),
        ("", "rtl", False),
    ],
)
def test_text_is_isolated_only_where_it_would_mix_with_what_is_around(text, around, isolated):
    assert locales.isolate(text, around) == (f"{FSI}{text}{PDI}" if isolated else text)


directions = st.sampled_from(["ltr", "rtl"])


@given(text=words, around=directions)
def test_isolating_adds_a_pair_of_marks_at_most(text, around):
    assert locales.isolate(text, around) in (text, f"{FSI}{text}{PDI}")


@given(text=st.text(), around=directions)
def test_without_its_marks_isolated_text_is_what_it_was(text, around):
    cleaned = locales.clean(text)
    assert locales.isolate(cleaned, around).replace(FSI, "").replace(PDI, "") == cleaned


@given(text=st.text())
def test_text_without_letters_of_the_other_direction_is_untouched_in_ltr(text):
    foreign = {char for char in text if bidirectional(char) in ("R", "AL")}
    assert (locales.isolate(text, "ltr") == text) is not bool(foreign)


@pytest.mark.parametrize(
    ("text", "limit", "short"),
    [
        ("as it is", 8, "as it is"),
        ("as it is", 100, "as it is"),
        ("hello world again", 12, "hello world…"),
        ("hello world again", 14, "hello world…"),
        ("unbrokenunbrokenunbroken", 10, "unbrokenu…"),
        ("a bcdefghijklmnopqrstuvwxyz", 12, "a bcdefghij…"),
        ("x   ", 3, "x…"),
        ("ab", 1, "…"),
        ("", 0, ""),
        ("ab", 0, ""),
    ],
)
def test_text_is_cut_between_words_where_one_is_near(text, limit, short):
    assert locales.shorten(text, limit) == short


@given(text=st.text(), limit=st.integers(0, 40))
def test_shortened_text_is_never_longer_than_the_limit_and_says_if_it_was_cut(text, limit):
    short = locales.shorten(text, limit)
    assert len(short) <= limit
    assert short == text if len(text) <= limit else short.endswith("…") or limit == 0
    assert text.startswith(short.removesuffix("…").removesuffix(PDI))


pieces = st.lists(
    st.sampled_from(["a", " ", "word ", f"{FSI}{ARABIC}{PDI}", f"{FSI}{ARABIC} {ARABIC}{PDI}"]), max_size=8
)


@given(text=pieces.map("".join), limit=st.integers(0, 40))
def test_shortened_text_leaves_no_isolation_open_and_closes_none_twice(text, limit):
    short = locales.shorten(text, limit)
    assert len(short) <= limit
    depth = 0
    for char in short:
        depth += {FSI: 1, PDI: -1}.get(char, 0)
        assert depth in (0, 1)
    assert depth == 0


@pytest.mark.parametrize("break_", ["\n", "\r", "\r\n", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029", "\t"])
def test_every_kind_of_line_break_becomes_a_space(break_):
    assert locales.one_line(f"Subject:{break_}Bcc: all") == "Subject: Bcc: all"


@given(
    text=st.text(st.sampled_from("aé ع\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029\u202e\x00\t")), limit=st.integers(0, 12)
)
def test_one_line_is_one_line_and_within_the_limit(text, limit):
    line = locales.one_line(text, limit)
    assert len(line.splitlines()) <= 1
    assert line == line.strip()
    assert not limit or len(line) <= limit
