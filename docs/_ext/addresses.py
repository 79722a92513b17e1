"""Say what a page is to those who link, cite or index it, and where a reader can write about it.

The setting ``addresses`` names the site, the repository and the contact. Each may be empty, and what
needs an address that is empty is left out.
"""

import html
import re
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from docutils import nodes
from shared import Kept
from sphinx.application import Sphinx
from sphinx_gallery.directives import imgsgnode

LONGEST = 200
OF_THE_BOOK = "auto_gallery/07_five_families_compared/images/sphx_glr_plot_1_race_001.png"
NAMES = ("site", "repository", "contact")
DESCRIPTIONS = Kept("descriptions")
"""What each page is about."""


def sentences(paragraph: nodes.paragraph) -> str:
    """Return the sentences of a paragraph that stand before its first formula."""
    said = ""
    for node in paragraph.findall(lambda n: isinstance(n, nodes.Text | nodes.math)):
        if isinstance(node, nodes.math):
            said = re.match(r"(.*[.?!:])?", said, re.DOTALL)[1] or ""
            break
        if not isinstance(node.parent, nodes.math | nodes.literal) or "_" not in node:
            said += node.astext()
    return " ".join(said.split())


def description(doctree: nodes.document) -> str:
    """Return what a page is about: its first sentences, cut after a word."""
    for paragraph in doctree.findall(nodes.paragraph):
        said = sentences(paragraph)
        if len(said) >= 40:
            return said if len(said) <= LONGEST else said[:LONGEST].rpartition(" ")[0] + " ..."
    return ""


def keep_description(app: Sphinx, doctree: nodes.document) -> None:
    """Remember what the page that is read is about."""
    DESCRIPTIONS.of(app.env)[app.env.docname] = description(doctree)


def site_address(app: Sphinx, path: str = "") -> str:
    """Return the address of something on the site, nothing if the site has none."""
    site = app.config.addresses.get("site", "")
    return f"{site.rstrip('/')}/{path}" if site else ""


def picture(app: Sphinx, page: str, doctree: nodes.document) -> tuple[str, str]:
    """Return the address of the picture that stands for a page, and what it shows.

    That is the page's first figure; for the front page, and where there is none, one for the whole book.
    """
    name, alt = PurePosixPath(OF_THE_BOOK).name if (Path(app.srcdir) / OF_THE_BOOK).is_file() else "", ""
    if page != app.config.root_doc:
        for node in doctree.findall(lambda node: isinstance(node, nodes.image | imgsgnode)):
            file = app.builder.images.get(node["uri"], PurePosixPath(node["uri"]).name)
            if file.endswith(".png"):
                name, alt = file, " ".join((node.get("alt") or "").split())
                break
    return site_address(app, f"{app.builder.imagedir}/{name}") if name else "", alt


def tags(app: Sphinx, page: str, title: str, doctree: nodes.document) -> str:
    """Return the head's lines for one page."""
    image, alt = picture(app, page, doctree)
    about = DESCRIPTIONS.of(app.env).get(page, "")
    address = site_address(app, app.builder.get_target_uri(page))
    book, author = app.config.html_title, app.config.author
    told = [("name", "description", about), ("name", "author", author)]
    told += [("property", "og:title", title), ("property", "og:site_name", book)]
    told += [("property", "og:type", "website" if page == app.config.root_doc else "article")]
    told += [("property", "og:description", about), ("property", "og:url", address)]
    told += [("property", "og:image", image), ("property", "og:image:alt", image and alt)]
    told += [("name", "citation_title", title), ("name", "citation_author", author)]
    told += [("name", "citation_publication_date", app.config.project_copyright[:4])]
    told += [("name", "citation_language", app.config.language)]
    if page != app.config.root_doc:
        told += [("name", "citation_inbook_title", book)]
    told += [("name", "citation_public_url", address)]
    lines = [
        f'<meta {kind}="{name}" content="{html.escape(said)}" />' for kind, name, said in told if said
    ]
    return "\n    ".join(lines)


def where_to_write(app: Sphinx, page: str, title: str) -> str:
    """Return the address for a remark about a page: an issue, or a letter."""
    repository, contact = (app.config.addresses.get(name, "") for name in NAMES[1:])
    if repository:
        said = quote(f"{title} ({page})")
        return f"{repository.rstrip('/')}/issues/new?title={said}"
    if contact and "://" not in contact:
        return f"mailto:{contact}?subject={quote(f'{app.config.html_title}: {title} ({page})')}"
    return contact


def add(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Write both into one page."""
    if doctree is None or not context.get("body"):
        return
    title = re.sub(r"<[^>]+>", "", html.unescape(context.get("title", "")))
    context["metatags"] = context.get("metatags", "") + "\n    " + tags(app, page, title, doctree) + "\n"
    where = where_to_write(app, page, title)
    if where:
        link = f'<a class="wrong-here" href="{html.escape(where)}">Something wrong here?</a>'
        context["body"] += f'<p class="page-links">{link}</p>\n'


def check(app: Sphinx, config: Any) -> None:
    """Let the theme write the canonical link, and refuse a name that nothing reads."""
    unknown = set(config.addresses) - set(NAMES)
    if unknown:
        raise ValueError(f"addresses in conf.py has {sorted(unknown)}; known are {', '.join(NAMES)}")
    config.html_baseurl = site_address(app)


def setup(app: Sphinx) -> dict[str, Any]:
    """Describe pages as they are read, write what is known as they are written."""
    app.add_config_value("addresses", {}, "html")
    app.connect("config-inited", check)
    DESCRIPTIONS.connect(app)
    app.connect("doctree-read", keep_description)
    app.connect("html-page-context", add, priority=600)
    return {"version": "1", "env_version": 1, "parallel_read_safe": True, "parallel_write_safe": True}
