"""What the links of the map, the claims and the errata say."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="building the book needs the extra docs")
from docutils import nodes
from docutils.utils import new_document

EXTENSIONS = Path(__file__).resolve().parents[1] / "docs" / "_ext"


@pytest.fixture
def lecture_map(monkeypatch):
    monkeypatch.syspath_prepend(str(EXTENSIONS))
    before = set(sys.modules)
    import lecture_map

    yield lecture_map
    for module in set(sys.modules) - before:
        if str(getattr(sys.modules[module], "__file__", "")).startswith(str(EXTENSIONS)):
            del sys.modules[module]


def test_a_place_without_a_title_is_named_by_the_fold_or_the_section_around_it(lecture_map):
    page = new_document("page")
    chapter = nodes.section(
        "", nodes.title("", "Chapter"), nodes.paragraph(ids=["start"]), ids=["chapter"]
    )
    inner = nodes.section("", nodes.title("", "Ways"), nodes.paragraph(ids=["by-the-way"]), ids=["ways"])
    folded = lecture_map.fold("", nodes.inline("", "Why?"), nodes.paragraph(ids=["reason"]), ids=["why"])
    inner += folded
    chapter += inner
    page += chapter
    asked = ["start", "ways", "by-the-way", "why", "reason", "nowhere"]
    said = [lecture_map.title_around(page, anchor) for anchor in asked]
    assert said == ["Chapter", "Ways", "Ways", "Why?", "Why?", None]
