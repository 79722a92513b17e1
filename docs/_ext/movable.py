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
and the number has no part in, and for each frame the rest. :func:`runs` finds both.
"""

import ast
import builtins
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from docutils import nodes
from docutils.parsers.rst import directives
from myst_nb.core.read import read_myst_markdown_notebook
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)
CHANGE = {"append", "add", "clear", "extend", "insert", "pop", "remove", "sort", "update"}
"""The methods that change the list, dictionary or set they are called on."""


class MovableError(ValueError):
    """A movable figure that cannot be made."""


# -- which code runs --------------------------------------------------------------------------


class Runs(NamedTuple):
    """The code of a movable figure: `once`, and for each frame `before` + number + `after`."""

    once: str
    before: str
    number: str
    after: str


class Names(ast.NodeVisitor):
    """The names of a cell: `uses` from the cells above it, `binds`, and values that it `changes`."""

    def __init__(self, cell: str, generators: set[str]) -> None:
        self.uses: set[str] = set()
        self.binds: set[str] = set()
        self.changes: set[str] = set()
        self.known = set(dir(builtins))
        self.visit(ast.parse(cell))
        self.changes |= self.uses & generators  # to draw from a generator is to change it

    def visit_Name(self, node: ast.Name) -> None:  # noqa: N802
        if isinstance(node.ctx, ast.Load):
            self.uses |= {node.id} - self.known
        else:
            self.bind({node.id})

    def bind(self, names: set[str]) -> None:
        self.binds |= names
        self.known |= names

    def visit_in_turn(self, *parts: Any) -> None:
        for part in parts:
            for node in part if isinstance(part, list) else [part]:
                if isinstance(node, ast.AST):
                    self.visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:  # noqa: N802
        self.visit_in_turn(node.value, node.targets)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:  # noqa: N802
        self.visit_in_turn(node.value, node.target)

    def visit_AugAssign(self, node: ast.AugAssign) -> None:  # noqa: N802
        self.visit_in_turn(node.value)
        if isinstance(node.target, ast.Name):
            self.uses |= {node.target.id} - self.known
            self.changes.add(node.target.id)
        self.visit_in_turn(node.target)

    def visit_For(self, node: ast.For) -> None:  # noqa: N802
        self.visit_in_turn(node.iter, node.target, node.body, node.orelse)

    def visit_Import(self, node: ast.Import | ast.ImportFrom) -> None:  # noqa: N802
        self.bind({(name.asname or name.name).split(".")[0] for name in node.names})

    visit_ImportFrom = visit_Import  # noqa: N815

    def visit_Attribute(self, node: ast.Attribute | ast.Subscript) -> None:  # noqa: N802
        method = isinstance(node, ast.Attribute) and node.attr in CHANGE
        if isinstance(node.value, ast.Name) and (method or not isinstance(node.ctx, ast.Load)):
            self.changes.add(node.value.id)
        self.generic_visit(node)

    visit_Subscript = visit_Attribute  # noqa: N815

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.ClassDef | ast.Lambda) -> None:  # noqa: N802
        """Look into a scope of its own: what it binds does not get out."""
        if not isinstance(node, ast.Lambda):
            self.visit_in_turn(node.decorator_list)
            self.bind({node.name})
        binds, known = set(self.binds), set(self.known)
        if not isinstance(node, ast.ClassDef):
            arguments = node.args
            self.visit_in_turn(arguments.defaults, arguments.kw_defaults)
            every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
            every += [each for each in (arguments.vararg, arguments.kwarg) if each]
            self.known |= {each.arg for each in every}
        self.visit_in_turn(node.body)
        self.binds, self.known = binds, known

    visit_ClassDef = visit_Lambda = visit_FunctionDef  # noqa: N815

    def visit_ListComp(self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp) -> None:  # noqa: N802
        binds, known = set(self.binds), set(self.known)
        for part in node.generators:
            self.visit_in_turn(part.iter, part.target, part.ifs)
        parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        self.visit_in_turn(parts)
        self.binds, self.known = binds, known

    visit_SetComp = visit_GeneratorExp = visit_DictComp = visit_ListComp  # noqa: N815


def needed(cells: list[str]) -> list[int]:
    """Return the numbers of the cells that the last one needs, in order, and its own."""
    generators = {name for cell in cells for name in drawn_from(cell)}
    names = [Names(cell, generators) for cell in cells]
    kept, wanted = [len(cells) - 1], set(names[-1].uses)
    for number in reversed(range(len(cells) - 1)):
        if wanted & (names[number].binds | names[number].changes):
            kept.append(number)
            wanted = (wanted - names[number].binds) | names[number].uses
    return kept[::-1]


def drawn_from(cell: str) -> Iterable[str]:
    """Yield the names that a cell binds to random generators."""
    for node in ast.walk(ast.parse(cell)):
        if isinstance(node, ast.Assign) and "default_rng" in ast.unparse(node.value):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


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


def moved_with(cells: list[str], first: int) -> list[bool]:
    """Tell of each cell whether it runs anew when a number in one of them has changed.

    Those do that use what such a cell binds or changes, and those that bind what it changes.
    """
    generators = {name for cell in cells for name in drawn_from(cell)}
    names = [Names(cell, generators) for cell in cells]
    moved = [number == first for number in range(len(cells))]
    while True:
        binds = set().union(*(n.binds | n.changes for n, m in zip(names, moved, strict=True) if m))
        changes = set().union(*(n.changes for n, m in zip(names, moved, strict=True) if m))
        after = [
            m or (i > first and bool(n.uses & binds)) or bool(n.binds & changes)
            for i, (n, m) in enumerate(zip(names, moved, strict=True))
        ]
        if after == moved:
            return moved
        moved = after


def runs(cells: list[str], number: str, line: str = "") -> Runs:
    """Return the code of the figure that the last of the cells draws.

    Raises
    ------
    MovableError
        If the number does not stand exactly once in the cells that the figure needs.
    """
    kept = [cells[i] for i in needed(cells)]
    places = [(i, node) for i, cell in enumerate(kept) for node in literals(cell, number, line)]
    if len(places) != 1:
        where = ", ".join(repr(kept[i].splitlines()[node.lineno - 1]) for i, node in places)
        raise MovableError(
            f"{number} must stand once in the code that the figure needs; it stands {len(places)} times"
            + (f", in {where}; give the beginning of its line by :line:" if where else "")
        )
    first, place = places[0]
    moved = moved_with(kept, first)
    once = [cell for cell, anew in zip(kept, moved, strict=True) if not anew]
    early = [cell for cell, anew in zip(kept[:first], moved[:first], strict=True) if anew]
    late = [cell for cell, anew in zip(kept[first + 1 :], moved[first + 1 :], strict=True) if anew]
    start, end = (
        offset(kept[first], place.lineno, place.col_offset),
        offset(kept[first], place.end_lineno or 0, place.end_col_offset or 0),
    )
    cell = kept[first].encode()
    before = "\n".join([*early, cell[:start].decode()])
    after = "\n".join([cell[end:].decode(), *late])
    return Runs("\n".join(once), before, cell[start:end].decode(), after)


def offset(cell: str, line: int, column: int) -> int:
    """Return a place in a cell as the number of bytes before it."""
    return sum(len(text.encode()) for text in cell.splitlines(keepends=True)[: line - 1]) + column


def cells_above(text: str, count: int) -> list[str]:
    """Return the cells of a chapter above its movable figure of this number, counted from 0."""
    cells: list[str] = []
    for cell in read_myst_markdown_notebook(text).cells:
        if cell.cell_type == "code":
            cells.append(cell.source)
            continue
        here = cell.source.count("{movable} ")
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
    option_spec = {
        "label": directives.unchanged_required,
        "line": directives.unchanged_required,
        "from": directives.unchanged_required,
        "to": directives.unchanged_required,
        "step": directives.unchanged_required,
        "values": directives.unchanged_required,
        "at": directives.unchanged_required,
        "limit": directives.unchanged_required,
        "limit-label": directives.unchanged_required,
        "says": directives.unchanged_required,
    }

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
    values = options["values"].split() if "values" in options else steps(options)
    missing = [name for name in ("label", "at", "says") if name not in options]
    if missing:
        raise MovableError(f"these options are missing: {', '.join(missing)}")
    code = runs(cells, number, options.get("line", ""))
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
    return [f"{float(first) + k * float(step):.{digits}f}" for k in range(round(count) + 1)]


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
    data = json.dumps(node["figure"], ensure_ascii=False).replace("<", "\\u003c")
    self.body.append(self.starttag(node, "div", CLASS="movable"))
    self.body.append(f'<script type="application/json">{data}</script>\n')
    answer = node.children[-1]
    self.body.append('<p class="movable-title">Predict, then move</p>\n')
    for child in node.children[:-1]:
        child.walkabout(self)
    self.body.append('<details class="admonition fold movable-answer"><summary>Answer</summary>\n')
    for child in answer.children:
        child.walkabout(self)
    self.body.append("</details>\n</div>\n")
    raise nodes.SkipNode


def add_script(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Give the script to the pages that have such a figure."""
    if doctree is not None and any(True for _ in doctree.findall(movable)):
        app.add_css_file("movable.css")
        app.add_js_file("movable.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_node(movable, html=(visit_movable, None))
    app.add_directive("movable", Movable)
    app.connect("html-page-context", add_script)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
