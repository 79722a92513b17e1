"""The built site as a reader meets it, opened from file:// in a headless Chromium."""

import html
import io
import json
import re
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import SITE, Reader, View, pages, views
from PIL import Image
from playwright.sync_api import Page

pytestmark = pytest.mark.browser

ALL = pages("*.html", "chapters/*.html", "appendices/*.html", "api/*.html", "auto_gallery/**/*.html")
CHAPTERS = pages("chapters/*.html")
APPENDICES = pages("appendices/*.html")
PLAYER = "lecturecode-player"
PLAYERS = f"div.{PLAYER}"
WITH_FIGURES = [*CHAPTERS, "appendices/a_test_functions.html", *pages("auto_gallery/*/plot_*.html")]
IN_THE_DARK = sorted({*WITH_FIGURES, *APPENDICES, *pages("*.html")})  # a reference page is one of many


@views(ALL)
def test_page_loads_offline_in_silence_with_formulas_and_alt_texts(seen: Reader) -> None:
    page = seen.page
    assert not seen.asked_the_network()
    assert not seen.complaints
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


def test_no_title_says_a_phrase_twice() -> None:
    for name in [*ALL, *pages("slides/*.html")]:
        found = re.search("<title>(.*?)</title>", (SITE / name).read_text(encoding="utf-8"), re.S)
        assert found, f"{name} has no title"
        parts = re.split(r"\s+[-\N{EN DASH}\N{EM DASH}:,]\s+", html.unescape(found.group(1)).strip())
        assert len(set(parts)) == len(parts), f"{name}: {found.group(1)}"


@views(CHAPTERS)
def test_chapters_have_many_formulas(seen: Reader) -> None:
    assert seen.page.locator("mjx-container").count() > 30


@views(ALL, width=390)
def test_phone_window_has_no_sideways_scroll(seen: Reader, view: View) -> None:
    wide, window = seen.page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= window, f"{view.page} is {wide} px wide in a window of {window} px"


@views(WITH_FIGURES, dark=True)
def test_dark_mode_leaves_figures_legible(seen: Reader, view: View) -> None:
    page = seen.page
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(map(int, background[4:-1].split(","))) < 60
    for image in page.locator(
        "article .cell_output img, article img[class*=sphx-glr], .animation img"
    ).all():
        if image.is_visible():
            check_contrast(image.screenshot(), view.page)


def check_contrast(png: bytes, name: str) -> None:
    """A figure is a light card with something dark drawn on it, as luminances from 0 to 1."""
    grey = np.asarray(Image.open(io.BytesIO(png)).convert("L")) / 255
    border = np.concatenate([grey[8, 8:-8], grey[-9, 8:-8], grey[8:-8, 8], grey[8:-8, -9]])
    assert np.median(border) > 0.9, f"a figure of {name} lost its light card"
    assert np.quantile(grey, 0.002) < 0.45, f"nothing dark is drawn in a figure of {name}"


@views(ALL)
def test_axe_finds_nothing_serious(seen: Reader) -> None:
    check_with_axe(seen.page)


@views(IN_THE_DARK, dark=True)
def test_axe_finds_nothing_serious_in_the_dark(seen: Reader) -> None:
    check_with_axe(seen.page)


def check_with_axe(page: Page) -> None:
    found = Axe().run(page).response["violations"]
    grave = [
        f"{v['id']} ({v['impact']}): {v['help']}: {[node['target'] for node in v['nodes']][:5]}"
        for v in found
        if v["impact"] in ("serious", "critical")
    ]
    assert not grave, "\n".join(grave)


@views(WITH_FIGURES)
def test_animations_play(seen: Reader, view: View) -> None:
    for player in seen.page.locator(PLAYERS).all():
        player.scroll_into_view_if_needed()
        image = player.locator("img").first
        before = image.get_attribute("src")
        assert player.locator("output").first.inner_text().startswith("1 /")
        player.get_by_role("button", name="Play").first.click()
        shown: set[str | None] = set()
        for _ in range(30):
            seen.page.wait_for_timeout(100)
            shown.add(image.get_attribute("src"))
            if len(shown - {before}) >= 3:
                break
        assert len(shown - {before}) >= 3, f"an animation of {view.page} stands still"


def test_the_book_has_animations(reader: Reader) -> None:
    animated = [name for name in pages("auto_gallery/*/*.html") if PLAYER in (SITE / name).read_text()]
    shown = {name: reader.open(name).locator(PLAYERS).count() for name in animated[:3]}
    assert sum(shown.values()) >= 3, shown


def test_benchmarks_show_a_table_for_each_case(reader: Reader) -> None:
    page = reader.open("benchmarks.html")
    tables = page.locator("article table")
    assert tables.count() >= 3
    first = tables.first.inner_text()
    assert "numpy.linalg.lstsq" in first
    assert "1 thread" in first
    assert "2 threads" in first
    titles = page.locator("article p.rubric").all_inner_texts()
    record = json.loads((Path(__file__).parents[2] / "docs" / "benchmarks.json").read_text("utf-8"))
    assert sum("ours / theirs" in title for title in titles) == len(record["cases"]) > 3
    assert "list-table" not in page.locator("article").first.inner_text()
