"""`livery plugin new`: a channel whose suite is green once its one method is filled in."""

import json
import os
import subprocess
import sys

import pytest

from cli.commands import livery

FILLED = """        where = dispatch.destination
        headers = {
            "Content-Type": "text/plain; charset=utf-8",
            "Authorization": f"Bearer {where.token.get_secret_value()}",
            "Idempotency-Key": dispatch.envelope.delivery_id,
        }
        return outcome_of(await self.outbound.post(where.url.get_secret_value(), dispatch.wire, headers))
"""


def suite(folder, site):
    clean = {key: value for key, value in os.environ.items() if not key.startswith(("LIVERY_", "PYTEST_", "COV_"))}
    (folder / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", "tests"]
    return subprocess.run(
        command, cwd=folder, env={**clean, "PYTHONPATH": str(site)}, capture_output=True, text=True, check=False
    )


def test_a_new_channel_is_green_after_filling_one_method_and_is_found_once_it_is_installed(tmp_path, monkeypatch):
    done = livery("plugin", "new", "night_pager", "--title", "The pager of the night shift", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    folder, site = tmp_path / "livery-channel-night-pager", tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps", "--no-index",
           "--no-build-isolation", "--target", str(site), str(folder)]  # fmt: skip
    subprocess.run(pip, check=True, capture_output=True)
    empty = suite(folder, site)
    assert (empty.returncode, "fill in NightPagerChannel.send" in empty.stdout) == (1, True)

    channel = folder / "livery_channel_night_pager/channel.py"
    text = channel.read_text("utf-8")
    filled = text.replace('        raise NotImplementedError("fill in NightPagerChannel.send")\n', FILLED)
    channel.write_text(filled.replace("Model, Outcome\n", "Model, Outcome, outcome_of\n"), "utf-8")
    subprocess.run([*pip, "--upgrade"], check=True, capture_output=True)
    full = suite(folder, site)
    assert full.returncode == 0, full.stdout
    assert " failed" not in full.stdout

    monkeypatch.setenv("PYTHONPATH", str(site))
    listed = json.loads(livery("plugin", "list", "--json", cwd=tmp_path).stdout)
    assert "night_pager" in {one["name"] for one in listed["channels"]}
    assert {one["name"]: one["error"] for one in listed["plugins"]}["livery_channel_night_pager"] == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ("Pager",),
        ("9x",),
        ("a-b",),
        ("../x",),
        ("",),
        ("x" * 31,),
        ("pager", "--title", 'a "b"'),
        ("pager", "--title", "a\nb"),
    ],
)
def test_what_cannot_be_called_so_is_refused_and_nothing_written(tmp_path, arguments):
    done = livery("plugin", "new", *arguments, cwd=tmp_path)
    assert (done.returncode, list(tmp_path.iterdir())) == (2, [])


def test_nothing_that_is_there_is_overwritten(tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/README.md").write_text("mine")
    done = livery("plugin", "new", "pager", "--folder", "mine", cwd=tmp_path)
    assert (done.returncode, "not empty" in done.stderr) == (2, True)
    assert [one.name for one in (tmp_path / "mine").iterdir()] == ["README.md"]
