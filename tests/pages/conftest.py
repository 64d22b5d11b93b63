"""One service and one browser for all tests of the pages."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from pages.site import site

BROWSER = "/usr/bin/chromium"
FLAGS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
SETUP = Path(__file__).parents[2] / ".ci/browser"


@pytest.fixture(scope="package")
def service(tmp_path_factory):
    with site(tmp_path_factory.mktemp("service")) as running:
        yield running


@pytest.fixture(scope="package")
def chromium():
    """Debian's browser. Skips without it, and fails in CI, where it must be had."""
    if not shutil.which(BROWSER) and os.geteuid() == 0 and SETUP.is_file():
        subprocess.run([SETUP], check=False, timeout=570)
    if not shutil.which(BROWSER):
        if os.environ.get("CI"):
            pytest.fail(f"there is no {BROWSER}, and .ci/browser could not install it")
        pytest.skip(f"there is no {BROWSER}: apt install chromium")
    # Not at the top: once it runs, its loop is this thread's, so the block must end with the package.
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=BROWSER, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture
def tab(chromium):
    """Opens tabs, each with cookies of its own: `tab()`, `tab(javaScriptEnabled=False)`; a script error fails the test."""
    contexts, wrong = [], []

    def open_one(**options):
        context = chromium.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(30_000)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("console", lambda said: wrong.append(said.text) if "Content Security Policy" in said.text else None)
        return page

    yield open_one
    for context in contexts:
        context.close()
    assert wrong == []
