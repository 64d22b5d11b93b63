"""The pages a pack is looked at with: axe has nothing to say about the overview, a page of each channel, the preview."""

import pytest

from a11y.axe import violations
from livery.packs.findings import Finding
from livery.studio import gallery
from livery.studio.live import Session
from studio.making import NOTIFICATION, target, tiny, write

BROKEN = "[common]\nclosing = 'left open\n"


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A page of every kind: each channel of the gallery in both directions; the preview as it is, and with an error."""
    folder = tmp_path_factory.mktemp("pages")
    pack, out = tiny(folder), folder / "out"
    wrong = Finding(severity="warning", rule="contrast", message="too pale", fix="darken it", file="pack.toml", line=3)
    report = gallery.write(target(pack), out, findings=[wrong])
    shown = {"index": out / "index.html"} | {
        f"{one.case.channel.name} in {one.case.locale}": out / f"cases/{one.case.slug}.html"
        for one in report.looks
        if one.case.sample.name == "en" and (one.case.locale == "en" or one.case.channel.name == "smtp")
    }
    made = {name: file.read_text("utf-8") for name, file in shown.items()}
    session = Session(target(pack))
    try:
        slug = f"{NOTIFICATION}.en.smtp.en"
        made |= {"preview": session.case(slug), "preview of all": session.index()}
        write(pack, {"strings/en.toml": BROKEN})
        assert [session.poll(), session.poll()] == [False, True]
        made |= {"preview with an error": session.case(slug), "preview of all with an error": session.index()}
    finally:
        session.close()
    return {name: str(html) for name, html in made.items()}


def test_axe_finds_nothing_on_any_page_and_would_if_there_were(pages):
    assert {name.partition(" ")[0] for name in pages} >= {"index", "smtp", "slack", "teams", "webhook", "preview"}
    assert "strings/en.toml:" in pages["preview with an error"]
    spoilt = pages["preview"].replace('<html lang="en">', "<html>").replace("<label", "<i").replace("</label", "</i")
    found = violations({**pages, "spoilt": spoilt})
    assert set(found.pop("spoilt")) == {"html-has-lang", "label"}
    assert set(found) == set(pages)
    assert {name: rules for name, rules in found.items() if rules} == {}
