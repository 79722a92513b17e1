"""Figures that can be moved: which code a page runs, and that it is the chapter's own."""

import ast
import contextlib
import importlib
import io
import re
import sys
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import pytest
from docutils import nodes

DOCS = Path(__file__).resolve().parents[1] / "docs"
FENCE = re.compile(r"^(`{3,}|:{3,})\{movable\} (?P<number>\S+)\n(?P<body>.*?)^\1\s*$", re.M | re.S)


def load(name):
    """Import one of the site's own extensions."""
    sys.path.insert(0, str(DOCS / "_ext"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(DOCS / "_ext"))


movable = load("movable")


# -- the figures of the chapters ----------------------------------------------------------------


def figures():
    """Yield the movable figures of all chapters: the chapter, the cells above, what is said of it."""
    for path in sorted((DOCS / "chapters").glob("[0-9]*.md")):
        text = path.read_text(encoding="utf-8")
        for count, found in enumerate(FENCE.finditer(text)):
            options = dict(re.findall(r"^:([\w-]+): (.*)$", found["body"], re.M))
            tests = re.findall(r"^- .*`([^`]+)`$", found["body"], re.M)
            cells = movable.cells_above(text, count)
            figure = movable.figure_of(found["number"], options, cells)
            yield pytest.param(cells, figure | {"tests": tests}, id=f"{path.stem}-{count}")


def run(code, names):
    """Execute code of a chapter, without its output."""
    with contextlib.redirect_stdout(io.StringIO()):
        exec(compile(code, "<chapter>", "exec"), names)
    return names


def in_the_page(figure, value):
    """Run what the page runs for one frame; return its names."""
    code = figure["code"]
    start = run(code["once"], {"__name__": "__main__"})
    built = run(code["before"] + code["number"] + code["after"], dict(start))
    names = run(code["before"] + value + code["after"], dict(start))
    return names | {"built": SimpleNamespace(**built)}


class Unasserted(ast.NodeTransformer):
    """Leaves out what a chapter asserts of the number in it."""

    def visit_Assert(self, node):
        return ast.Pass()


def in_the_chapter(cells, figure, value):
    """Run all of the chapter above the figure, with another number; return its names."""
    code = figure["code"]
    line = code["before"].split("\n")[-1] + "{}" + code["after"].split("\n")[0]
    before, after = (ast.unparse(ast.parse(line.format(number))) for number in (code["number"], value))
    whole = ast.unparse(Unasserted().visit(ast.parse("\n".join(cells))))
    assert whole.count(before) == 1
    return run(whole.replace(before, after), {"__name__": "__main__"})


@pytest.fixture(autouse=True)
def _no_window(monkeypatch):
    monkeypatch.setattr(plt, "show", lambda *args, **kwargs: plt.close("all"))
    monkeypatch.syspath_prepend(DOCS / "chapters")  # where the cells of a chapter find its snippets
    with plt.rc_context():
        yield
    plt.close("all")


@pytest.mark.parametrize(("cells", "figure"), list(figures()))
def test_a_frame_says_what_the_whole_chapter_says(cells, figure):
    values = figure["values"]
    for at in {0, figure["built"], figure["at"], len(values) - 1}:
        page, chapter = in_the_page(figure, values[at]), in_the_chapter(cells, figure, values[at])
        assert eval(figure["says"], page) == eval(figure["says"], chapter)
        assert eval(figure["says"], page)
        plt.close("all")  # a chapter has several figures, and Matplotlib warns of more than twenty


@pytest.mark.parametrize(("cells", "figure"), list(figures()))
def test_one_prediction_holds_and_the_limit_stands_on_the_slider(cells, figure):
    names = in_the_page(figure, figure["values"][figure["at"]])
    assert sum(bool(eval(test, names)) for test in figure["tests"]) == 1
    limit = eval(figure["limit"], names)
    assert limit is None or float(figure["values"][0]) <= limit <= float(figure["values"][-1])


def test_there_is_one():
    assert list(figures())


# -- which code runs ----------------------------------------------------------------------------


CELLS = [
    "import numpy as np\nfrom lecturecode import plots",
    "size = 4\nrate = 0.5",
    "other = np.arange(size)",
    "x = rate * np.arange(3.0)",
    "print(size)",
    "figure, ax = plt.subplots()\nax.plot(x)",
]


def test_cells_without_a_part_in_the_figure_do_not_run():
    code = movable.runs(CELLS, "0.5")
    assert code.once == CELLS[0]
    assert code.before == "size = 4\nrate = "
    assert code.after == "\n" + CELLS[3] + "\n" + CELLS[5]


def test_a_name_stands_for_the_number_that_it_is_assigned():
    assert movable.runs(CELLS, "rate") == movable.runs(CELLS, "0.5")


def test_what_the_number_has_no_part_in_runs_once():
    cells = ["data = [1, 2]", "more = data * 2", "k = 3", "picture = (more, k)"]
    code = movable.runs(cells, "3")
    assert code.once == "data = [1, 2]\nmore = data * 2"
    assert (code.before, code.after) == ("k = ", "\npicture = (more, k)")


def test_what_a_frame_changes_is_made_anew_for_each():
    cells = ["import numpy as np", "rng = np.random.default_rng(0)", "x = rng.normal(size=7)", "x + 1"]
    code = movable.runs(cells, "7")
    assert code.once == "import numpy as np"
    assert code.before == "rng = np.random.default_rng(0)\nx = rng.normal(size="
    cells = ["kept = []", "kept.append(5)", "print(kept)"]
    assert movable.runs(cells, "5").before == "kept = []\nkept.append("


def test_a_number_that_stands_twice_needs_its_line():
    cells = ["a = f(2, 1)\nb = f(2, 3)\nprint(a, b)"]
    with pytest.raises(movable.MovableError, match=r"stands 2 times, in 'a = f.* :line:"):
        movable.runs(cells, "2")
    assert movable.runs(cells, "2", "b = ").before == "a = f(2, 1)\nb = f("
    with pytest.raises(movable.MovableError, match=r"2\.0 must stand once .* it stands 0 times"):
        movable.runs(cells, "2.0")
    with pytest.raises(movable.MovableError, match="0 times"):
        movable.runs(["unused = 7", "print(1)"], "7")


def test_what_the_chapter_asserts_of_its_number_is_left_out():
    cells = ["a = 3\nassert a == 3, (\n    'three'\n)\nfor _ in 'x': assert a  # λ", "a"]
    assert movable.runs(cells, "3") == ("", "a = ", "3", "\npass\nfor _ in 'x': pass  # λ\na")


def test_letters_of_more_than_a_byte_move_nothing():
    assert movable.runs(['x = "λ" + f(8)  # ε'], "8") == ("", 'x = "λ" + f(', "8", ")  # ε")


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ({"from": "0.1", "to": "0.3", "step": "0.1"}, ["0.1", "0.2", "0.3"]),
        ({"from": "0", "to": "1", "step": "0.25"}, ["0", "0.25", "0.5", "0.75", "1"]),
        ({"from": "2", "to": "30", "step": "14"}, ["2", "16", "30"]),
        ({"from": "10", "to": "30", "step": "10"}, ["10", "20", "30"]),
    ],
)
def test_the_slider_goes_in_steps(options, values):
    assert movable.steps(options) == values


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"step": "0.3"}, "no step of 0.3 ends at 1"),
        ({"at": "0.3"}, "the at, 0.3, is none of the slider's values"),
        ({"from": "0.75"}, "the number in the code, 0.5, is none"),
        ({"says": None}, "missing: says"),
        ({"step": None}, "give from, to and step"),
    ],
)
def test_what_cannot_be_a_slider_is_told(changes, says):
    options = {"label": "rate", "from": "0", "to": "1", "step": "0.25", "at": "0.75", "says": "x"}
    assert movable.figure_of("0.5", options, CELLS)["built"] == 2
    options = {name: text for name, text in (options | changes).items() if text is not None}
    with pytest.raises(movable.MovableError, match=re.escape(says)):
        movable.figure_of("0.5", options, CELLS)


def test_a_whole_number_stays_one_and_a_float_stays_one():
    options = {"label": "n", "values": "1 2 4", "at": "4", "says": "x"}
    assert movable.figure_of("2", options, ["x = 2", "print(x)"])["values"] == ["1", "2", "4"]
    assert movable.figure_of("2.0", options, ["x = 2.0", "print(x)"])["values"] == ["1.0", "2.0", "4.0"]


def body(*children):
    return nodes.container("", *children)


def ending():
    return [nodes.paragraph("", "So it is.")]


def choice(text, test):
    line = nodes.paragraph("", text, *([nodes.literal("", test)] if test else []))
    return nodes.list_item("", line)


def test_a_choice_carries_its_test_which_is_not_shown():
    choices = nodes.bullet_list("", choice("Yes. ", "x > 1"), choice("No. ", "x <= 1"))
    question, answer = nodes.paragraph("", "Is it?"), nodes.paragraph("", "It is.")
    parts = movable.parted(body(question, choices, answer))
    assert parts == ([question], choices, [answer], ["x > 1", "x <= 1"])
    assert choices.astext().split() == ["Yes.", "No."]
    for test in parts[3]:
        ast.parse(test, mode="eval")


@pytest.mark.parametrize(
    ("children", "says"),
    [
        (lambda: [nodes.paragraph("", "Is it?")], "needs a question"),
        (lambda: [nodes.bullet_list("", choice("a", "x"), choice("b", "y"))], "needs a question"),
        (lambda: [nodes.paragraph(), nodes.bullet_list("", choice("a", "")), *ending()], "its test"),
        (lambda: [nodes.paragraph(), nodes.bullet_list("", choice("a", "x")), *ending()], "is none"),
    ],
)
def test_a_question_without_choices_or_answer_is_told(children, says):
    with pytest.raises(movable.MovableError, match=says):
        movable.parted(body(*children()))


# -- the layout, which takes as long as the drawing and is kept -----------------------------------


def drawing():
    """Return what the page's script draws with."""
    script = (DOCS / "_static" / "movable.js").read_text(encoding="utf-8")
    names = {}
    exec(re.search(r"const FRAME = `\n(.*?)`;", script, re.S)[1].replace("\\\\", "\\"), names)
    return names["svg"]


def plain(svg):
    """Return a picture without the random names of its parts and its date."""
    names = {}
    text = re.sub(r"<dc:date>.*?</dc:date>", "", svg.decode())
    return re.sub(
        r"\b[mpc][0-9a-f]{10}\b", lambda match: names.setdefault(match[0], f"n{len(names)}"), text
    )


def two_axes(slope, high, label, title="one line"):
    plt.close("all")
    figure, (left, right) = plt.subplots(1, 2, layout="constrained")
    left.plot([0, 1], [0, slope], label=label)
    left.set(xlabel="x", ylim=(0, high), title=title)
    right.plot([0, slope], [1, 0])
    right.set(xlim=(0, 2), yscale="log", ylim=(0.1, 10))
    left.legend(bbox_to_anchor=(1, 1))
    return figure


def test_a_kept_layout_draws_what_a_new_one_does():
    svg, layouts = drawing(), {}
    first = svg(two_axes(0.5, 1, "a"), layouts)
    assert len(layouts) == 1
    again = svg(two_axes(0.7, 1, "a"), layouts)
    assert len(layouts) == 1
    assert plain(again) == plain(svg(two_axes(0.7, 1, "a"), {}))
    assert plain(again) != plain(first)
    others = [(0.7, 1000, "a"), (0.7, 1, "a longer label"), (0.7, 1, "a", "two\nlines")]
    for count, other in enumerate(others, 2):
        assert plain(svg(two_axes(*other), layouts)) == plain(svg(two_axes(*other), {}))
        assert len(layouts) == count
    plt.close("all")
