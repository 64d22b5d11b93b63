"""Markup of packs that breaks the MJML compiler, or that makes of a message what it must not be."""

import os

import pytest

from hostile import places
from hostile.active import ACTIVE


def nested(open_: str, close: str, times: int, inside: str = "x") -> str:
    return open_ * times + inside + close * times


DEEP = {
    f"{name}, {times} deep": (place, nested(f"<{name}>", f"</{name}>", times))
    for place, names in (
        (places.partial, ("div", "b", "span", "table", "p", "ul", "x-y")),
        (places.body, ("mj-text", "mj-raw", "mj-accordion", "mj-column", "mj-hero")),
        (places.bare, ("mj-wrapper", "mj-section", "mj-group", "mj-text")),
    )
    for name in names
    for times in (90, 300, 12_000)
}
BROKEN = {
    "truncated at a tag": "<mj-te",
    "truncated in an attribute": '<mj-text color="re',
    "truncated in a closing tag": "<mj-text>x</mj-te",
    "no end": "<mj-text>x",
    "ends crossed": "<mj-text><b><i>x</b></i></mj-text>",
    "ends too often": "<mj-text>x</mj-text></mj-text></mj-column></mj-section></mj-body></mjml>",
    "the end of the page": "</mj-column></mj-section></mj-body></mjml><mjml><mj-body>",
    "a page in a page": "<mjml><mj-body><mj-section></mj-section></mj-body></mjml>",
    "a prolog": '<?xml version="1.0"?><mj-text>x</mj-text>',
    "a doctype": '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><mj-text>&b;</mj-text>',
    "an external entity": '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><mj-text>&a;</mj-text>',
    "cdata": "<mj-text><![CDATA[<script>alert(1)</script>]]></mj-text>",
    "a processing instruction": "<mj-text><?php echo 1 ?></mj-text>",
    "stray > beside foreign letters": "<mj-text>\u05e9\u05dc\u05d5\u05dd > \u05e9\u05dc\u05d5\u05dd</mj-text><mj-text \u05e9>x</mj-text>",
    "foreign letters in a tag": "<mj-text \u05e9\u05dc='1'>x</mj-text>",
    "a foreign name": "<mj-\u05e9>x</mj-\u05e9>",
    "a less-than": "<mj-text>1 < 2</mj-text>",
    "unquoted": "<mj-text color=red>x</mj-text>",
    "an attribute twice": '<mj-text color="red" color="blue">x</mj-text>',
    "a NUL": "<mj-text>\x00</mj-text>",
    "control characters": "<mj-text>\x1b[31m\x07\x08</mj-text>",
    "a lone surrogate escape": "<mj-text>&#xD800;&#x110000;&#0;</mj-text>",
    "entities without end": "<mj-text>" + "&amp" * 40_000 + "</mj-text>",
    "quotes without end": "<mj-text " + "a=' " * 30_000 + ">x</mj-text>",
    "attributes by the ten thousand": "<mj-text " + " ".join(f'a{n}="1"' for n in range(15_000)) + ">x</mj-text>",
    "one attribute of 200 KB": f'<mj-text css-class="{"a " * 100_000}">x</mj-text>',
    "tags by the ten thousand": "<mj-text>x</mj-text>" * 12_000,
    "brs by the ten thousand": "<mj-text>" + "<br>" * 50_000 + "</mj-text>",
    "opens by the ten thousand": "<" * 200_000,
    "comments by the ten thousand": "<!---->" * 30_000,
    "a comment without end": "<!--" + "x" * 200_000,
    "comment openers": "<!--" * 50_000,
    "conditionals by the ten thousand": "<!--[if mso]><b><![endif]-->" * 8_000,
    "blanks in a tag": "<mj-text" + " " * 200_000 + ">x</mj-text>",
    "dashes": "<mj-text " + "-" * 200_000 + ">x</mj-text>",
    "a name of 200 KB": "<" + "a" * 200_000 + ">x",
    "a slash after a slash": "<mj-text" + "/" * 100_000 + ">x",
    "accents in attributes": '<mj-text css-class="' + "e\u0301" * 20_000 + '">x</mj-text>',
    "sizes": '<mj-text padding="999999999999999999999px" height="1e400px" width="-1px" font-size="NaN">x</mj-text>',
    "a column of no width": '<mj-image width="0px" src="https://ours.example/a.png"></mj-image>',
    "a spacer of a million": '<mj-spacer height="99999999999px"></mj-spacer>',
    "a table of columns": "<mj-table>" + "<tr>" + "<td>x</td>" * 10_000 + "</tr></mj-table>",
    "a carousel": "<mj-carousel>"
    + '<mj-carousel-image src="https://ours.example/a.png"></mj-carousel-image>' * 500
    + "</mj-carousel>",
    "a social of a thousand": "<mj-social>"
    + '<mj-social-element name="facebook" href="https://x.example/">x</mj-social-element>' * 500
    + "</mj-social>",
}
MJML = [
    "<mj-include path='/etc/passwd' />",
    "<mj-include path='../../../../etc/passwd'></mj-include>",
    "<mj-include path='https://evil.example/x.mjml' />",
    "<mj-include path='file:///etc/passwd' type='css' />",
    "<mj-include path='parts/x.mjml.j2' type='html' />",
    "<mj-raw><script>alert(1)</script></mj-raw>",
    "<mj-raw position='file-start'><script>alert(1)</script></mj-raw>",
    "<mj-raw></mj-column></mj-raw>",
    "<mj-raw></td></tr></table><b>x</b></mj-raw>",
    "<mj-raw>{{ event.error.message }}</mj-raw>",
    "<mj-html-attributes><mj-selector path='b'><mj-html-attribute name='onclick'>alert(1)</mj-html-attribute></mj-selector></mj-html-attributes>",
    "<mj-button href='javascript:alert(1)'>x</mj-button>",
    "<mj-button href='{{ event.error.message }}'>x</mj-button>",
    "<mj-button href='{{ event.error.message }}' rel='{{ event.error.message }}' target='{{ event.error.code }}'>x</mj-button>",
    "<mj-button inner-padding='{{ event.error.message }}'>x</mj-button>",
    "<mj-button background-color='{{ event.error.message }}'>x</mj-button>",
    "<mj-button css-class='{{ event.error.message }}'>x</mj-button>",
    "<mj-button name='{{ event.error.message }}' title='{{ event.error.message }}'>x</mj-button>",
    "<mj-button onclick='alert(1)'>x</mj-button>",
    "<mj-button background-color='red;background:url(https://evil.example/x)'>x</mj-button>",
    "<mj-button background-color='\"><script>alert(1)</script>'>x</mj-button>",
    "<mj-text color='red&quot; onclick=&quot;alert(1)'>x</mj-text>",
    "<mj-text color='red&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;'>x</mj-text>",
    "<mj-text font-family='&quot;&gt;&lt;script&gt;'>x</mj-text>",
    "<mj-text font-family='{{ event.error.message }}'>x</mj-text>",
    "<mj-text css-class='x&quot; onclick=&quot;alert(1)'>x</mj-text>",
    "<mj-text container-background-color='url(https://evil.example/)'>x</mj-text>",
    "<mj-text height='1px;background:url(https://evil.example/)'>x</mj-text>",
    "<mj-text mj-class='{{ event.error.message }}'>x</mj-text>",
    "<mj-image src='https://evil.example/pixel.gif'></mj-image>",
    "<mj-image src='https://ours.example/a.png' href='javascript:alert(1)'></mj-image>",
    "<mj-image src='https://ours.example/a.png' srcset='https://evil.example/b.png 2x'></mj-image>",
    "<mj-image src='https://ours.example/a.png' usemap='javascript:alert(1)'></mj-image>",
    "<mj-image src='https://ours.example/a.png' alt='\" onerror=\"alert(1)'></mj-image>",
    "<mj-image src='{{ event.error.message }}'></mj-image>",
    "<mj-image src='{{ event.order.url }}'></mj-image>",
    "<mj-image src='https://{{ event.error.message }}/a.png'></mj-image>",
    "<mj-image src='https://ours.example/{{ event.error.message }}.png'></mj-image>",
    "<mj-image src='{{ block.text }}'></mj-image>",
    "<mj-image src='data:image/png;base64,AAAA'></mj-image>",
    "<mj-image width='{{ event.offer.quantity }}px' src='https://ours.example/a.png'></mj-image>",
    "<mj-image SRC='https://evil.example/pixel.gif'></mj-image>",
    "<mj-image src='https://ours.example/a.png' src='https://evil.example/pixel.gif'></mj-image>",
    "<mj-social><mj-social-element name='facebook' src='https://evil.example/x.gif' href='https://x.example/'>x</mj-social-element></mj-social>",
    "<mj-social><mj-social-element name='facebook' href='javascript:alert(1)'>x</mj-social-element></mj-social>",
    "<mj-social icon-size='9999999px'><mj-social-element name='{{ event.error.code }}'>x</mj-social-element></mj-social>",
    "<mj-social><mj-social-element name='facebook-noshare'>x</mj-social-element></mj-social>",
    "<mj-navbar base-url='javascript:alert(1)//'><mj-navbar-link href='x'>x</mj-navbar-link></mj-navbar>",
    "<mj-navbar base-url='https://evil.example'><mj-navbar-link href='/x'>x</mj-navbar-link></mj-navbar>",
    "<mj-navbar hamburger='hamburger'><mj-navbar-link href='https://x.example/'>x</mj-navbar-link></mj-navbar>",
    "<mj-accordion icon-wrapped-url='https://evil.example/x.gif'><mj-accordion-element><mj-accordion-title>x</mj-accordion-title><mj-accordion-text>y</mj-accordion-text></mj-accordion-element></mj-accordion>",
    "<mj-accordion><mj-accordion-element><mj-accordion-title>x</mj-accordion-title><mj-accordion-text>y</mj-accordion-text></mj-accordion-element></mj-accordion>",
    "<mj-carousel left-icon='https://evil.example/x.gif'><mj-carousel-image src='https://ours.example/a.png' /></mj-carousel>",
    "<mj-carousel><mj-carousel-image src='https://ours.example/a.png' thumbnails-src='https://evil.example/a.png' /></mj-carousel>",
    "<mj-carousel><mj-carousel-image src='https://evil.example/a.png' /></mj-carousel>",
    "<mj-carousel><mj-carousel-image src='https://ours.example/a.png' /></mj-carousel>",
    "<mj-hero background-url='https://evil.example/x.png'><mj-text>x</mj-text></mj-hero>",
    "<mj-invoice>x</mj-invoice>",
    "<mj-link>x</mj-link>",
    "<mj-table><tr><td background='https://evil.example/x'>x</td></tr></mj-table>",
    "<mj-spacer height='{{ event.offer.quantity }}px'></mj-spacer>",
    "<mj-divider border-color='{{ event.error.message }}'></mj-divider>",
    "<mj-divider border-color='red;background:url(//evil.example)'></mj-divider>",
    "<MJ-RAW><SCRIPT>alert(1)</SCRIPT></MJ-RAW>",
    "<Mj-Text>x</Mj-Text>",
    "<mj-text><mj-raw><script>alert(1)</script></mj-raw></mj-text>",
]
HEADS = [
    "<mj-raw><script>alert(1)</script></mj-raw>",
    "<mj-raw><meta http-equiv='refresh' content='0;url=https://evil.example/'></mj-raw>",
    "<mj-raw><link rel='stylesheet' href='https://evil.example/x.css'></mj-raw>",
    "<mj-raw><base href='https://evil.example/'></mj-raw>",
    "<mj-font name='Evil' href='https://evil.example/x.css' />",
    "<mj-font name='Evil' href='https://fonts.googleapis.com/css?family=Evil' />",
    "<mj-style>@import url(https://evil.example/x.css);</mj-style>",
    "<mj-style>b { background: url('https://evil.example/x.png') }</mj-style>",
    "<mj-style inline='inline'>b { background: url('https://evil.example/x.png') }</mj-style>",
    "<mj-style></style><script>alert(1)</script></mj-style>",
    "<mj-style>&lt;/style&gt;&lt;script&gt;alert(1)&lt;/script&gt;</mj-style>",
    "<mj-style>{{ event.error.message }}</mj-style>",
    "<mj-style>b { content: '{{ event.error.message }}' }</mj-style>",
    "<mj-style>b { content: '\\3c/style\\3e' }</mj-style>",
    "<mj-style>" + "b { color: red }" * 12_000 + "</mj-style>",
    "<mj-style>" + "(" * 100_000 + "</mj-style>",
    "<mj-style>" + "/*" * 100_000 + "</mj-style>",
    "<mj-style>" + "\\" * 100_000 + "</mj-style>",
    "<mj-title></title><script>alert(1)</script></mj-title>",
    "<mj-title>&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;</mj-title>",
    "<mj-title>{{ event.error.message }}</mj-title>",
    "<mj-preview></div><script>alert(1)</script></mj-preview>",
    "<mj-preview>{{ event.error.message }}</mj-preview>",
    "<mj-attributes><mj-all onclick='alert(1)' /></mj-attributes>",
    "<mj-attributes><mj-all font-family='\"><script>' /></mj-attributes>",
    "<mj-attributes><mj-image src='https://evil.example/pixel.gif' /></mj-attributes>",
    "<mj-attributes><mj-button href='javascript:alert(1)' /></mj-attributes>",
    "<mj-attributes><mj-class name='x' background-color='url(https://evil.example/)' /></mj-attributes>",
    "<mj-attributes><mj-section background-url='https://evil.example/x.png' /></mj-attributes>",
    "<mj-attributes>" + "".join(f"<mj-class name='c{n}' color='red' />" for n in range(4_000)) + "</mj-attributes>",
    "<mj-breakpoint width='{{ event.error.message }}' />",
    "<mj-breakpoint width='1px){}</style><script>' />",
    "<mj-breakpoint width='-99999999999999999999px' />",
    "<mj-html-attributes><mj-selector path='b'></mj-selector></mj-html-attributes>",
    "<mj-include path='/etc/passwd' type='css' css-inline='inline' />",
    "<script>alert(1)</script>",
    "text in the head",
]
PAGES = {
    "nothing": "",
    "no mjml": "<html><body><script>alert(1)</script></body></html>",
    "text": "just words {{ notification.title }}",
    "an empty page": "<mjml></mjml>",
    "no blocks": "<mjml><mj-body></mj-body></mjml>",
    "a page with attributes": "<mjml onload='alert(1)' lang='\"><script>'><mj-body></mj-body></mjml>",
    "a body with a width": "<mjml><mj-body width='99999999999999999999px' onload='alert(1)'></mj-body></mjml>",
    "a body with a background": "<mjml><mj-body background-color='red;background:url(//evil.example)'></mj-body></mjml>",
    "blocks doubled": "<mjml><mj-body><mj-section><mj-column>"
    + "{% for b in blocks %}{{ b }}{% endfor %}" * 500
    + "</mj-column></mj-section></mj-body></mjml>",
    "blocks in blocks": "<mjml><mj-body><mj-section><mj-column>{% for a in blocks %}{% for b in blocks %}{% for c in blocks %}{{ c }}{% endfor %}{% endfor %}{% endfor %}</mj-column></mj-section></mj-body></mjml>",
    "blocks in an attribute": "<mjml><mj-body><mj-section background-color='{% for b in blocks %}{{ b }}{% endfor %}'></mj-section></mj-body></mjml>",
    "blocks in a text": "<mjml><mj-body><mj-section><mj-column><mj-text>{% for b in blocks %}{{ b }}{% endfor %}</mj-text></mj-column></mj-section></mj-body></mjml>",
    "forks": "<mjml><mj-body>"
    + "".join(
        f"<mj-section>{{% if event.error.a{n} %}}<mj-column><mj-text>{n}</mj-text></mj-column>{{% endif %}}</mj-section>"
        for n in range(40)
    )
    + "</mj-body></mjml>",
    "columns by the thousand": "<mjml><mj-body><mj-section>"
    + "<mj-column><mj-text>x</mj-text></mj-column>" * 3_000
    + "</mj-section></mj-body></mjml>",
    "sections by the thousand": "<mjml><mj-body>"
    + "<mj-section background-url='https://ours.example/x.png'><mj-column></mj-column></mj-section>" * 2_000
    + "</mj-body></mjml>",
    "extends itself": "{% extends 'layouts/email.mjml.j2' %}",
    "extends a circle": "{% extends 'parts/a.mjml.j2' %}",
    "super without end": '{% extends "parent:layouts/email.mjml.j2" %}{% block title %}'
    + "{{ super() }}" * 3_000
    + "{% endblock %}",
    "a parent that is not there": '{% extends "parent:parent:layouts/email.mjml.j2" %}',
    "a parent outside": '{% extends "parent:../../base/layouts/email.mjml.j2" %}',
    "includes outside": "{% include '/etc/passwd' %}{% include '../pack.toml' %}{% include 'pack.toml' %}",
    "includes its own strings": "<mjml><mj-body>{% include 'strings/en.toml' %}{% include 'assets/x.png' %}</mj-body></mjml>",
}
CIRCLE = {"parts/a.mjml.j2": "{% include 'parts/b.mjml.j2' %}", "parts/b.mjml.j2": "{% extends 'parts/a.mjml.j2' %}"}
VALUES = (
    "Not available in your region. javascript:alert(1) \"onclick='alert(1)' <script>alert(1)</script>",
    "javascript:alert(1)//Not available in your region",
)


def _cases():
    for about, (place, source) in DEEP.items():
        yield pytest.param(place(source), id=about)
    for about, source in BROKEN.items():
        yield pytest.param(places.bare(source), id=about)
        yield pytest.param(places.partial(source), id=f"{about}, in a text")
    for number, source in enumerate(ACTIVE):
        for name, place in (("partial", places.partial), ("raw", lambda s: places.bare(f"<mj-raw>{s}</mj-raw>"))):
            if name == "raw" and number % 8 and not os.environ.get("LIVERY_SOAK"):
                continue
            yield pytest.param(place(source), id=f"{name} {number}: {ascii(source)[:60]}")
    for number, source in enumerate(MJML):
        yield pytest.param(places.bare(source), id=f"mjml {number}: {source[:60]}")
    for number, source in enumerate(HEADS):
        yield pytest.param(places.head(source), id=f"head {number}: {source[:60]}")
    for about, source in PAGES.items():
        yield pytest.param({**places.page(source), **CIRCLE}, id=f"page: {about}")


@pytest.mark.parametrize("files", [*_cases()])
def test_markup(rig, files):
    outcome = rig.run(rig.chain(files), *({"data.error.message": one, "data.error.code": one} for one in VALUES))
    assert "Not available in your region" in outcome.messages["smtp"].text
