"""The built site, and a browser to open it with."""

import os
import shutil
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

SITE = Path(os.environ.get("LECTURECODE_SITE", Path(__file__).parents[2] / "docs" / "_build" / "html"))
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
]


REDIRECTS = tomllib.loads((Path(__file__).parents[2] / "docs" / "redirects.toml").read_text("utf-8"))


def pages(*patterns: str) -> list[str]:
    """List the pages of the built site, as paths from its root, without those that have moved."""
    found = {path for pattern in patterns for path in SITE.glob(pattern) if "_static" not in path.parts}
    names = {path.relative_to(SITE).as_posix() for path in found}
    return sorted(names - {f"{old}.html" for old in REDIRECTS["pages"]})


def address(page: str, query: str = "") -> str:
    """Return the file:// address of a page."""
    return (SITE / page).as_uri() + query


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not (SITE / "index.html").is_file():
        pytest.fail(f"there is no built site at {SITE}; run make docs first")
    if CHROMIUM is None:
        pytest.fail("no Chromium on this machine; on Debian or Ubuntu: apt install chromium")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


class Reader:
    """A page in a window of its own, with what went over the wire and onto the console."""

    def __init__(self, browser: Browser, dark: bool = False, width: int = 1280) -> None:
        self.context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        self.context.set_default_timeout(120_000)  # a busy machine starts Python ten times slower
        self.page: Page = self.context.new_page()
        self.requests: list[str] = []
        self.complaints: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def _on_console(self, message: object) -> None:
        if message.type in ("error", "warning"):
            self.complaints.append(f"{message.type}: {message.text}")

    def open(self, page: str, query: str = "") -> Page:
        self.page.goto(address(page, query), wait_until="load")
        self.page.wait_for_function(
            "!document.querySelector('.math') || (window.MathJax && MathJax.startup && "
            "MathJax.startup.promise && MathJax.startup.promise.then(() => true))"
        )
        return self.page

    def open_dark(self, page: str) -> Page:
        self.context.add_init_script(
            "localStorage.setItem('mode', 'dark'); localStorage.setItem('theme', 'dark')"
        )
        return self.open(page)

    def asked_the_network(self) -> list[str]:
        return [url for url in self.requests if not url.startswith(("file:", "data:", "blob:"))]


class View(NamedTuple):
    """What of the site is looked at, and how."""

    page: str
    dark: bool = False
    width: int = 1280

    def __str__(self) -> str:
        return self.page + ("-dark" if self.dark else "")


def views(names: list[str], **how: bool | int) -> pytest.MarkDecorator:
    """Let a test look at several pages in one way."""
    return pytest.mark.parametrize("view", [View(name, **how) for name in names], ids=str)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the tests that look at the same view of a page follow each other: it is opened once."""
    callspecs = [getattr(item, "callspec", None) for item in items]
    keys = [spec.params.get("view", ()) if spec else () for spec in callspecs]
    order = sorted(range(len(items)), key=lambda k: keys[k])
    items[:] = [items[k] for k in order]


@pytest.fixture
def reader(browser: Browser) -> Iterator[Reader]:
    reader = Reader(browser)
    yield reader
    reader.context.close()


class Visit:
    """The view that is open, until a test asks for another."""

    def __init__(self, browser: Browser) -> None:
        self.browser, self.view, self.reader = browser, View(""), Reader(browser)

    def open(self, view: View) -> Reader:
        if view != self.view:
            self.reader.context.close()
            self.view, self.reader = view, Reader(self.browser, view.dark, view.width)
            (self.reader.open_dark if view.dark else self.reader.open)(view.page)
        return self.reader


@pytest.fixture(scope="session")
def visit(browser: Browser) -> Iterator[Visit]:
    visit = Visit(browser)
    yield visit
    visit.reader.context.close()


@pytest.fixture
def seen(visit: Visit, view: View) -> Reader:
    """The page of a view, as the tests before left it: what changes a page stands last in its file."""
    return visit.open(view)
