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
    for module in ("typography", "shared"):
        sys.modules.pop(module)


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
    ("said", "kept"),
    [
        ("0.5 % of 100 000", "0.5_% of 100_000"),
        ("1 234 567 points", "1_234_567 points"),
        ("at 70\n%", "at 70_%"),
        (" % of the best", "_% of the best"),  # after a number from the run
        ("in 2017 8 of 10", "in 2017 8 of 10"),
        ("sizes 32 1024", "sizes 32 1024"),
        ("of the % sign", "of the % sign"),
    ],
)
def test_no_line_ends_within_a_number(typography, said, kept):
    line = sentence(said, "`100 000`", "$100 000$")
    typography.keep_numbers(None, line, "page")
    assert line.astext() == kept.replace("_", "\N{NO-BREAK SPACE}") + "100 000" * 2


def test_equal_texts_are_kept_each_in_its_place(typography):
    line = sentence(" % of ", "$a$", " % of ")
    typography.keep_numbers(None, line, "page")
    assert line.astext() == "\N{NO-BREAK SPACE}% of a\N{NO-BREAK SPACE}% of "


def test_names_in_a_table_break_after_a_dot_or_an_underscore(typography):
    inside, outside = sentence("`torch.optim.lr_scheduler`"), sentence("`least_squares`")
    both = nodes.section("", nodes.entry("", inside), outside)
    for _ in range(2):  # a name that says already where it breaks stays as it is
        typography.break_names(None, both, "page")
    parts = [each.astext() for each in inside[0] if not isinstance(each, nodes.raw)]
    assert parts == ["torch.", "optim.", "lr_", "scheduler"]
    assert outside[0].children == [nodes.Text("least_squares")]
