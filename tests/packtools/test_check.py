"""`pack check`: each kind of mistake is told once, where it stands, with the way to mend it."""

import json

import pytest

from packtools.making import (
    EVENT,
    FILES,
    LAYOUT,
    NOTIFICATION,
    STRINGS,
    TEXT,
    changed,
    checked,
    lines,
    tiny,
)  # fmt: skip

PNG = bytes.fromhex("89504e470d0a1a0a0000000d49484452000000100000001008060000001ff3ff61")


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
