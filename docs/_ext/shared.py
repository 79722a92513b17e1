"""What several extensions of the book need: tables, titles, links, places that are filled later."""

import json
import re
from collections.abc import Callable
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.docutils import SphinxDirective

BOOK = ("chapters/", "appendices/")
"""Where the pages are whose cells tell the book."""

# -- tables ----------------------------------------------------------------------------------


def table(head: list[str], widths: list[int], rows: list[list[list[nodes.Node]]]) -> nodes.Node:
    """Return a table that scrolls inside its own box on a narrow screen."""
    group = nodes.tgroup(cols=len(head))
    group += [nodes.colspec(colwidth=width) for width in widths]

    def line(cells: list[list[nodes.Node]]) -> nodes.row:
        return nodes.row("", *[nodes.entry("", *cell) for cell in cells])

    group += nodes.thead("", line([[nodes.paragraph(text=name)] for name in head]))
    group += nodes.tbody("", *[line(row) for row in rows])
    inner = nodes.table("", group, classes=["book-table", f"columns-{len(head)}"])
    return nodes.container("", inner, classes=["table-box"], is_div=True)


def words(text: str) -> list[nodes.Node]:
    """Return a paragraph, with code between backquotes and formulas between dollars."""
    line = nodes.paragraph()
    for part in re.split(r"(`[^`]+`|\$[^$]+\$)", text):
        if part.startswith("`"):
            line += name(part[1:-1])
        elif part.startswith("$"):
            line += nodes.math(text=part[1:-1])
        elif part:
            line += nodes.Text(re.sub(r"(?<=\d) ?%", "\N{NO-BREAK SPACE}%", part))
    return [line]


def name(text: str) -> nodes.literal:
    """Return code that a narrow column breaks after a dot, a colon or an underscore."""
    shown = nodes.literal()
    for part in re.split(r"(?<=[._:])(?=\w)", text):
        if shown.children:
            shown += nodes.raw("", "<wbr>", format="html")
        shown += nodes.Text(part)
    return shown


# -- titles and links ------------------------------------------------------------------------


def title(env: BuildEnvironment, page: str) -> str:
    """Return a page's title, with its number if it has one."""
    number = env.toc_secnumbers.get(page, {}).get("") or ()
    return f"{'.'.join(map(str, number))} {env.titles[page].astext()}".strip()


def link(app: Sphinx, page: str, target: str, anchor: str, text: str) -> nodes.Node:
    """Return a link from one page to a place in another."""
    uri = app.builder.get_relative_uri(page, target) + (f"#{anchor}" if anchor else "")
    return nodes.reference("", "", nodes.Text(text), internal=True, refuri=uri)


# -- scripts and data in a page --------------------------------------------------------------


def as_json(data: Any) -> str:
    """Return data as JSON that may stand in a page."""
    return json.dumps(data, ensure_ascii=False).replace("<", "\\u003c")


def load_where(
    app: Sphinx, needed: Callable[[nodes.document], bool], script: str, style: str = "", after: int = 500
) -> None:
    """Give a script, and its style, to the pages that need it."""

    def add(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
        if doctree is not None and needed(doctree):
            if style:
                app.add_css_file(style)
            app.add_js_file(script, loading_method="defer", priority=after)

    app.connect("html-page-context", add)


# -- what is known of all pages only when each has been read ---------------------------------


class Kept:
    """What an extension keeps of each page that is read, for the pages that are written."""

    def __init__(self, name: str) -> None:
        self.name = name

    def of(self, env: BuildEnvironment) -> dict[str, Any]:
        """Return what is kept, by page."""
        if not hasattr(env, self.name):
            setattr(env, self.name, {})
        return getattr(env, self.name)

    def forget(self, app: Sphinx, env: BuildEnvironment, docname: str) -> None:
        """Forget a page that is read again, or gone."""
        self.of(env).pop(docname, None)

    def merge(self, app: Sphinx, env: BuildEnvironment, docnames: Any, other: BuildEnvironment) -> None:
        """Take over what another process has read."""
        self.of(env).update({page: told for page, told in self.of(other).items() if page in docnames})

    def connect(self, app: Sphinx) -> None:
        """Follow the reading of pages."""
        app.connect("env-purge-doc", self.forget)
        app.connect("env-merge-info", self.merge)


FILLED = Kept("book_filled")
"""The pages that have such a place."""
Maker = Callable[[Sphinx, str, nodes.Element], list[nodes.Node]]
MAKERS: dict[str, Maker] = {}


class later(nodes.General, nodes.Element):  # noqa: N801  (docutils' naming)
    """Stands where something comes that other pages have a part in."""


class Later(SphinxDirective):
    """Leave room for it, with what is given in it."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the place."""
        FILLED.of(self.env)[self.env.docname] = True
        place = later(kind=self.name)
        self.set_source_info(place)
        self.state.nested_parse(self.content, self.content_offset, place)
        return [place]


def fill_later(app: Sphinx, makers: dict[str, Maker]) -> None:
    """Add directives whose places are filled by these functions of (app, page, place)."""
    app.setup_extension("shared")
    for directive, make in makers.items():
        MAKERS[directive] = make
        app.add_directive(directive, Later)


def fill(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Put everything in its place."""
    for place in list(doctree.findall(later)):
        place.replace_self(MAKERS[place["kind"]](app, page, place))


def filled(app: Sphinx, env: BuildEnvironment) -> list[str]:
    """Return the pages to write again, whichever was read."""
    return sorted(FILLED.of(env).keys() & env.found_docs)


def setup(app: Sphinx) -> dict[str, Any]:
    """Fill the places before formulas and twins are looked at."""
    app.add_node(later)
    FILLED.connect(app)
    app.connect("env-updated", filled)
    app.connect("doctree-resolved", fill, priority=400)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
