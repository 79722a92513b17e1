"""The built site as a reader meets it, opened from file:// in a headless Chromium."""

import io

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import Reader, pages
from PIL import Image
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

ALL = pages("*.html", "chapters/*.html", "api/*.html", "auto_gallery/**/*.html")
CHAPTERS = pages("chapters/*.html")
PLAYERS = "div.lecturecode-player"
WITH_FIGURES = [*CHAPTERS, *pages("auto_gallery/*/plot_*.html")]


@pytest.mark.parametrize("name", ALL)
def test_page_loads_offline_in_silence_with_formulas_and_alt_texts(reader: Reader, name: str) -> None:
    page = reader.open(name)
    assert not reader.asked_the_network()
    assert not reader.complaints
    check_formulas(page)
    images = page.eval_on_selector_all(
        "img",
        "all => all.map(i => ({src: i.src.slice(0, 80), alt: i.alt.trim(), "
        "hidden: i.hasAttribute('aria-hidden'), lazy: i.loading === 'lazy', width: i.naturalWidth}))",
    )
    for image in images:
        assert image["alt"] or image["hidden"], f"an image without alt text: {image['src']}"
        assert image["width"] or image["lazy"], f"an image that does not load: {image['src']}"


def check_formulas(page: Page) -> None:
    written = page.locator("span.math, div.math").count()
    typeset = page.locator("span.math mjx-container, div.math mjx-container").count()
    assert typeset >= written
    assert page.locator("mjx-merror, [data-mjx-error]").count() == 0
    prose = page.locator("article").all_inner_texts()
    assert not any("\\(" in text or "\\begin{" in text for text in prose)


def test_chapters_have_many_formulas(reader: Reader) -> None:
    for name in CHAPTERS:
        assert reader.open(name).locator("mjx-container").count() > 30, name


@pytest.mark.parametrize(
    ("word", "chapter"),
    [("saddle", "04_zeros_of_the_gradient"), ("learning rate", "06_gradient_descent")],
)
def test_search_finds(reader: Reader, word: str, chapter: str) -> None:
    page = reader.open("search.html", f"?q={word.replace(' ', '+')}")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    page.wait_for_timeout(1000)
    found = page.eval_on_selector_all("#search-results li a", "all => all.map(a => a.href)")
    assert any(chapter in href for href in found)
    assert not reader.asked_the_network()


@pytest.mark.parametrize("name", WITH_FIGURES)
def test_animations_play(reader: Reader, name: str) -> None:
    page = reader.open(name)
    for player in page.locator(PLAYERS).all():
        player.scroll_into_view_if_needed()
        image = player.locator("img").first
        before = image.get_attribute("src")
        player.get_by_role("button", name="Play").first.click()
        seen = set()
        for _ in range(30):
            page.wait_for_timeout(100)
            seen.add(image.get_attribute("src"))
        assert len(seen - {before}) >= 3, f"an animation of {name} stands still"


def test_the_book_has_animations(reader: Reader) -> None:
    shown = {name: reader.open(name).locator(PLAYERS).count() for name in pages("auto_gallery/*/*.html")}
    assert sum(shown.values()) >= 3, shown


@pytest.mark.parametrize("name", WITH_FIGURES)
def test_dark_mode_leaves_figures_legible(browser: Browser, name: str) -> None:
    reader = Reader(browser, dark=True)
    try:
        page = reader.open_dark(name)
        assert page.evaluate("document.documentElement.dataset.theme") == "dark"
        background = page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert max(map(int, background[4:-1].split(","))) < 60
        for image in page.locator(
            "article .cell_output img, article img[class*=sphx-glr], .animation img"
        ).all():
            if image.is_visible():
                check_contrast(image.screenshot(), name)
    finally:
        reader.context.close()


def check_contrast(png: bytes, name: str) -> None:
    """A figure is a light card with something dark drawn on it, as luminances from 0 to 1."""
    grey = np.asarray(Image.open(io.BytesIO(png)).convert("L")) / 255
    border = np.concatenate([grey[8, 8:-8], grey[-9, 8:-8], grey[8:-8, 8], grey[8:-8, -9]])
    assert np.median(border) > 0.9, f"a figure of {name} lost its light card"
    assert np.quantile(grey, 0.002) < 0.45, f"nothing dark is drawn in a figure of {name}"


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("name", [*CHAPTERS, "index.html", "lecture_map.html", "notation.html"])
def test_axe_finds_nothing_serious(browser: Browser, name: str, dark: bool) -> None:
    reader = Reader(browser, dark=dark)
    try:
        page = reader.open_dark(name) if dark else reader.open(name)
        found = Axe().run(page).response["violations"]
        grave = [
            f"{v['id']} ({v['impact']}): {v['help']}: {[node['target'] for node in v['nodes']][:5]}"
            for v in found
            if v["impact"] in ("serious", "critical")
        ]
        assert not grave, "\n".join(grave)
    finally:
        reader.context.close()


@pytest.mark.parametrize("name", ALL)
def test_phone_window_has_no_sideways_scroll(browser: Browser, name: str) -> None:
    reader = Reader(browser, width=390)
    try:
        page = reader.open(name)
        wide, window = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= window, f"{name} is {wide} px wide in a window of {window} px"
    finally:
        reader.context.close()


def test_benchmarks_show_a_table_for_each_case(reader: Reader) -> None:
    page = reader.open("benchmarks.html")
    tables = page.locator("article table")
    assert tables.count() >= 3
    first = tables.first.inner_text()
    assert "numpy.linalg.lstsq" in first
    assert "Ours / theirs" in first
    assert "list-table" not in page.locator("article").first.inner_text()
