"""The pages of packs: uploaded, looked at, let be live and taken back; and packs that would do harm do none."""

from dataclasses import replace

import pytest

from depot.making import pack_zip, tiny_zip
from livery.models.identity import Role
from livery.studio.bench import Bench
from packtools.making import FILES
from pages.judging import violations

SELLER = "packs"
WRONG = {"strings/en.toml": '[tiny]\nsubject = "Order {{ event.order.idd }}"\ntext = "."\nclosing = "."\n'}
WAYS = {
    "desktop": ({"viewport": {"width": 1280, "height": 860}}, ()),
    "dark": ({"viewport": {"width": 1280, "height": 860}, "color_scheme": "dark"}, ("color-contrast",)),
    "phone": ({"viewport": {"width": 360, "height": 740}, "has_touch": True}, ("target-size",)),
}


def signed_in(service, page, role=Role.DESIGNER):
    page.goto(service.link(SELLER, roles=(role,)))
    page.click("main button")
    return page


def zip_file(content):
    return [{"name": "pack.zip", "mimeType": "application/zip", "buffer": content}]


def upload(page, content):
    page.set_input_files("#zip", files=zip_file(content))
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.get_by_role("button", name="Check and upload").click()


@pytest.mark.parametrize("javascript", [False, True], ids=["without script", "with htmx"])
def test_a_designer_uploads_a_pack_looks_at_it_lets_it_be_live_and_takes_it_back(service, tab, javascript):
    pack = f"story-{javascript}".lower()
    page = signed_in(service, tab(java_script_enabled=javascript))
    page.goto(service.at(SELLER, "/packs"))
    upload(page, tiny_zip(pack, **WRONG))
    said = page.get_by_role("alert").inner_text()
    assert "There is no event.order.idd" in said
    assert "strings/en.toml:2:21" in said
    upload(page, tiny_zip(pack))
    page.wait_for_url("**/packs/look/**")
    assert f"{pack} 1.0.0 is here" in page.get_by_role("status").inner_text()
    assert "Order ORD-2026-1042" in page.locator("aside").inner_text()
    page.select_option("#sample", index=1)
    for role, name in (("button", "Show"), ("link", "Dark"), ("link", "Phone")):
        with page.expect_navigation():
            page.get_by_role(role, name=name).click()
    frame = page.locator("iframe")
    assert frame.get_attribute("sandbox") == ""
    assert (frame.get_attribute("width"), frame.get_attribute("src")[-5:]) == ("375", "/dark")
    page.goto(service.at(SELLER, "/packs"))
    page.get_by_role("row").filter(has_text=pack).get_by_role("button", name="Let it be live").click()
    page.get_by_text(f"{pack} 1.0.0 is live at").wait_for()
    assert pack in page.get_by_role("region", name="In use").inner_text()
    assert service.engine.packs.used(SELLER) == pack
    page.get_by_role("button", name="Roll back").click()
    page.get_by_text(f"{pack} is live here no more").wait_for()
    assert service.engine.packs.used(SELLER) == "base"
    row = page.get_by_role("region", name="History").get_by_role("row").nth(1).inner_text()
    assert "Rolled back" in row
    assert "nele" in row


def test_who_only_looks_changes_nothing_and_sees_nothing_of_others(service, tab):
    theirs = service.engine.packs.add("levels", pack_zip("theirs"), who="olaf")
    page = signed_in(service, tab(), Role.VIEWER)
    page.goto(service.at(SELLER, "/packs"))
    assert page.locator("main form").count() == 0
    assert "theirs" not in page.content()
    for what in (theirs.id, "theirs", "pkv_nobody"):
        for part in ("look", "findings", "drift"):
            assert page.goto(service.at(SELLER, f"/packs/{part}/{what}")).status == 404


HOSTILE = """<!doctype html><html><head><meta http-equiv="refresh" content="0;url={there}/refresh">
<link rel="prefetch" href="{there}/prefetch"><script src="{there}/script"></script></head><body>
<script>parent.document.title = "owned"; fetch("{there}/fetch")</script>
<img src="{there}/img" onerror="fetch('{there}/onerror')"><svg onload="fetch('{there}/svg')"><script>1</script></svg>
<iframe src="{there}/frame"></iframe><object data="{there}/object"></object>
<form action="{there}/form" method="post"><button id="go">Go</button></form>
<style>@import "{there}/import"; body {{ background: url({there}/css) }}</style>
<a id="away" href="{there}/away" target="_top">away</a></body></html>"""


@pytest.fixture
def watched(browsing, chromium):
    """Opens a tab in which what is kept from happening may be told of on its console; also gives what was answered."""
    contexts = []

    def open_one():
        contexts.append(chromium.new_context(viewport={"width": 1280, "height": 860}))
        page, answered = contexts[0].new_page(), []
        page.set_default_timeout(10_000)
        page.on("response", lambda response: answered.append(response.url))
        page.on("popup", lambda _: answered.append("a window"))
        return page, answered

    yield open_one
    browsing.submit(lambda: [context.close() for context in contexts]).result()


def test_a_message_that_would_do_harm_does_none_in_its_frame(service, watched, monkeypatch):
    """As if all that keeps active markup out of messages had failed."""
    there, real = service.http.url("/harm"), Bench.look

    def look(self, slug):
        found = real(self, slug)
        return replace(found, message=found.message.model_copy(update={"html": HOSTILE.format(there=there)}))

    monkeypatch.setattr(Bench, "look", look)
    page, answered = watched()
    signed_in(service, page, Role.VIEWER)
    page.goto(service.at(SELLER, "/packs/look/base"), wait_until="networkidle")
    inside = page.frames[1]
    inside.locator("#go").click()
    inside.locator("#away").click()
    page.wait_for_load_state("networkidle")
    assert page.title().startswith("Livery base")
    assert [url for url in answered if not url.startswith(service.url)] == []
    assert [one.path for one in service.http.requests if one.path.startswith("/harm")] == []
    alone = page.goto(page.locator("iframe").evaluate("one => one.src"), wait_until="networkidle")
    policy = alone.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none'")
    assert [one.path for one in service.http.requests if one.path.startswith("/harm")] == []


SVG = '<svg xmlns="http://www.w3.org/2000/svg"><script>parent.document.title="owned"</script></svg>'
LOGO = '[tokens]\nlogo = { type = "image", value = "assets/logo.svg" }\n'
ACTIVE = {
    "a script": {"layouts/email.mjml.j2": "<mjml><mj-body><mj-raw><script>1</script></mj-raw></mj-body></mjml>"},
    "a logo": {
        "assets/logo.svg": SVG,
        "pack.toml": FILES["pack.toml"].replace("[tokens]\n", LOGO).replace("tiny", "a-logo"),
    },
    "words": {
        "strings/en.toml": FILES["strings/en.toml"].replace(
            "It failed", "</iframe><script>parent.document.title=1</script>"
        )
    },
}


@pytest.mark.parametrize("what", ACTIVE)
def test_an_upload_with_active_markup_is_refused_or_harmless(service, watched, what):
    page, answered = watched()
    signed_in(service, page)
    page.goto(service.at(SELLER, "/packs"))
    upload(page, tiny_zip(what.replace(" ", "-"), **ACTIVE[what]))
    page.wait_for_load_state("networkidle")
    assert "owned" not in page.title()
    assert page.locator("script:not([src])").count() == 0
    assert [url for url in answered if not url.startswith(service.url)] == []
    if what != "words":
        assert page.get_by_role("alert").count() == 1


@pytest.mark.parametrize("way", WAYS)
def test_axe_finds_nothing_and_nothing_is_wider_than_the_screen(service, tab, way):
    engine = service.engine
    if not engine.packs.list("looks", pack="looks-brand"):
        engine.packs.add("looks", pack_zip("looks-brand"), who="nele", note="for the looks")
        engine.packs.activate("looks", "looks-brand", who="nele", use=False)
        engine.packs.add("looks", pack_zip("looks-brand", "1.1.0"), who="nele")
    options, rules = WAYS[way]
    page = tab(**options)
    page.goto(service.link("looks", roles=(Role.ADMIN,)))
    page.click("main button")
    found = {}
    for path in (
        "",
        "/look/looks-brand",
        "/look/nordwind?locale=ar&device=phone&scheme=dark",
        "/findings/looks-brand",
        "/drift/nordwind",
    ):
        page.goto(service.at("looks", f"/packs{path}"))
        wide = page.evaluate("() => document.documentElement.scrollWidth - document.documentElement.clientWidth")
        found[path] = violations(page, *rules), wide
    assert {name: one for name, one in found.items() if one != ({}, 0)} == {}
