"""Uploads are checked as the tenant would use them; and the commands for it."""

import json

import pytest
from typer.testing import CliRunner

from depot.making import NORTH, SELLER, opened, pack_zip, tiny, tiny_zip
from livery.cli import app
from livery.errors import NotFound, PackError
from livery.packtools.signing import make_keys
from livery.packtools.uploading import check, upload

CONFIG = """
database_url = "sqlite:///livery.db"
[channels.smtp]
[tenants.platform]
[tenants.north]
parent = "platform"
[tenants.res-org-n]
parent = "north"
"""
WRONG = {"strings/en.toml": '[tiny]\nsubject = "Order {{ event.order.idd }}"\ntext = "."\nclosing = "."\n'}


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    with opened(f"sqlite:///{tmp_path_factory.mktemp('upload')}/livery.db") as made:
        yield made


def test_what_is_wrong_is_told_with_its_place_and_nothing_is_kept_and_nobody_is_alarmed(engine, caplog):
    with pytest.raises(PackError) as refused:
        upload(engine, NORTH, tiny_zip("wrong", **WRONG), who="nele")
    (found,) = [one for one in refused.value.findings if one.severity == "error"]
    assert (found.pack, found.place) == ("wrong", "strings/en.toml:2:21")
    broken = tiny_zip("wrong", **{"strings/de.toml": "[a\n"})
    assert [one.place for one in check(engine, NORTH, broken).findings] == ["strings/de.toml:1:3"]
    assert "tmp" not in json.dumps(check(engine, NORTH, b"no zip").plain())
    assert engine.packs.list() == []
    assert not engine.hooks.alarms
    assert not caplog.records


def test_an_upload_builds_on_what_is_active_for_its_tenant(engine):
    upload(engine, NORTH, tiny_zip("north-brand"), who="nele")
    over = pack_zip("shop", parent="north-brand", **{"strings/en.toml": '[tiny]\nsubject = "From the shop"\n'})
    assert [one.rule for one in check(engine, SELLER, over).findings] == ["parent"]
    engine.packs.activate(NORTH, "north-brand", who="nele")
    made = upload(engine, SELLER, over, who="sami", note="first")
    assert made.version.counts["error"] == 0
    assert made.report.messages > 5
    assert engine.packs.report(made.version.id)["checked"]["messages"] == made.report.messages
    with pytest.raises(NotFound):
        upload(engine, NORTH, tiny_zip("other"), who="eve", within=SELLER)


def run(*arguments, code=0):
    done = CliRunner().invoke(app, ["pack", *map(str, arguments)])
    assert done.exit_code == code, done.output
    return done.output


def test_a_pack_goes_live_and_back_by_command(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "livery.toml").write_text(CONFIG)
    for version in ("1.0.0", "1.1.0"):
        for name, said in tiny(version=version).items():
            (tmp_path / "fjord" / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / "fjord" / name).write_text(said)
        keys = tmp_path / "keys.key"
        if not keys.exists():
            make_keys(tmp_path / "keys")
        run("build", "fjord", "-o", "fjord.zip", "--sign", keys)
        run("upload", NORTH, "fjord.zip", "--who", "nele")
    assert "fjord 1.1.0 is active at north" in run("activate", NORTH, "fjord")
    assert "fjord 1.0.0 is active at north" in run("activate", NORTH, "fjord", "1.0.0", "--note", "too loud")
    assert "fjord 1.1.0 is active at north" in run("rollback", NORTH, "fjord")
    told = json.loads(run("history", NORTH, "--json"))
    assert [one["action"] for one in told] == ["roll back", "activate", "activate", "upload", "upload"]
    assert told[1]["note"] == "too loud"
    listed = json.loads(run("versions", SELLER, "--json"))
    assert [(one["version"], one["active_at"]) for one in listed] == [("1.1.0", ["north"]), ("1.0.0", [])]
    assert "another version, or none" in run("remove", listed[0]["id"], code=2)
    assert "Removed: fjord 1.0.0" in run("remove", listed[1]["id"])
    assert "copied nothing" in run("drift", NORTH, "fjord")
    (tmp_path / "fjord/strings/en.toml").write_text(WRONG["strings/en.toml"])
    assert "not uploaded" in run("upload", NORTH, "fjord", code=1)
