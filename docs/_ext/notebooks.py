"""Write each chapter as a notebook to download, which runs wherever the package is installed.

Its text is plain Markdown with the numbers of the page, its cells are those of the chapter, all of them
and none of them run. They lie in ``_downloads/notebooks`` as in the book's own folder, beside the files
that some of them read; ``notebooks.zip`` holds all.
"""

import re
import shutil
import zipfile
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from myst_nb.core.read import read_myst_markdown_notebook
from plain import Plain
from shared import BOOK
from sphinx.application import Sphinx
from sphinx_exercise.nodes import solution_node

FOLDER = "_downloads/notebooks"
BESIDE = ("chapters/snippets", "cuda.json", "distributed.json", "scaling.json")
"""What cells read, in the folder of the book."""
READS = re.compile(r"\bsnippets\b|\.\./\w+\.json")
GLUE = re.compile(r"^from myst_nb import glue$", re.MULTILINE)
NO_GLUE = "glue = lambda name, value, display=False: None  # it puts numbers into the text of the book"
FOLDED = {"jupyter": {"source_hidden": True}}


def is_notebook(app: Sphinx, page: str) -> bool:
    """Tell whether a page is a chapter or an appendix that has cells."""
    source = Path(app.env.doc2path(page))
    if not page.startswith(BOOK) or source.suffix != ".md":
        return False
    return "{code-cell}" in source.read_text(encoding="utf-8")


def cells_of(app: Sphinx, page: str) -> dict[int, str]:
    """Return the code of a chapter's cells by their place in the notebook that the book runs."""
    text = [Path(app.env.doc2path(page)).read_text(encoding="utf-8")]
    app.emit("source-read", page, text)
    cells = read_myst_markdown_notebook(text[0]).cells
    return {k: cell.source for k, cell in enumerate(cells) if cell.cell_type == "code" and cell.source}


def written(app: Sphinx, page: str, doctree: nodes.document) -> dict[str, Any]:
    """Return a chapter as a notebook, with the cells that its page does not show."""
    codes = cells_of(app, page)
    shown: dict[str, tuple[int, bool]] = {}

    def mark(node: nodes.Element) -> str:
        folded = "hide-input" in node["cell_metadata"].get("tags", ())
        above = node.parent
        while above is not None and not folded:
            folded, above = isinstance(above, solution_node), above.parent
        shown[f"\0{node['cell_index']}"] = (node["cell_index"], folded)
        return f"\0{node['cell_index']}"

    blocks = Plain(app, page, outside, mark).blocks(doctree)
    cells, text, waiting = [], [], sorted(codes)

    def code_before(end: float) -> None:
        if text:
            cells.append(nbformat.v4.new_markdown_cell("\n\n".join(text)))
            text.clear()
        while waiting and waiting[0] < end:
            cells.append(code_cell(codes[waiting.pop(0)], folded=True))

    for block in [blocks[0], about(app), *blocks[1:]]:
        if block not in shown:
            text.append(block)
            continue
        index, folded = shown[block]
        code_before(index)
        if waiting and waiting[0] == index:
            cells.append(code_cell(codes[waiting.pop(0)], folded))
    code_before(float("inf"))
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"  # nbformat's own are drawn by chance
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})


def outside(uri: str) -> str | None:
    """Keep the links that lead out of the book; the others have no page beside a notebook."""
    return uri if uri.startswith(("http:", "https:")) else None


def about(app: Sphinx) -> str:
    """Say what the notebook is, and what it needs."""
    return (
        f"*A chapter of the book {app.config.html_title}. Its code needs the package "
        f"`{app.config.project}`: `pip install .` in the book's folder. Change its cells and run them.*"
    )


def code_cell(code: str, folded: bool) -> Any:
    """Return a cell; one that the page folds or does not show is folded here, too."""
    code = GLUE.sub(NO_GLUE, code).strip()
    return nbformat.v4.new_code_cell(code, metadata=FOLDED if folded else {})


def target(app: Sphinx, page: str) -> Path:
    """Return where a page's notebook is."""
    return Path(app.outdir) / FOLDER / f"{page}.ipynb"


def write(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Write the notebook of a page that is about to be written."""
    if app.builder.format == "html" and is_notebook(app, page):
        place = target(app, page)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(nbformat.writes(written(app, page, doctree)) + "\n", encoding="utf-8")


def link(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Lead from a page to its notebook."""
    if doctree is None or not context.get("body") or not is_notebook(app, page):
        return
    name = f"{app.builder.get_relative_uri(page, FOLDER).removesuffix('.html')}"
    stem = page.rpartition("/")[2]
    links = f'<a href="{name}/{page}.ipynb" download="{stem}.ipynb">this page as a notebook</a>'
    if any(READS.search(code) for code in cells_of(app, page).values()):
        links += f', <a href="{name}/notebooks.zip" download>with the files that it reads</a>'
    slides = app.builder.get_relative_uri(page, f"slides/{stem}")  # docs/slides.py makes them afterwards
    shown = f'. <a href="{slides}">Slides of this chapter</a>' if page.startswith("chapters/") else ""
    context["body"] += f'<p class="page-links">Download: {links}{shown}</p>\n'


def gather(app: Sphinx, exception: Exception | None) -> None:
    """Put what the notebooks read beside them, and pack everything once more."""
    folder = Path(app.outdir) / FOLDER
    if exception or app.builder.format != "html" or not folder.is_dir():
        return
    for path in folder.rglob("*.ipynb"):
        if path.relative_to(folder).with_suffix("").as_posix() not in app.env.found_docs:
            path.unlink()
    for name in BESIDE:
        source = Path(app.srcdir) / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, folder / name, ignore=ignored, dirs_exist_ok=True)
        elif source.is_file():
            shutil.copy(source, folder / name)
    with zipfile.ZipFile(folder / "notebooks.zip", "w", zipfile.ZIP_DEFLATED) as packed:
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix != ".zip":
                told = zipfile.ZipInfo(path.relative_to(folder).as_posix())  # of no time of its own
                told.compress_type, told.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
                packed.writestr(told, path.read_bytes())


def setup(app: Sphinx) -> dict[str, Any]:
    """Write notebooks when all that a page refers to is known."""
    app.connect("doctree-resolved", write, priority=900)
    app.connect("html-page-context", link)
    app.connect("build-finished", gather)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
