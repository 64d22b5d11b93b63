"""`pack check` of a pack among others: overlays and parents, tenants, and what cannot be opened or is too much."""

import json

import pytest

from livery.errors import NotFound
from livery.packtools import proofs
from livery.packtools.checking import check
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
    over,
    target,
    tiny,
    write,
)  # fmt: skip


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
