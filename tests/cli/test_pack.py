"""`livery pack …` as people use it: what it prints, what it writes, how it ends."""

import json
import os
import pty
import subprocess
import sys
import tomllib
from contextlib import suppress

import pytest

from cli.commands import EVENTS, livery
from packtools.making import FILES

MANIFEST = 'format = 1\nid = "fjord"\nversion = "1.0.0"\ntitle = "Fjord"\nlicense = "MIT"\nparent = "base"\n'
SMALL = {**FILES, "pack.toml": FILES["pack.toml"].replace("tiny", "fjord").replace("Tiny", "Fjord")}
STRINGS = "strings/en.toml"
CONFIG = """pack_paths = ["fjord"]
database_url = "sqlite:///livery.db"
[channels.smtp]
port = {port}
[tenants.platform]
[tenants.fjord]
parent = "platform"
name = "Fjord"
pack = "fjord"
[tenants.fjord.brand]
primary = "#5b2a86"
"""


def pack(tmp_path, files=None):
    for name, text in {"pack.toml": MANIFEST, "README.md": "# Fjord\n", **(files or {})}.items():
        file = tmp_path / "fjord" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return tmp_path


def small(tmp_path, files=None):
    """One without a parent, with one notification in one language: a check of it is quick."""
    return pack(tmp_path, {**SMALL, **(files or {})})


@pytest.fixture(scope="module")
def wrong(tmp_path_factory):
    text = FILES[STRINGS].replace("event.order.id", "event.order.idd")
    return small(tmp_path_factory.mktemp("wrong"), {STRINGS: text})


# --------------------------------------------------------------------------- check


def test_check_of_a_good_pack_says_what_was_looked_at(tmp_path):
    done = livery("pack", "check", "fjord", "--strict", cwd=pack(tmp_path))
    assert done.returncode == 0, done.stdout
    assert done.stdout.startswith("✓ fjord 1.0.0: nothing to mend\n")
    assert "2 notifications, 15 samples" in done.stdout
    assert done.stderr == ""


def test_check_prints_a_line_for_each_finding_and_ends_with_1(wrong):
    done = livery("pack", "check", "fjord", cwd=wrong)
    assert done.returncode == 1
    assert done.stdout.startswith(
        "fjord/strings/en.toml:2:21: error unknown-variable: there is no event.order.idd; did you mean event.order.id?\n"
    )
    assert "\n✗ fjord 1.0.0: 1 error\n" in done.stdout


def test_check_as_json_has_the_same_and_the_path_from_here(wrong):
    done = livery("pack", "check", "fjord", "--json", cwd=wrong)
    assert done.returncode == 1
    said = json.loads(done.stdout)
    (report,) = said["packs"]
    (found,) = report["findings"]
    assert said["ok"] is False
    assert report["counts"] == {"error": 1, "warning": 0, "note": 0}
    assert (found["path"], found["line"], found["rule"]) == ("fjord/strings/en.toml", 2, "unknown-variable")
    assert set(report["checked"]) >= {"notifications", "locales", "samples", "channels", "messages"}


def test_check_for_github_makes_annotations(wrong):
    done = livery("pack", "check", "fjord", "--format", "github", cwd=wrong)
    assert done.returncode == 1
    assert done.stdout.splitlines()[0] == (
        "::error file=fjord/strings/en.toml,line=2,col=21,title=unknown-variable"
        "::there is no event.order.idd; did you mean event.order.id?"
    )


def test_warnings_end_with_1_only_if_strict(tmp_path):
    home = small(tmp_path, {STRINGS: FILES[STRINGS] + 'closng = "x"\n'})
    assert livery("pack", "check", "fjord", cwd=home).returncode == 0
    done = livery("pack", "check", "fjord", "--strict", cwd=home)
    assert done.returncode == 1
    assert "warning text-unused" in done.stdout


def test_several_packs_are_checked_at_once_and_a_broken_one_has_findings(wrong):
    broken = wrong / "broken"
    broken.mkdir()
    (broken / "pack.toml").write_text("format = 1\n")
    small(wrong / "good")
    done = livery("pack", "check", "broken", "good/fjord", cwd=wrong)
    assert done.returncode == 1
    assert "broken/pack.toml: error missing: id is missing" in done.stdout
    assert "✓ fjord 1.0.0" in done.stdout


@pytest.mark.parametrize("arguments", [("nope",), ("./no/such.zip",), ("base", "--seller", "nobody")])
def test_what_is_not_there_ends_with_2(tmp_path, arguments):
    done = livery("pack", "check", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr


# --------------------------------------------------------------------------- new, and what comes after


def test_from_new_to_a_sent_email(tmp_path, mail):
    done = livery("pack", "new", "fjord", "--primary", "#134e6f", "--locale", "en", "--locale", "de", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "✓ fjord 0.1.0" in done.stdout
    config = (tmp_path / "livery.toml").read_text()
    (tmp_path / "livery.toml").write_text(config.replace("port = 1025", f"port = {mail.port}"))
    sample = "fjord/samples/offer_provision_error/en.json"
    assert f"livery send {sample}" in done.stdout
    rendered = livery("render", sample, "--out", "out", cwd=tmp_path)
    assert rendered.returncode == 0, rendered.stderr
    assert "degraded" not in rendered.stderr
    assert "#134e6f" in (tmp_path / "out/offer_provision_error.en.smtp.html").read_text("utf-8")
    sent = livery("send", sample, cwd=tmp_path)
    assert sent.returncode == 0, sent.stdout + sent.stderr
    assert "#134e6f" in mail.mails[0].part("html")


def test_new_asks_on_a_terminal_for_what_was_not_given_until_the_answer_can_be(tmp_path):
    here, there = pty.openpty()
    command = [sys.executable, "-m", "livery", "pack", "new", "fjord", "--title", "Fjord & Sons"]
    with subprocess.Popen(command, cwd=tmp_path, stdin=there, stdout=there, stderr=there) as running:
        os.close(there)
        answers = (
            "Nord Fjord", "base", "nordfjord", "basis", "", "greenish", "#134e6f", "deutsch", "de en", "help",
            "help@fjord.example", "nowhere.png", "",
        )  # fmt: skip
        os.write(here, "".join(f"{one}\n" for one in answers).encode())
        said = b""
        with suppress(OSError):  # which Linux says at the end of a terminal
            while some := os.read(here, 4096):
                said += some
    os.close(here)
    assert running.returncode == 0, said.decode()
    assert b"Laid over (atelier, base" in said
    for why in (
        "'Nord Fjord' can be no id", "'base' is taken", "no pack is called 'basis'; did you mean base?",
        "'greenish' is no colour", "'deutsch' is no language", "'help' is no address", "cannot read nowhere.png",
    ):  # fmt: skip
        assert why in " ".join(said.decode().split()), why
    assert b"What people call it" not in said
    manifest = tomllib.loads((tmp_path / "fjord/pack.toml").read_text("utf-8"))
    assert (manifest["id"], manifest["title"], manifest["parent"]) == ("nordfjord", "Fjord & Sons", "base")
    assert manifest["locales"] == ["de", "en"]
    assert manifest["tokens"] == {"primary": "#134e6f", "support_email": "help@fjord.example"}


def test_new_overwrites_nothing(tmp_path):
    home = pack(tmp_path)
    done = livery("pack", "new", "fjord", cwd=home)
    assert done.returncode == 2
    assert "Nothing was written" in done.stderr
    assert not (home / "livery.toml").exists()


def test_new_with_a_configuration_says_what_to_add_to_it(tmp_path):
    (tmp_path / "livery.toml").write_text("[tenants.platform]\n")
    done = livery("pack", "new", "fjord", "--locale", "en", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["config_is_new"] is False
    assert tomllib.loads(said["to_add"])["pack_paths"] == ["fjord"]
    assert said["counts"]["error"] == 0


# --------------------------------------------------------------------------- override, diff


def test_override_diff_and_accept(tmp_path):
    home = pack(tmp_path)
    done = livery("pack", "override", "fjord", "strings/en.toml#common.closing", cwd=home)
    assert done.returncode == 0, done.stderr
    assert "fjord/strings/en.toml" in done.stdout
    same = livery("pack", "diff", "fjord", "--strict", cwd=home)
    assert (same.returncode, same.stdout) == (0, "✓ strings/en.toml#common.closing: base 1.0.0 is as it was\n")
    manifest = home / "fjord/pack.toml"
    digest = tomllib.loads(manifest.read_text())["overrides"]["strings/en.toml#common.closing"]["digest"]
    manifest.write_text(manifest.read_text().replace(digest, "0" * 64))
    (home / "fjord/parents/strings/en/common.closing.txt").write_text("As it was.")
    moved = livery("pack", "diff", "fjord", "--strict", cwd=home)
    assert moved.returncode == 1
    assert "  -As it was." in moved.stdout
    assert livery("pack", "diff", "fjord", cwd=home).returncode == 0
    plain = json.loads(livery("pack", "diff", "fjord", "--json", cwd=home).stdout)
    assert [(one["state"], one["of"]) for one in plain] == [("moved", "base 1.0.0")]
    assert livery("pack", "diff", "fjord", "--accept", "strings/en.toml#common.closing", cwd=home).returncode == 0
    assert livery("pack", "diff", "fjord", "--strict", cwd=home).returncode == 0


def test_override_of_what_is_not_there_ends_with_2(tmp_path):
    done = livery("pack", "override", "fjord", "blocks/eror.mjml.j2", cwd=pack(tmp_path))
    assert done.returncode == 2
    assert "did you mean blocks/error.mjml.j2?" in done.stderr


# --------------------------------------------------------------------------- explain


def test_explain_says_where_each_piece_comes_from(tmp_path):
    home = pack(tmp_path, {"strings/en.toml": '[common]\nclosing = "x"\n'})
    asked = ("pack", "explain", "fjord", "--notification", "offer_provision_error", "--locale", "en")
    done = livery(*asked, cwd=home)
    assert done.returncode == 0, done.stderr
    row = next(line for line in done.stdout.splitlines() if line.split()[:1] == ["common.closing"])
    assert row.split() == ["common.closing", "fjord", "en.toml:2", "changed", "over", "base"]
    found = {one["name"]: one for one in json.loads(livery(*asked, "--json", cwd=home).stdout) if one["kind"] == "text"}
    assert (found["common.closing"]["pack"], found["common.closing"]["line"]) == ("fjord", 2)


def test_explain_asks_which_notification_if_there_are_several(tmp_path):
    done = livery("pack", "explain", "base", cwd=tmp_path)
    assert done.returncode == 2
    assert "offer_provision_error, offer_provisioned" in done.stderr


# --------------------------------------------------------------------------- build, assets, schema, list


def test_build_makes_a_zip_that_check_takes_and_refuses_what_is_wrong(tmp_path, wrong):
    home = small(tmp_path)
    done = livery("pack", "build", "fjord", cwd=home)
    assert done.returncode == 0, done.stdout
    assert livery("pack", "check", "fjord-1.0.0.zip", "--strict", cwd=home).returncode == 0
    digest = (home / "fjord-1.0.0.zip.sha256").read_text().split()[0]
    assert f"sha256 {digest}" in done.stdout
    again = json.loads(livery("pack", "build", "fjord", "-o", "two.zip", "--json", cwd=home).stdout)
    assert again["sha256"] == digest
    refused = livery("pack", "build", "fjord", cwd=wrong)
    assert refused.returncode == 1
    assert not list(wrong.glob("*.zip"))


def test_schemas_are_printed_or_written(tmp_path):
    printed = json.loads(livery("pack", "schema", cwd=tmp_path).stdout)
    done = livery("pack", "schema", "--out", "schemas", cwd=tmp_path)
    assert done.stdout.split() == ["schemas/pack.json", "schemas/notification.json", "schemas/strings.json"]
    for kind, schema in printed.items():
        assert json.loads((tmp_path / f"schemas/{kind}.json").read_text("utf-8")) == schema


def test_assets_without_images_says_so(tmp_path):
    done = livery("pack", "assets", "fjord", "out", cwd=pack(tmp_path))
    assert (done.returncode, done.stdout) == (0, "")
    assert "no images" in done.stderr


def test_list_shows_parents_tenants_and_findings(tmp_path):
    home = pack(tmp_path, {"strings/en.toml": "common = 1\n"})
    (home / "livery.toml").write_text(CONFIG.format(port=25))
    done = livery("pack", "list", cwd=home)
    assert done.returncode == 0, done.stderr
    row = next(line for line in done.stdout.splitlines() if line.startswith(" fjord"))
    assert " base " in row
    assert "1 error" in row
    (fjord,) = [one for one in json.loads(livery("pack", "list", "--json", cwd=home).stdout) if one["id"] == "fjord"]
    assert fjord["tenants"] == ["fjord"]
    assert fjord["parents"][-1] == "base"
    assert fjord["findings"][0]["rule"] == "text"


# --------------------------------------------------------------------------- translations


def test_texts_go_out_to_translators_and_come_back(tmp_path):
    home = pack(tmp_path)
    done = livery("pack", "po-export", "fjord", "--locale", "fr", "-o", "fr.po", cwd=home)
    assert done.returncode == 0, done.stderr
    assert "0 translated" in done.stdout
    po = (home / "fr.po").read_text("utf-8")
    untranslated = 'msgid "Best Regards,"\nmsgstr ""'
    assert untranslated in po
    (home / "fr.po").write_text(po.replace(untranslated, 'msgid "Best Regards,"\nmsgstr "Cordialement,"'), "utf-8")
    taken = livery("pack", "po-import", "fjord", "fr.po", cwd=home)
    assert taken.returncode == 0, taken.stdout
    assert "1 text new or changed" in taken.stdout
    assert tomllib.loads((home / "fjord/strings/fr.toml").read_text("utf-8")) == {
        "common": {"regards": "Cordialement,"}
    }
    assert livery("pack", "check", "fjord", "--strict", cwd=home).returncode == 0
    again = livery("pack", "po-export", "fjord", "--locale", "fr", "-o", "fr.po", cwd=home)
    assert "1 translated" in again.stdout


def test_a_translation_that_lost_a_value_is_told_with_its_line(tmp_path):
    home = pack(tmp_path)
    livery("pack", "po-export", "fjord", "--locale", "fr", "-o", "fr.po", cwd=home)
    po = (home / "fr.po").read_text("utf-8")
    source = 'msgid "Dear {{ event.customer.name }},"\nmsgstr ""'
    (home / "fr.po").write_text(po.replace(source, source[:-1] + 'Bonjour"'), "utf-8")
    done = livery("pack", "po-import", "fjord", "fr.po", cwd=home)
    assert done.returncode == 1
    assert "error po-placeholder: common.greeting lacks {{ event.customer.name }}" in done.stdout
    assert done.stdout.startswith("fr.po:")
    assert not (home / "fjord/strings").exists()


def test_how_far_each_language_is_and_what_is_left_in_one(tmp_path):
    lacking = "{{ event.offer.quantity | plural(one='ein', other='# x') }}"
    files = {"fr": '[common]\nclosing = "Désolé."\n', "ar": f'[offer_provision_error]\npreheader = "{lacking}"\n'}
    home = pack(tmp_path, {f"strings/{tag}.toml": text for tag, text in files.items()})
    done = livery("pack", "languages", "fjord", cwd=home)
    rows = {line.split()[0]: " ".join(line.split()[1:]) for line in done.stdout.splitlines() if line.strip()}
    assert set(rows) >= {"en", "de", "ar", "fr"}
    total = int(rows["en"].split()[0])
    assert rows["en"] == f"{total} {total} (100 %) 0 0 0"
    assert rows["fr"] == f"{total} 1 ({100 // total} %) {total - 1} 0 0"
    assert rows["ar"].endswith(" 0 0 1")
    french = livery("pack", "languages", "fjord", "--locale", "fr", cwd=home).stdout
    assert "common.regards: comes in en (base strings/en.toml:" in french
    assert "common.closing:" not in french
    arabic = livery("pack", "languages", "fjord", "-l", "ar", cwd=home).stdout
    lacks = "offer_provision_error.preheader: lacks the plural forms zero, two, few, many (fjord strings/ar.toml:2)"
    assert lacks in arabic.splitlines()
    none = livery("pack", "languages", "fjord", "-l", "it", cwd=home)
    assert (none.returncode, none.stderr) == (2, "the pack does not speak 'it'; it speaks ar, de, en, fr\n")


def test_every_command_speaks_json(tmp_path):
    home = pack(tmp_path)
    (home / "livery.toml").write_text(CONFIG.format(port=25))
    sample = json.loads((EVENTS / "offer_provision_error.en.json").read_text("utf-8"))
    assert sample["type"] == "OfferProvisionError"
    for command in (
        ("override", "fjord", "blocks/text.mjml.j2"),
        ("diff", "fjord"),
        ("assets", "fjord", "out"),
        ("schema",),
        ("languages", "fjord"),
        ("po-export", "fjord", "--locale", "de", "-o", "de.po"),
        ("po-import", "fjord", "de.po"),
    ):
        done = livery("pack", *command, "--json", cwd=home)
        assert done.returncode == 0, (command, done.stderr)
        json.loads(done.stdout)


def test_nothing_a_pack_says_moves_the_cursor(tmp_path):
    escaped = '[tiny]\nclosing = "{{ event[\'\\u001b[2J\'] }}\\u202e"\n"\\u001b[31m" = "x"\n'
    manifest = SMALL["pack.toml"].replace('"1.0.0"', '"1\\u001b[31m"')
    home = small(tmp_path, {STRINGS: escaped, "pack.toml": manifest})
    for command in (("check", "fjord"), ("check", "fjord", "--format", "github"), ("list",)):
        done = livery("pack", *command, cwd=home)
        assert "\x1b" not in done.stdout + done.stderr
    assert "there is no event.\\x1b[2J" in livery("pack", "check", "fjord", cwd=home).stdout
