"""Keep a full stop or a comma on the line of the formula before it.

A browser may break a line after a formula, which is a box to it, even before a comma.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

CLOSING = re.compile(r"^[.,;:!?)\]]+")


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


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to the end of each page."""
    app.connect("doctree-resolved", keep_together)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
