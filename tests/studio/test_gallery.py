"""The gallery: complete, the same each time, fetching nothing, harmless whatever is in the pack."""

import json

import pytest

from cli.commands import livery
from livery.errors import LiveryError
from livery.packs.findings import Finding
from livery.studio import gallery
from studio.making import BREAKING, NOTIFICATION, STRINGS, TINY, Page, event, target, tiny, zipped


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("gallery")
    report = gallery.write(target(tiny(folder)), folder / "out")
    return folder / "out", report


def files_of(out):
    return {file.relative_to(out).as_posix(): file.read_bytes() for file in sorted(out.rglob("*")) if file.is_file()}


def pages_of(out):
    """Our own pages by their file; documents inside frames are not ours."""
    return {file: Page(file.read_text("utf-8")) for file in [out / "index.html", *sorted((out / "cases").iterdir())]}


def test_every_case_has_its_page_and_its_pictures(site):
    out, report = site
    index = Page((out / "index.html").read_text("utf-8"))
    listed = {one["href"] for one in index.all("a") if one.get("href", "").startswith("cases/")}
    assert listed == {f"cases/{one.case.slug}.html" for one in report.looks}
    assert len(index.all("iframe")) == report.pictures
    shown = [one for one in report.looks if one.case.channel.name == "smtp"]
    for one in shown:
        page = Page((out / f"cases/{one.case.slug}.html").read_text("utf-8"))
        assert {frame["src"].rsplit(".", 2)[1] for frame in page.all("iframe")} == {"light", "dark"}
        assert len(page.all("iframe")) == 4


def test_every_link_leads_to_a_file_of_the_site(site):
    out, _ = site
    for file, page in pages_of(out).items():
        for value in page.values("href", "src"):
            assert (file.parent / value.partition("#")[0]).resolve().is_relative_to(out.resolve())
            assert not value.partition("#")[0] or (file.parent / value.partition("#")[0]).is_file(), f"{file}: {value}"


def test_our_pages_name_no_other_host_and_load_nothing_from_one(site):
    out, _ = site
    for page in pages_of(out).values():
        assert not [value for value in page.values("href", "src", "srcset", "action", "data") if "://" in (value or "")]
        (policy,) = [one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "http" not in policy
    for name in ("studio.css", "drawings.css", "gallery.js"):
        text = (out / name).read_text("utf-8")
        assert "://" not in text
        assert "url(" not in text
        assert "@import" not in text


def test_every_document_in_a_frame_has_its_policy_first_and_every_frame_a_full_sandbox(site):
    out, _ = site
    for file in (out / "frames").iterdir():
        page = Page(file.read_text("utf-8"))
        policy = next(attributes["content"] for _, attributes in page.elements if "http-equiv" in attributes)
        assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    for page in pages_of(out).values():
        assert all(one["sandbox"] is None and one["title"] for one in page.all("iframe"))


def test_the_same_pack_gives_the_same_bytes(site, tmp_path):
    out, report = site
    again = gallery.write(target(tiny(tmp_path)), tmp_path / "again")
    assert again.digest == report.digest
    assert files_of(tmp_path / "again") == files_of(out)


def test_another_pack_has_another_digest(site, tmp_path):
    _, report = site
    other = tiny(tmp_path, {"pack.toml": TINY["pack.toml"].replace("#134e6f", "#235e7f")})
    assert gallery.write(target(other), tmp_path / "out").digest != report.digest


def test_it_shows_sizes_subjects_and_what_an_inbox_shows(site):
    out, report = site
    one = next(one for one in report.looks if one.case.channel.name == "smtp" and one.case.locale == "en")
    text = Page((out / f"cases/{one.case.slug}.html").read_text("utf-8")).text
    for said in (one.message.title, one.preheader, one.sender, "of 102 KB", " → ".join(one.packs)):
        assert said in text


def test_right_to_left_messages_are_shown_so(site):
    out, report = site
    one = next(one for one in report.looks if one.case.locale == "ar" and one.case.channel.name == "smtp")
    page = Page((out / f"cases/{one.case.slug}.html").read_text("utf-8"))
    assert page.all("h1")[0]["dir"] == "rtl"
    assert [each["dir"] for each in page.all("p") if each.get("class") == "inbox"] == ["rtl"]


def test_what_a_check_found_stands_on_the_overview(tmp_path):
    found = Finding(severity="error", rule="contrast", message=f"too pale {BREAKING}", file="pack.toml", line=9)
    report = gallery.write(target(tiny(tmp_path)), tmp_path / "out", findings=[found])
    page = Page((tmp_path / "out/index.html").read_text("utf-8"))
    assert "pack.toml:9" in page.text
    assert found.message in page.text
    assert found in report.findings
    assert not report.is_fine


def scripts(page):
    return [one.get("src") for one in page.all("script")]


def test_hostile_texts_stay_texts(tmp_path):
    """Of an event, and of a pack: in its title, its strings and its tokens."""
    strings = STRINGS.replace("What was said", BREAKING).replace("Failed", BREAKING).replace("failed", BREAKING)
    files = {
        "pack.toml": TINY["pack.toml"].replace("Tiny Cloud", BREAKING),
        "strings/en.toml": strings,
        "strings/ar.toml": strings,
        f"samples/{NOTIFICATION}/en.json": json.dumps(event(error__message=BREAKING, customer__name=BREAKING)),
    }
    gallery.write(target(tiny(tmp_path, files)), tmp_path / "out")
    for file, page in pages_of(tmp_path / "out").items():
        assert scripts(page) == [("" if file.name == "index.html" else "../") + "gallery.js"], file
        assert BREAKING in page.text
    for file in (tmp_path / "out/frames").iterdir():
        assert not Page(file.read_text("utf-8")).all("script"), file


def test_script_in_a_packs_markup_cannot_run(tmp_path):
    files = {"blocks/error.mjml.j2": "<mj-raw><script>alert(1)</script></mj-raw><mj-text>{{ block.text }}</mj-text>"}
    report = gallery.write(target(tiny(tmp_path, files)), tmp_path / "out")
    assert report.looks
    for file in (tmp_path / "out/frames").iterdir():
        assert "script-src" not in file.read_text("utf-8").partition(">")[2].partition(">")[0]
    for page in pages_of(tmp_path / "out").values():
        assert all(one["sandbox"] is None for one in page.all("iframe"))


def test_a_gallery_replaces_the_one_before_and_nothing_else(tmp_path):
    out = tmp_path / "out"
    gallery.write(target(tiny(tmp_path)), out)
    (out / "cases/old.html").write_text("old")
    gallery.write(target(tiny(tmp_path)), out)
    assert not (out / "cases/old.html").exists()
    (tmp_path / "other").mkdir()
    (tmp_path / "other/keep.txt").write_text("keep")
    with pytest.raises(LiveryError, match="not empty"):
        gallery.write(target(tiny(tmp_path)), tmp_path / "other")
    assert (tmp_path / "other/keep.txt").read_text() == "keep"


# --------------------------------------------------------------------------- the command


def test_the_command_says_what_there_is(tmp_path):
    done = livery("pack", "gallery", tiny(tmp_path), "--out", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == f"{NOTIFICATION} in en, ar"
    assert [line.split()[0] for line in done.stdout.splitlines() if line.startswith((" E-mail", " Slack"))] == [
        "E-mail",
        "Slack",
    ]
    assert "none degraded" in done.stdout
    assert "out/index.html" in done.stdout
    assert (tmp_path / "out/index.html").is_file()


def test_the_command_fails_if_something_is_degraded_and_says_what(tmp_path):
    broken = {"strings/en.toml": STRINGS.replace("What was said", "{{ event.nothing.here }}")}
    pack = zipped(tiny(tmp_path, broken), tmp_path / "tiny.zip")
    done = livery("pack", "gallery", pack, "--out", "out", "--json", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    degraded = [one for one in told["messages"] if one["degraded"]]
    assert {one["locale"] for one in degraded} == {"en"}
    page = Page((tmp_path / "out" / degraded[0]["page"]).read_text("utf-8"))
    assert degraded[0]["degraded"][0] in page.text


def test_a_pack_that_cannot_be_opened_is_bad_input(tmp_path):
    done = livery("pack", "gallery", tiny(tmp_path, {"pack.toml": "id = "}), "--out", "out", cwd=tmp_path)
    assert done.returncode == 2
    assert "pack.toml" in done.stderr
    assert not (tmp_path / "out").exists()
