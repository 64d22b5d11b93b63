"""`pack check`: each kind of mistake is told once, where it stands, with the way to mend it."""

import json

import pytest

from livery.errors import NotFound
from livery.packtools import proofs
from livery.packtools.checking import check
from packtools.making import EVENT, FILES, NOTIFICATION, checked, lines, over, target, tiny, write

LAYOUT, TEXT, STRINGS = "layouts/email.mjml.j2", "blocks/text.mjml.j2", "strings/en.toml"
PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000100000001008060000001ff3ff61")


def changed(file, old, new):
    """One of the small pack's files with a piece replaced, which must be there."""
    assert old in FILES[file]
    return {file: FILES[file].replace(old, new, 1)}


def test_a_pack_without_mistakes_has_no_findings_and_says_what_was_checked(tmp_path):
    report = checked(tiny(tmp_path))
    assert lines(report) == []
    assert report.is_fine(strict=True)
    assert report.notifications == ["offer_provision_error"]
    assert (report.locales, report.samples) == (["en"], 5)
    assert report.messages == 5 * len(report.channels)
    assert report.plain()["counts"] == {"error": 0, "warning": 0, "note": 0}


MISTAKES = {
    "an unknown field of the event": (
        changed(STRINGS, "event.order.id", "event.order.idd"),
        ["strings/en.toml:2:21: error unknown-variable: there is no event.order.idd; did you mean event.order.id?"],
    ),
    "an unknown field that is guarded": (
        changed(STRINGS, "Sorry.", "Sorry{% if event.order.coupon is defined %}!{% endif %}"),
        ["strings/en.toml:4:23: warning unknown-variable: there is no event.order.coupon in OfferProvisionError that"],
    ),
    "a part of a text": (
        changed(STRINGS, "event.error.message", "event.error.message.text | default('')"),
        ["strings/en.toml:3:23: error unknown-variable: event.error.message has no parts"],
    ),
    "an unknown token": (
        changed(LAYOUT, "brand.ink", "brand.inkk"),
        ["layouts/email.mjml.j2:6:26: error unknown-variable: there is no brand.inkk; did you mean brand.ink?"],
    ),
    "a field of another kind of block": (
        changed(TEXT, "block.text|lines", "block.code"),
        ["blocks/text.mjml.j2:1:13: error unknown-variable: there is no block.code; block has"],
    ),
    "a value that is not there in a layout": (
        changed(LAYOUT, "notification.closing", "event.order.id"),
        ["layouts/email.mjml.j2:6:43: error unknown-variable: there is no event;"],
    ),
    "a misspelt condition": (
        changed(NOTIFICATION, 'kind = "text"', 'kind = "text"\nwhen = "event.custmer.name"'),
        [f"{NOTIFICATION}:9:9: error unknown-variable: there is no event.custmer; did you mean event.customer?"],
    ),
    "a field of each element of a list": (
        changed(STRINGS, "Sorry.", "{% for one in event.seller %}{{ one.x }}{% endfor %}"),
        ["strings/en.toml:4:"],
    ),
    "a refused filter": (
        changed(STRINGS, "event.order.id", "event.order.id | upcase"),
        ["strings/en.toml:2:12: error refused: there is no filter 'upcase'; there are"],
    ),
    "a refused construct, three lines down in a text": (
        changed(STRINGS, '"Sorry."', '"""\nSorry,\nvery\n{{ 2 ** 9 }}"""'),
        ["strings/en.toml:7:1: error refused: ** is not available to packs; write the number"],
    ),
    "no Jinja": (
        changed(TEXT, "}}", "}"),
        ["blocks/text.mjml.j2:1: error syntax: is no Jinja"],
    ),
    "an unknown element": (
        changed(LAYOUT, '<mj-text color="{{ brand.ink }}">{{ notification.closing }}</mj-text>', "<mj-foo></mj-foo>"),
        ["layouts/email.mjml.j2:6:7: error content: the element <mj-foo> is not available to packs"],
    ),
    "a text that is used and nowhere": (
        changed(NOTIFICATION, '"tiny.closing"', '"tiny.closng"'),
        [
            f"{NOTIFICATION}:4:12: error text-missing: there is no text 'tiny.closng' in any language; write it in",
            "strings/en.toml:4:12: warning text-unused: nothing uses the text 'tiny.closing'; did you mean tiny.closng?",
        ],
    ),
    "a text in one other language only": (
        {**changed(STRINGS, 'closing = "Sorry."\n', ""), "strings/no.toml": '[tiny]\nclosing = "Beklager."\n'},
        [
            f"{NOTIFICATION}:4:12: error text-missing: readers of en get nothing for 'tiny.closing': there is a text",
            ": note text-untranslated: no is translated to 33",
        ],
    ),
    "a text whose key is misspelt": (
        changed(STRINGS, "closing =", 'closing = "Sorry."\nsubjct ='),
        ["strings/en.toml:5:11: warning text-unused: nothing uses the text 'tiny.subjct'; did you mean tiny.subject?"],
    ),
    "a value that may be missing": (
        changed(STRINGS, "Sorry.", "Sorry, {{ event.user.name }}."),
        ["strings/en.toml:4:12: error degraded: tiny.closing falls back: "],
    ),
    "faint text": (
        changed("pack.toml", 'value = "#111111"', 'value = "#999999"'),
        ["pack.toml:10:1: warning contrast: ink #999999 has 2.84:1 on paper #ffffff"],
    ),
    "a colour that is none": (
        changed("pack.toml", 'value = "#134e6f"', 'value = "blau"'),
        ["pack.toml:8:1: error token: primary"],
    ),
    "an image without words": (
        changed(TEXT, "<mj-text>", '<mj-text><img src="https://x.example/a.png" />'),
        [
            "blocks/text.mjml.j2:1:20: error mjml: the image 'https://x.example/a.png'",
            "blocks/text.mjml.j2:1:10: warning alt: <img> has no alt",
        ],
    ),
    "an image that is none": (
        {"assets/logo.png": b"GIF8"},
        ["assets/logo.png: error image-type", "assets/logo.png: note asset-unused"],
    ),
    "a link that runs something": (
        changed(TEXT, "<mj-text>", '<mj-text><a href="javascript:alert(1)">x</a>'),
        ["blocks/text.mjml.j2:1:19: error link: a link may not begin with 'javascript:'"],
    ),
    "a link that is not encrypted": (
        changed(TEXT, "<mj-text>", '<mj-text><a href="http://x.example/{{ locale }}">x</a>'),
        ["blocks/text.mjml.j2:1:19: warning link: 'http://x.example/' is not encrypted"],
    ),
    "a link that leads nowhere": (
        changed(TEXT, "<mj-text>", '<mj-text><a href="/orders">x</a>'),
        ["blocks/text.mjml.j2:1:19: error link: '/orders' leads nowhere from an e-mail"],
    ),
    "a sample that is no event of its type": (
        {"samples/offer_provision_error/x.json": json.dumps({**EVENT, "data": {"seller": EVENT["data"]["seller"]}})},
        ["samples/offer_provision_error/x.json:1:"],
    ),
    "an element that is not closed": (
        changed(TEXT, "</mj-text>", ""),
        ["blocks/text.mjml.j2:1:1: error mjml: <mj-text> is not closed; end it with </mj-text>"],
    ),
    "a closing tag of an element that is not open": (
        {TEXT: FILES[TEXT] + "</mj-column>"},
        ["blocks/text.mjml.j2"],
    ),
    "a card with an element cards have not": (
        {"blocks/text.block_kit.json": '{\n "type": "video"}'},
        ["blocks/text.block_kit.json:2: error degraded: 'video' is not available in cards of packs; there are"],
    ),
    "a card with a value that is not there": (
        {
            "blocks/text.adaptive_card.json": '{"type":"RichTextBlock","inlines":[{"type":"TextRun","text":"{{ block.t }}"}]}'
        },
        ["blocks/text.adaptive_card.json: error degraded: 't' is missing"],
    ),
    "a text of a block with a mistake": (
        {"blocks/text.txt.j2": "{{ block.text }}\n{{ block.text | foo }}"},
        ["blocks/text.txt.j2:2: error refused: there is no filter 'foo'"],
    ),
    "a partial for no kind of block": (
        {"blocks/txt.mjml.j2": "<mj-text>x</mj-text>"},
        [
            "blocks/txt.mjml.j2: warning not-read: no block is shown by it, and no template names it; did you mean blocks/t"
        ],
    ),
    "nothing for people": (
        {"README.md": None, **changed("pack.toml", 'title = "Tiny"\nlicense = "MIT"\n', "")},
        [": note readme", "pack.toml: note title", "pack.toml: note license"],
    ),
}


@pytest.mark.parametrize(("files", "expected"), MISTAKES.values(), ids=MISTAKES)
def test_each_mistake_is_told_where_it_stands(tmp_path, files, expected):
    found = lines(checked(tiny(tmp_path, files)))
    for wanted in expected:
        assert [one for one in found if one.startswith(wanted)], found
    surplus = [one for one in found if not one.startswith(tuple(expected))]
    assert all(" note " in one for one in surplus), surplus


def test_all_mistakes_are_told_at_once_and_errors_come_first(tmp_path):
    files = {
        **changed(STRINGS, "event.order.id", "event.order.idd"),
        **changed(TEXT, "<mj-text>", '<mj-text><a href="/orders">x</a>'),
        **changed("pack.toml", 'value = "#111111"', 'value = "#999999"'),
    }
    report = checked(tiny(tmp_path, files))
    assert [one.rule for one in report.findings] == ["link", "unknown-variable", "contrast"]
    assert not report.is_fine()


def test_a_mistake_in_every_language_is_told_once_and_one_in_some_says_in_which(tmp_path):
    layout = FILES[LAYOUT].replace("notification.closing", "(notification.closing if locale == 'de' else 1) + 1")
    more = {"strings/de.toml": FILES[STRINGS], "strings/fr.toml": FILES[STRINGS], LAYOUT: layout}
    found = [one for one in lines(checked(tiny(tmp_path, more))) if LAYOUT in one]
    assert len(found) == 1
    assert "(de)" in found[0]
    both = FILES[LAYOUT].replace("<mj-text", "<mj-foo", 1)
    found = [one for one in lines(checked(tiny(tmp_path, {**more, LAYOUT: both}))) if "mj-foo" in one]
    assert len(found) == 1
    assert "(" not in found[0].partition("mj-foo")[2].partition(";")[0]


def test_a_sample_for_which_only_it_fails_is_named(tmp_path):
    found = lines(checked(tiny(tmp_path, changed(STRINGS, "Sorry.", "{{ event.offer.quantity }}"))))
    assert len(found) == 1
    assert "(sample bare)" in found[0]


def test_what_has_no_room_in_a_channel_is_a_warning_for_the_packs_own_samples(tmp_path):
    block = '\n[[blocks]]\nid = "extra{0}"\nkind = "text"\npriority = 10\ntext = "tiny.long"\n'
    files = {
        NOTIFICATION: FILES[NOTIFICATION] + "".join(block.format(number) for number in range(12)),
        STRINGS: FILES[STRINGS] + f'long = "{"word " * 700}"\n',
    }
    report = checked(tiny(tmp_path, files))
    tight = [one for one in report.findings if one.rule == "room"]
    assert {one.severity for one in tight} == {"warning"}
    assert any(one.message.startswith("slack has no room: block extra") for one in tight)


def test_an_email_that_gmail_cuts_off_is_a_warning(tmp_path):
    files = changed(LAYOUT, "{{ notification.closing }}", "x" * 110_000)
    (found,) = checked(tiny(tmp_path, files)).findings
    assert (found.rule, found.severity, found.file) == ("size", "warning", LAYOUT)
    assert "Gmail hides the rest" in found.message


def test_a_template_that_takes_too_long_is_named_and_the_check_goes_on(tmp_path):
    bomb = "{% for a in " + repr(list(range(300))) + " %}{% for b in " + repr(list(range(300))) + " %}{{ b }}"
    files = changed(LAYOUT, "{{ notification.closing }}", f"{bomb}{{% endfor %}}{{% endfor %}}")
    files |= changed(STRINGS, "event.order.id", "event.order.idd")
    found = lines(checked(tiny(tmp_path, files)))
    assert any(one.startswith("layouts/email.mjml.j2") and " error " in one for one in found)
    assert any("event.order.idd" in one for one in found)


def test_a_template_the_reader_dies_of_is_named_and_the_others_are_read(tmp_path):
    files = changed(TEXT, "block.text|lines", "9" * 9000)
    files |= changed(STRINGS, "event.order.id", "event.order.idd")
    found = lines(checked(tiny(tmp_path, files)))
    assert any(one.startswith("blocks/text.mjml.j2:1") and " error " in one for one in found)
    assert any("event.order.idd" in one for one in found)


def test_overlays_that_do_not_fit_are_all_told_and_what_else_is_wrong_with_them_too(tmp_path):
    overlay = """
remove = ["nothng"]

[[blocks]]
id = "more"
kind = "text"
after = "sumary"
when = "event.custmer.name"
text = "tiny.nothing"
"""
    child = over(tmp_path, files={NOTIFICATION: overlay})
    found = lines(checked(child))
    assert any("removes the block 'nothng', which no parent has" in one for one in found)
    assert any("is to stand after 'sumary', which is not there; did you mean summary?" in one for one in found)
    assert any("there is no event.custmer; did you mean event.customer?" in one for one in found)
    assert any("there is no text 'tiny.nothing' in any language" in one for one in found)
    assert not any("text-unused" in one or "degraded" in one for one in found)


def test_a_block_of_a_layout_that_no_parent_has_is_a_warning_with_the_one_that_is_meant(tmp_path):
    layout = '{% extends "parent:layouts/email.mjml.j2" %}\n{% block foter %}x{% endblock %}\n'
    (found,) = [one for one in lines(checked(over(tmp_path, files={LAYOUT: layout}))) if "foter" in one]
    assert found.startswith("layouts/email.mjml.j2:2:10: warning not-read: ")
    assert found.endswith("did you mean footer?")


def test_what_is_wrong_with_a_file_is_told_at_its_place_alone(tmp_path):
    found = [one for one in lines(checked(tiny(tmp_path, {"strings/de.toml": 'a = "x\n'}))) if " error " in one]
    assert len(found) == 1
    assert found[0].startswith("strings/de.toml:1:7: error toml: is not TOML: the line ends inside a text")


def test_each_thing_that_is_wrong_with_a_sample_has_its_line(tmp_path):
    event = json.loads(json.dumps(EVENT))
    event["data"]["offer"].pop("name")
    event["data"]["error"]["occurred_at"] = "yesterday"
    text = json.dumps(event, indent=1)
    found = [
        one for one in lines(checked(tiny(tmp_path, {"samples/offer_provision_error/x.json": text}))) if "x.json" in one
    ]
    at = text.split("\n").index(next(line for line in text.split("\n") if "yesterday" in line)) + 1
    assert len(found) == 2
    assert "data.offer.name: expected a value, none is given" in found[0]
    assert found[1].startswith(f"samples/offer_provision_error/x.json:{at}:")


def test_a_pack_that_cannot_be_opened_has_all_that_is_wrong_as_findings(tmp_path):
    folder = write(tmp_path / "q", {"pack.toml": 'format = 1\nid = "Q"\n'})
    report = checked(folder)
    assert [one.rule for one in report.findings if one.severity == "error"] == ["missing", "field"]
    assert not report.is_fine()


def test_a_parent_that_is_not_there_is_a_finding_beside_what_else_is_wrong(tmp_path):
    found, other = checked(over(tmp_path, "bse", {"strings/en.toml": "common.closing = '{{ x }}'\n"})).findings
    assert (found.rule, found.file, found.line) == ("parent", "pack.toml", 6)
    assert "did you mean 'base'?" in found.fix
    assert (other.rule, other.file, other.line) == ("unknown-variable", "strings/en.toml", 1)


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ('title = "Tiny"', 'titel = "Tiny"', "pack.toml:4:1: error unknown-field"),
        ('version = "1.0.0"', "version =", "pack.toml:3:10: error toml"),
        ('id = "tiny"\n', "", "pack.toml: error missing"),
        ('license = "MIT"', 'locales = [\n  "en",\n  5,\n]', "pack.toml:7:3: error field"),
    ],
)
def test_a_wrong_manifest_hides_nothing_of_what_else_is_wrong(tmp_path, old, new, place):
    files = {
        "strings/en.toml": FILES["strings/en.toml"].replace("event.order.id", "event.order.idd"),
        "blocks/text.mjml.j2": "<mj-text>{{ block.txt }}</mj-text>\n",
        "layouts/email.mjml.j2": FILES["layouts/email.mjml.j2"].replace("</mj-column>", ""),
    }
    manifest = FILES["pack.toml"].replace('"#111111"', '"nothing"')
    good, wrong = (
        checked(tiny(tmp_path / name, {**files, "pack.toml": text}))
        for name, text in (("good", manifest), ("wrong", manifest.replace(old, new)))
    )
    told = [(one.rule, one.file, one.message) for one in wrong.findings if one.severity == "error"]
    assert {(one.rule, one.file, one.message) for one in good.findings if one.severity == "error"} <= {*told}
    ink = next(at for at, line in enumerate(manifest.replace(old, new).split("\n"), 1) if line.startswith("ink"))
    assert [one.line for one in wrong.findings if one.rule == "token" and one.severity == "error"] == [ink]
    assert any(line.startswith(place) for line in lines(wrong)), lines(wrong)
    assert len(told) == len({*told})
    assert not wrong.is_fine()
    assert wrong.folder == tmp_path / "wrong/tiny"


@pytest.mark.parametrize(("name", "meant"), [("deutsch", "de"), ("french", "fr"), ("xq", "")])
def test_a_file_of_texts_in_no_language_is_a_warning_with_the_one_that_is_meant(tmp_path, name, meant):
    found = [line for line in lines(checked(tiny(tmp_path, {f"strings/{name}.toml": ""}))) if " language: " in line]
    assert len(found) == 1
    assert found[0].startswith(f"strings/{name}.toml: warning language: {name} is no language that CLDR knows")
    assert (f"did you mean strings/{meant}.toml?" in found[0]) is bool(meant)


@pytest.mark.parametrize(("name", "severity"), [("primry", "warning"), ("ribbon", "note")])
def test_a_token_whose_name_is_almost_one_of_a_parents_is_a_warning(tmp_path, name, severity):
    manifest = over(tmp_path) / "pack.toml"
    manifest.write_text(manifest.read_text() + f'[tokens]\n{name} = "#134e6f"\n')
    (found,) = [one for one in checked(manifest.parent).findings if one.rule == "token"]
    assert (found.severity, found.line) == (severity, 8)
    assert found.fix.startswith("did you mean primary?") is (severity == "warning")


def test_a_pack_that_is_not_there_is_an_error_of_whoever_asks():
    with pytest.raises(NotFound, match=r"there are: .*base"):
        checked("no-such-pack")


def test_only_what_is_the_packs_own_is_told(tmp_path):
    """The parent's notes are for the parent's author."""
    parent = tiny(tmp_path, changed(STRINGS, "closing =", 'unused = "x"\nclosing ='))
    child = over(tmp_path, "tiny")
    config = write(tmp_path, {"livery.toml": f'pack_paths = ["{parent}"]\n'}) / "livery.toml"
    assert [one.rule for one in checked(parent).findings] == ["text-unused"]
    assert lines(checked(child, config)) == []


def test_a_tenants_tokens_are_checked_over_the_packs(tmp_path):
    folder = tiny(tmp_path)
    brand = '[tenants.p]\n[tenants.s]\nparent = "p"\nname = "S"\n[tenants.s.brand]\nink = "#cccccc"\n'
    config = write(tmp_path, {"livery.toml": f'pack_paths = ["{folder}"]\n{brand}'}) / "livery.toml"
    assert lines(checked(folder, config)) == []
    (found,) = checked(folder, config, "s").findings
    assert found.rule == "contrast"
    assert "tenant s" in found.message


def test_an_override_whose_parent_moved_is_a_warning_with_the_command_to_see_it(tmp_path):
    digest = "0" * 64
    record = f'\n[overrides]\n"blocks/text.mjml.j2" = {{ digest = "{digest}", of = "tiny 0.9.0" }}\n'
    tiny(tmp_path)
    child = over(tmp_path, "tiny", {TEXT: FILES[TEXT]})
    write(child, {"pack.toml": (child / "pack.toml").read_text() + record})
    config = write(tmp_path, {"livery.toml": f'pack_paths = ["{tmp_path / "tiny"}"]\n'}) / "livery.toml"
    (found,) = checked(child, config).findings
    assert (found.rule, found.severity, found.line) == ("drift", "warning", 9)
    assert "was copied from tiny 0.9.0, and tiny 1.0.0 has another now" in found.message
    assert "livery pack diff fjord blocks/text.mjml.j2" in found.fix


def test_of_very_many_messages_a_part_is_made_and_a_note_says_which(tmp_path, monkeypatch):
    strings = {f"strings/{tag}.toml": FILES["strings/en.toml"] for tag in ("de", "fr", "it", "nl")}
    wrong = {"strings/nl.toml": FILES["strings/en.toml"].replace("event.order.id", "event.order.nope")}
    folder = tiny(tmp_path, strings | wrong)
    monkeypatch.setattr(proofs, "MOST", 5)
    monkeypatch.setattr(proofs, "MOST_BRIEFLY", 2)
    report = checked(folder)
    assert report.locales == ["de", "en", "fr"]
    (note,) = [line for line in lines(report) if " note bounded: " in line]
    assert "offer_provision_error is not made in it, nl" in note
    assert [line for line in lines(report) if line.startswith("strings/nl.toml") and "nope" in line]
    assert check(target(folder), is_all=True).locales == ["de", "en", "fr", "it", "nl"]
