"""Put beside each page its twin in plain Markdown, and a list of all in ``llms.txt``.

They are for programs that read, and for readers who like text: ``chapters/06_x.html`` has its twin in
``chapters/06_x.md``.
"""

from pathlib import Path
from typing import Any

from addresses import DESCRIPTIONS, site_address
from docutils import nodes
from plain import Plain
from shared import title
from sphinx.application import Sphinx

PARTS = {
    "Chapters": "chapters/",
    "Appendices": "appendices/",
    "Tables and lists": "",
    "Gallery": "auto_gallery/",
    "Reference": "api/",
}


def to_twin(uri: str) -> str:
    """Let a link lead to the twin of a page."""
    path, mark, place = uri.partition("#")
    if "://" not in path and path.endswith(".html"):
        path = path.removesuffix(".html") + ".md"
    return path + mark + place


def write(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Write the twin of a page that is about to be written."""
    if app.builder.format != "html":
        return
    place = Path(app.outdir) / f"{page}.md"
    place.parent.mkdir(parents=True, exist_ok=True)
    text = "\n\n".join(Plain(app, page, to_twin).blocks(doctree))
    place.write_text(text + "\n", encoding="utf-8")


def name(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Say in a page's head where its twin is."""
    if doctree is not None:
        twin = page.rpartition("/")[2] + ".md"
        link = f'<link rel="alternate" type="text/markdown" href="{twin}" />'
        context["metatags"] = context.get("metatags", "") + f"\n    {link}\n"


def finish(app: Sphinx, exception: Exception | None) -> None:
    """List the twins, and remove those of pages that are gone."""
    if exception or app.builder.format != "html":
        return
    found, out = app.env.found_docs, Path(app.outdir)
    for folder in PARTS.values():
        for twin in (out / folder).rglob("*.md") if folder else out.glob("*.md"):
            if twin.relative_to(out).with_suffix("").as_posix() not in found:
                twin.unlink()
    told = DESCRIPTIONS.of(app.env)
    lines = [f"# {app.config.html_title}", "", f"> {told.get(app.config.root_doc, '')}".rstrip()]
    for part, folder in PARTS.items():
        pages = sorted(p for p in found if (p.startswith(folder) if folder else "/" not in p))
        lines += ["", f"## {part}", ""] if pages else []
        for page in pages:
            path = f"{page}.md"
            about = f": {told[page]}" if told.get(page) else ""
            lines.append(f"- [{title(app.env, page)}]({site_address(app, path) or path}){about}")
    (out / "llms.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Write twins when all that a page refers to is known."""
    app.connect("doctree-resolved", write, priority=900)
    app.connect("html-page-context", name)
    app.connect("build-finished", finish)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
