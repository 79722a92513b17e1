"""Keep on one line what belongs together: a formula and its full stop, a number and its per cent sign.

A browser may break a line after a formula, which is a box to it, even before a comma.
"""

import re
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx

CLOSING = re.compile(r"^[.,;:!?)\]]+")
NUMBER = re.compile(r"(?<=\d) (?=%)|(?<=\d) (?=\d{3}(?!\d))")  # 5 %, 300 000
AS_WRITTEN = (nodes.literal, nodes.literal_block, nodes.raw, nodes.math, nodes.math_block)


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


def hold_numbers(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Put a space that does not break into numbers, and before the per cent sign after one."""
    before = ""
    for text in list(doctree.findall(nodes.Text)):
        held = NUMBER.sub("\N{NO-BREAK SPACE}", text)
        if text.startswith(" %") and before[-1:].isdigit():  # the number comes from a cell
            held = "\N{NO-BREAK SPACE}" + held[1:]
        before = str(text)
        if held != text and not isinstance(text.parent, AS_WRITTEN):
            place = next(i for i, node in enumerate(text.parent) if node is text)
            text.parent[place] = nodes.Text(held)


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to the end of each page."""
    app.connect("doctree-resolved", keep_together)
    app.connect("doctree-resolved", hold_numbers)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
