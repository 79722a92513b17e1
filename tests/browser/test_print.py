"""A page on paper: numbered, open, within its margins, and on the screen as before when that is done."""

import pytest
from conftest import Reader, pages
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

PRINTED = [*pages("chapters/06_*.html"), *pages("chapters/09_*.html"), "notation.html"]
WIDTH = 665  # of A4 between its margins of 17 mm
SCROLLS = """() => [...document.querySelectorAll('.bd-article *')].filter(e => {
    const how = getComputedStyle(e);
    const wide = e.clientWidth > 0 && e.scrollWidth > e.clientWidth + 1;
    return wide && ['auto', 'scroll'].includes(how.overflowX);
}).map(e => e.outerHTML.slice(0, 80))"""
BEYOND = """width => [...document.querySelectorAll(
    '.bd-article mjx-math, .bd-article img, .bd-article pre, .bd-article table'
)].filter(e => e.getClientRects().length && e.getBoundingClientRect().right > width + 2)
.map(e => e.closest('.math')?.id || e.outerHTML.slice(0, 80))"""
SEEN = """names => names.filter(
    n => [...document.querySelectorAll(n)].some(e => e.getClientRects().length)
)"""
FOR_THE_HAND = ["button", "input", "dialog", ".bd-sidebar-primary", ".bd-sidebar-secondary"]
FOR_THE_HAND += [".headerlink"]
FOLDED = ".bd-article details:not([open]):not(.hide)"


def on_paper(page: Page) -> None:
    """Lay a page out as for A4."""
    page.evaluate("document.fonts.ready.then(() => true)")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.emulate_media(media="print")
    page.set_viewport_size({"width": WIDTH, "height": 980})


@pytest.mark.parametrize("name", PRINTED)
def test_nothing_scrolls_or_leaves_the_paper(reader: Reader, name: str) -> None:
    page = reader.open(name)
    on_paper(page)
    assert page.evaluate(SCROLLS) == []
    assert page.evaluate(BEYOND, WIDTH) == []
    assert page.evaluate(SEEN, FOR_THE_HAND) == []


@pytest.mark.parametrize("name", PRINTED[:2])
def test_a_printed_chapter_has_its_number_and_open_folds(reader: Reader, name: str) -> None:
    page = reader.open(name)
    folded = page.locator(FOLDED).count()
    assert folded, "there is nothing to open"
    on_paper(page)
    title = page.locator("article h1")
    assert title.is_visible()
    assert title.inner_text().split()[0] == str(int(name.split("/")[1][:2]))
    assert page.locator(FOLDED).count() == 0
    for fold in page.locator(".bd-article details.hide").all():
        assert fold.bounding_box()["height"] > 5, "a cell is folded and nothing says so"
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.locator(FOLDED).count() == folded


def test_what_was_dark_on_the_screen_is_light_on_paper(reader: Reader) -> None:
    page = reader.open_dark(PRINTED[0])
    on_paper(page)
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    assert page.evaluate("document.documentElement.dataset.theme") == "light"
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_printing_tells_the_page_and_makes_a_pdf(reader: Reader) -> None:
    page = reader.open(PRINTED[0])
    page.evaluate("addEventListener('beforeprint', () => { window.printed = true; })")
    assert page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
    assert page.evaluate("window.printed")
    assert page.locator(FOLDED).count(), "the folds stay open after printing"


def test_a_formula_wider_than_the_paper_is_shrunk(reader: Reader) -> None:
    page = reader.open(PRINTED[0])
    page.evaluate(
        """tex => {
            const box = document.createElement('div');
            box.className = 'math';
            box.id = 'long';
            box.textContent = tex;
            document.querySelector('article section').append(box);
            return MathJax.typesetPromise([box]);
        }""",
        "\\[\\mbox{" + "as long as two lines of a page " * 3 + "}\\]",
    )
    before = page.eval_on_selector("#long mjx-container", "e => e.style.fontSize")
    on_paper(page)
    assert page.eval_on_selector("#long mjx-container", "e => e.style.fontSize").endswith("em")
    assert page.evaluate(BEYOND, WIDTH) == []
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert page.eval_on_selector("#long mjx-container", "e => e.style.fontSize") == before
