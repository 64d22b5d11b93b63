"""A block that fails is saved by the values it names, in the stencil's e-mail as in the direct one."""

import json

import pytest

from livery import locales
from livery.composing import seen
from livery.packs.chain import PackChain
from livery.packs.pack import Pack
from livery.packs.source import Snapshot
from livery.stencils import orders
from livery.stencils.compiling import compiled
from livery.stencils.direct import Direct
from livery.stencils.stencil import Stencil
from stencils.both import BRAND

LOST = "{{ event.nope }} {{ event.error.message }}"
MESSAGE = 'Not <b>here</b>\n& "there"'
EVENT = {
    "data": {"error": {"message": MESSAGE, "code": "c", "url": "https://a.example/?a=1&b"}, "order": {"id": "O-1"}}
}
STANDING = '[[blocks]]\nid = "z"\nkind = "divider"\n'
BLOCKS = {
    "text": f'kind = "text"\nheading = "{LOST}"\ntext = "{LOST}"',
    "a text nobody has": 'kind = "text"\nheading = "head"\ntext = "no.such"',
    "a text in no language": 'kind = "text"\nheading = "head"\ntext = "lost"',
    "error": f'kind = "error"\nheading = "head"\ntext = "{LOST}"\ncode = "{LOST}"',
    "list": f'kind = "list"\nheading = "{LOST}"\nitems = ["{LOST}", "head", "lost"]',
    "facts": f'kind = "facts"\nfacts = [{{ label = "{LOST}", value = "{LOST}" }}, {{ label = "head", value = "head" }}]',
    "a condition": 'kind = "text"\ntext = "error"\nwhen = "event.error.message.upper()"',
}
PARTIALS = {
    "text": "<mj-text>{{ block.heading }}|{{ block.text|lines }}</mj-text>",
    "error": "<mj-text>{% if block.code %}{{ block.code }}{% endif %}{{ block.heading }}: {{ block.text }}</mj-text>",
    "list": "<mj-text>{{ block.heading }}{% for one in block['items'] %}<br>{{ one }}{% endfor %}</mj-text>",
    "facts": "<mj-table>{% for one in block.facts %}<tr><td>{{ one.label }}</td><td>{{ one.value }}</td></tr>{% endfor %}</mj-table>",
    "actions": "{% for one in block.actions %}<mj-button href='{{ one.url }}'>{{ one.label }}</mj-button>{% endfor %}",
    "divider": "<mj-divider></mj-divider>",
}
FILES = {
    "pack.toml": 'format = 1\nid = "alone"\nversion = "1.0"\n',
    "strings/en.toml": f'head = "Head"\nlost = "{LOST}"\nerror = "{{{{ event.error.message }}}}"\n',
    "layouts/email.mjml.j2": "<mjml><mj-body><mj-section><mj-column>{% for block in blocks %}{{ block }}{% endfor %}</mj-column></mj-section></mj-body></mjml>",
    **{f"blocks/{kind}.mjml.j2": source for kind, source in PARTIALS.items()},
}


@pytest.mark.parametrize("about", BLOCKS)
@pytest.mark.parametrize("tag", ["en", "ar"])
def test_a_block_of_a_pack_without_parents_is_saved_both_ways(about, tag):
    definition = f'event = "X"\nsubject = "head"\ntitle = "head"\n{STANDING}[[blocks]]\nid = "b"\n{BLOCKS[about]}\n'
    files = {**FILES, "notifications/x.toml": definition, f"strings/{tag}.toml": FILES["strings/en.toml"]}
    pack = Pack(Snapshot.of({path: text.encode() for path, text in files.items()}, "alone"))
    assert not [one for one in pack.findings if one.severity == "error"]
    choice = locales.negotiate([("the test", tag)], [tag])
    order = orders.order(PackChain([pack]), "x", "X", choice=choice, brand=BRAND)
    stencil, direct = Stencil(json.loads(json.dumps(compiled(order)))), Direct(order)
    mine, theirs = stencil.notification(seen(EVENT, 2026)), direct.notification(seen(EVENT, 2026))
    assert {**mine, "degraded": ()} == {**theirs, "degraded": ()}
    assert [block["id"] for block in mine["blocks"]] == ["z", "b"]
    html, notes = stencil.html(mine)
    assert (html, notes) == direct.html(theirs)
    assert "Not &lt;b&gt;here&lt;/b&gt;" in html
    assert [
        note for note in mine["degraded"] if note.startswith(("block b of alone", "b: no text for", "lost of alone"))
    ]


def test_links_that_fail_leave_the_others():
    links = (
        'actions = [{ label = "head", url = "{{ event.nope }}" }, { label = "no.such", url = "{{ event.error.url }}" }]'
    )
    definition = f'event = "X"\nsubject = "head"\ntitle = "head"\n[[blocks]]\nid = "b"\nkind = "actions"\n{links}\n'
    files = {**FILES, "notifications/x.toml": definition}
    pack = Pack(Snapshot.of({path: text.encode() for path, text in files.items()}, "alone"))
    order = orders.order(
        PackChain([pack]), "x", "X", choice=locales.negotiate([("the test", "en")], ["en"]), brand=BRAND
    )
    stencil, direct = Stencil(compiled(order)), Direct(order)
    mine, theirs = stencil.notification(seen(EVENT, 2026)), direct.notification(seen(EVENT, 2026))
    url = EVENT["data"]["error"]["url"]
    assert mine["blocks"][0]["actions"] == [{"label": url, "url": url, "primary": False}]
    assert stencil.html(mine) == direct.html(theirs)
