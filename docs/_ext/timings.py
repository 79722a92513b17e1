"""What the build page shows of the machine, the versions, and the time of each script.

myst-nb has the times of the chapters, in a table that names files and says by an emoji that each has
run, without which there would be no site. sphinx-gallery has a page for those of the scripts, but
loads its looks from the network, and this book loads nothing from there.
"""

import importlib.metadata
import os
import platform
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from myst_nb.sphinx_ import NbMetadataCollector
from shared import BOOK, fill_later, link, table, title, words
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

PACKAGES = ["numpy", "array-api-compat", "matplotlib", "torch", "sphinx", "myst-nb", "sphinx-gallery"]
TIME = re.compile(r"Total running time of the script:\*\* \((\d+) minutes ([\d.]+) seconds\)")


def processor() -> str:
    """Return the processor's name, as far as the system tells it."""
    info = Path("/proc/cpuinfo")
    if info.is_file():
        found = re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.M)
        if found:
            return found.group(1).strip()
    return platform.processor() or platform.machine()


def device() -> str:
    """Return the CUDA device that torch sees, or that it sees none."""
    import torch

    if torch.cuda.is_available():
        return f"CUDA: {torch.cuda.get_device_name(0)}"
    return "no CUDA device: everything ran on the processor"


class BuildFacts(SphinxDirective):
    """A table of versions and of the machine."""

    def run(self) -> list[nodes.Node]:
        """Return the table."""
        facts = [("Python", platform.python_version())]
        facts += [(name, importlib.metadata.version(name)) for name in PACKAGES]
        facts += [
            ("System", f"{platform.system()} {platform.machine()}"),
            ("Processor", f"{processor()}, {os.cpu_count()} cores"),
            ("Device", device()),
        ]
        return [table(["What", "Used here"], [30, 70], [[words(a), words(b)] for a, b in facts])]


def chapter_times(app: Sphinx, page: str, place: nodes.Element) -> list[nodes.Node]:
    """Return a table of the seconds that the cells of each page took when they were last run."""
    measured = NbMetadataCollector.get_doc_data(app.env)
    ran = [name for name in app.env.found_docs if measured.get(name, {}).get("exec_data")]
    rows = []
    for name in sorted(ran, key=lambda name: ([not name.startswith(part) for part in BOOK], name)):
        shown = nodes.paragraph("", "", link(app, page, name, "", title(app.env, name)))
        seconds = measured[name]["exec_data"]["runtime"] or 0.0
        rows.append([[shown], words(f"{seconds:.1f}")])
    return [table(["Page", "Seconds"], [70, 30], rows)]


def gallery_times(app: Sphinx, page: str, place: nodes.Element) -> list[nodes.Node]:
    """Return a table of the seconds that each script took when it was last run, as its page has them."""
    rows = []
    for path in sorted((Path(app.srcdir) / "auto_gallery").rglob("plot_*.rst")):
        found = TIME.search(path.read_text(encoding="utf-8"))
        if found:
            name = path.relative_to(app.srcdir).with_suffix("").as_posix()
            shown = link(app, page, name, "", name.removeprefix("auto_gallery/"))
            seconds = 60 * int(found.group(1)) + float(found.group(2))
            rows.append([[nodes.paragraph("", "", shown)], words(f"{seconds:.1f}")])
    return [table(["Script", "Seconds"], [70, 30], rows)] if rows else words("No scripts yet.")


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the directives."""
    app.add_directive("build-facts", BuildFacts)
    fill_later(app, {"chapter-times": chapter_times, "gallery-times": gallery_times})
    return {"version": "1", "parallel_read_safe": False}
