"""Lead old addresses to where their pages and sections stand now, by the table redirects.toml.

In place of a page that was renamed stands one that leads on, with the anchor that was asked for.
A section that went to another page leaves its anchor behind: the page that had it leads on.
"""

import json
import tomllib
from html import escape
from pathlib import Path
from posixpath import dirname, relpath
from typing import Any

from sphinx.application import Sphinx
from sphinx.util import logging

logger = logging.getLogger(__name__)

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>This page has moved</title>
<link rel="canonical" href="{to}">
<meta name="robots" content="noindex">
<script>location.replace({address} + location.hash)</script>
<meta http-equiv="refresh" content="1; url={to}">
</head>
<body><p>This page has moved to <a href="{to}">{to}</a>.</p></body>
</html>
"""
LEAD_ON = """
(() => {{
  const to = {sections}[decodeURIComponent(location.hash.slice(1))];
  if (to) location.replace(to);
}})();
"""


def table(app: Sphinx) -> dict[str, Any]:
    """Return the pages and sections that moved."""
    path = Path(app.srcdir) / "redirects.toml"
    return tomllib.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}


def address(page: str, target: str) -> str:
    """Return the relative address of ``page#anchor``, as it is seen from a page."""
    name, _, anchor = target.partition("#")
    return relpath(f"{name}.html", dirname(page) or ".") + (f"#{anchor}" if anchor else "")


def check(app: Sphinx, env: Any) -> None:
    """Warn about an old address that leads nowhere, or hides a page that exists."""
    moved = table(app)
    for old, new in moved.get("pages", {}).items():
        if old in env.found_docs or new not in env.found_docs:
            logger.warning("redirects.toml: %s leads to %s", old, new, type="book")
    for page, sections in moved.get("sections", {}).items():
        for anchor, target in sections.items():
            if page not in env.found_docs or target.partition("#")[0] not in env.found_docs:
                logger.warning("redirects.toml: %s#%s leads to %s", page, anchor, target, type="book")


def lead_on(app: Sphinx, page: str, *_: Any) -> None:
    """Give a page that lost sections the script that leads to them."""
    sections = table(app).get("sections", {}).get(page)
    if sections:
        here = {anchor: address(page, target) for anchor, target in sections.items()}
        app.add_js_file(None, body=LEAD_ON.format(sections=json.dumps(here)))


def write(app: Sphinx, failed: Exception | None) -> None:
    """Write the pages that stand in for those that moved."""
    if failed or app.builder.format != "html":
        return
    for old, new in table(app).get("pages", {}).items():
        to = address(old, new)
        file = Path(app.outdir) / f"{old}.html"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(PAGE.format(to=escape(to), address=json.dumps(to)), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, Any]:
    """Connect to the end of the reading, of each page, and of the build."""
    app.connect("env-check-consistency", check)
    app.connect("html-page-context", lead_on)
    app.connect("build-finished", write)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
