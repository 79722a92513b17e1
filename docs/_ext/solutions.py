"""Fold the solutions of the exercises, or build the book without them.

With solutions, each is a ``<details>`` that the reader opens. Without (``SOLUTIONS=0``), the
text between ``solution-start`` and ``solution-end`` is taken out before the chapter is read, so
that its cells are not run either; lines keep their numbers.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx_exercise.nodes import solution_node

GATED = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{solution-start\}.*?^(`{3,}|:{3,})\{solution-end\}[^\n]*\n"
    r"(?P<options>.*?)^(`{3,}|:{3,})[^\S\n]*$",
    re.MULTILINE | re.DOTALL,
)
WHOLE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{solution\}.*?^(?P=fence)[^\S\n]*$", re.MULTILINE | re.DOTALL
)


def without_solutions(text: str) -> str:
    """Return a chapter's text with an empty line for each line of a solution."""
    for pattern in (GATED, WHOLE):
        text = pattern.sub(lambda match: "\n" * match.group().count("\n"), text)
    return text


def leave_out(app: Sphinx, docname: str, source: list[str]) -> None:
    """Take the solutions out of a page that is about to be read."""
    if app.config.hide_solutions:
        source[0] = without_solutions(source[0])


def visit_solution(self: Any, node: nodes.Element) -> None:
    """Open the fold; its title becomes the summary."""
    self.body.append(self.starttag(node, "details", CLASS="admonition fold"))
    title = node.children[0]
    self.body.append(f"<summary>{title.astext()}</summary>\n")
    node.children = node.children[1:]


def depart_solution(self: Any, node: nodes.Element) -> None:
    """Close the fold."""
    self.body.append("</details>\n")


def setup(app: Sphinx) -> dict[str, Any]:
    """Replace how a solution is written."""
    app.connect("source-read", leave_out)
    app.add_node(solution_node, override=True, html=(visit_solution, depart_solution))
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
