"""Which cells of a page need which, and which of them run in the page."""

import importlib
import io
import json
import re
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
from matplotlib import mathtext, textpath

DOCS = Path(__file__).parents[1] / "docs"
sys.path.insert(0, str(DOCS / "live"))
sys.path.append(str(DOCS / "_ext"))
import show  # noqa: E402
from needs import Memory, Page, facts  # noqa: E402
from where import CLOCK, FILES, PROCESSES, TORCH, reasons  # noqa: E402


def needs(*codes: str) -> list[int]:
    """Return what the last of some cells needs."""
    return Page(codes).cells[-1].needs


@pytest.mark.parametrize(
    ("codes", "needed"),
    [
        (["x = 1", "y = 2", "x"], [0]),
        (["x = 1", "y = x", "y"], [0, 1]),
        (["x = 1", "x = 2", "x"], [1]),
        (["x = 1", "x = x + 1", "x"], [0, 1]),
        (["x = 1", "x += 1", "x"], [0, 1]),
        (["x = [1]", "x.append(2)", "x"], [0, 1]),
        (["x = [1]", "x[0] = 2", "x"], [0, 1]),
        (["x = y = [1]", "y.a = 2", "y"], [0, 1]),
        (["x = [1]", "for x in range(3): pass", "x"], [1]),
        (["x = 1", "if 1 > 2:\n    x = 2", "x"], [0, 1]),
        (
            ["import numpy as np", "rng = np.random.default_rng(0)", "rng.normal()", "rng.normal()"],
            [0, 1, 2],
        ),
        (["import lecturecode as lc", "rng = 3", "lc.f(rng=rng)", "rng"], [0, 1, 2]),
        (["import lecturecode as lc", "rng = 3", "lc.f(1, rng)", "rng"], [0, 1, 2]),
        (["import numpy as np\nx = np.ones(3)", "np.sum(x)", "x"], [0]),
        (["import numpy as np\nx = np.ones(3)", "np.add(x, 1, out=x)", "x"], [0, 1]),
        (["seen = []", "def g(t):\n    seen.append(t)", "g(1)", "seen"], [0, 1, 2]),
        (["a = 1", "def f():\n    return a", "a = 2", "f()"], [0, 1, 2]),
        (["def f():\n    return a", "a = 2", "f()"], [0, 1]),
        (["a = 2", "f = lambda t: a * t", "h = [f]", "h[0](1)"], [0, 1, 2]),
        (["def f(v):\n    v[0] = 1", "x = [0]", "f(x)", "x"], [0, 1, 2]),
        (["def f(v):\n    return v + 1", "x = 0", "f(x)", "x"], [1]),
        (["x = [0]", "unknown(x)", "x"], [0, 1]),
        (["import lecturecode as lc", "steps = lc.descend()", "next(steps)", "next(steps)"], [0, 1, 2]),
        (
            ["import lecturecode as lc", "steps = lc.descend()", "for s in steps: break", "steps"],
            [0, 1, 2],
        ),
        (["import numpy as np", "np.set_printoptions(precision=2)", "np.pi"], [0, 1]),
        (
            [
                "from lecturecode import plots",
                "plots.use_style()",
                "import matplotlib.pyplot as plt",
                "plt.plot()",
            ],
            [0, 1, 2],
        ),
        (["class A:\n    def go(self):\n        self.n = 1", "a = A()", "a.go()", "a"], [0, 1]),
        (["x = 3", "[x for x in range(3)]"], []),
        (["x = 3", "print(f'{x}')"], [0]),
        (["x = 3", "(lambda x: x)(1)"], []),
        (["x = 3", "with open('f') as x: pass", "x"], [1]),
        (["x = 3", "this is no Python", "x"], [0]),
    ],
)
def test_a_cell_needs_what_made_the_names_it_reads(codes: list[str], needed: list[int]) -> None:
    assert needs(*codes) == needed


def run_all(memory: Memory, page: Page, index: int) -> list[int]:
    """Run a cell after those that must run before; return these."""
    first = memory.plan(page, page.cells[index])
    for cell in [*first, index]:
        memory.ran(page.cells[cell])
    return first


def test_what_has_run_is_not_run_again_unless_it_must() -> None:
    page = Page(["x = 1", "y = x", "rng = f()", "rng.normal() + y", "y"])
    memory = Memory()
    assert run_all(memory, page, 1) == [0]
    assert run_all(memory, page, 1) == []
    assert run_all(memory, page, 3) == [2]
    assert run_all(memory, page, 3) == [2]  # its first run has drawn from rng
    assert run_all(memory, page, 4) == []


def test_a_cell_above_that_changed_is_run_again_with_what_hangs_on_it() -> None:
    memory = Memory()
    run_all(memory, Page(["x = 1", "y = x", "z = 3", "y + z"]), 3)
    page = Page(["x = 2", "y = x", "z = 3", "y + z"])
    assert run_all(memory, page, 3) == [0, 1]


def test_a_name_that_a_cell_below_has_taken_is_made_again() -> None:
    page = Page(["x = 1", "x", "x = 2", "x"])
    memory = Memory()
    assert run_all(memory, page, 3) == [2]
    assert run_all(memory, page, 1) == [0]
    assert run_all(memory, page, 3) == [2]


def test_a_name_that_is_made_again_is_changed_again() -> None:
    page = Page(["x, y = [], 1", "x.append(1)", "x, y", "y = 2"])
    memory = Memory()
    assert run_all(memory, page, 2) == [0, 1]
    assert run_all(memory, page, 3) == []
    assert run_all(memory, page, 2) == [0, 1]  # y comes from the first cell, which empties x


def test_a_cell_that_failed_is_run_again() -> None:
    page = Page(["x = 1", "x"])
    memory = Memory()
    memory.ran(page.cells[0], failed=True)
    assert memory.plan(page, page.cells[1]) == [0]


def test_cells_run_in_the_page_unless_there_is_a_reason(tmp_path: Path) -> None:
    (tmp_path / "data.json").write_text(json.dumps([1]))
    codes = [
        "import time\nimport numpy as np",
        "np.ones(3)",
        "time.sleep(1)",
        "import torch",
        "torch.ones(3)",
        "from lecturecode import pointwise\ng = pointwise(f, workers=2)",
        "g(1)",
        "pointwise(f, workers=1)",
        "open('data.json')",
        "import scipy",
    ]
    found = reasons(codes, tmp_path, {})
    assert found[:3] == [None, None, CLOCK]
    assert found[3:6] == [TORCH, TORCH, PROCESSES]
    assert found[6] == f"it needs a cell above that {PROCESSES.removeprefix('it ')}"
    assert found[8:] == [FILES, "it needs scipy"]


def test_reading_a_cell_is_remembered() -> None:
    assert facts("x = 1") is facts("x = 1")


def test_the_build_page_says_which_pages_have_changed_since_the_cells_were_tried(tmp_path, monkeypatch):
    live = importlib.import_module("live")
    record = tmp_path / "live_cells.json"
    monkeypatch.setattr(live, "COUNTS", record)
    assert "not been compared" in live.last_trial({"a.html": "1"})
    tried = {"cells": 3, "ready": 2, "right": 2, "code": live.code_mark(["x = 1\n", "y = 2"])}
    told = {"date": "1 May 2026", "browser": "Chromium 142", "pages": {"a.html": tried, "b.html": tried}}
    record.write_text(json.dumps(told), encoding="utf-8")
    same = live.code_mark(["x =  1", "y = 2\n"])
    other = live.code_mark(["x = 1", "y = 3"])
    assert "Of 4 cells of 2 pages" in live.last_trial({"a.html": same, "b.html": same})
    for tried in ({"a.html": same, "b.html": same}, {"a.html": same}):
        assert "not tried" not in live.last_trial(tried)
    for new in ({"b.html": other}, {"b.html": same, "c.html": same}):
        assert live.last_trial({"a.html": same} | new).endswith("changed last: 1.")


def test_a_table_of_markdown_is_shown_as_a_table():
    show = importlib.import_module("show")
    made = show.as_table("| $P$ | best |\n| --- | --: |\n| `a_b` | 1 < 2 |")
    assert '<th style="text-align: left"><span class="math">\\(P\\)</span></th>' in made
    assert '<td style="text-align: left"><code>a_b</code></td>' in made
    assert '<td style="text-align: right">1 &lt; 2</td>' in made
    short, uneven = "| a |\n| b |", "| a | b |\n| --- | --- |\n| 1 |"
    for other in ("A sentence.", short, uneven, "| a |\n| - |\nword | word"):
        assert show.as_table(other) == ""


# -- figures in the page: drawn once, and the same ------------------------------------------------


def logarithmic(layout=None):
    figure, (left, right) = plt.subplots(1, 2, layout=layout)
    left.loglog([1e-9, 1], [1, 1e7], label="a long label outside")
    left.set(xlabel=r"$\epsilon$", title="two\nlines")
    left.legend(bbox_to_anchor=(1, 1.3))
    figure.colorbar(right.imshow([[0, 1e6], [2e6, 3e6]]), ax=right)
    return figure


def deep():
    figure = plt.figure(layout="constrained")
    figure.add_subplot(projection="3d").plot([0, 1], [0, 1], [0, 1])
    figure.draw_without_rendering()  # as the page does
    return figure


def round_one():
    figure, ax = plt.subplots(subplot_kw={"projection": "polar"})
    ax.plot([0, 1, 2], [1, 2, 3])
    ax.annotate("far away", (0, 3), (0.5, 6))
    return figure


def plain(svg):
    """Return a picture without its date, the random names of its parts, and signs of zero."""
    names = {}
    text = re.sub(r"<dc:date>.*?</dc:date>", "", svg.decode().replace("-0 ", "0 "))
    return re.sub(
        r"\b[mpc][0-9a-f]{10}\b", lambda match: names.setdefault(match[0], f"n{len(names)}"), text
    )


FIGURES = {
    "none": logarithmic,
    "constrained": lambda: logarithmic("constrained"),
    "tight": lambda: logarithmic("tight"),
    "3d": deep,
    "polar": round_one,
    "empty": plt.figure,
}


@pytest.mark.parametrize("gallery", [False, True])
@pytest.mark.parametrize("make", FIGURES.values(), ids=FIGURES)
def test_a_figure_is_drawn_as_savefig_draws_it(make, gallery, monkeypatch):
    monkeypatch.setattr(show.shown, "gallery", gallery)
    with plt.rc_context({"svg.hashsalt": "x"}):
        file, figure = io.BytesIO(), make()
        layout, dpi = figure.get_layout_engine(), figure.dpi
        drawn = show.as_svg(figure)
        assert (figure.get_layout_engine(), figure.dpi) == (layout, dpi)
        make().savefig(file, format="svg", bbox_inches=None if gallery else "tight")
    plt.close("all")
    assert plain(drawn) == plain(file.getvalue())


def test_a_formula_is_parsed_once_for_all_pictures(monkeypatch):
    monkeypatch.setattr(textpath, "MathTextParser", textpath.MathTextParser)  # put back at the end
    monkeypatch.delitem(sys.modules, "live_backend", raising=False)
    importlib.import_module("live_backend")
    misses = []
    for _ in range(3):
        show.as_svg(logarithmic())
        misses.append(mathtext.MathTextParser._parse_cached.cache_info().misses)
    plt.close("all")
    assert misses[2] == misses[1]
