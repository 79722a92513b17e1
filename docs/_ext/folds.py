"""Fold what is for one reader in ten: a ``{dropdown}`` whose cells are run like all others.

myst-nb runs the cells that stand at the top of a page only, not those inside a directive. So the two
fences of a dropdown are turned into two comments before the page is read, line for line, and what
stands between them is folded afterwards::

    ````{dropdown} How small should the step of a difference be?
    Text, formulas, cells, but no headings.
    ````
"""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from shared import words
from solutions import depart_solution
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging

logger = logging.getLogger(__name__)

FENCE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{dropdown\} +(?P<title>[^\n]+)\n(?P<body>.*?)^(?P=fence)[^\S\n]*$",
    re.MULTILINE | re.DOTALL,
)
START, END = re.compile(r"<!-- fold: (.*) -->\s*$"), "<!-- end of fold -->"


def marked(text: str) -> str:
    """Return a page in which each fence is a comment on a line of its own."""

    def comments(match: re.Match[str]) -> str:
        return f"<!-- fold: {match['title'].strip()} -->\n{match['body']}{END}"

    return FENCE.sub(comments, text)


def with_marks(app: Sphinx, docname: str, source: list[str]) -> None:
    """Turn each fence into a comment, before the page is read."""
    if Path(app.env.doc2path(docname)).suffix == ".md":
        source[0] = marked(source[0])


class fold(nodes.General, nodes.Element):  # noqa: N801  (docutils' naming)
    """What a reader opens to see."""


class Fold(SphinxTransform):
    """Put what stands between two marks into a fold, before labels look for what they label."""

    default_priority = 200

    def apply(self, **kwargs: Any) -> None:
        """Fold everything between the marks."""
        for mark in list(self.document.findall(nodes.raw)):
            start = START.match(mark.astext())
            if not start:
                continue
            parent, first = mark.parent, mark.parent.index(mark)
            inside = parent.children[first + 1 :]
            last = next((i for i, node in enumerate(inside) if is_end(node)), None)
            if last is None:
                message = "a fold does not end in the section that it starts in: %s"
                logger.warning(message, start[1], location=mark, type="book")
                continue
            title = nodes.inline("", "", *words(start[1])[0].children)
            parent.children[first : first + last + 2] = []
            parent.insert(first, fold("", title, *inside[:last]))


def is_end(node: nodes.Node) -> bool:
    """Tell whether this is the mark at which a fold ends."""
    return isinstance(node, nodes.raw) and node.astext().strip() == END


def visit_fold(self: Any, node: nodes.Element) -> None:
    """Open the fold; its title is the summary."""
    self.body.append(self.starttag(node, "details", CLASS="admonition fold"))
    title = node.children[0]
    self.body.append("<summary>")
    title.walkabout(self)
    self.body.append("</summary>\n")
    node.children = node.children[1:]


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to the reading of a page."""
    app.connect("source-read", with_marks)
    app.add_node(fold, html=(visit_fold, depart_solution))
    app.add_transform(Fold)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
