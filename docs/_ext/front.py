"""The front page: a moving picture, the chapters as cards, and how long things take to read.

While a page is read, the words of its main line are counted, section by section: text, formulas
and code as they stand there, but no folds, exercises, solutions, hidden cells or outputs.
"""

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path, PurePosixPath
from typing import Any

import judged
from docutils import nodes
from lecture_map import the_map
from shared import Kept, fill_later, link, load_where, words
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util import logging
from sphinx_gallery.directives import imgsgnode

logger = logging.getLogger(__name__)

A_MINUTE = 150  # words of text, formulas and code
SHORT = range(11, 20)  # minutes that may be called a quarter of an hour
ASIDE = {"fold", "exercise_node", "exercise_enumerable_node", "solution_node", "movable"}
ALT = re.compile(r'<img [^>]*alt="([^"]+)"')
HIDDEN = {"cell_output", "tag_remove-cell", "tag_hide-cell", "tag_hide-input", "tag_remove-input"}
READ = Kept("book_read")
"""The question of each page, the words of its sections, the whole page under an empty name."""


# -- what is kept of each page ---------------------------------------------------------------


def main_line(node: nodes.Node) -> Iterator[nodes.Node]:
    """Yield the sections and the leaves that a reader meets who opens no fold."""
    if type(node).__name__ in ASIDE or isinstance(node, nodes.raw | nodes.comment | nodes.image):
        return
    if isinstance(node, nodes.Element) and HIDDEN & set(node["classes"]):
        return
    yield node
    for child in node.children:
        yield from main_line(child)


def count(node: nodes.Node) -> int:
    """Return the words of the main line within a node."""
    return sum(len(leaf.split()) for leaf in main_line(node) if isinstance(leaf, nodes.Text))


def question(doctree: nodes.document) -> str:
    """Return the question in bold with which a chapter's first section begins."""
    for section in doctree.findall(nodes.section):
        if "in-short" in section["ids"]:
            bold = next(section.findall(nodes.strong), None)
            if bold is not None and bold.astext().endswith("?"):
                return bold.astext()
    return ""


def seen(doctree: nodes.document) -> str:
    """Return the alternative text of the first figure of a gallery page."""
    for node in doctree.findall(lambda node: isinstance(node, imgsgnode | nodes.raw)):
        found = node.get("alt") or ALT.search(node.astext())
        if found:
            return found if isinstance(found, str) else unescape(found[1])
    return ""


def look(app: Sphinx, doctree: nodes.document) -> None:
    """Keep a page's question and the words of its sections, the whole page under an empty name."""
    counted = {"": count(doctree)}
    for section in doctree.findall(nodes.section):
        counted |= dict.fromkeys(section["ids"], count(section))
    told = {"question": question(doctree), "words": counted, "seen": seen(doctree)}
    READ.of(app.env)[app.env.docname] = told


def minutes(env: BuildEnvironment, page: str, anchor: str = "") -> float:
    """Return how long a page or one of its sections takes to read."""
    return READ.of(env)[page]["words"][anchor] / A_MINUTE


# -- places on the front page ----------------------------------------------------------------


def picture(app: Sphinx, page: str, place: nodes.Element) -> list[nodes.Node]:
    """Return the moving picture; a book that is no web page goes without."""
    if app.builder.name not in ("html", "dirhtml"):
        return []
    from five_families import picture

    pages = {name: app.builder.get_relative_uri(page, name) for name in app.env.found_docs}
    return [nodes.raw("", picture(pages), format="html", classes=["moving-picture"])]


def cards(app: Sphinx, page: str, place: nodes.Element) -> list[nodes.Node]:
    """Return the chapters that can be read: picture, title, question, and how long each takes."""
    lecture, items = the_map(app), []
    for number in sorted(lecture.written(Path(app.srcdir))):
        chapter = lecture.chapters[number]
        target = chapter["page"]
        title = link(app, page, target, "", f"{int(number)} {chapter['title']}")
        asked = READ.of(app.env)[target]["question"]
        about = nodes.paragraph(text=asked) if asked else words(chapter["about"])[0]
        taken = nodes.paragraph(text=f"{minutes(app.env, target):.0f} minutes", classes=["time"])
        taken += judged.count(app.env, target)
        item = nodes.list_item("", nodes.paragraph("", "", title, classes=["title"]), about, taken)
        if "picture" in chapter:
            item.insert(0, thumbnail(app, chapter["picture"], place))
        items.append(item)
    return [nodes.bullet_list("", *items, classes=["chapter-cards"])]


def thumbnail(app: Sphinx, script: str, place: nodes.Element) -> nodes.Node:
    """Return the small picture that the gallery has of one of its scripts."""
    at = PurePosixPath("auto_gallery", script)
    uri = str(at.parent / "images" / "thumb" / f"sphx_glr_{at.name}_thumb.png")
    if uri not in app.env.images or str(at) not in READ.of(app.env):
        logger.warning("the gallery has no picture of %s", script, location=place, type="book")
        return nodes.paragraph()
    alt = READ.of(app.env)[str(at)]["seen"]
    return nodes.image(uri=uri, candidates={"*": uri}, alt=alt, loading="lazy")


def timed(app: Sphinx, page: str, place: nodes.Element) -> list[nodes.Node]:
    """Return a list of links to sections with the minutes of each; their sum has to be as promised."""
    if app.builder.format != "html":  # addresses are of another kind
        return place.children
    pages = {app.builder.get_relative_uri(page, name): name for name in READ.of(app.env)}
    total = 0.0
    for item in place.findall(nodes.list_item):
        address, _, anchor = next(item.findall(nodes.reference))["refuri"].partition("#")
        time = minutes(app.env, pages[address], anchor)
        total += time
        item[-1] += nodes.inline(text=f" {max(1, round(time))} min", classes=["time"])
    if round(total) not in SHORT:
        said = "a quarter of an hour takes %.1f minutes: choose other sections"
        logger.warning(said, total, location=place, type="book")
    return place.children


def has_picture(doctree: nodes.document) -> bool:
    """Tell whether a page has the moving picture."""
    return any("moving-picture" in raw.get("classes", ()) for raw in doctree.findall(nodes.raw))


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directives, and look at each page that is read."""
    fill_later(app, {"five-families": picture, "chapters-written": cards, "short-path": timed})
    load_where(app, has_picture, "front.js")
    READ.connect(app)
    app.connect("doctree-read", look)
    return {"version": "1", "env_version": 1, "parallel_read_safe": False}
