"""Events with words nobody well-meaning would write: they reach readers as the words they are, or are refused."""

import json

import pytest

from hostile import places
from hostile.judge import shown
from livery.errors import EventError
from unit.hostile import FRAGMENTS
from unit.making import plain

FIELDS = (
    "data.error.message", "data.error.code", "data.offer.name", "data.customer.name", "data.user.name", "data.seller.name",
    "data.order.id", "data.error.correlation_id",
)  # fmt: skip
SAID = [
    *FRAGMENTS,
    "<!everyone> <!subteam^S0|@all> <!date^0^x^https://evil.example|x>",
    "@channel @here @everyone #general",
    "<mailto:eve@evil.example|help>",
    "&lt;!channel&gt; &#60;!here&#62;",
    "&amp;lt;!channel&amp;gt;",
    "<<!channel>>",
    "<at id='1'>Eve</at><at>Team</at>",
    "[x](javascript:alert(1)) ![x](https://evil.example/pixel.gif)",
    "# Heading\n\n- a\n- b\n\n> quote\n\n```\ncode\n```",
    "*bold* _it_ ~no~ `code` ```block```",
    "{{DATE(2026-01-01T00:00:00Z,SHORT)}} {{TIME(2026-01-01T00:00:00Z)}}",
    "${$root} ${json($data)} $when",
    "https://evil.example/login www.evil.example evil@evil.example tel:+1900",
    "Zq0000000000v00000z Zq0123456789c00001z",
    "Zq" + "0123456789abcdef" * 40 + "z",
    "\ue000\ue001\uf8ff\U0010ffff",
    "\ufdd0\ufffe\uffff",
    "\x01\x02\x07\x08\x0b\x0c\x1b[31m\x7f\x80\x9f",
    "\u0085\u2028\u2029\x1c\x1d\x1e",
    "a\r\nSubject: evil\r\nBcc: eve@evil.example\r\n\r\nbody",
    "=?utf-8?q?Bcc=3A_eve@evil.example?=",
    "\u202ea\u202db\u2066c\u2067d\u2068e\u2069f\u061c\u200e\u200f",
    "\u202e" * 5000,
    "\u200b\u200c\u200d\u2060\ufeff\u00ad\u034f\u115f\u3164\uffa0",
    "\u0430\u0440\u0440\u04cf\u0435.com",
    "Z" + "\u0351\u0316\u0344" * 3000,
    "e\u0301" * 10_000,
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466" * 3000,
    "\U0001f1e9" * 5001,
    "\U000e0001\U000e0041" * 100,
    "\u0000x".replace("\u0000", "\u2400"),
    "'\"`<>&\\/=;%#{}[]()|^~",
    '","blocks":[{"type":"divider"}],"x":"',
    '"}]},{"type":"Action.Submit"},{"x":"',
    "\\u003cscript\\u003e \\x3cscript\\x3e",
    "]]> --> */ </style></title></textarea></script><![endif]-->",
    "<![endif]--><script>alert(1)</script><!--[if mso]>",
    "<mj-raw><script>alert(1)</script></mj-raw><mj-include path='/etc/passwd'/>",
    "{{ event.error.message }} {{ 7 * 7 }} {% for a in b %} {# c #}",
    "{%- raw -%}{{ '{{' }}{%- endraw -%}",
    "%s %(a)s %n {0} {0.__class__} $a ${a}",
    "..\\..\\..\\ ../../../ file:///etc/passwd",
    "x" * 60_000,
    "x " * 30_000,
    "\n" * 60_000,
    "<" * 60_000,
    "&" * 60_000,
    '"' * 60_000,
    "\U0001f642" * 16_000,
    "<b>" * 20_000,
    "https://evil.example/" + "a" * 60_000,
    "a\n\n" * 20_000,
    "\t" * 60_000,
    "`" * 10_000,
    "*" * 10_000,
    ">" * 10_000 + "\n>",
]
URLS = [
    "javascript:alert(1)",
    "JAVASCRIPT:alert(1)",
    " javascript:alert(1)",
    "java\nscript:alert(1)",
    "java\u200bscript:alert(1)",
    "\u0001javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:msgbox(1)",
    "file:///etc/passwd",
    "//evil.example/",
    "\\\\evil.example\\x",
    "https:",
    "https://",
    "https:///x",
    "https:evil.example",
    "https://[::1",
    "https://[evil",
    'https://evil.example/" onclick="alert(1)',
    "https://evil.example/' onclick='alert(1)",
    "https://evil.example/><script>alert(1)</script>",
    "https://evil.example/|Click here> <!channel>",
    "https://evil.example/\r\nBcc: eve@evil.example",
    "https://evil.example/\u202e/gro.knab",
    "https://user:password@evil.example/",
    "https://shop.example@evil.example/",
    "https://xn--80ak6aa92e.com/",
    "https://\u0430\u0440\u0440\u04cf\u0435.com/",
    "https://evil.example/" + "a" * 60_000,
    "https://evil.example/{{ 7*7 }}${x}%00%0d%0a",
    "mailto:eve@evil.example?bcc=all@shop.example&body=%0d%0a",
    "ms-msdt:/id x",
    "http://169.254.169.254/latest/meta-data/",
]
SHOWN_IN_CARDS = {
    **places.card("{{ block.text }} {{ event.error.message }}"),
    **places.teams("{{ block.text }}"),
    **places.letter("{{ block.text }}"),
}
LINKS = {
    "blocks/text.mjml.j2": "<mj-text><a href='{{ block.text }}' title='{{ block.text }}'>{{ block.text }}</a></mj-text>",
    "blocks/text.block_kit.json": json.dumps(
        {"type": "section", "text": {"type": "mrkdwn", "text": "<{{ block.text }}|{{ block.text }}>"}}
    ),
    "blocks/text.txt.j2": "{{ block.text }}",
    "strings/en.toml": 'summary = "{{ event.error.message }}"',
}


@pytest.fixture(scope="module")
def overridden(rig):
    """Packs that show the event's words their own way on every channel."""
    strings = {"strings/en.toml": 'summary = "{{ event.error.message }} {{ event.offer.name }}"'}
    return rig.chain({**SHOWN_IN_CARDS, **strings}), rig.chain(LINKS)


@pytest.mark.parametrize("said", SAID, ids=lambda said: f"{ascii(said)[:40]} ({len(said)})")
def test_what_an_event_says_is_shown_as_it_is(rig, overridden, said):
    changes = dict.fromkeys(FIELDS, said[:60000])
    if not _is_taken(rig, changes):
        changes = {"data.error.message": said}
    if not _is_taken(rig, changes):
        return
    rig.run(None, changes)
    for packs in overridden:
        rig.run(packs, changes)


@pytest.mark.parametrize("said", SAID, ids=lambda said: f"{ascii(said)[:40]} ({len(said)})")
def test_what_an_event_says_is_not_lost_in_the_page(rig, said):
    changes = {"data.error.message": f"begin {said[:1000]} end"}
    if not _is_taken(rig, changes):
        return
    outcome = rig.run(None, changes)
    assert "begin" in shown(outcome.html)
    words = "".join(filter(str.isalnum, said[:1000]))
    assert words in "".join(filter(str.isalnum, shown(outcome.html)))


@pytest.mark.parametrize("url", URLS, ids=lambda url: f"{ascii(url)[:40]} ({len(url)})")
def test_a_link_of_an_event_leads_where_links_may(rig, overridden, url):
    for changes in ({"data.order.url": url}, {"data.error.message": url}):
        if _is_taken(rig, changes):
            rig.run(None, changes)
            for packs in overridden:
                rig.run(packs, changes)


def _is_taken(rig, changes) -> bool:
    try:
        rig.engine.read(plain(changes))
    except EventError:
        return False
    return True


# --------------------------------------------------------------------------- events that are too much


def deep(levels, of=list):
    made = "x"
    for _ in range(levels):
        made = [made] if of is list else {"a": made}
    return made


MUCH = {
    "deep lists": lambda: json.dumps({**plain(), "x": 1})[:-1] + ',"y":' + "[" * 100_000 + "]" * 100_000 + "}",
    "deep tables": lambda: json.dumps(plain())[:-1] + ',"y":' + '{"a":' * 100_000 + "1" + "}" * 100_000 + "}",
    "not deep enough to fail early": lambda: {**plain(), "x": deep(900)},
    "deep data": lambda: plain({"data.x": deep(200, dict)}),
    "a hundred thousand rows": lambda: plain({"data.rows": [{"a": n} for n in range(100_000)]}),
    "a hundred thousand keys": lambda: plain({"data.rows": {f"k{n}": n for n in range(100_000)}}),
    "a text of ten megabytes": lambda: plain({"data.error.message": "x" * 10_000_000}),
    "a key of a megabyte": lambda: plain({"data." + "k" * 1_000_000: 1}),
    "a number of a hundred thousand digits": lambda: json.dumps(plain())[:-1] + ',"y":' + "9" * 100_000 + "}",
    "NaN": lambda: json.dumps(plain({"data.x": float("nan")})),
    "Infinity": lambda: json.dumps(plain({"data.x": float("inf")})),
    "1e999": lambda: json.dumps(plain())[:-1] + ',"y":1e999}',
    "a lone surrogate": lambda: json.dumps(plain({"data.error.message": "\ud800"})),
    "a NUL": lambda: plain({"data.error.message": "a\x00b"}),
    "a key twice": lambda: json.dumps(plain())[:-1] + ',"id":"other"}',
    "bytes that are no UTF-8": lambda: json.dumps(plain()).encode().replace(b"Copilot", b"\xff\xfe\x80"),
    "UTF-16": lambda: json.dumps(plain()).encode("utf-16"),
    "a byte order mark": lambda: b"\xef\xbb\xbf" + json.dumps(plain()).encode(),
    "no table": lambda: "[1, 2]",
    "nothing": lambda: b"",
    "a locale that leads away": lambda: plain({"data.user.locale": "../../etc/passwd"}),
    "a locale of a megabyte": lambda: plain({"data.user.locale": "x" * 1_000_000}),
    "a locale of many parts": lambda: plain({"data.user.locale": "en" + "-x" * 5000}),
    "a locale that is odd": lambda: plain({"data.user.locale": "\u202een\x00"}),
    "a time long ago": lambda: plain({"time": "0001-01-01T00:00:00+23:59"}),
    "a time far ahead": lambda: plain({"time": "9999-12-31T23:59:59-23:59"}),
    "a time with a fraction": lambda: plain({"time": "2026-01-01T00:00:00." + "9" * 100_000 + "Z"}),
    "a quantity": lambda: plain({"data.offer.quantity": 10**300}),
    "a seller that leads away": lambda: plain({"data.seller.id": "../shop"}),
    "a type that leads away": lambda: plain({"type": "../../OfferProvisionError"}),
}


@pytest.mark.parametrize("about", MUCH)
def test_an_event_that_is_too_much_is_refused_or_written(rig, about):
    event = MUCH[about]()
    said = wire = b""
    with rig.watching() as watch:
        try:
            wire = rig.engine.preview(event).wire
        except EventError as error:
            said = str(error)
    assert 0 < len(said) < 5000 or 0 < len(wire) < 5_000_000
    assert not watch.over(), watch.over()


LOOPS = {
    "rows": "{% for a in event.rows %}{{ a.n }},{% endfor %}",
    "rows in rows": "{% for a in event.rows %}{% for b in event.rows %}{{ b.n }}{% endfor %}{% endfor %}",
    "rows in rows in rows": "{% for a in event.rows %}{% for b in event.rows %}{% for c in event.rows %}x{% endfor %}{% endfor %}{% endfor %}",
    "rows, saying nothing": "{% for a in event.rows %}{% for b in event.rows %}{% for c in event.rows %}{% endfor %}{% endfor %}{% endfor %}",
    "rows, sorted": "{% for a in event.rows %}{% for b in event.rows|sort(attribute='n') %}{% endfor %}{% endfor %}",
    "rows, joined": "{% for a in event.rows %}{{ event.rows|join(', ', attribute='n')|length }}{% endfor %}",
    "rows, filtered": "{% for a in event.rows if a.n > 5 %}{{ loop.index }}{% endfor %}",
    "rows, never": "{% for a in event.rows if a.n < 0 %}{% for b in event.rows %}x{% endfor %}{% endfor %}",
    "the longest text": "{% for a in event.rows %}{{ event.text }}{% endfor %}",
    "the longest text, upper": "{% for a in event.rows %}{% set x = event.text|upper|lower|title|trim %}{% endfor %}",
    "the longest text, replaced": "{% for a in event.rows %}{{ event.text|replace('x', 'yyyyyyyyyy')|length }}{% endfor %}",
    "the longest text, replaced and doubled": "{{ event.text" + "|replace('x', 'xx')" * 40 + " }}",
    "letters of a text": "{% for a in event.text %}{% for b in event.text %}{{ b }}{% endfor %}{% endfor %}",
    "a text, compared": "{% for a in event.rows %}{{ event.text in event.text }}{% endfor %}",
    "a text in rows": "{% for a in event.rows %}{{ event.rows == event.rows }}{% endfor %}",
    "conditions": "{% for a in event.rows %}" + "{% if event.text == a.n %}x{% endif %}" * 500 + "{% endfor %}",
    "plurals": "{% for a in event.rows %}{{ a.n|plural(one='one', other=event.text) }}{% endfor %}",
    "selects": "{% for a in event.rows %}{{ event.text|select(x='a', other=event.text) }}{% endfor %}",
    "a plural without other": "{{ 5|plural(one='a') }}{{ event.text|plural(other='#' * 9) }}",
    "dates": "{% for a in event.rows %}{{ event.text|datetime }}{{ '9999-12-31T23:59:59Z'|datetime }}{% endfor %}",
    "numbers": "{% for a in event.rows %}{{ a.n|currency(event.text) }}{{ event.text|percent }}{% endfor %}",
    "links": "{% for a in event.rows %}{{ event.text|urlencode }}{% endfor %}",
    "set in a loop": "{% set x = event.text %}{% for a in event.rows %}{% set x = x ~ x %}{% endfor %}{{ x|length }}",
    "macros in a loop": "{% macro m(a) %}{{ a.n }}{{ event.text }}{% endmacro %}{% for a in event.rows %}{{ m(a) }}{% endfor %}",
}


@pytest.mark.parametrize("about", LOOPS)
def test_a_loop_over_a_long_event_ends_soon(rig, about):
    source = LOOPS[about]
    packs = rig.chain({**places.text(source), **places.partial(source), **places.card("{{ event.rows|length }}")})
    changes = {"data.rows": [{"n": n} for n in range(8000)], "data.text": "x" * 100_000}
    assert _is_taken(rig, changes)
    outcome = rig.run(packs, changes)
    assert "Not available in your region" in outcome.html
