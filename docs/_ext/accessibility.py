"""Small repairs of the written HTML, so that assistive technology can read every page."""

from typing import Any

from sphinx.application import Sphinx

# docutils marks the bibliography as a list whose entries have a role that lists do not allow.
REPAIRS = {
    '<div role="list" class="citation-list">': '<div class="citation-list">',
    ' role="doc-biblioentry"': "",
}


def repair(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Mend the body of one page."""
    body = context.get("body")
    if body:
        for wrong, right in REPAIRS.items():
            body = body.replace(wrong, right)
        context["body"] = body


def setup(app: Sphinx) -> dict[str, Any]:
    """Mend each page just before it is written."""
    app.connect("html-page-context", repair)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
