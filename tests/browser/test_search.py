"""The search: what a reader types leads to where the book has it, and the list works by keyboard."""

import re
from functools import cache

import pytest
from conftest import SITE, Reader, address
from playwright.sync_api import Page
from sphinx.util.inventory import InventoryFile
from test_site import check_with_axe

pytestmark = pytest.mark.browser

# What is typed, and the label, page or object that has to be among the first three.
PLACES = {
    "batch size": "sgd-equation",
    "step size": "descent-learning-rate",
    "learning rate": "descent-learning-rate",
    "how to choose the learning rate": "descent-learning-rate",
    "learnign rate": "descent-learning-rate",
    "normal equations": "affine-by-hand",
    "linear regression": "affine-by-hand",
    "pseudoinverse": "many-minimizers",
    "EM": "em",
    "expectation maximisation": "em",
    "logits": "networks-losses",
    "weight initialization": "bad-starts",
    "initialisation": "bad-starts",
    "overfitting": "small-loss-is-not-the-aim",
    "generalisation": "small-loss-is-not-the-aim",
    "momentum": "momentum-equation",
    "adam": "adam-equation",
    "nesterov": "momentum-others",
    "vanishing gradients": "backprop-vanishing",
    "saddle point": "glossary.html#term-saddle",
    "k-means": "k-means",
    "clustering": "k-means",
    "genetic algorithm": "genetic-algorithm",
    "CMA-ES": "evolution-strategy",
    "PSO": "particle-swarm",
    "ant colony": "ant-colony",
    "brute force": "search-small-sets",
    "grid search": "search-code",
    "curse of dimensionality": "search-cost",
    "newton's method": "zeros-code",
    "ridge regression": "ridge",
    "lasso": "admm",
    "ill conditioned": "descent-condition-number",
    "backward pass": "glossary.html#term-backpropagation",
    "chain rule": "chain-rule",
    "Jacobian": "jacobian-and-convention",
    "gradient check": "background-check",
    "autograd": "pt-autograd",
    "zero_grad": "pt-zero-grad",
    "loss is nan": "descent-stability-limit",
    "standardise": "descent-standardize",
    "sigmoid": "networks-activations",
    "matrix factorisation": "low-rank",
    "permutation symmetry": "identifiability",
    "dual numbers": "ex-dp-dual",
    "data parallel": "gpu-shards",
    "no free lunch": "families-guide",
    "gradient_descent": "lecturecode.gradient_descent",
    "lc.train": "lecturecode.train",
}


# A section, and the further labels of it.
SECTION = re.compile(r'<section[^>]* id="([^"]+)">\s*((?:<span id="[^"]+"></span>\s*)+)')
ID = re.compile(r'\bid="([^"]+)"')


@cache
def inventory() -> dict[str, str]:
    """Every label and object of the site, with its address."""
    with (SITE / "objects.inv").open("rb") as file:
        found = InventoryFile.load(file, "", lambda root, path: path)
    kinds = ("std:label", "py:function", "py:class")
    return {name: item.uri for kind in kinds for name, item in found.get(kind, {}).items()}


@cache
def anchors(page: str) -> dict[str, str]:
    """Every anchor of a page, and the first one of the section that it stands for."""
    text = (SITE / page).read_text("utf-8")
    first = {anchor: anchor for anchor in ID.findall(text)}
    for section, further in SECTION.findall(text):
        first |= dict.fromkeys(ID.findall(further), section)
    return first


def place(uri: str) -> tuple[str, str]:
    """The page and the first anchor of the section, term or object that an address leads to."""
    page, _, anchor = uri.partition("#")
    assert not anchor or anchor in anchors(page), f"{uri} leads nowhere"
    return page, anchors(page).get(anchor, "")


@pytest.fixture(scope="module")
def search(browser) -> Page:
    reader = Reader(browser)
    page = reader.open("search.html")
    page.evaluate("bookSearch.start()")
    yield page
    assert not reader.asked_the_network()
    assert not reader.complaints
    reader.context.close()


@pytest.mark.parametrize("query", PLACES)
def test_what_is_typed_leads_to_its_place(search: Page, query: str) -> None:
    wanted = PLACES[query]
    uri = wanted if ".html" in wanted else inventory()[wanted]
    hits = search.evaluate(
        "query => bookSearch.find(query).hits.slice(0, 3).map(hit => hit.address)", query
    )
    assert place(uri) in [place(hit) for hit in hits], f"{query!r} finds {hits}"


def test_forty_things_are_typed() -> None:
    assert len(PLACES) >= 40


def test_every_hit_leads_somewhere(search: Page) -> None:
    for uri in search.evaluate("bookSearch.entries().map(entry => entry.address)"):
        place(uri)


def test_british_and_american_spelling_find_the_same(search: Page) -> None:
    find = "query => bookSearch.find(query).hits.map(hit => hit.address)"
    for british, american in [
        ("normalise", "normalize"),
        ("behaviour", "behavior"),
        ("centre", "center"),
    ]:
        assert search.evaluate(find, british) == search.evaluate(find, american) != []


def test_what_is_not_there_is_said_so(search: Page) -> None:
    search.fill(".bd-search-container input", "qwxyzzy")
    search.wait_for_selector(".bd-search-container .search-status:has-text('Nothing found')")
    assert search.locator(".search-hit").count() == 0


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_search_page_lists_what_its_address_asks(browser, dark: bool) -> None:
    reader = Reader(browser, dark)
    if dark:
        reader.open_dark("search.html")
    page = reader.open("search.html", "?q=step+size")
    page.wait_for_selector(".search-hit")
    assert "places" in page.inner_text(".bd-search-container .search-status")
    assert page.locator(".search-hit mark").count() > 5
    assert not reader.asked_the_network()
    assert not reader.complaints
    check_with_axe(page)
    reader.context.close()


def test_search_page_fits_a_phone(browser) -> None:
    reader = Reader(browser, width=390)
    page = reader.open("search.html", "?q=gradient_descent")
    page.wait_for_selector(".search-hit")
    wide, window = page.evaluate(
        "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
    )
    assert wide <= window
    reader.context.close()


def test_dialog_is_used_by_keyboard_alone(reader: Reader) -> None:
    page = reader.open("chapters/06_gradient_descent.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("normal equations")
    page.wait_for_selector("#pst-search-dialog .search-hit")
    page.wait_for_selector("#pst-search-dialog[data-query='normal equations']")
    page.keyboard.press("ArrowDown")
    first = page.evaluate("document.activeElement.href")
    assert first == page.locator("#pst-search-dialog a.search-link").first.evaluate("link => link.href")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.name") == "q"
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(re.escape(first.rpartition("/")[2])))
    assert page.url.startswith("file:")
    assert not reader.asked_the_network()
    assert not reader.complaints


def test_escape_closes_the_dialog_and_a_hit_on_this_page_does(reader: Reader) -> None:
    page = reader.open("chapters/06_gradient_descent.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("step size")
    page.wait_for_selector("#pst-search-dialog .search-hit")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Escape")
    page.wait_for_function("!document.querySelector('#pst-search-dialog').open")
    page.keyboard.press("Control+k")
    page.locator("#pst-search-dialog a[href$='#descent-learning-rate']").first.click()
    page.wait_for_function("!document.querySelector('#pst-search-dialog').open")
    assert page.url == address("chapters/06_gradient_descent.html") + "#descent-learning-rate"


def test_pages_do_not_load_the_index_before_they_are_asked(reader: Reader) -> None:
    page = reader.open("chapters/06_gradient_descent.html")
    assert page.evaluate("typeof bookSearch.find") == "function"
    assert not [url for url in reader.requests if re.search("searchindex|minisearch|searchtools", url)]
