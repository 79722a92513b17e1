"""The boxes that judge answers in a page: the first lines, the names at hand, which have none."""

import ast
import importlib.util
import re
import sys
from pathlib import Path

import pytest
from docutils import nodes
from myst_nb.core.read import read_myst_markdown_notebook

from lecturecode.exercises import check, exercise_names

DOCS = Path(__file__).resolve().parents[1] / "docs"
CHAPTERS = sorted((DOCS / "chapters").glob("[0-9]*.md"))


def load(name):
    """Import one of the site's own extensions."""
    sys.path.insert(0, str(DOCS / "_ext"))
    try:
        return importlib.import_module(name)
    finally:
        sys.path.remove(str(DOCS / "_ext"))


judged = load("judged")


def exercise(*parts):
    """Make an exercise of words and, between backquotes, code."""
    line = nodes.paragraph()
    for part in parts:
        line += nodes.literal("", part[1:-1]) if part.startswith("`") else nodes.Text(part)
    return nodes.section("", line)


@pytest.mark.parametrize(
    ("parts", "answer", "expected"),
    [
        (["Write ", "`f(x, y)`", ", not ", "`g(x)`"], "f", "def f(x, y):\n    ...\n"),
        (["Write a class ", "`Dual(a, b)`", "."], "Dual",
         "class Dual:\n    def __init__(self, a, b):\n        ...\n"),
        (["Make ", '`box = Box("b", forward)`', "."], "box",
         'forward = ...\nbox = Box("b", forward)\n'),
        (["The rate? ", '`check("a/b", answer)`'], "answer", "answer = ...\n"),
    ],
)  # fmt: skip
def test_an_answer_begins_as_the_text_says(parts, answer, expected):
    assert judged.stub(exercise(*parts), answer) == expected


def test_an_exercise_is_judged_where_its_text_asks_for_it():
    assert judged.asked(exercise("Try ", '`check("a/b-c", f)`')) == ("a/b-c", "f")
    assert judged.asked(exercise("Use ", "`check_gradient(g, h, t)`")) is None


def test_the_names_at_hand_are_imports_that_a_page_can_follow():
    text = "\n".join(
        [
            "---\nfile_format: mystnb\nkernelspec:\n  name: python3\n---\n",
            "```{code-cell}\nimport numpy as np, torch\nimport math\nimport matplotlib.pyplot as plt",
            "from lecturecode import plots, minimize\nfrom myst_nb import glue\n```\n",
            "```{solution-start} a\n```\n```{code-cell}\nfrom lecturecode.exercises import check\n```",
            "```{solution-end}\n```\n",
        ]
    )
    at_hand = ["import numpy as np", "import math", "from lecturecode import minimize"]
    assert judged.imports(text) == at_hand


def test_only_what_needs_torch_has_no_box():
    assert [name for name in exercise_names() if judged.needs(name)] == ["pytorch/training-loop"]


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda path: path.stem)
def test_the_solutions_of_the_book_pass_with_the_names_at_hand(path):
    text = path.read_text(encoding="utf-8")
    imports, passed = judged.imports(text), []
    for name, code, answer in solutions(text):
        if judged.needs(name):
            continue
        names = {"__name__": "__main__"}
        exec("\n".join([*imports, code]), names)
        verdict = check(name, eval(answer, names))
        assert verdict, f"{name}: {verdict}"
        passed.append(name)
    asked = re.findall(r'`check\("([^"]+)", \w+\)`', text)
    assert passed == [name for name in asked if not judged.needs(name)]


def solutions(text):
    """Yield each judged solution: the name for check, the code above the check, and the answer."""
    seen, above = set(), []
    for cell in read_myst_markdown_notebook(text).cells:
        if cell.cell_type != "code":
            above = [] if "{solution-start}" in cell.source else above
            continue
        for statement in ast.parse(cell.source).body:
            calls = [node for node in ast.walk(statement) if isinstance(node, ast.Call)]
            checks = [call for call in calls if ast.unparse(call.func) == "check"]
            for call in checks:
                name = call.args[0].value
                if name not in seen:
                    seen.add(name)
                    yield name, "\n".join(above), ast.unparse(call.args[1])
            if not checks:
                above.append(ast.unparse(statement))
