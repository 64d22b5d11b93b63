"""README and docs are true: what they show runs, what they link to is there, what they name exists."""

import ast
import json
import re
import subprocess
import sys

import pytest

from docs.reading import PAGES, ROOT, WRITTEN, Follower, blocks, name_of, prose
from livery.testing import MailServer

ROOTS_ARE_AWAY = not (ROOT / "engine").is_dir()


@pytest.mark.parametrize("page", WRITTEN, ids=name_of)
def test_following_a_page_literally_works(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with MailServer() as mail:
        follower = Follower(tmp_path, mail.port)
        for block in blocks(page):
            follower.follow(block)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_can_be_read_and_says_what_it_is(page):
    for block in blocks(page):
        assert block.language in {"python", "toml", "json", "jinja", "console", "sh", "text"}, f"line {block.line}"
        if block.language == "python":
            ast.parse(block.text)
        if block.language == "json":
            json.loads(block.text)


def test_the_generated_pages_and_passages_are_fresh(tmp_path):
    narrow = {"PATH": "", "COLUMNS": "20", "LIVERY_DATABASE_URL": "sqlite:///elsewhere.db"}
    done = subprocess.run(
        [sys.executable, ROOT / "docs/generate.py", "--check"],
        cwd=tmp_path, env=narrow, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_generator_names_what_is_stale(tmp_path):
    for name in ("docs", "README.md"):
        subprocess.run(["cp", "-r", ROOT / name, tmp_path], check=True)
    page = tmp_path / "docs/reference/cli.md"
    page.write_text(page.read_text("utf-8").replace("livery send", "livery sent"), "utf-8")
    command = [sys.executable, tmp_path / "docs/generate.py"]
    done = subprocess.run([*command, "--check"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.splitlines()[0]) == (1, "stale: docs/reference/cli.md")
    subprocess.run(command, capture_output=True, check=True)
    assert subprocess.run([*command, "--check"], capture_output=True, check=False).returncode == 0


def _anchors(page):
    """The anchors GitHub gives to headings."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_relative_link_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if ROOTS_ARE_AWAY and file.relative_to(ROOT).parts[0] in ("engine", "plugins", "template_packs"):
            continue
        assert file.exists(), target
        assert not anchor or anchor in _anchors(file), target


def test_the_embed_example_is_the_one_in_readme():
    shown = next(block for block in blocks(ROOT / "README.md") if block.language == "python")
    assert shown.text == (ROOT / "examples/embed.py").read_text("utf-8")
    assert len(shown.text.splitlines()) <= 25


def test_every_make_target_named_exists():
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for page in PAGES:
        for target in re.findall(r"(?:^|`)make ([a-z]+)", page.read_text("utf-8"), re.MULTILINE):
            assert target in targets, f"{name_of(page)}: make {target}"
