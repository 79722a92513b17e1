"""Exercises judged in the page: the verdict's words, what is remembered, what runs elsewhere."""

import json
import os
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import SITE, Reader
from playwright.sync_api import Browser, Locator, Page, expect

from lecturecode.exercises import check

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        not (SITE / "_static/live/core.js").is_file(), reason="the site brings no Python"
    ),
]
PAGE = "chapters/06_gradient_descent.html"
SECONDS = 1000 * int(os.environ.get("LECTURECODE_LIVE_SECONDS", "120"))
"""How long Python may take to start, in milliseconds."""
expect.set_options(timeout=SECONDS)
FITS = "box => box.scrollWidth <= box.clientWidth && box.getBoundingClientRect().right <= innerWidth"
STUB = "def descend(gradient, theta, learning_rate, steps):\n    ..."
RIGHT = """def descend(gradient, theta, learning_rate, steps):
    thetas = [np.asarray(theta, dtype=float)]
    for _ in range(steps):
        thetas.append(thetas[-1] - learning_rate * gradient(thetas[-1]))
    return np.stack(thetas)
"""
UPHILL = RIGHT.replace("] - learning_rate", "] + learning_rate")


def box_of(page: Page, label: str) -> Locator:
    return page.locator(f"#{label} div.judged")


def write(page: Page, box: Locator, code: str) -> None:
    """Write an answer in place of what stands in the box."""
    if not box.get_by_role("button", name="Check").is_visible():
        box.get_by_role("button", name="Answer here").click()
    box.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.press("Delete")
    page.keyboard.insert_text(code)


def judged(page: Page, box: Locator, code: str, key: str = "Control+Enter") -> str:
    """Write an answer and have it checked; return the verdict."""
    write(page, box, code)
    page.keyboard.press(key)
    wait(box)
    return box.locator(".judged-verdict").inner_text()


def wait(box: Locator) -> None:
    box.get_by_role("button", name="Stop").wait_for(state="hidden", timeout=SECONDS)
    box.page.wait_for_function(
        "box => !['starting', 'running'].includes(box.dataset.judged)",
        arg=box.element_handle(),
        timeout=SECONDS,
    )


@pytest.fixture(scope="module")
def opened(browser: Browser) -> Iterator[Page]:
    """A page whose Python starts once, for answers that leave nothing behind."""
    reader = Reader(browser)
    yield reader.open(PAGE)
    reader.context.close()


def solved(page: Page, *names: str) -> None:
    """Have this browser remember that exercises were solved."""
    for name in names:
        page.evaluate("name => localStorage.setItem(`lecturecode solved ${name}`, '2026-01-31')", name)
    page.reload()


def test_nothing_is_loaded_before_the_first_click(reader: Reader) -> None:
    page = reader.open(PAGE)
    box = box_of(page, "ex-descent-code")
    assert box.locator("pre.judged-code").inner_text().strip() == STUB
    assert not [url for url in reader.requests if "live-worker" in url or "codemirror" in url]
    box.get_by_role("button", name="Answer here").click()
    box.locator(".cm-content").wait_for()
    box.get_by_role("button", name="Check").click()
    assert box.locator(".judged-verdict").inner_text().startswith("Nothing is written yet")


def descend_uphill(gradient, theta, learning_rate, steps):
    import numpy as np

    thetas = [np.asarray(theta, dtype=float)]
    for _ in range(steps):
        thetas.append(thetas[-1] + learning_rate * gradient(thetas[-1]))
    return np.stack(thetas)


def test_a_wrong_answer_is_told_the_property_in_the_words_of_check(opened: Page) -> None:
    box = box_of(opened, "ex-descent-code")
    said = judged(opened, box, UPHILL)
    assert said == f"Not yet: {check('descent/iterates', descend_uphill).message}"
    assert box.get_attribute("data-judged") == "wrong"
    assert box.locator(".judged-verdict").get_attribute("role") == "status"


@pytest.mark.parametrize(
    ("code", "says"),
    [
        ("def descend(:", "SyntaxError"),
        ("print('so far')\nnp.ones(3) @ np.ones(4)", "in line 2: np.ones(3) @ np.ones(4)"),
        ("other = 3", "nothing is called descend yet"),
        ("descend = 3", "Not yet: the answer must be a function"),
    ],
)
def test_an_answer_that_is_none_is_told_why(opened: Page, code: str, says: str) -> None:
    box = box_of(opened, "ex-descent-code")
    assert says in judged(opened, box, code)
    assert box.locator(".judged-printed").is_visible() == ("print" in code)


def test_a_right_answer_is_remembered_on_this_machine_and_counted(reader: Reader) -> None:
    page = reader.open("index.html")
    count = page.locator(".judged-count[data-exercises*='descent/iterates']")
    expect(count).to_have_text("")
    reader.open(PAGE)
    box = box_of(page, "ex-descent-code")
    assert judged(page, box, RIGHT).startswith("Correct: a function descend(")
    assert box.get_attribute("data-judged") == "right"
    here = page.locator(".judged-here")
    expect(here).to_contain_text("1 of 2 solved")
    expect(here).to_contain_text("on this machine only")

    page.go_back()
    expect(count).to_have_text(" (exercises: 1 of 2 solved)")
    reader.open(PAGE)
    expect(box.locator("pre.judged-code")).to_have_text(RIGHT)
    expect(box.locator(".judged-verdict")).to_contain_text("Solved on ")
    reader.open("index.html")
    expect(count).to_have_text(" (exercises: 1 of 2 solved)")
    expect(page.locator(".judged-count:not(:empty)")).to_have_count(1)


def test_a_number_is_judged_and_all_are_counted(reader: Reader) -> None:
    page = reader.open(PAGE)
    solved(page, "descent/iterates")
    box = box_of(page, "ex-descent-pencil")
    assert judged(page, box, "answer = ...  # soon").startswith("Not yet: put your answer in place")
    assert "but so does one with a larger rate" in judged(page, box, "answer = 0.4")
    assert judged(page, box, "answer = 2 / 4").startswith("Correct: the learning rate beyond which")
    expect(page.locator(".judged-here")).to_contain_text("all 2 solved")


def test_an_answer_that_never_ends_is_stopped_and_the_next_is_judged(reader: Reader) -> None:
    page = reader.open(PAGE)
    box = box_of(page, "ex-descent-code")
    write(page, box, "while True:\n    pass\n")
    page.keyboard.press("Control+Enter")
    page.wait_for_function(
        "box => box.dataset.judged === 'running'", arg=box.element_handle(), timeout=SECONDS
    )
    page.wait_for_timeout(500)
    box.get_by_role("button", name="Stop").click()
    wait(box)
    assert box.locator(".judged-verdict").inner_text().startswith("Stopped.")
    assert judged(page, box, RIGHT).startswith("Correct")


def test_reset_forgets_the_answer_and_that_it_was_right(reader: Reader) -> None:
    page = reader.open(PAGE)
    names = page.locator("div.judged script").all_text_contents()
    solved(page, *(json.loads(data)["name"] for data in names))
    here = page.locator(".judged-here")
    expect(here).to_contain_text("all 2 solved")
    page.evaluate("code => localStorage.setItem('lecturecode answer descent/iterates', code)", RIGHT)
    page.reload()
    box = box_of(page, "ex-descent-code")
    expect(box.locator("pre.judged-code")).to_have_text(RIGHT)
    box.get_by_role("button", name="Reset").click()
    page.reload()
    expect(box.locator("pre.judged-code")).to_have_text(STUB)
    expect(here).to_contain_text("1 of 2 solved")


def test_a_tab_that_is_left_keeps_what_another_has_written(reader: Reader) -> None:
    page = reader.open(PAGE)
    other = reader.context.new_page()
    other.goto(page.url)
    box = box_of(page, "ex-descent-pencil")
    write(page, box, "answer = 0.5")
    kept = "localStorage.getItem('lecturecode answer descent/largest-stable-step')"
    page.wait_for_function(f"{kept} === 'answer = 0.5'")
    other.reload()
    expect(box_of(other, "ex-descent-pencil").locator("pre.judged-code")).to_have_text("answer = 0.5")
    write(page, box, "answer = 0.25")
    other.close(run_before_unload=True)
    page.reload()
    expect(box.locator("pre.judged-code")).to_have_text("answer = 0.25")


def test_the_solution_stays_folded(reader: Reader) -> None:
    folded = reader.open(PAGE).locator("details.fold", has_text="Solution to").first
    assert folded.get_attribute("open") is None


def test_keys_alone_write_an_answer_and_leave_the_box(browser: Browser) -> None:
    reader = Reader(browser)
    try:
        page = reader.open(PAGE)
        box = box_of(page, "ex-descent-pencil")
        box.get_by_role("button", name="Answer here").focus()
        page.keyboard.press("Enter")
        box.locator(".cm-content").wait_for()
        page.keyboard.press("Control+a")
        page.keyboard.type("answer = 0.5")
        page.keyboard.press("Escape")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Check"
        page.keyboard.press("Enter")
        wait(box)
        assert box.locator(".judged-verdict").inner_text().startswith("Correct")
        assert not reader.asked_the_network()
        assert not reader.complaints
    finally:
        reader.context.close()


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_is_content_and_a_phone_does_not_scroll_sideways(browser: Browser, dark: bool) -> None:
    reader = Reader(browser, dark=dark, width=390)
    try:
        page = reader.open_dark(PAGE) if dark else reader.open(PAGE)
        box = box_of(page, "ex-descent-code")
        assert judged(page, box, UPHILL).startswith("Not yet")
        found = Axe().run(page, "#ex-descent-code").response["violations"]
        assert not [v["id"] for v in found if v["impact"] in ("serious", "critical")], found
        assert box.evaluate(FITS)
    finally:
        reader.context.close()


def test_what_needs_torch_says_so_and_the_pencil_beside_it_is_judged(browser: Browser) -> None:
    reader = Reader(browser)
    try:
        page = reader.open("chapters/14_pytorch_framework.html")
        assert box_of(page, "ex-pt-loop").count() == 0
        assert "Runs in your own Python" in page.locator("#ex-pt-loop").inner_text()
        box = box_of(page, "ex-pt-forgotten")
        assert judged(page, box, "answer = 1").startswith("Not yet: ")
    finally:
        reader.context.close()


def test_without_javascript_no_box_stands(browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto((SITE / PAGE).as_uri())
        assert page.locator("div.judged").first.inner_text().strip() == ""
        assert page.locator("div.judged button").count() == 0
    finally:
        context.close()
