"""Name the file and the line of every chapter cell and gallery script that fails, or is told wrongly.

The build goes on after a failure, so that one run lists all of them; since every one is a
warning and the build runs with ``-W``, it ends in failure.
"""

import re
from pathlib import Path
from typing import Any

from docutils import nodes
from myst_nb.core.read import read_myst_markdown_notebook
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)
ANSI = re.compile(r"\x1b\[[0-9;]*m")
TYPED = re.compile(r"(np\.\w+|array|tensor)\(")
FRAME = re.compile(r"Cell In\[(\d+)\], line (\d+)")


def failing_line(source: str, traceback: str) -> int:
    """Return the line of a chapter, counted from 1, at which its failing cell failed."""
    frames = FRAME.findall(traceback)
    cells = executed_cells(source)
    if not frames:  # a cell that ran out of time leaves no frame, only its first lines
        lines = source.splitlines()
        return next((line for line in cells if lines[line - 1] in traceback), 1)
    number = int(frames[0][0])
    inside = [int(line) for cell, line in frames if int(cell) == number]
    return cells[number - 1] + inside[0] - 1


def executed_cells(source: str) -> list[int]:
    """Return the line, counted from 1, of the first line of code of each cell that is run."""
    notebook = read_myst_markdown_notebook(source, add_source_map=True)
    lines = source.splitlines()
    starts = []
    for cell, fence in zip(notebook.cells, notebook.metadata["source_map"], strict=True):
        code = cell.source.splitlines()
        if cell.cell_type != "code" or not cell.source.strip():
            continue
        # below the fence come the cell's options, then the code itself
        starts.append(
            next(
                (i + 1 for i in range(fence, len(lines)) if lines[i : i + len(code)] == code),
                fence + 1,
            )
        )
    return starts


def last_line(traceback: str) -> str:
    """Return the line of a traceback that says what was raised."""
    said = [line.strip() for line in traceback.splitlines() if line.strip()]
    raised = [line for line in said if re.match(r"[A-Za-z_.]+(Error|Exception|Warning)\b", line)]
    return (raised or said or ["the cell failed"])[-1]


def report_chapter(app: Sphinx, doctree: Any) -> None:
    """Warn where a cell of the chapter just read has failed."""
    docname = app.env.docname
    execution = NbMetadataCollector.get_exec_data(app.env, docname)
    if not execution or execution["succeeded"] or not execution["traceback"]:
        return
    path = Path(app.env.doc2path(docname))
    traceback = ANSI.sub("", execution["traceback"])
    line = failing_line(app.env.current_document["chapter_source"], traceback)
    logger.warning(last_line(traceback), location=f"{path}:{line}", type="book", subtype="cell")


def keep_source(app: Sphinx, docname: str, source: list[str]) -> None:
    """Keep the text as it is run: without solutions it differs from the file."""
    app.env.current_document["chapter_source"] = source[0]


def report_gallery(app: Sphinx, exception: Exception | None) -> None:
    """Warn where a gallery script has failed."""
    failing = getattr(app.config, "sphinx_gallery_conf", {}).get("failing_examples", {})
    for script, traceback in failing.items():
        lines = re.findall(rf'File "{re.escape(str(script))}", line (\d+)', traceback)
        lines = lines or re.findall(r"code from line (\d+)", traceback)
        place = f"{script}:{lines[0] if lines else 1}"
        logger.warning(last_line(traceback), location=place, type="book", subtype="script")


def told_with_type(doctree: nodes.document) -> list[str]:
    """Return the results in the prose that say their type, as ``np.int64(3)`` does."""
    told = [node.astext() for node in doctree.findall(nodes.inline) if "pasted-text" in node["classes"]]
    return [text for text in told if TYPED.match(text)]


def report_types(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Warn where a sentence says a number with its type."""
    for text in told_with_type(doctree):
        logger.warning("the prose says %s; glue a number of Python", text, location=docname, type="book")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to the end of each chapter and to the end of the build."""
    app.connect("source-read", keep_source, priority=900)
    app.connect("doctree-read", report_chapter)
    app.connect("doctree-resolved", report_types)
    app.connect("build-finished", report_gallery, priority=100)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
