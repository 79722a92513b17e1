"""A figure that can be moved, as a reader moves it: predict, then slide, with keys alone."""

import contextlib
import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import SITE, Reader
from playwright.sync_api import Browser, Page

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (SITE / "_static/live/core.js").is_file(), reason="the site brings no Python"
    ),
]
PAGE = "chapters/06_gradient_descent.html"
BOX = "div.movable"
SECONDS = 1000 * int(os.environ.get("LECTURECODE_LIVE_SECONDS", "120"))
"""How long Python may take to start, in milliseconds."""
FITS = "box => box.scrollWidth <= box.clientWidth && box.getBoundingClientRect().right <= innerWidth"
LINES = """
import sys
names = vars(sys.modules["lecturecode_movable"])["chapters/06_gradient_descent#0"].names
[[line.get_xydata().tolist() for line in ax.lines] for ax in (names["left"], names["right"])]
"""


def state(page: Page) -> str | None:
    return page.locator(BOX).get_attribute("data-movable")


def predict(page: Page, choice: str) -> None:
    """Choose an answer, and wait until the slider is open."""
    page.get_by_label(choice).check()
    page.get_by_role("button", name="See whether it holds").click()
    page.wait_for_selector(f"{BOX}[data-movable=open], {BOX}[data-movable=failed]", timeout=SECONDS)
    assert state(page) == "open", page.locator(".movable-status").inner_text()


def move(page: Page, value: str) -> None:
    """Move the slider to a value, as a finger does, and wait for its picture."""
    page.get_by_role("slider").evaluate(
        """(slider, value) => {
            const data = JSON.parse(slider.closest("div.movable").querySelector("script").textContent);
            slider.value = data.values.indexOf(value);
            slider.dispatchEvent(new Event("input", { bubbles: true }));
        }""",
        value,
    )
    page.wait_for_function(
        "value => document.querySelector('div.movable').dataset.movable === 'open' && "
        "document.querySelector('.movable-says').textContent.startsWith(`At ${value}:`)",
        arg=value,
        timeout=SECONDS,
    )


def native(value: str) -> list[list[np.ndarray]]:
    """Return the lines that the chapter itself draws, run with another learning rate."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt
    from myst_nb.core.read import read_myst_markdown_notebook

    source = Path(__file__).parents[2] / "docs" / "chapters" / "06_gradient_descent.md"
    text = source.read_text(encoding="utf-8").split("```{movable}")[0]
    cells = [c.source for c in read_myst_markdown_notebook(text).cells if c.cell_type == "code"]
    before = "gradient_descent(bowl, [-1.8, 1.0], 0.15, steps=500)"
    kept = [cell for cell in cells if "atol=1e-14" not in cell]  # it checks the first step of 0.15
    code = "\n".join(kept)
    assert code.count(before) == 1
    names: dict[str, object] = {"__name__": "__main__"}
    with mpl.rc_context(), contextlib.redirect_stdout(io.StringIO()):
        plt.switch_backend("agg")
        exec(code.replace(before, before.replace("0.15", value)).replace("plt.show()", ""), names)
        lines = [[line.get_xydata() for line in names[side].lines] for side in ("left", "right")]
        plt.close("all")
    return lines


@pytest.fixture(scope="module")
def moved(browser: Browser) -> Iterator[tuple[Reader, Page]]:
    """A page whose slider is open."""
    reader = Reader(browser)
    page = reader.open(PAGE)
    predict(page, "More, although")
    yield reader, page
    reader.context.close()


@pytest.mark.parametrize("value", ["0.05", "0.15", "0.21"])
def test_the_numbers_of_the_picture_are_those_of_python_itself(moved, value: str) -> None:
    _, page = moved
    move(page, value)
    answer = page.evaluate("code => lecturecode.live.python(code)", LINES)
    assert not answer["error"], answer["error"]
    expected = native(value)
    for found_axes, axes in zip(answer["value"], expected, strict=True):
        for found, line in zip(found_axes, axes, strict=True):
            np.testing.assert_allclose(np.array(found, dtype=float), line, rtol=1e-10, atol=1e-300)


def test_the_picture_takes_the_place_of_the_built_one(moved) -> None:
    _, page = moved
    move(page, "0.1")
    image = page.locator("#fig-first-descent img").first
    first = image.get_attribute("src")
    assert first.startswith("data:image/svg+xml")
    assert "learning rate ε = 0.1" in image.get_attribute("alt")
    move(page, "0.105")
    assert image.get_attribute("src") != first
    assert image.evaluate("image => image.naturalWidth > 0")


def test_the_newest_value_wins_and_frames_do_not_queue(moved) -> None:
    _, page = moved
    frames = page.evaluate(
        """async () => {
            const live = window.lecturecode.live, python = live.python;
            let frames = 0;
            live.python = (...given) => { frames++; return python(...given); };
            const slider = document.querySelector(".movable input[type=range]");
            for (let k = 0; k < 30; k++) {
                slider.value = k;
                slider.dispatchEvent(new Event("input", { bubbles: true }));
                await new Promise((soon) => setTimeout(soon, 2));
            }
            while (document.querySelector(".movable").dataset.movable !== "open") {
                await new Promise((soon) => setTimeout(soon, 20));
            }
            live.python = python;
            return frames;
        }"""
    )
    assert 1 <= frames < 15
    assert page.locator(".movable-says").inner_text().startswith("At 0.155:")


def test_the_slider_is_moved_by_keys_and_says_where_it_stands(moved) -> None:
    _, page = moved
    move(page, "0.195")
    slider = page.get_by_role("slider", name="learning rate ε")
    slider.focus()
    for key, told in [
        ("ArrowRight", "0.2, at 2/λmax"),
        ("ArrowRight", "0.205, above 2/λmax"),
        ("Home", "0.01, below 2/λmax"),
    ]:
        page.keyboard.press(key)
        assert slider.get_attribute("aria-valuetext") == told
    page.wait_for_function(
        "document.querySelector('.movable-says').textContent.startsWith('At 0.01:')", timeout=SECONDS
    )
    described = slider.get_attribute("aria-describedby")
    assert page.locator(f"#{described}").get_attribute("aria-live") == "polite"
    page.get_by_role("button", name="Back to 0.15").click()
    page.wait_for_function(
        "document.querySelector('.movable-says').textContent.startsWith('At 0.15:')", timeout=SECONDS
    )


def test_the_limit_stands_where_the_slider_has_its_value(moved) -> None:
    _, page = moved
    mark = page.locator(".movable-limit")
    assert mark.inner_text() == "2/λmax = 0.2"
    at = mark.evaluate("mark => Number(mark.style.getPropertyValue('--at'))")
    assert at == pytest.approx((0.2 - 0.01) / (0.24 - 0.01), abs=1e-9)


def test_nothing_was_asked_of_the_network_and_nothing_complained(moved) -> None:
    reader, _ = moved
    assert not reader.asked_the_network()
    assert not reader.complaints


def test_a_prediction_that_fails_is_told_what_holds_and_no_slider_stands_before_it(
    browser: Browser,
) -> None:
    reader = Reader(browser)
    try:
        page = reader.open(PAGE)
        assert state(page) == "closed"
        assert page.get_by_role("slider").count() == 0
        assert page.locator(".movable-answer").get_attribute("open") is None
        assert "live-worker" not in " ".join(reader.requests)
        page.get_by_role("button", name="See whether it holds").press("Enter")
        assert page.locator(".movable-status").inner_text() == "Choose one first."
        page.keyboard.press("Space")  # the first choice has the focus
        page.get_by_role("button", name="See whether it holds").press("Enter")
        page.wait_for_selector(f"{BOX}[data-movable=open]", timeout=SECONDS)
        said = page.locator(".movable-verdict")
        assert said.get_attribute("role") == "status"
        assert "did not hold" in said.inner_text()
        assert "197 steps" in said.inner_text()
        assert "What holds: More, although each step goes further." in said.inner_text()
        assert page.locator(BOX).get_attribute("data-prediction") == "failed"
        assert page.evaluate("document.activeElement.type") == "range"
        assert page.locator(".movable-answer").get_attribute("open") is not None
    finally:
        reader.context.close()


def test_a_prediction_that_holds_is_told_so(moved) -> None:
    _, page = moved
    assert page.locator(BOX).get_attribute("data-prediction") == "held"
    said = page.locator(".movable-verdict").inner_text()
    assert said.startswith("Your prediction held. At 0.19: 197 steps")


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_is_content_and_a_phone_does_not_scroll_sideways(browser: Browser, dark: bool) -> None:
    reader = Reader(browser, dark=dark, width=390)
    try:
        page = reader.open_dark(PAGE) if dark else reader.open(PAGE)
        predict(page, "Fewer")
        move(page, "0.21")
        found = Axe().run(page, BOX).response["violations"]
        assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")], found
        assert page.locator(BOX).evaluate(FITS)
    finally:
        reader.context.close()


def test_without_javascript_the_question_and_a_folded_answer_stand(browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto((SITE / PAGE).as_uri())
        box = page.locator(BOX)
        assert "How many does it take" in box.inner_text()
        assert box.locator("li").count() == 3
        assert box.locator("details summary").inner_text() == "Answer"
        assert box.locator("button, input").count() == 0
        assert page.locator("#fig-first-descent img").first.get_attribute("src").endswith(".png")
    finally:
        context.close()


def test_without_pieces_the_question_and_a_folded_answer_stand(browser: Browser) -> None:
    reader = Reader(browser)
    try:
        reader.page.route("**/live.js*", lambda route: route.abort())
        box = reader.open(PAGE).locator(BOX)
        assert box.locator("li").count() == 3
        assert box.locator("button, input").count() == 0
    finally:
        reader.context.close()
