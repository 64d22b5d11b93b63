"""Web fonts of packs: named in an e-mail that uses them, if the operator lists their host; never otherwise."""

from livery import composing
from livery.locales import Choice
from livery.packs.assets import Policy
from livery.stencils.compiling import compiled
from livery.stencils.direct import Direct
from livery.stencils.stencil import Stencil
from livery.steps import compose
from unit.making import NOW, chain, event, manifest, order_of, packs

SHEET = "https://fonts.shop.example/shop.css"
MANIFEST = manifest("over1", "base") + f'\n[fonts]\n"Shop Sans" = "{SHEET}"\n'
LAYOUT = """<mjml><mj-body><mj-section><mj-column>{% for block in blocks %}{{ block }}{% endfor %}
<mj-text font-family="Shop Sans, sans-serif">{{ notification.title }}</mj-text></mj-column></mj-section></mj-body></mjml>"""


def page(tmp_path, hosts, layout=LAYOUT):
    found = packs(tmp_path, {"pack.toml": MANIFEST, "layouts/email.mjml.j2": layout})
    tokens, pictures, notes = compose.brand(chain(), found, "Shop", Policy.of({"hosts": hosts}))
    order = order_of(found, Choice("en", ("en",), "", "en"), tokens, pictures)
    seen = composing.seen(event().plain(), NOW.year)
    stencil, direct = Stencil(compiled(order)), Direct(order)
    html = stencil.html(stencil.notification(seen))[0]
    assert html == direct.html(direct.notification(seen))[0]
    return html, notes


def test_a_font_of_a_listed_host_is_named_where_it_is_used(tmp_path):
    html, notes = page(tmp_path, ["fonts.shop.example"])
    assert SHEET in html
    assert notes == ()


def test_a_font_nobody_uses_is_not_named(tmp_path):
    html, _ = page(tmp_path, ["fonts.shop.example"], LAYOUT.replace("Shop Sans, ", ""))
    assert SHEET not in html


def test_a_font_of_another_host_is_left_out_and_said(tmp_path):
    html, notes = page(tmp_path, [])
    assert "fonts.shop.example" not in html
    (note,) = notes
    assert "the font 'Shop Sans' of over1 1.0: fonts.shop.example is not in the operator's images.hosts" in note
