"""The book as one PDF: its outline, its page numbers, and links that stay in the book."""

import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pypdf
import pytest
from conftest import SITE

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))
import pdf

pytestmark = pytest.mark.browser

PAGES = ["appendices/a_test_functions.html", "glossary.html", "references.html"]


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    if wrong := pdf.missing(SITE):
        pytest.fail(wrong)
    path = tmp_path_factory.mktemp("book") / "book.pdf"
    with ThreadPoolExecutor(1) as other:  # a thread that has a browser open already cannot start one
        count = other.submit(pdf.make, SITE, path, PAGES).result()
    reader = pypdf.PdfReader(path)
    assert len(reader.pages) == count
    return reader


def notes(book):
    for number, page in enumerate(book.pages):
        for note in page.get("/Annots") or ():
            yield number, note.get_object()


def test_the_outline_has_the_pages_and_their_headings(book):
    titles = [entry.title for entry in book.outline if not isinstance(entry, list)]
    assert titles == ["A Test functions", "Glossary", "Bibliography"]
    assert book.metadata.title == "Fitting a model"
    inside = next(entry for entry in book.outline if isinstance(entry, list))
    assert "The quadratic" in [entry.title for entry in inside if not isinstance(entry, list)]
    numbers = [
        book.get_destination_page_number(entry)
        for entry in book.outline
        if entry not in [inside] and not isinstance(entry, list)
    ]
    for title, number in zip(titles, numbers, strict=True):
        assert title in book.pages[number].extract_text()


def test_links_lead_to_places_in_the_book_or_to_the_web(book):
    starts = [book.get_destination_page_number(e) for e in book.outline if not isinstance(e, list)]
    part = [sum(number >= start for start in starts) for number in range(len(book.pages))]
    across = 0
    for number, note in notes(book):
        if "/A" in note:
            assert str(note["/A"]["/URI"]).startswith(("http:", "https:", "mailto:")), note
            continue
        to = book.get_page_number(note["/Dest"][0].get_object())
        across += part[to] != part[number] > 0
    assert across, "no page of the book leads to another"


def test_a_link_finds_its_place(book):
    glossary = book.outline[[getattr(e, "title", "") for e in book.outline].index("Glossary")]
    first = book.get_destination_page_number(glossary)
    found = [note["/Dest"] for number, note in notes(book) if number >= first and "/Dest" in note]
    assert len({(book.get_page_number(place[0].get_object()), float(place[3])) for place in found}) > 5


def test_page_numbers_run_on(book):
    labels = book.page_labels
    count = labels.index("1")
    assert labels[count:] == [str(k + 1) for k in range(len(book.pages) - count)]
    for number in (count, len(book.pages) - 1):
        assert book.pages[number].extract_text().split()[0] == labels[number]


def test_what_is_missing_is_said(tmp_path, monkeypatch):
    assert "make docs" in pdf.missing(tmp_path)
    monkeypatch.setattr(pdf, "BROWSERS", ("no-such-browser",))
    assert "apt install chromium" in pdf.missing(SITE)
