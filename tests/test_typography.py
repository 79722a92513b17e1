"""What belongs together stays on one line, and no sentence of a page loses or gains a comma by it."""

import sys
from pathlib import Path

import pytest

pytest.importorskip("sphinx", reason="building the book needs the extra docs")
from docutils import nodes

DOCS = Path(__file__).resolve().parents[1] / "docs"


@pytest.fixture
def typography(monkeypatch):
    monkeypatch.syspath_prepend(str(DOCS / "_ext"))
    import typography

    yield typography
    sys.modules.pop("typography")


@pytest.fixture
def keep_together(typography):
    return typography.keep_together


def sentence(*parts):
    """Make a paragraph: formulas between dollars, code between backquotes, links between brackets."""
    kinds = {"$": nodes.math, "`": nodes.literal, "[": nodes.reference}
    line = nodes.paragraph()
    line += [kinds[p[0]]("", p[1:-1]) if p[0] in kinds else nodes.Text(p) for p in parts]
    return line


@pytest.mark.parametrize(
    "parts",
    [
        ["Let ", "`x`", ", ", "$y$", ", ", "$z$", " be."],
        ["See ", "[there]", ", ", "$y$", ", ", "`z`", ", ", "$w$", "."],
        ["$a$", ", ", "$b$", ", ", "$c$", ", ", "[the end]", ", ", "$d$", ", and so on."],
        ["`f`", ". ", "$a$", ". ", "`g`", ". ", "$b$", ". "],
        ["$a$", "$b$", ")", " and ", "$c$"],
    ],
)
def test_no_comma_is_lost_or_doubled(keep_together, parts):
    line = sentence(*parts)
    before = line.astext()
    keep_together(None, line, "page")
    assert line.astext() == before
    for node in line.findall(nodes.math):
        last = node.parent is not line
        after = line[line.index(node.parent if last else node) + 1 :][:1]
        assert not (after and isinstance(after[0], nodes.Text) and after[0][:1] in tuple(".,;:!?)]"))


def test_a_formula_and_what_closes_it_are_in_one_box(keep_together):
    line = sentence("Here ", "`x`", ", ", "$y$", ", and ", "$z$", "!).")
    keep_together(None, line, "page")
    boxes = [node.astext() for node in line.findall(nodes.inline)]
    assert boxes == ["y,", "z!)."]
    assert all(node["classes"] == ["keep-together"] for node in line.findall(nodes.inline))


@pytest.mark.parametrize(
    ("parts", "held"),
    [
        (["among the best 5 % of 300 000 draws"], "among the best 5_% of 300_000 draws"),
        (["by ", "[46]", " % of its value"], "by 46_% of its value"),
        (["a ", "`5 % 2`", " and $x$ and 3 of 400"], "a 5 % 2 and $x$ and 3 of 400"),
        (["[a link]", " % no number", " and ", "[9]", " birds"], "a link % no number and 9 birds"),
        (["[7]", " %", " and ", "[8]", " %"], "7_% and 8_%"),
    ],
)
def test_a_number_is_not_torn_apart(typography, parts, held):
    line = sentence(*parts)
    typography.hold_numbers(None, line, "page")
    assert line.astext() == held.replace("_", "\N{NO-BREAK SPACE}")
