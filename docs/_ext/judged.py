"""Let a page judge the answers to its exercises by the package's own ``check``.

An exercise whose text asks for ``check("chapter/name", answer)`` gets a box below it, with the
first lines of an answer: the signature where the text gives one, as `answer(W, y)` or
`class Dual(value, slope)`, else ``answer = ...``. The box only stands there; exercises.js fills it
where Python runs in the page. The answer finds the names that the chapter imports, but none that
its cells compute, so nothing has to run before it.
"""

import ast
import inspect
import re
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from myst_nb.core.read import read_myst_markdown_notebook
from shared import Kept, as_json, load_where
from solutions import without_solutions
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx_exercise.nodes import exercise_enumerable_node, exercise_node

CHECK = re.compile(r"^check\(\s*\"(?P<name>[^\"]+)\"\s*,\s*(?P<answer>\w+)\s*\)$")
AT_HAND = {"numpy", "lecturecode"}
"""The packages that the page has; matplotlib is not needed for an answer, and is slow to load."""
EXERCISES = Kept("book_judged")
"""The judged exercises of each page: the name for ``check``, and the label."""


def asked(exercise: nodes.Element) -> tuple[str, str] | None:
    """Return the name that ``check`` is given and that of the answer, if the text asks for it."""
    for literal in exercise.findall(nodes.literal):
        found = CHECK.match(literal.astext())
        if found:
            return found["name"], found["answer"]
    return None


def stub(exercise: nodes.Element, answer: str) -> str:
    """Return the first lines of an answer."""
    for literal in exercise.findall(nodes.literal):
        text = literal.astext()
        if text.startswith(f"{answer} = "):
            return defined(text)
        if re.fullmatch(rf"{answer}\([\w, ]+\)", text):
            before = literal.parent.children[literal.parent.index(literal) - 1]
            if before.astext().rstrip().endswith("class"):
                arguments = text.removeprefix(f"{answer}(")
                return f"class {answer}:\n    def __init__(self, {arguments}:\n        ...\n"
            return f"def {text}:\n    ...\n"
    return f"{answer} = ...\n"


def defined(line: str) -> str:
    """Return an assignment, with a line for each of the reader's own names on its right side."""
    call = ast.parse(line).body[0].value
    own = [node.id for node in call.args if isinstance(node, ast.Name)]
    return "".join(f"{name} = ...\n" for name in own) + line + "\n"


def imports(text: str) -> list[str]:
    """Return the imports of a chapter's cells that the page can follow, one name a line."""
    lines: dict[str, None] = {}
    for cell in read_myst_markdown_notebook(without_solutions(text)).cells:
        if cell.cell_type != "code":
            continue
        for node in ast.parse(cell.source).body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                lines |= dict.fromkeys(singly(node))
    return list(lines)


def singly(node: ast.Import | ast.ImportFrom) -> list[str]:
    """Return an import as one line for each name, without what the page has not."""
    of = f"from {node.module} " if isinstance(node, ast.ImportFrom) else ""
    lines = []
    for name in node.names:
        module = node.module if isinstance(node, ast.ImportFrom) else name.name
        whole = f"{module}.{name.name}" if of else str(module)
        there = whole.split(".")[0] in AT_HAND | sys.stdlib_module_names
        if there and not whole.startswith(("lecturecode.plots", "lecturecode.pytorch")):
            lines.append(f"{of}import {ast.unparse(name)}")
    return lines


def needs(name: str) -> str:
    """Return the package that a judge needs and the page has not, or an empty text."""
    import lecturecode.exercises  # noqa: F401  (registers the judges)
    from lecturecode.exercises.judges import _JUDGES

    source = inspect.getsource(_JUDGES[name][0])
    return "torch" if re.search(r"^\s*import torch$", source, re.MULTILINE) else ""


def add_boxes(app: Sphinx, doctree: nodes.document) -> None:
    """Put a box below each exercise of a page that ``check`` can judge."""
    env, found, at_hand = app.env, [], None
    for exercise in doctree.findall(
        lambda node: isinstance(node, exercise_node | exercise_enumerable_node)
    ):
        question = asked(exercise)
        if question is None:
            continue
        name, answer = question
        label = exercise.get("label", "")
        package = needs(name)
        found.append([name, label])
        if package:
            why = f"Runs in your own Python: what judges it needs {package}, which a page has not."
            exercise += nodes.paragraph("", why, classes=["judged-elsewhere"])
            continue
        at_hand = at_hand or imports(Path(env.doc2path(env.docname)).read_text(encoding="utf-8"))
        data = {"name": name, "answer": answer, "stub": stub(exercise, answer), "imports": at_hand}
        shown = f'<script type="application/json">{as_json(data)}</script>'
        exercise += nodes.raw("", f'<div class="judged">{shown}</div>', format="html")
    if found:
        EXERCISES.of(env)[env.docname] = found


def count(env: BuildEnvironment, docname: str) -> nodes.raw:
    """Return the place where a list of chapters says how many of its exercises are solved."""
    names = " ".join(name for name, _ in EXERCISES.of(env).get(docname, []))
    return nodes.raw("", f'<span class="judged-count" data-exercises="{names}"></span>', format="html")


def has_box_or_count(doctree: nodes.document) -> bool:
    """Tell whether a page has something for the script."""
    return any("judged" in raw.astext() for raw in doctree.findall(nodes.raw))


def setup(app: Sphinx) -> dict[str, Any]:
    """Look at the exercises of each page that is read."""
    EXERCISES.connect(app)
    app.connect("doctree-read", add_boxes)
    load_where(app, has_box_or_count, "exercises.js", "exercises.css", after=700)  # after live.js
    return {"version": "1", "env_version": 1, "parallel_read_safe": False}
