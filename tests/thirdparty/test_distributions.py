"""Other people's distributions, installed beside the built wheel into a fresh environment, are found and used."""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from livery.testing import MailServer

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"
CHANNEL, PACK = EXAMPLES / "thirdparty_channel", EXAMPLES / "thirdparty_pack"
IGNORED = shutil.ignore_patterns("dist", "__pycache__")

CONFIG = """
[channels.smtp]
port = {smtp}

[channels.logfile]
file = "{folder}/messages.log"

[tenants.platform]

[tenants.res-org-n]
parent = "platform"
name = "Res. Org N."
pack = "fjord"

[[tenants.res-org-n.channels.logfile]]
name = "messages"
"""


def run(*command, cwd):
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("LIVERY_", "PYTHON", "COV_"))}
    clean |= {"XDG_CACHE_HOME": str(cwd / "cache"), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command = [str(one) for one in command]
    done = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def built(folder, to):
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", to, cwd=folder)


def wheels(folder):
    """Livery's wheel (the one under test, if the source roots are away) and the two of the examples."""
    dist = folder / "dist"
    dist.mkdir()
    if wheel := os.environ.get("LIVERY_WHEEL"):
        shutil.copy(wheel, dist)
    else:
        built(ROOT, dist)
    for example in (CHANNEL, PACK):
        built(shutil.copytree(example, folder / example.name, ignore=IGNORED), dist)
    return sorted(dist.glob("*.whl"))


def pins():
    """The locked versions. Without their hashes: pip takes no hashes for what a wheel asks for."""
    lock = (ROOT / ".ci/requirements.txt").read_text("utf-8")
    return re.sub(r" \\\n(?: +--hash=\S+(?: \\)?\n)+", "\n", lock)


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A fresh environment with the three wheels and what they ask for, and nothing else: (its bin, its site)."""
    if not (ROOT / "engine").is_dir() and "LIVERY_WHEEL" not in os.environ:
        pytest.fail("the source roots are away: LIVERY_WHEEL must name the wheel")
    folder = tmp_path_factory.mktemp("thirdparty")
    (folder / "pins.txt").write_text(pins())
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv/bin/python"
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--constraint", folder / "pins.txt"]
    run(*pip, *wheels(folder), cwd=folder)
    return folder / "venv/bin"


@pytest.fixture
def home(tmp_path):
    with MailServer() as mail:
        (tmp_path / "livery.toml").write_text(CONFIG.format(smtp=mail.port, folder=tmp_path))
        shutil.copy(EXAMPLES / "events/offer_provision_error.en.json", tmp_path / "event.json")
        yield tmp_path, mail


@pytest.mark.network
def test_plugins_of_others_are_found_and_used_without_touching_the_engine(environment, home):
    folder, mail = home
    livery = environment / "livery"
    where = run(environment / "python", "-c", "import livery; print(livery.__file__)", cwd=folder)
    assert Path(where.strip()).is_relative_to(environment.parent)

    listed = json.loads(run(livery, "plugin", "list", "--json", cwd=folder))
    found = {one["name"]: (one["distribution"], one["error"]) for one in listed["plugins"]}
    assert found["livery_channel_logfile"] == ("livery-channel-logfile", "")
    assert "logfile" in {channel["name"] for channel in listed["channels"]}
    packs = {one["id"]: one for one in json.loads(run(livery, "pack", "list", "--json", cwd=folder))}
    assert (packs["fjord"]["parents"], packs["fjord"]["tenants"]) == (["base"], ["res-org-n"])

    sent = json.loads(run(livery, "send", "event.json", "--json", cwd=folder))["deliveries"]
    assert {one["channel"]: one["state"] for one in sent} == {"logfile": "delivered", "smtp": "accepted"}
    assert [one["degraded"] for one in sent] == [[], []]

    [line] = (folder / "messages.log").read_text("utf-8").splitlines()
    assert json.loads(line)["delivery"] == next(one["id"] for one in sent if one["channel"] == "logfile")
    [received] = mail.mails
    for text in (json.loads(line)["text"], received.part("plain")):
        assert "Write to us any time and quote order ORD-2026-1042; a person answers." in text
        assert "Calm waters," in text
    assert "#134e6f" in received.part("html")
    run(livery, "doctor", cwd=folder)


def test_the_channel_of_others_keeps_the_contract(tmp_path):
    folder = shutil.copytree(CHANNEL, tmp_path / "channel", ignore=IGNORED)
    (folder / "pytest.ini").write_text("[pytest]\n")
    run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "tests", cwd=folder)


@pytest.mark.parametrize("example", [CHANNEL, PACK], ids=lambda example: example.name)
def test_what_others_import_of_livery_is_what_is_promised(example):
    imported = set()
    for file in example.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                imported.add(node.module)
            elif isinstance(node, ast.Import):
                imported |= {one.name for one in node.names}
    assert {name for name in imported if name.partition(".")[0] == "livery"} <= {"livery.plugin", "livery.testing"}
