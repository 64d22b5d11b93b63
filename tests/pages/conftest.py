"""One service and one browser for all tests of the pages."""

import inspect
import os
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
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
def browsing():
    """The thread that uses the browser: Playwright's event loop stays its thread's, and other tests run loops of theirs."""
    with ThreadPoolExecutor(1) as thread:
        yield thread


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem):
    """A test that uses the browser runs in the browser's thread."""
    if "browsing" not in pyfuncitem.funcargs or inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
    pyfuncitem.funcargs["browsing"].submit(pyfuncitem.obj, **arguments).result()
    return True


@pytest.fixture(scope="package")
def chromium(browsing):
    """Debian's browser. Skips without it, and fails in CI, where it must be had."""
    if not shutil.which(BROWSER) and os.geteuid() == 0 and SETUP.is_file():
        subprocess.run([SETUP], check=False, timeout=570)
    if not shutil.which(BROWSER):
        if os.environ.get("CI"):
            pytest.fail(f"there is no {BROWSER}, and .ci/browser could not install it")
        pytest.skip(f"there is no {BROWSER}: apt install chromium")
    from playwright.sync_api import sync_playwright

    playwright = browsing.submit(lambda: sync_playwright().start()).result()
    browser = browsing.submit(playwright.chromium.launch, executable_path=BROWSER, args=list(FLAGS)).result()
    yield browser
    browsing.submit(browser.close).result()
    browsing.submit(playwright.stop).result()


@pytest.fixture
def tab(browsing, chromium):
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
    browsing.submit(lambda: [context.close() for context in contexts]).result()
    assert wrong == []
