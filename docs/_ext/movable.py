"""Figures that can be moved: a number of a chapter's code becomes a slider, after a prediction.

A chapter writes the directive below the cell that draws the figure::

    ```{movable} 0.15
    :label: learning rate ε
    :from: 0.01
    :to: 0.24
    :step: 0.001
    :at: 0.21
    :limit: 2 / bowl.diagonal.max()
    :limit-label: 2/λmax
    :says: f"{trace.steps} steps, then g = {trace.value:.2g}"

    At 0.15 the path needs 123 steps. How many does it need at 0.21?

    - Fewer, since each is longer. `trace.steps < built.trace.steps`
    - More. `built.trace.steps < trace.steps and trace.converged`
    - It never arrives. `not trace.converged`

    Along the steep direction the error is multiplied by ...
    ```

The argument is the number: a literal as it stands in the code, ``0.15``, or a name that is
assigned one, ``epsilon``. It must stand once in the cells that the figure needs; if it stands
more often, ``:line:`` gives the beginning of its line. The slider goes `from`, `to` and `step`,
or through ``:values: 1 2 5 10``; all of these are Python literals.

`says` and `limit` are Python, read off each run: what is printed below the figure, and where the
limit stands on the slider. So are the tests at the end of the choices, which hold or fail at the
slider's value `at`; exactly one must hold there. ``built`` has the names of the run in the built
page, so ``built.trace`` is the trace of 0.15. No test is shown. What comes after the choices is
the answer: folded until the reader has predicted, and all that there is where nothing runs.

The page runs the chapter's own cells with the number replaced: once those that the figure needs
and the number has no part in, and for each frame the rest. :func:`runs` finds both. What a reader
has changed in the cells has no part in it, nor has what the cells assert of the built number.
"""

import ast
import re
import sys
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

from docutils import nodes
from docutils.parsers.rst import directives
from myst_nb.core.read import read_myst_markdown_notebook
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "live"))
from folds import marked
from needs import Page
from shared import as_json, load_where

logger = logging.getLogger(__name__)
OPTIONS = ("label", "line", "from", "to", "step", "values", "at", "limit", "limit-label", "says")
DIRECTIVE = re.compile(r"^[`:]{3,}\{movable\}", re.MULTILINE)


class MovableError(ValueError):
    """A movable figure that cannot be made."""


# -- which code runs --------------------------------------------------------------------------


class Runs(NamedTuple):
    """The code of a movable figure: `once`, and for each frame `before` + number + `after`."""

    once: str
    before: str
    number: str
    after: str


def literals(cell: str, number: str, line: str) -> list[ast.expr]:
    """Return the nodes of a cell that are the number, a literal or what a name is assigned."""
    found = []
    for node in ast.walk(ast.parse(cell)):
        if isinstance(node, ast.Assign) and len(node.targets) == 1:
            named = isinstance(node.targets[0], ast.Name) and node.targets[0].id == number
            candidate = node.value if named else None
        else:
            literal = isinstance(node, ast.Constant) and not isinstance(node.value, str)
            same = literal and ast.get_source_segment(cell, node) == number
            candidate = node if same else None
        if candidate is not None and cell.splitlines()[candidate.lineno - 1].startswith(line):
            found.append(candidate)
    return found


def moved_with(page: Page, kept: list[int], first: int) -> set[int]:
    """Return the cells that run anew when a number in the cell `first` has changed.

    Those do that use what such a cell makes, and those that make what it changes.
    """
    moved, seen = {first}, 0
    while seen < len(moved):
        seen = len(moved)
        for cell in (page.cells[number] for number in sorted(moved)):
            moved |= {number for name in cell.changes for number in cell.made_by.get(name, [])}
        for number in kept:
            makers = {maker for makers in page.cells[number].made_by.values() for maker in makers}
            moved |= {number} if makers & moved else set()
    return moved


def runs(cells: list[str], number: str, line: str = "") -> Runs:
    """Return the code of the figure that the last of the cells draws.

    Raises
    ------
    MovableError
        If the number does not stand exactly once in the cells that the figure needs.
    """
    page = Page(cells)
    kept = [*page.cells[-1].needs, len(cells) - 1]
    cells = [without_asserts(cell) for cell in cells]
    places = [(cell, node) for cell in kept for node in literals(cells[cell], number, line)]
    if len(places) != 1:
        where = ", ".join(repr(cells[cell].splitlines()[node.lineno - 1]) for cell, node in places)
        raise MovableError(
            f"{number} must stand once in the code that the figure needs; it stands {len(places)} times"
            + (f", in {where}; give the beginning of its line by :line:" if where else "")
        )
    first, node = places[0]
    moved = moved_with(page, kept, first)
    early = [cells[cell] for cell in kept if cell in moved and cell < first]
    late = [cells[cell] for cell in kept if cell in moved and cell > first]
    code = cells[first].encode()
    start = offset(cells[first], node.lineno, node.col_offset)
    end = offset(cells[first], node.end_lineno or 0, node.end_col_offset or 0)
    return Runs(
        once="\n".join(cells[cell] for cell in kept if cell not in moved),
        before="\n".join([*early, code[:start].decode()]),
        number=code[start:end].decode(),
        after="\n".join([code[end:].decode(), *late]),
    )


def without_asserts(cell: str) -> str:
    """Return a cell without what it asserts, which need not hold for another number."""
    found = [node for node in ast.walk(ast.parse(cell)) if isinstance(node, ast.Assert)]
    code = cell.encode()
    for node in sorted(found, key=lambda node: (-node.lineno, -node.col_offset)):
        start = offset(cell, node.lineno, node.col_offset)
        end = offset(cell, node.end_lineno or 0, node.end_col_offset or 0)
        code = code[:start] + b"pass" + code[end:]
    return code.decode()


def offset(cell: str, line: int, column: int) -> int:
    """Return a place in a cell as the number of bytes before it."""
    return sum(len(text.encode()) for text in cell.splitlines(keepends=True)[: line - 1]) + column


def cells_above(text: str, count: int) -> list[str]:
    """Return the cells of a chapter above its movable figure of this number, counted from 0.

    Those in a fold are among them.
    """
    cells: list[str] = []
    for cell in read_myst_markdown_notebook(marked(text)).cells:
        if cell.cell_type == "code":
            cells.append(cell.source)
            continue
        here = len(DIRECTIVE.findall(cell.source))
        if count < here:
            return cells
        count -= here
    raise MovableError("the directive must stand at the left margin, not inside another one")


# -- the directive ----------------------------------------------------------------------------


class movable(nodes.General, nodes.Element):  # noqa: N801  (docutils' naming)
    """A figure's slider: the question, the choices, the answer and what the page runs."""


class Movable(SphinxDirective):
    """Make the figure above it movable."""

    required_arguments = 1
    has_content = True
    option_spec: ClassVar = dict.fromkeys(OPTIONS, directives.unchanged_required)

    def run(self) -> list[nodes.Node]:
        """Return the slider, or a warning that says why it cannot be made."""
        docname = self.env.docname
        count = self.env.temp_data.get("movable_figures", 0)
        self.env.temp_data["movable_figures"] = count + 1
        text = Path(self.env.doc2path(docname)).read_text(encoding="utf-8")
        content = nodes.container()
        self.state.nested_parse(self.content, self.content_offset, content)
        try:
            figure = figure_of(self.arguments[0], self.options, cells_above(text, count))
            question, choices, answer, tests = parted(content)
        except (MovableError, SyntaxError) as error:
            logger.warning("movable figure: %s", error, location=self.get_location(), type="book")
            return []
        figure |= {"key": f"{docname}#{count}", "tests": tests}
        node = movable("", figure=figure, number=count)
        node += nodes.container("", *question, classes=["movable-question"])
        node += choices
        node += nodes.container("", *answer, classes=["movable-answer"])
        return [node]


def figure_of(number: str, options: dict[str, str], cells: list[str]) -> dict[str, Any]:
    """Return what a page has to know to move a figure.

    Raises
    ------
    MovableError
        If an option is missing, or if the number cannot be found in the cells.
    """
    missing = [name for name in ("label", "at", "says") if name not in options]
    if missing:
        raise MovableError(f"these options are missing: {', '.join(missing)}")
    code = runs(cells, number, options.get("line", ""))
    values = options["values"].split() if "values" in options else steps(options)
    if "." in code.number:
        values = [value if "." in value else f"{value}.0" for value in values]
    for name, value in (("at", options["at"]), ("number in the code", code.number)):
        if place(value, values) is None:
            raise MovableError(f"the {name}, {value}, is none of the slider's values")
    for name in ("limit", "says"):
        ast.parse(options.get(name, "None"), mode="eval")
    return {
        "label": options["label"],
        "values": values,
        "at": place(options["at"], values),
        "built": place(code.number, values),
        "limit": options.get("limit", "None"),
        "limitLabel": options.get("limit-label", ""),
        "says": options["says"],
        "code": code._asdict(),
    }


def steps(options: dict[str, str]) -> list[str]:
    """Return the slider's values as Python literals, from `from` to `to` by `step`.

    Raises
    ------
    MovableError
        If one of them is missing, or if the last value is not reached by steps.
    """
    if not {"from", "to", "step"} <= options.keys():
        raise MovableError("give from, to and step, or values")
    first, last, step = (options[name] for name in ("from", "to", "step"))
    digits = max(len(text.partition(".")[2]) for text in (first, step))
    count = (float(last) - float(first)) / float(step)
    if count < 1 or abs(count - round(count)) > 1e-9:
        raise MovableError(f"from {first} no step of {step} ends at {last}")
    values = [f"{float(first) + k * float(step):.{digits}f}" for k in range(round(count) + 1)]
    return [value.rstrip("0").rstrip(".") if digits else value for value in values]


def place(value: str, values: list[str]) -> int | None:
    """Return which of the slider's values a number is."""
    numbers = [float(text) for text in values]
    near = [k for k, each in enumerate(numbers) if abs(each - float(value)) < 1e-12]
    return near[0] if near else None


def parted(content: nodes.Element) -> tuple[list[nodes.Node], nodes.Node, list[nodes.Node], list[str]]:
    """Return the question, the list of choices, the answer, and the tests of the choices.

    Raises
    ------
    MovableError
        If there is no list of at least two choices, each with its test, or no question or answer.
    """
    lists = [i for i, node in enumerate(content.children) if isinstance(node, nodes.bullet_list)]
    if not lists or lists[0] == 0 or lists[0] == len(content.children) - 1:
        raise MovableError("it needs a question, a list of choices, and an answer after it")
    choices, tests = content.children[lists[0]], []
    for item in choices.children:
        line = item.children[0]
        test = line.children[-1]
        if not isinstance(test, nodes.literal):
            raise MovableError(f"the choice {item.astext()!r} must end in its test, in backquotes")
        ast.parse(test.astext(), mode="eval")
        tests.append(test.astext())
        line.remove(test)
    if len(tests) < 2:
        raise MovableError("one choice is none")
    return content.children[: lists[0]], choices, content.children[lists[0] + 1 :], tests


def visit_movable(self: Any, node: movable) -> None:
    """Open the box and say what the page has to know."""
    self.body.append(self.starttag(node, "div", CLASS="movable"))
    self.body.append(f'<script type="application/json">{as_json(node["figure"])}</script>\n')
    answer = node.children[-1]
    self.body.append('<p class="movable-title">Predict, then move</p>\n')
    for child in node.children[:-1]:
        child.walkabout(self)
    self.body.append('<details class="admonition fold movable-answer"><summary>Answer</summary>\n')
    for child in answer.children:
        child.walkabout(self)
    self.body.append("</details>\n</div>\n")
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_node(movable, html=(visit_movable, None))
    app.add_directive("movable", Movable)
    has_figure = lambda doctree: any(True for _ in doctree.findall(movable))  # noqa: E731
    load_where(app, has_figure, "movable.js", "movable.css", after=700)  # after live.js
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
