"""PO files into packs: what is taken, what is refused, and that nothing is lost."""

import re
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from livery.errors import PackError
from livery.packs import po
from livery.packs.chain import PackChain
from livery.packs.completeness import completeness
from livery.packs.findings import Finding
from livery.packs.pack import Pack
from livery.packs.strings import clashes
from unit.polyglot import TextChain, TextPack, texts
from unit.test_po import keys, plain_text

NAME, NUMBER = "{{ event.customer.name }}", "{{ event.n | plural(one='# day', other='# days') }}"
EN = {"a.greeting": f"Dear {NAME},", "a.closing": "Thank you.", "b.days": f"In {NUMBER}."}
CHAIN = texts(en=EN, de={"a.closing": "Danke."})
HEADER = 'msgid ""\nmsgstr ""\n"Language: de\\n"\n\n'


def entry(key, text, source=None):
    quoted = [one.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") for one in (source or EN[key], text)]
    return f'msgctxt "{key}"\nmsgid "{quoted[0]}"\nmsgstr "{quoted[1]}"\n\n'


def flat(table, prefix=""):
    found = {}
    for key, value in table.items():
        found |= flat(value, f"{prefix}{key}.") if isinstance(value, dict) else {f"{prefix}{key}": value}
    return found


def said(imported):
    return [f"{one.severity} {one}" for one in imported.findings]


# --------------------------------------------------------------------------- what is taken


def test_translations_go_into_the_file_of_the_language():
    imported = po.import_po(HEADER + entry("a.greeting", f"Guten Tag {NAME},"), CHAIN, "de")
    assert imported.text == ('[a]\nclosing = "Danke."\ngreeting = "Guten Tag {{ event.customer.name }},"\n')
    assert imported.strings == {"a.closing": "Danke.", "a.greeting": f"Guten Tag {NAME},"}
    assert imported.changed == ("a.greeting",)
    assert said(imported) == []


def test_a_translation_may_move_a_value_and_write_it_in_another_way():
    text = "{{ event.customer.name | short }}: {% if event.customer.name %}hallo{% endif %}"
    assert po.import_po(entry("a.greeting", text), CHAIN, "de").strings["a.greeting"] == text


def test_what_is_empty_or_fuzzy_is_passed_over_and_what_there_was_stays():
    text = entry("a.closing", "") + "#, fuzzy\n" + entry("a.greeting", f"Tag {NAME}")
    imported = po.import_po(text, CHAIN, "de")
    assert (imported.strings, imported.changed, said(imported)) == ({"a.closing": "Danke."}, (), [])


def test_the_remarks_in_the_file_stay_with_their_texts():
    file = "# Only ours.\n\n# About a.\n[a]\n# Said often.\nclosing = 'Danke.'\n\n[z]\n# Alone.\ny = '''\nx\n# no remark'''\n"
    pack = TextPack(
        "shop", {"en": EN, "de": {"a.closing": "Danke.", "z.y": "x\n# no remark"}}, {"strings/de.toml": file}
    )
    imported = po.import_po(entry("a.closing", "Vielen Dank."), TextChain((pack,)), "de")
    assert imported.text == (
        '# Only ours.\n\n# About a.\n[a]\n# Said often.\nclosing = "Vielen Dank."\n\n'
        '[z]\n# Alone.\ny = """\nx\n# no remark"""\n'
    )


def test_a_key_of_a_parent_becomes_the_packs_own():
    chain = TextChain((TextPack("shop", {}), TextPack("base", {"en": EN})))
    assert po.import_po(entry("a.closing", "Danke."), chain, "de").text == '[a]\nclosing = "Danke."\n'


def test_texts_go_into_the_pack_whose_chain_it_is_not_into_one_that_adds_to_it():
    shop = TextPack("shop", {"de": {"a.closing": "Danke."}}, string_files={"de": "strings/DE.toml"})
    chain = TextChain((TextPack("addon", {"en": EN}), shop), asked=shop)
    imported = po.import_po(po.export(chain, "de").replace("Danke.", "Merci."), chain, "de")
    assert (imported.file, imported.strings) == ("strings/DE.toml", {"a.closing": "Merci."})


def test_a_file_of_texts_that_is_wrong_is_not_written_over():
    wrong = Finding(severity="error", rule="toml", message="is not TOML", file="strings/de.toml", line=3)
    chain = TextChain((TextPack("shop", {"en": EN}, findings=(wrong,)),))
    with pytest.raises(PackError, match="has errors, so its texts cannot be kept"):
        po.import_po("", chain, "de")
    assert po.import_po("", chain, "fr").file == "strings/fr.toml"


def test_a_windows_file_with_a_mark_at_its_start_is_read():
    text = "\ufeff" + (HEADER + entry("a.closing", "Merci.")).replace("\n", "\r\n")
    assert po.import_po(text, CHAIN, "de").strings == {"a.closing": "Merci."}


def test_obsolete_entries_are_passed_over():
    text = '#~ msgctxt "a.closing"\n#~ msgid "Bye"\n#~ msgstr "Tschüs"\n'
    assert po.import_po(text, CHAIN, "de").changed == ()


def test_a_pack_on_the_disk_goes_out_and_comes_back(tmp_path):
    (tmp_path / "strings").mkdir()
    (tmp_path / "pack.toml").write_text('format = 1\nid = "shop"\nversion = "1.0.0"\n')
    (tmp_path / "strings" / "en.toml").write_text("# To the buyer.\n[a]\n# Short.\nclosing = 'Thank you.'\n")
    chain = PackChain([Pack(tmp_path)])
    exported = po.export(chain, "de")
    assert "#. Short.\n" in exported
    assert "#: shop/strings/en.toml:4\n" in exported
    imported = po.import_po(
        exported.replace('msgid "Thank you."\nmsgstr ""', 'msgid "Thank you."\nmsgstr "Danke."'), chain, "de"
    )
    (tmp_path / imported.file).write_text(imported.text)
    assert Pack(tmp_path).strings == {"en": {"a.closing": "Thank you."}, "de": {"a.closing": "Danke."}}
    assert completeness(PackChain([Pack(tmp_path)])).left() == ()


# --------------------------------------------------------------------------- what is wrong

PLURAL = "In {{ event.n | plural(%s) }}."


@pytest.mark.parametrize(
    ("key", "text", "finding"),
    [
        ("a.greeting", "Hallo,", "error 6: a.greeting lacks {{ event.customer.name }}; put it where it belongs"),
        (
            "a.closing",
            "Danke {{ event.user.name }}.",
            "error 6: a.closing uses 'event.user.name', which its source does not; leave it as it is in msgid",
        ),
        ("a.greeting", "Hallo {{ event.customer.nmae }},", "error 6: a.greeting lacks {{ event.customer.name }}"),
        ("a.greeting", "Hallo {{ event.customer.name,", "error 6: a.greeting is no template: "),
        ("a.greeting", "{{ " + "(" * 5000, "error 6: a.greeting is no template: it is nested too deeply"),
        ("b.days", PLURAL % "one='# Tag'", "error 6: b.days has plural(…) without other=…; keep other"),
        (
            "b.days",
            PLURAL % "ones='# Tag', other='# Tage'",
            "error 6: b.days has plural('ones'=…); cases are: zero, one",
        ),
        ("b.days", "{{ event.n | select(a='b') }}", "error 6: b.days has select(…) without other=…"),
        ("a.closing", "Danke\0", "error 6: a.closing holds a NUL or half a character; delete it"),
        ("a.closing", "Danke\ud800", "error 6: a.closing holds a NUL or half a character; delete it"),
    ],
)
def test_a_translation_that_would_not_work_is_refused_with_its_line(key, text, finding):
    imported = po.import_po(HEADER + entry(key, text), CHAIN, "de", file="de.po")
    found = [one.replace("de.po:", "") for one in said(imported)]
    assert found[0].startswith(finding)
    assert (imported.strings, imported.changed) == ({"a.closing": "Danke."}, ())


def test_a_plural_that_lacks_a_case_of_the_language_is_taken_with_a_warning():
    imported = po.import_po(entry("b.days", PLURAL % "one='# dzień', few='# dni', other='# dnia'"), CHAIN, "pl")
    assert said(imported) == ["warning pl.po:2: b.days has plural(…) without many; pl has for many: 0, 5, 6 …"]
    assert imported.changed == ("b.days",)


def test_a_translation_of_an_older_source_is_taken_with_a_warning():
    imported = po.import_po(entry("a.closing", "Merci.", "Thanks."), CHAIN, "de")
    said_so = "a.closing has changed since this was exported, now: Thank you.; see that the translation still fits"
    assert said(imported) == [f"warning de.po:2: {said_so}"]
    assert imported.changed == ("a.closing",)


def test_a_key_that_no_pack_has_is_a_warning():
    imported = po.import_po(entry("a.none", "x", "y"), CHAIN, "de")
    assert said(imported) == ["warning de.po:2: no pack of the chain has a text 'a.none'"]
    assert "a.none" not in imported.strings


def test_an_entry_without_a_key_is_a_warning():
    imported = po.import_po('msgid "Thank you."\nmsgstr "Danke."\n', CHAIN, "de")
    assert said(imported) == ["warning de.po:1: an entry has no msgctxt; which text it is of nobody knows"]


def test_of_two_entries_for_a_key_the_first_counts():
    imported = po.import_po(entry("a.closing", "eins") + entry("a.closing", "zwei"), CHAIN, "de")
    assert said(imported) == ["error de.po:6: a.closing is there twice; the first counts"]
    assert imported.strings == {"a.closing": "eins"}


def test_plural_forms_of_gettext_are_refused():
    text = 'msgctxt "a.closing"\nmsgid "Thank you."\nmsgid_plural "Thanks"\nmsgstr[0] "Danke"\nmsgstr[1] "Danke"\n'
    assert said(po.import_po(text, CHAIN, "de"))[0].startswith("error de.po:2: a.closing has plural forms of gettext's")


@pytest.mark.parametrize(("language", "is_taken"), [("de_AT", True), ("de", True), ("fr", False), ("", True)])
def test_a_file_for_another_language_is_refused(language, is_taken):
    text = HEADER.replace("Language: de", f"Language: {language}") + entry("a.closing", "Merci.")
    imported = po.import_po(text, CHAIN, "de")
    assert bool(imported.changed) is is_taken
    assert said(imported) == ([] if is_taken else ["error de.po:1: the file is for fr, not for de; name its language"])


def test_a_text_cannot_become_a_table():
    chain = TextChain((TextPack("shop", {"de": {"a": "A"}}), TextPack("base", {"en": {"a.b": "B", "c": "C"}})))
    imported = po.import_po(entry("a.b", "x", "B") + entry("c", "y", "C"), chain, "de")
    assert said(imported)[0].startswith("error de.po:2: a.b cannot stand in one file with a")
    assert imported.strings == {"a": "A", "c": "y"}


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("hello", "1: is no line of a PO file"),
        ('msgctxt "a"\nmsgid "x"\nmsgstr "never closed\n', "3: is no line of a PO file"),
        ('msgctxt "a"\nmsgid "x" y\n', "2: is no line of a PO file"),
        ('msgid "x"\nmsgstr "a\\qb"\n', "2: is no line of a PO file"),
        ('msgid "x"\n', " missing msgstr for msgid 'x'"),
        ('"x"\n', "Got line starting with"),
        ('msgstr "x"\n', "1: msgstr is out of place"),
        ('msgctxt "a"\nmsgstr "x"\n', "2: msgstr is out of place"),
        ('msgid "a"\nmsgstr "x"\nmsgstr "y"\n', "3: msgstr is out of place"),
        ('msgid "a"\nmsgid "b"\n', "2: msgid is out of place"),
        ('msgctxt "a"\n\nmsgctxt "b"\n', "3: msgctxt is out of place"),
        ("x" * 1_048_577, " is larger than 1024 KiB"),
        ("é" * 524_289, " is larger than 1024 KiB"),
    ],
)
def test_what_is_no_po_file_changes_nothing(text, finding):
    imported = po.import_po(text, CHAIN, "de")
    assert finding.strip() in said(imported)[0]
    assert said(imported)[0].startswith("error de.po:")
    assert (imported.strings, imported.changed) == ({"a.closing": "Danke."}, ())
    assert flat(tomllib.loads(imported.text)) == imported.strings


def test_all_lines_that_are_wrong_are_told():
    found = said(po.import_po("hello\n\nmsgid x\n#: fine\nworld", CHAIN, "de"))
    assert [re.match(r"error de.po:(\d)", one)[1] for one in found] == ["1", "3", "5"]


@pytest.mark.parametrize("text", ["garbage\n" * 500, entry("a.closing", "Merci.") * 500, entry("none", "x", "y") * 500])
def test_findings_end_somewhere(text):
    assert len(po.import_po(text, CHAIN, "de").findings) in (100, 101)


def test_a_tag_that_is_none_is_refused():
    with pytest.raises(PackError, match="'no language' is no language"):
        po.import_po("", CHAIN, "no language")


# --------------------------------------------------------------------------- for anything


@given(strings=st.dictionaries(keys, plain_text, max_size=6))
def test_what_is_exported_is_imported_as_it_was(strings):
    exported = po.export(texts(en=strings, de=strings), "de")
    imported = po.import_po(exported, texts(en=strings), "de")
    assert imported.strings == strings
    assert flat(tomllib.loads(imported.text)) == strings
    assert said(imported) == []


dotted = st.lists(keys, min_size=1, max_size=4).map(".".join)


@given(strings=st.dictionaries(dotted, plain_text, max_size=6), own=st.sets(st.integers(0, 5)))
def test_dotted_keys_become_tables_and_where_they_cannot_it_is_told(strings, own):
    mine = {key: "mine" for number, key in enumerate(strings) if number in own}
    for _, key in clashes(mine):
        del mine[key]
    exported = po.export(texts(en=strings, de=strings), "de")
    imported = po.import_po(exported, texts(en=strings, de=mine), "de")
    left_out = {one.message.split(" cannot stand")[0] for one in imported.findings}
    assert set(imported.strings) == set(strings) - left_out
    assert not left_out & set(mine)
    assert len(left_out) >= bool(clashes(strings))
    assert flat(tomllib.loads(imported.text)) == imported.strings == {key: strings[key] for key in imported.strings}


lines = st.sampled_from(
    [
        'msgid "x"',
        'msgid ""',
        'msgstr "y"',
        'msgstr ""',
        'msgctxt "a.closing"',
        '"more"',
        'msgid_plural "z"',
        'msgstr[0] "p"',
        'msgstr[9] "p"',
        "#, fuzzy",
        "#| msgid",
        '#| msgid "o',
        "#: a:b:c \u2068",
        "#~ msgid",
        '#~ msgid "q"',
        '"Language: \\n"',
        '"Plural-Forms: nplurals=999999999; plural=x\\n"',
        '"Content-Type: text/plain; charset=nonsense\\n"',
        "",
        "garbage",
    ]
)


@given(text=st.lists(lines, max_size=12).map("\n".join) | st.text(max_size=60))
def test_no_file_however_odd_does_more_than_be_told(text):
    imported = po.import_po(text, CHAIN, "de")
    assert flat(tomllib.loads(imported.text)) == imported.strings
    assert set(imported.strings) == {"a.closing"}
