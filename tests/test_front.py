"""The front page: its picture comes from runs, its minutes from the words that stand on the pages."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree

import pytest

pytest.importorskip("sphinx", reason="building the book needs the extra docs")
from docutils import nodes

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.fixture
def front(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    import front

    yield front
    for name in [
        n for n, m in sys.modules.items() if str(DOCS / "_ext") in str(getattr(m, "__file__", ""))
    ]:
        monkeypatch.delitem(sys.modules, name)


@pytest.fixture
def picture(front):
    import five_families

    return five_families.picture({"chapters/06_gradient_descent": "chapters/06.html?a=1&b=2"})


def test_the_picture_shows_five_families_on_one_ground_and_is_light(picture):
    assert len(picture) < 100_000
    root = ElementTree.fromstring(picture)
    families = root.findall("a[@class]")
    assert [a.find("strong").text for a in families] == [
        "Search",
        "Populations",
        "Zeros of the gradient",
        "Alternated minimization",
        "Gradient descent",
    ]
    for family in families:
        drawn = family.find("svg")
        assert drawn.get("role") == "img"
        assert len(drawn.get("aria-label")) > 30
        assert drawn.find("use").get("href") == "#families-land"
        assert drawn.findall("*")[-1].get("class").startswith("end ")
    assert [a.get("href") for a in families] == [None, None, None, None, "chapters/06.html?a=1&b=2"]
    assert root.find("p/button").get("hidden") is not None  # without a script there is nothing to play


def test_marks_appear_in_the_order_of_their_steps_and_none_is_lost(picture):
    root = ElementTree.fromstring(picture)
    for family, marks in zip(root.findall("a"), (60, 15 * 12, 6, 7, 31), strict=True):
        dots = [e for e in family.iter("circle") if e.get("class") in ("dot", "old")]
        seconds = [float(re.fullmatch(r"--t:([\d.]+)", dot.get("style"))[1]) for dot in dots]
        assert len(dots) == marks
        assert seconds == sorted(seconds)
        assert (seconds[0], seconds[-1]) == (0, 7)
        assert all(0 <= float(dot.get(axis)) <= 200 for dot in dots for axis in ("cx", "cy"))


def page(*parts):
    section = nodes.section("", nodes.title("", "In short"), *parts, ids=["in-short"])
    document = nodes.document(None, None)
    document += section
    return document


def test_only_the_main_line_is_counted(front):
    import folds

    cell = nodes.container("", nodes.literal_block("", "a = b"), classes=["cell"])
    output = nodes.container("", nodes.literal_block("", "9 9 9"), classes=["cell_output"])
    hidden = nodes.container("", nodes.literal_block("", "c = d"), classes=["cell", "tag_hide-input"])
    fold = folds.fold("", nodes.paragraph(text="for one reader in ten"))
    text = nodes.paragraph("", "three words, ", nodes.math(text=r"g (\theta)"))
    assert front.count(page(text, cell, output, hidden, fold)) == 2 + 2 + 2 + 3


def test_the_question_is_what_a_chapter_begins_with(front):
    asked = nodes.paragraph("", "", nodes.strong(text="What does it cost?"), nodes.Text(" Two losses."))
    assert front.question(page(asked)) == "What does it cost?"
    assert front.question(page(nodes.paragraph("", "", nodes.strong(text="Nothing.")))) == ""
    assert front.question(page()) == ""


@pytest.mark.parametrize(("words", "fits"), [(600, False), (2250, True), (3500, False)])
def test_a_quarter_of_an_hour_is_held_to_its_word(front, monkeypatch, words, fits):
    told = []
    monkeypatch.setattr(front.logger, "warning", lambda *a, **k: told.append(a))
    read = {"chapters/06": {"words": {"": 9000, "step": words}}}
    builder = SimpleNamespace(format="html", get_relative_uri=lambda page, name: f"{name}.html")
    app = SimpleNamespace(builder=builder, env=SimpleNamespace(book_read=read))
    link = nodes.reference("", "the step", refuri="chapters/06.html#step")
    place = nodes.container(
        "", nodes.bullet_list("", nodes.list_item("", nodes.paragraph("", "", link)))
    )
    (shown,) = front.timed(app, "index", place)
    assert shown.astext() == f"the step {round(words / 150)} min"
    assert (not told) == fits


def test_every_chapter_has_a_picture_in_the_gallery(front):
    from checks import LectureMap

    for chapter in LectureMap.read(DOCS / "lecture_map.toml").chapters.values():
        assert (DOCS.parent / "gallery" / f"{chapter['picture']}.py").is_file()
