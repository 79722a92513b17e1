"""Code that is edited and run in its page: by a reader with a mouse, with a keyboard, with bad luck."""

import functools
import http.server
import re
import threading
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import SITE, Reader, address, pages
from live_sweep import sweep
from playwright.sync_api import Browser, Locator, Page, expect

pytestmark = pytest.mark.browser

WAIT = 180_000  # milliseconds, since Python may start on a machine that does other things as well
CHAPTERS = [
    name for name in pages("chapters/*.html") if "data-live=" in (SITE / name).read_text("utf-8")
]
DESCENT = next((name for name in CHAPTERS if re.search(r"\d_gradient_descent", name)), "")
SWEPT = [name for name in CHAPTERS if re.search(r"\d_(background|zeros_of|gradient_descent)", name)]
EXAMPLE = next(iter(pages("auto_gallery/*_gradient_descent/plot_1_step*.html")), "")
SMALL = "1 + 1"
NO_NETWORK = "a page has no network; run this in your own Python"
LINE_1 = "ZeroDivisionError: division by zero\nin line 1: 1 / 0"

expect.set_options(timeout=WAIT)

if not CHAPTERS:
    pytest.skip("this site was built without running code in its pages", allow_module_level=True)


class LiveReader(Reader):
    """A reader who waits for Python."""

    def __init__(self, browser: Browser, dark: bool = False, width: int = 1280) -> None:
        super().__init__(browser, dark, width)
        self.page.set_default_timeout(WAIT)


@pytest.fixture
def alone(browser: Browser) -> Iterator[LiveReader]:
    """Return a reader who is new here."""
    reader = LiveReader(browser)
    yield reader
    reader.context.close()


@pytest.fixture(scope="module")
def long_open(browser: Browser) -> Iterator[Page]:
    reader = LiveReader(browser)
    yield reader.open(DESCENT)
    reader.context.close()


@pytest.fixture
def page(long_open: Page) -> Iterator[Page]:
    """Return a page in which Python may run already, with the cells as they were built."""
    yield long_open
    long_open.evaluate(
        "(live => live.cells.forEach((cell, i) => live.set(i, cell.source)))(lecturecode.live)"
    )


def cell(page: Page, number: int = 0) -> Locator:
    """Return a cell that can run, counted over those that the page shows."""
    return page.locator("[data-live]:not([data-live=static])").nth(number)


def opened(page: Page, number: int = 0) -> Locator:
    """Open the editor of a cell, if it is not open."""
    found = cell(page, number)
    edit = found.get_by_role("button", name="Edit and run")
    if edit.is_visible():
        edit.click()
    expect(found.locator(".cm-content")).to_be_visible()
    return found


def write(page: Page, found: Locator, code: str) -> None:
    """Replace the code of an open cell, as a reader does."""
    found.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(code)


def run(page: Page, found: Locator, code: str, state: str = "done") -> str:
    """Write code into an open cell, run it, and return what it shows."""
    write(page, found, code)
    page.keyboard.press("Control+Enter")
    expect(found.get_by_role("button", name="Stop")).to_be_hidden()
    expect(found).to_have_attribute("data-live", state)
    return found.locator(".live-output").inner_text()


def test_nothing_is_loaded_before_the_first_click(alone: LiveReader) -> None:
    alone.open(DESCENT)
    asked = [url.rsplit("/_static/", 1)[-1] for url in alone.requests]
    assert not [url for url in asked if url.startswith(("live/", "live-worker", "codemirror/", "blob:"))]


def test_a_cell_is_edited_run_reset_and_asks_no_network(alone: LiveReader) -> None:
    page = alone.open(DESCENT)
    found = opened(page)
    assert "2" in run(page, found, SMALL).split()
    expect(found.get_by_role("status")).to_have_text(re.compile(r"done in \d+\.\d+ s"))
    found.get_by_role("button", name="Reset").click()
    expect(found.locator(".live-output")).to_be_hidden()
    expect(found).to_have_attribute("data-live", "ready")
    assert "import" in found.locator(".cm-content").inner_text()
    assert not alone.asked_the_network()
    assert not alone.complaints


def test_figures_are_drawn_with_their_alternative_texts(page: Page) -> None:
    cells = "lecturecode.live.cells"
    with_figure = "c => c.state !== 'static' && c.box?.querySelector('img')"
    index = page.evaluate(f"{cells}.findIndex({with_figure})")
    alt = page.evaluate(f"i => {cells}[i].box.querySelector('img').alt", index)
    page.evaluate("i => lecturecode.live.run(i)", index)
    figure = page.locator(".live-output img").first
    assert figure.get_attribute("src").startswith("data:image/svg+xml;base64,")
    assert figure.get_attribute("alt") == alt
    assert figure.evaluate("image => image.naturalWidth") > 100


def test_the_keyboard_gets_in_runs_and_gets_out(alone: LiveReader) -> None:
    page = alone.open(DESCENT)
    found = cell(page)
    found.get_by_role("button", name="Edit and run").focus()
    page.keyboard.press("Enter")
    editor = found.locator(".cm-content")
    expect(editor).to_be_focused()
    assert "Escape" in editor.get_attribute("aria-description")
    write(page, found, "if True:\nx = 1")
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    assert page.evaluate("lecturecode.live.cells[0].code") == "if True:\n    x = 1"
    page.keyboard.press("Control+z")
    assert page.evaluate("lecturecode.live.cells[0].code") == "if True:\nx = 1"
    page.keyboard.press("Escape")
    page.keyboard.press("Tab")
    expect(found.get_by_role("button", name="Run", exact=True)).to_be_focused()


def test_what_is_changed_survives_a_reload_until_it_is_reset(alone: LiveReader) -> None:
    page = alone.open(DESCENT)
    found = opened(page)
    write(page, found, "kept = 1")
    page.wait_for_timeout(500)
    page.reload()
    found = cell(page)
    expect(found.locator("pre").first).to_have_text("kept = 1")
    found.get_by_role("button", name="Reset").click()
    page.reload()
    expect(cell(page).locator("pre").first).to_contain_text("import")


def test_a_tab_that_is_left_keeps_what_another_has_written(alone: LiveReader) -> None:
    page = alone.open(DESCENT)
    other = alone.context.new_page()
    other.goto(page.url)
    write(other, opened(other), "older = 1")
    other.wait_for_timeout(500)
    write(page, opened(page), "newer = 1")
    page.wait_for_timeout(500)
    other.goto("about:blank")
    page.reload()
    expect(cell(page).locator("pre").first).to_have_text("newer = 1")


def test_a_browser_without_memory_still_runs(browser: Browser) -> None:
    reader = LiveReader(browser)
    try:
        forbidden = (
            "Object.defineProperty(window, 'localStorage', { get() { throw new Error('private') } })"
        )
        reader.context.add_init_script(forbidden)
        page = reader.open(DESCENT)
        assert "2" in run(page, opened(page), SMALL).split()
    finally:
        reader.context.close()


def test_a_loop_without_end_is_stopped_and_what_was_before_is_run_again(page: Page) -> None:
    first, second = opened(page, 0), opened(page, 1)
    run(page, first, "a = 41")
    write(page, second, "while a: pass")
    page.keyboard.press("Control+Enter")
    expect(second).to_have_attribute("data-live", "running")
    second.get_by_role("button", name="Stop").click()
    expect(second.get_by_role("status")).to_have_text(re.compile("stopped.*Python starts anew"))
    expect(second).to_have_attribute("data-live", "ready")
    assert "42" in run(page, second, "a + 1")


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("1 / 0", LINE_1),
        ("x = 1\nif x\n    y", "SyntaxError: expected ':'\nin line 2: if x"),
        (
            "import lecturecode\n\nlecturecode.GradientDescent(-1)",
            "in line 3: lecturecode.GradientDescent(-1)",
        ),
        ("input('?')", "RuntimeError: input() cannot ask in a page"),
        ("import urllib.request\nurllib.request.urlopen('http://example.org')", "a page has no network"),
        (
            "import urllib.request\nurllib.request.urlopen('https://example.org')",
            "a page has no network",
        ),
        ("import torch", "it is not in the page, run this in your own Python"),
        ("def f(n): return f(n + 1)\nf(0)", "RecursionError"),
        ("raise SystemExit", "SystemExit"),
    ],
)
def test_errors_are_told_in_words_and_with_the_line(page: Page, code: str, told: str) -> None:
    text = run(page, opened(page), code, state="failed")
    assert told in text
    assert "Traceback" not in text
    assert "show.py" not in text


def test_files_and_warnings_and_long_output(page: Page) -> None:
    found = opened(page)
    text = run(page, found, "open('a.txt', 'w').write('kept')\nprint(open('a.txt').read())")
    assert text.split() == ["kept"]
    assert "UserWarning: mind" in run(page, found, "import warnings\nwarnings.warn('mind')")
    text = run(page, found, "print('x' * 1_000_000)")
    assert len(text) < 110_000
    assert "The cell printed 1,000,001 characters; the page shows the first 100,000." in text


def test_memory_that_ends_is_told_and_python_starts_anew(page: Page) -> None:
    found = opened(page)
    greedy = "kept = []\nwhile True:\n    kept.append(bytearray(10**8))"
    text = run(page, found, greedy, state="failed")
    assert "MemoryError: the page's memory is used up" in text
    assert "Python was started anew" in text
    assert "2" in run(page, found, SMALL).split()


def test_a_name_that_changes_above_marks_what_hangs_on_it(page: Page) -> None:
    first, second = opened(page, 0), opened(page, 1)
    run(page, first, "a = 1")
    assert "1" in run(page, second, "print(a)")
    run(page, first, "a = 2")
    expect(second.locator(".live-stale")).to_be_visible()
    second.get_by_role("button", name="Run", exact=True).click()
    expect(second.locator(".live-output")).to_have_text(re.compile("2"))
    expect(second.locator(".live-stale")).to_be_hidden()


def test_an_old_browser_is_told_so(browser: Browser) -> None:
    reader = LiveReader(browser)
    try:
        reader.context.add_init_script("delete window.DecompressionStream")
        page = reader.open(DESCENT)
        assert "no DecompressionStream" in run(page, opened(page), SMALL, state="failed")
    finally:
        reader.context.close()


def test_without_javascript_the_page_reads_as_before(browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    try:
        page = context.new_page()
        page.goto(address(DESCENT))
        assert page.locator(".live-bar, .live-why, .live-output").count() == 0
        assert page.locator("[data-live] pre").first.is_visible()
    finally:
        context.close()


def test_two_pages_run_at_the_same_time(browser: Browser) -> None:
    readers = [LiveReader(browser), LiveReader(browser)]
    try:
        found = []
        for reader in readers:
            found.append(opened(reader.open(DESCENT)))
        for index, reader in enumerate(readers):
            write(reader.page, found[index], f"{index} + 10")
            reader.page.keyboard.press("Control+Enter")
        for index in range(2):
            expect(found[index]).to_have_attribute("data-live", "done", timeout=WAIT)
            assert str(index + 10) in found[index].locator(".live-output").inner_text()
        readers[0].page.close()  # while the other lives
        assert "2" in run(readers[1].page, found[1], SMALL)
    finally:
        for reader in readers:
            reader.context.close()


def test_a_page_that_is_closed_while_it_runs_leaves_the_browser_well(browser: Browser) -> None:
    reader = LiveReader(browser)
    page = reader.open(DESCENT)
    found = opened(page)
    write(page, found, "while True: pass")
    page.keyboard.press("Control+Enter")
    expect(found).to_have_attribute("data-live", "running", timeout=WAIT)
    reader.context.close()
    other = LiveReader(browser)
    other.open("index.html")
    other.context.close()


def test_python_below_a_cell_knows_its_names_and_keeps_its_own(page: Page) -> None:
    script = """async () => {
      const live = lecturecode.live;
      live.set(0, 'a = 1'); live.set(1, 'a = 2');
      const first = await live.python('b = a; b', { after: 0 });
      const code = '[a, "b" in globals(), open("c.txt").read()]';
      const second = await live.python(code, { after: 1, files: { 'c.txt': 'c' } });
      const third = await live.python('1 / 0', { after: null });
      return [first.value, second.value, third.error.text];
    }"""
    assert page.evaluate(script) == [
        1,
        [2, False, "c"],
        "ZeroDivisionError: division by zero\nin line 1: 1 / 0",
    ]


def test_cells_that_run_elsewhere_say_why(page: Page) -> None:
    whys = page.locator("[data-live=static] .live-why").all_text_contents()  # some are folded
    reasons = [text.strip() for text in whys]
    assert reasons
    assert all(re.match(r"Runs in your own Python: it \w.*\.$", text) for text in reasons), reasons


def test_a_gallery_page_runs(alone: LiveReader) -> None:
    page = alone.open(EXAMPLE)
    results = list(sweep(page, EXAMPLE))
    assert results
    assert not [ran for ran in results if ran.problem]


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing_serious_on_a_live_page(browser: Browser, dark: bool) -> None:
    reader = LiveReader(browser, dark=dark)
    try:
        page = reader.open_dark(DESCENT) if dark else reader.open(DESCENT)
        found = opened(page)
        code = "import numpy as np\nfor i in range(3):  # three\n    print(f'{i}', 1.5, None)\n1 / 0"
        run(page, found, code, state="failed")
        grave = [
            f"{v['id']}: {v['help']}: {[node['target'] for node in v['nodes']][:5]}"
            for v in Axe().run(page).response["violations"]
            if v["impact"] in ("serious", "critical")
        ]
        assert not grave, "\n".join(grave)
    finally:
        reader.context.close()


def test_a_phone_has_room_for_it(browser: Browser) -> None:
    reader = LiveReader(browser, width=390)
    try:
        page = reader.open(DESCENT)
        run(page, opened(page), "print('x' * 500)\n'a_long_line = ' * 30")
        wide, window = page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert wide <= window
    finally:
        reader.context.close()


@pytest.fixture
def server() -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    handler = functools.partial(Quiet, directory=str(SITE))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()


def test_it_runs_over_http_as_well(alone: LiveReader, server: str) -> None:
    page = alone.page
    page.goto(server + DESCENT)
    assert "2" in run(page, opened(page), SMALL).split()
    foreign = [url for url in alone.requests if not url.startswith((server, "blob:", "data:"))]
    assert not foreign


@pytest.mark.slow
@pytest.mark.parametrize("name", SWEPT)
def test_every_ready_cell_shows_what_the_book_shows(alone: LiveReader, name: str) -> None:
    page = alone.open(name)
    page.set_default_timeout(10 * WAIT)
    results = list(sweep(page, name, seconds=600))
    assert len(results) > 10
    assert not [ran for ran in results if ran.problem]
