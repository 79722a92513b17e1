"""Mark the cells that a reader can edit and run in the page, and say of the others why not.

Chapters and gallery pages carry at each cell ``data-live`` = ready or static, its number, and the
numbers of the cells above that it needs. Cells that the page does not show, but that others need, travel
in the page as JSON. ``live.js`` does the rest; where Python's pieces are not at hand, nothing is marked.
"""

import hashlib
import html
import itertools
import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

from docutils import nodes
from live_facts import live_state
from myst_nb.core.read import read_myst_markdown_notebook
from shared import BOOK, Kept, as_json, fill_later, table, words
from sphinx.application import Sphinx
from sphinx.util import logging

LIVE = Path(__file__).resolve().parents[1] / "live"
sys.path.insert(0, str(LIVE))
from needs import Page  # noqa: E402
from where import reasons  # noqa: E402

logger = logging.getLogger(__name__)
CELL = re.compile(r'<div class="(?P<classes>cell\b[^"]*?) live-cell-(?P<index>\d+)(?P<more>[^"]*)"')
BLOCK = re.compile(r'<div class="(?P<classes>highlight-Python notranslate)"')
COUNTS = LIVE.parent / "live_cells.json"
PYTHON = ("live_backend.py", "needs.py", "show.py")
"""What runs beside the cells in the page's Python."""
MARKS = Kept("live_marks")


def available(app: Sphinx) -> bool:
    """Tell whether Python's pieces go with the site."""
    return live_state(Path(app.confdir))["available"]


def code_mark(codes: list[str]) -> str:
    """Return a short text that stands for the code of a page, whatever its white space."""
    return hashlib.sha256(" ".join(" ".join(codes).split()).encode()).hexdigest()[:16]


def told_reasons(docname: str, codes: list[str]) -> dict[int, str]:
    """Return the reasons that docs/live/elsewhere.toml gives for cells of a page."""
    table = tomllib.loads((LIVE / "elsewhere.toml").read_text(encoding="utf-8"))
    found = {}
    for entry in table.get("cell", []):
        if entry["page"] != docname:
            continue
        cells = [index for index, code in enumerate(codes) if entry["contains"] in code]
        if not cells:
            logger.warning(
                "docs/live/elsewhere.toml: no cell of %s contains %r",
                docname,
                entry["contains"],
                type="book",
            )
        found |= dict.fromkeys(cells, entry["why"])
    return found


def chapter_cells(app: Sphinx, doctree: nodes.document) -> tuple[list[str], dict[int, nodes.Element]]:
    """Return the code of all cells of a chapter, and the nodes of those that it shows."""
    notebook = read_myst_markdown_notebook(app.env.current_document["chapter_source"])
    numbers = {}
    codes = []
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and cell.source.strip():
            numbers[index] = len(codes)
            codes.append(cell.source)
    shown = {}
    for node in doctree.findall(nodes.container):
        index = node.get("cell_index")
        listed = any(child.get("nb_element") == "cell_code_source" for child in node.children)
        if listed and index in numbers:
            shown[numbers[index]] = node
    return codes, shown


def gallery_cells(doctree: nodes.document) -> tuple[list[str], dict[int, nodes.Element]]:
    """Return the code of the blocks of a gallery page, and their nodes."""
    blocks = [node for node in doctree.findall(nodes.literal_block) if node.get("language") == "Python"]
    return [node.astext() for node in blocks], dict(enumerate(blocks))


def mark(app: Sphinx, doctree: nodes.document) -> None:
    """Find the cells of the page just read, and what they need."""
    docname = app.env.docname
    source = Path(app.env.doc2path(docname))
    if docname.startswith(BOOK) and source.suffix == ".md":
        codes, shown = chapter_cells(app, doctree)
    elif docname.startswith("auto_gallery/") and source.stem.startswith("plot_"):
        codes, shown = gallery_cells(doctree)
    else:
        return
    page = Page(codes)
    why = reasons(codes, source.parent, told_reasons(docname, codes))
    for index, node in shown.items():
        if isinstance(node, nodes.container):  # a block of the gallery loses its classes on the way
            node["classes"].append(f"live-cell-{index}")
    needed = {need for index in shown if not why[index] for need in page.cells[index].needs}
    MARKS.of(app.env)[docname] = {
        "code": code_mark([codes[index] for index in sorted(shown)]),
        "cells": {
            index: {
                "live": "static" if why[index] else "ready",
                "live-index": str(index),
                "live-needs": " ".join(map(str, page.cells[index].needs)),
                "live-why": why[index],
            }
            for index in shown
        },
        "hidden": {index: codes[index] for index in sorted(needed - set(shown))},
    }


def write_marks(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: nodes.document | None
) -> None:
    """Write the marks into a page, and let it load the script."""
    found = MARKS.of(app.env).get(page)
    body = context.get("body")
    if not found or not body or doctree is None:
        return
    usable = available(app)

    def marked(classes: str, index: int) -> str:
        told = found["cells"][index] if usable else {}
        data = "".join(f' data-{k}="{html.escape(v)}"' for k, v in told.items() if v)
        return f'<div class="{classes}"{data}'

    if page.startswith("auto_gallery/"):
        index = itertools.count()
        body = BLOCK.sub(lambda match: marked(match["classes"], next(index)), body)
    else:
        body = CELL.sub(lambda m: marked(m["classes"] + m["more"], int(m["index"])), body)
    if usable:
        if found["hidden"]:
            told = as_json(found["hidden"])
            body += f'<script type="application/json" id="live-hidden">{told}</script>\n'
        app.add_js_file("live.js", loading_method="defer", priority=600)
        app.add_css_file("live.css")
    context["body"] = body


def counts(app: Sphinx, page: str, place: nodes.Element) -> list[nodes.Node]:
    """Count the cells that run in their pages, chapter by chapter, and say how the last trial went."""
    states: dict[str, list[str]] = {}
    marks = MARKS.of(app.env)
    for name in sorted(marks, key=lambda name: (name.startswith("appendices/"), name)):
        told, title = marks[name], app.env.titles[name].astext()
        title = "The gallery" if name.startswith("auto_gallery/") else title
        states.setdefault(title, []).extend(cell["live"] for cell in told["cells"].values())
    rows = [[title, len(cells), cells.count("ready")] for title, cells in states.items()]
    rows.sort(key=lambda row: row[0] == "The gallery")
    rows.append(["Together", sum(row[1] for row in rows), sum(row[2] for row in rows)])
    head, cells = ["Chapter", "Cells", "Run in the page"], [[words(str(x)) for x in row] for row in rows]
    tried = last_trial({f"{name}.html": told["code"] for name, told in marks.items()})
    return [table(head, [60, 20, 20], cells), *words(tried)]


def last_trial(now: dict[str, str]) -> str:
    """Return what the last run of the cells in a browser found; `now` has the mark of each page."""
    if not COUNTS.is_file():
        return "The cells have not been compared with the book in a browser yet: make browser-live."
    told = json.loads(COUNTS.read_text(encoding="utf-8"))
    pages = told["pages"].items()
    right, ready = (sum(page[key] for _, page in pages) for key in ("right", "ready"))
    said = (
        f"Of {ready} cells of {len(told['pages'])} pages that were run in a browser ({told['browser']}, "
        f"{told['date']}; make browser-live), {right} showed what the book shows: the same text, "
        "numbers equal to rounding, as many figures. Formulas are not compared, and of the few cells "
        "that print rounding errors, what these grow into, or times, only the words are."
    )
    untried = sum(told["pages"].get(name, {}).get("code") != code for name, code in now.items())
    return f"{said} Pages not tried since their code was changed last: {untried}." if untried else said


def write_worker(app: Sphinx, exception: Exception | None) -> None:
    """Write the script that brings the worker's source and the Python that runs in it."""
    if exception or app.builder.format != "html" or not available(app):
        return
    modules = {name: (LIVE / name).read_text(encoding="utf-8") for name in PYTHON}
    source = (LIVE / "worker.js").read_text(encoding="utf-8")
    written = f"liveWorker({json.dumps(source)}, {json.dumps(modules)});\n"
    (Path(app.outdir) / "_static" / "live-worker.js").write_text(written, encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Mark while pages are read, write when they are written."""
    fill_later(app, {"live-cells": counts})
    MARKS.connect(app)
    app.connect("doctree-read", mark)
    app.connect("html-page-context", write_marks)
    app.connect("build-finished", write_worker)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
