"""The slides of the built site: each fits, in light and dark, on the screen and on paper."""

import io
import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import Browser, Page, Reader, address, pages
from pypdf import PdfReader

pytestmark = pytest.mark.browser

DECKS = [name for name in pages("slides/*.html") if name != "slides/index.html"]
READY = "document.documentElement.dataset.slides === 'ready'"
SMALLEST, SMALLEST_CODE = 19, 14  # px on a slide of 720
# What leaves its slide, covers its foot, is cut off or is too small to be read.
WRONG = """([smallest, smallestCode]) => [...document.querySelectorAll('.slide')].flatMap(slide => {
    const found = [], room = slide.getBoundingClientRect(), zoom = room.width / 1280;
    const where = slide.parentElement.id;
    const name = e => `${where}: ${e.tagName} ${e.className} ${e.textContent.slice(0, 40)}`;
    if ('overfull' in slide.dataset) found.push(`${where}: too much for a slide`);
    const foot = slide.querySelector('footer').getBoundingClientRect();
    const parts = 'h1, h2, p, li, img, pre, table, mjx-math, figcaption, footer a';
    for (const e of slide.querySelectorAll(parts)) {
        if (e.closest('mjx-assistive-mml')) continue;
        const box = e.getBoundingClientRect(), margin = 1.5 * zoom;
        if (!box.width) continue;
        const inside = box.left > room.left && box.top > room.top && box.right < room.right + margin;
        if (!inside || box.bottom > room.bottom + margin) found.push(`leaves: ${name(e)}`);
        const low = !e.closest('footer') && box.bottom > foot.top + margin;
        if (low) found.push(`covers the foot: ${name(e)}`);
        const style = getComputedStyle(e), size = parseFloat(style.fontSize);
        if (e.matches('pre') && size < smallestCode) found.push(`code of ${size} px: ${name(e)}`);
        const text = e.matches('.body p:not(figcaption p, td p, th p), .body li');
        if (text && size < smallest) found.push(`letters of ${size} px: ${name(e)}`);
        if (e.matches('pre') && e.scrollWidth > e.clientWidth + 1) found.push(`cut off: ${name(e)}`);
        if (e.matches('img') && box.height < 150 * zoom) found.push(`a small picture: ${e.alt}`);
    }
    return found;
})"""


def opened(reader: Reader, name: str, query: str = "") -> Page:
    page = reader.open(name, query)
    page.set_viewport_size({"width": 1280, "height": 720})
    page.wait_for_function(READY)
    return page


def check_slides(page: Page) -> None:
    assert page.evaluate(WRONG, [SMALLEST, SMALLEST_CODE]) == []
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
    written, typeset = page.locator(".math").count(), page.locator(".math mjx-container").count()
    assert typeset >= written > 0
    broken = "[...document.images].filter(i => !i.naturalWidth || !i.alt).map(i => i.src)"
    assert page.evaluate(broken) == []


def test_there_is_a_deck_for_each_chapter(reader: Reader) -> None:
    chapters = [name for name in pages("chapters/*.html") if re.match(r"chapters/\d\d_", name)]
    assert [name.partition("/")[2] for name in chapters] == [name.partition("/")[2] for name in DECKS]
    page = reader.open("slides/index.html")
    assert page.locator("li").count() == len(DECKS)
    assert page.locator("li .question").first.inner_text().endswith("?")
    assert not any("\\(" in text for text in page.locator("li").all_inner_texts())
    assert "slides/index.html" in reader.open("index.html").content()
    assert "slides/index.html" in reader.open("lecture_map.html").content()


@pytest.mark.parametrize("name", DECKS)
def test_every_slide_fits_on_paper(reader: Reader, name: str) -> None:
    """With all slides laid out at once, as for a PDF."""
    page = opened(reader, name, "?print-pdf")
    check_slides(page)
    count = page.locator(".slide").count()
    assert count >= 6
    assert page.locator(".pdf-page").count() == count
    assert page.locator(".title .question").inner_text().endswith("?")
    assert page.locator(".summary").count() >= 1
    assert page.locator(".picture").count() >= 1
    assert page.locator(".said").count() >= 1
    assert not reader.asked_the_network()
    assert not reader.complaints


@pytest.mark.parametrize("name", DECKS[6:7])
def test_a_deck_is_shown_slide_by_slide(reader: Reader, name: str) -> None:
    page = opened(reader, name)
    count = page.locator(".slide").count()
    for number in range(1, count + 1):
        assert page.locator(".present footer span").inner_text() == f"{number} / {count}"
        box = page.locator(".present .slide").bounding_box()
        assert (box["width"], box["height"]) == (1280, 720)
        page.keyboard.press("ArrowRight")
    check_foot(page)
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.keyboard.press("d")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != before
    assert not reader.complaints


def check_foot(page: Page) -> None:
    page.locator(".present footer a").click()
    page.wait_for_url("**/chapters/*.html#*")
    page.go_back()
    page.wait_for_function(READY)


@pytest.mark.parametrize("name", DECKS[6:7])
def test_a_deck_prints_a_page_for_each_slide(reader: Reader, name: str) -> None:
    page = opened(reader, name, "?print-pdf")
    count = page.locator(".slide").count()
    printed = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True, print_background=True)))
    assert len(printed.pages) == count
    assert printed.pages[0].mediabox.width > printed.pages[0].mediabox.height
    assert "/Annots" in printed.pages[1], "the link into the book is lost on paper"


@pytest.mark.parametrize("name", [*DECKS[6:7], "slides/index.html"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, name: str, dark: bool) -> None:
    reader = Reader(browser, dark=dark)
    page = reader.page
    page.goto(address(name))
    if name != "slides/index.html":
        page.wait_for_function(READY)
    assert page.evaluate("document.documentElement.dataset.theme") == ("dark" if dark else "light")
    found = Axe().run(page).response["violations"]
    reader.context.close()
    assert [v["id"] for v in found if v["impact"] in ("serious", "critical")] == []
