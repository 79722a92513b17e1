"""Say where a line of a page may break, and where not.

A browser may break a line after a formula, which is a box to it, even before a comma. It may also break
one inside a number, 100 000, or between it and its percent sign. A name in a column is broken after
a dot, a colon or an underscore, where a reader would, and nowhere else.
"""

import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from shared import name
from sphinx.application import Sphinx

CLOSING = re.compile(r"^[.,;:!?)\]]+")
INSIDE = re.compile(r"(?:^|(?<=\d))[ \n](?=%)|(?<=\d)[ \n](?=\d{3}(?!\d))")
"""The space before a percent sign, and that between groups of three digits."""
AS_IT_IS = nodes.FixedTextElement | nodes.literal | nodes.math | nodes.raw


def keep_together(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Wrap each inline formula and the punctuation that follows it in a box that does not break."""
    for math in list(doctree.findall(nodes.math)):
        line, after = math.parent, math.parent.index(math) + 1
        text = line[after] if after < len(line) else None
        found = CLOSING.match(text) if isinstance(text, nodes.Text) else None
        if found is None:
            continue
        line[after] = nodes.Text(text[found.end() :])  # by its place: equal texts are equal nodes
        together = nodes.inline("", classes=["keep-together"])
        math.replace_self(together)
        together += [math, nodes.Text(found.group())]


def above(node: nodes.Node) -> Iterator[nodes.Element]:
    """Yield what a node stands in, from the inside out."""
    while node.parent is not None:
        yield (node := node.parent)


def keep_numbers(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Let no line end within a number, or between a number and its percent sign."""
    for text in list(doctree.findall(nodes.Text)):
        kept = INSIDE.sub("\N{NO-BREAK SPACE}", text)
        if kept != text and not any(isinstance(each, AS_IT_IS) for each in above(text)):
            line = text.parent
            line[next(k for k, each in enumerate(line) if each is text)] = nodes.Text(kept)


def break_names(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Let code in a table be broken as a reader would break it."""
    for entry in doctree.findall(nodes.entry):
        for code in list(entry.findall(nodes.literal)):
            if all(isinstance(each, nodes.Text) for each in code):
                code[:] = name(code.astext())[:]


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to the end of each page."""
    for change in (keep_together, keep_numbers, break_names):
        app.connect("doctree-resolved", change)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
