"""Every picture says what it shows: no figure without alternative text.

A gallery script describes its figures with ``lecturecode.plots.describe(figure, text)``, which
sets the figure's label; a chapter's cell does it with ``mystnb: image: alt:``. A picture without
such a text is a warning, hence a failure.
"""

import html
import re
import textwrap
from pathlib import Path, PurePosixPath
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx_gallery.directives import imgsgnode

logger = logging.getLogger(__name__)
IMG = re.compile(r"<img\b[^>]*>", re.IGNORECASE)
ALT = re.compile(r"\balt\s*=\s*(\"[^\"]*\S[^\"]*\"|'[^']*\S[^']*')", re.IGNORECASE)


def by_folder_name(folder: str) -> str:
    """Order the gallery's sections by their numbers."""
    return Path(folder).name


class DescriptionError(ValueError):
    """A figure that does not say what it shows."""


def description(figure: Any, script: str, line: int) -> str:
    """Return what a figure shows, on one line."""
    text = " ".join(str(figure.get_label()).split())
    if not text:
        raise DescriptionError(
            f"{Path(script).name}, code from line {line}: figure {figure.number} has no "
            "description; add lecturecode.plots.describe(figure, 'what the figure shows')"
        )
    return text


def gallery_scraper(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Write the open figures of a gallery script, each with its description."""
    import matplotlib.pyplot as plt
    from matplotlib.animation import Animation
    from sphinx_gallery.scrapers import figure_rst

    if block_vars.get("formatted_exception"):  # the script failed already
        plt.close("all")
        return ""
    animations = {
        value._fig: value
        for value in block_vars["example_globals"].values()
        if isinstance(value, Animation)
    }
    texts = []
    try:
        for number in plt.get_fignums():
            figure = plt.figure(number)
            text = description(figure, block_vars["src_file"], block.lineno)
            path = PurePosixPath(block_vars["image_path_iterator"].next())
            if figure in animations:
                texts.append(animated(animations[figure], figure, path))
                continue
            sizes: dict[float, PurePosixPath] = {0: path}
            figure.savefig(path)
            sizes[2.0] = path.with_name(f"{path.stem}_2_00x{path.suffix}")
            figure.savefig(sizes[2.0], dpi=2 * figure.dpi)
            texts.append(figure_rst([path], gallery_conf["src_dir"], text, srcsetpaths=[sizes]))
    finally:
        plt.close("all")
    return "".join(texts)


def animated(animation: Any, figure: Any, path: PurePosixPath) -> str:
    """Return the player of an animation; its last frame becomes the thumbnail."""
    from lecturecode.plots import player

    page = player(animation)._repr_html_()
    figure.savefig(path)  # the player has drawn every frame: what stands is the last one
    return "\n.. raw:: html\n\n" + textwrap.indent(page, "    ") + "\n\n"


def check_images(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Warn about every picture of a page that has no alternative text."""
    for node in doctree.findall(lambda n: isinstance(n, nodes.image | imgsgnode)):
        if not (node.get("alt") or "").strip():
            complain(docname, node, str(node.get("uri", "picture")))
    for node in doctree.findall(nodes.raw):
        if "html" in node.get("format", ""):
            for image in IMG.findall(node.astext()):
                if not ALT.search(image):
                    complain(docname, node, html.escape(image[:60]))


def complain(docname: str, node: nodes.Element, name: str) -> None:
    """Warn about one picture."""
    line = next((n.line for n in ancestors(node) if n.line), None)
    logger.warning(
        "a picture has no alternative text (%s); in a chapter, give its cell "
        "mystnb: image: alt: what it shows",
        name.rsplit("/", 1)[-1][:40],
        location=(docname, line),
        type="book",
        subtype="alt",
    )


def ancestors(node: Any) -> Any:
    """Yield a node and what it stands in, inside out."""
    while node is not None:
        yield node
        node = node.parent


def thumbnails(app: Sphinx, doctree: nodes.document) -> None:
    """Describe the small pictures of the gallery's overview, which come without a text."""
    if not app.env.docname.startswith(("auto_gallery", "api")):
        return
    for node in doctree.findall(nodes.image):
        if "sphx_glr_" in node.get("uri", "") and not node.get("alt"):
            name = re.sub(r"^sphx_glr_(plot_)?(\d+_)?|_thumb$", "", Path(node["uri"]).stem)
            node["alt"] = f"Small picture of the example {name.replace('_', ' ')}"


def setup(app: Sphinx) -> dict[str, Any]:
    """Look at every page's pictures."""
    app.connect("doctree-read", thumbnails)
    app.connect("doctree-resolved", check_images)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
