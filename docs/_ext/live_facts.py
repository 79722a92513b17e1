"""What the build page says of the Python that pages run: versions, sizes, licences."""

import importlib.metadata
import json
import platform
from pathlib import Path
from typing import Any

from docutils import nodes
from shared import table, words
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

SHOWN = ["numpy", "matplotlib", "pillow", "array-api-compat", "lecturecode"]
LICENCES = "_static/live/LICENSES/index.html"


def live_state(source: Path) -> dict[str, Any]:
    """Return what build.py wrote about the pieces of Python; that there are none if it did not run."""
    state = source / "_build" / "live" / "live.json"
    if not state.is_file():
        return {"available": False, "reason": "the site was not built by docs/build.py"}
    return json.loads(state.read_text(encoding="utf-8"))


class LiveFacts(SphinxDirective):
    """A table of versions, in the pages and in the book, and of sizes; or why there is none."""

    def run(self) -> list[nodes.Node]:
        """Return the table and the sentence."""
        told = live_state(Path(self.env.srcdir))
        if not told["available"]:
            return words(f"This copy of the book cannot run code in its pages: {told['reason']}.")
        facts = [("Python", told["python"], platform.python_version())]
        facts += [(name, told["packages"][name], importlib.metadata.version(name)) for name in SHOWN]
        facts += [("torch", "none", importlib.metadata.version("torch"))]
        rows = [[words(name), words(here), words(book)] for name, here, book in facts]
        sizes = ", ".join(f"{name} {size / 1e6:.1f} MB" for name, size in told["bytes"].items())
        slow = "" if told["compiled"] else " No module was compiled beforehand, so Python starts slower."
        said = f"Pyodide {told['pyodide']}. Loaded at the first click: {sizes}.{slow} "
        shown = nodes.paragraph("", said)
        shown += nodes.reference("", "Licences of what is shipped", refuri=LICENCES)
        shown += nodes.Text(".")
        return [table(["What", "In the pages", "In this book"], [30, 35, 35], rows), shown]


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directive."""
    app.add_directive("live-facts", LiveFacts)
    return {"version": "1", "parallel_read_safe": True}
