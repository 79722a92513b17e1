"""What the search looks through: sections with what leads to them, and no solution."""

import hashlib
import re
import sys
import tomllib
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="the index of the search is made from Sphinx's pages")

from docutils import nodes
from docutils.core import publish_doctree
from sphinx import addnodes

DOCS = Path(__file__).resolve().parents[1] / "docs"
SEARCH = DOCS / "_static" / "search"

CHAPTER = """\
Descent
=======

Intro.

.. _rate:

The rate: small or large
------------------------

Each step is :math:`\\theta \\leftarrow \\theta - \\epsilon \\nabla g`. It may diverge::

    for step in descend(start): print(step)

.. _stop:

When to stop
~~~~~~~~~~~~

Never.

Summary
-------

- A large rate_ diverges.
- Do not stop_.
"""


@pytest.fixture
def search_index(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    import search_index

    yield search_index
    sys.modules.pop("search_index")


@pytest.fixture
def chapter():
    return publish_doctree(CHAPTER, settings_overrides={"doctitle_xform": False, "report_level": 5})


def solution_node(*children):
    return type("solution_node", (nodes.Element,), {})("", *children)


def glossary(**meanings):
    """Terms, each with what it means and the label that it leads to, or the term to see."""
    items = []
    for name, (text, label) in meanings.items():
        kind = "term" if text == "See " else "ref"
        link = addnodes.pending_xref(
            "", nodes.inline("", label), reftype=kind, reftarget=label, refexplicit=True
        )
        definition = nodes.definition("", nodes.paragraph("", "", nodes.Text(text), link))
        items.append(
            nodes.definition_list_item("", nodes.term("", name, ids=[f"term-{name}"]), definition)
        )
    words = addnodes.glossary("", nodes.definition_list("", *items))
    return nodes.section("", nodes.title("", "Words"), words, ids=["words"])


def made(search_index, chapter, words, labels):
    pages = {"chapters/06_x": chapter, "words": words}
    titles = {"chapters/06_x": "6 Descent", "words": "Words"}
    pages = {name: search_index.entries_of(page, name) for name, page in pages.items()}
    found = search_index.index(pages, titles, labels, {"same": []})
    return found["entries"], {entry["heading"]: entry for entry in found["entries"]}


def test_each_section_is_an_entry_with_its_own_text_and_names(search_index, chapter):
    found = {entry["heading"]: entry for entry in search_index.entries_of(chapter, "chapters/06_x")}
    assert list(found) == ["Descent", "The rate: small or large", "When to stop", "Summary"]
    rate, stop = found["The rate: small or large"], found["When to stop"]
    assert rate["text"] == "Each step is θ ← θ - ε ∇g. It may diverge:"
    assert rate["code"] == ["step", "descend", "start", "print"]
    assert "rate" in rate["ids"]
    assert (rate["parent"], stop["parent"]) == ("", "The rate: small or large")
    assert found["Descent"]["top"]


def test_terms_and_summaries_lead_into_the_chapter(search_index, chapter):
    words = nodes.document(None, None)
    words += glossary(learning=("The factor. In the book: ", "rate"), step=("See ", "learning"))
    labels = {"rate": ("chapters/06_x", "rate"), "stop": ("chapters/06_x", "stop")}
    entries, found = made(search_index, chapter, words, labels)
    rate = found["The rate: small or large"]
    assert rate["terms"] == ["learning", "step"]
    assert rate["summary"] == ["A large rate diverges."]
    assert found["When to stop"]["summary"] == ["Do not stop."]
    term = found["learning"]
    assert term["text"] == "The factor."
    assert entries[term["places"][0]] is rate
    assert term["terms"] == ["step"]
    assert "step" not in found, "a term that says where to look is no place to look"


def test_solutions_and_what_a_cell_printed_are_left_out(search_index, chapter):
    section = chapter.next_node(nodes.section)
    hidden = nodes.section(
        "", nodes.title("", "Found"), nodes.paragraph("", "the answer"), ids=["found"]
    )
    section += solution_node(
        hidden, nodes.paragraph("", "the answer"), nodes.literal_block("", "answered")
    )
    section += nodes.container("", nodes.literal_block("", "printed"), classes=["cell_output"])
    found = search_index.entries_of(chapter, "chapters/06_x")
    assert not re.search("answer|printed", str(found))


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"2/\lambda_{\max}", "2/λ_max"),
        (r"\epsilon\,\grad g(\theta)", "ε ∇g(θ)"),
        (r"\begin{bmatrix} a \end{bmatrix}", "…"),
    ],
)
def test_a_formula_is_plain_text_or_three_dots(search_index, tex, text):
    assert search_index.formula(tex) == text


def test_words_that_mean_the_same_stand_in_one_line_only():
    words = tomllib.loads((DOCS / "search.toml").read_text("utf-8"))
    phrases = [phrase.lower() for group in words["same"] for phrase in group]
    assert not {phrase for phrase in phrases if phrases.count(phrase) > 1}
    assert all(len(group) > 1 for group in words["same"])


def test_the_bundle_is_the_one_that_its_readme_describes():
    sha = hashlib.sha256((SEARCH / "minisearch.js").read_bytes()).hexdigest()
    assert sha in (SEARCH / "README.md").read_text("utf-8")
    assert "MiniSearch" in (SEARCH / "LICENSE.txt").read_text("utf-8")


@pytest.mark.parametrize(
    ("target", "page"),
    [
        ("/auto_gallery/02_search/plot_1", "auto_gallery/02_search/plot_1"),
        ("08_networks", "chapters/08_networks"),
        ("../appendices/a_test_functions", "appendices/a_test_functions"),
    ],
)
def test_a_page_that_a_sentence_names_is_shown_by_its_title(search_index, target, page):
    named = addnodes.pending_xref("", nodes.inline("", target), reftype="doc", reftarget=target)
    sentence = nodes.paragraph("", "", nodes.Text("See "), named, nodes.Text("."))
    text = search_index.plain(sentence, "chapters/06_gradient_descent")
    assert text == f"See {{{page}}}."
    entry = search_index.entry("section", ["a"], "A", text=text)
    made = search_index.index({"b": [entry]}, {page: "The title", "b": "B"}, {}, {})
    assert made["entries"][0]["text"] == "See The title."
