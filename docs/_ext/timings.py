"""What the build page shows: the machine, the versions, the time of each chapter and script."""

import importlib.metadata
import os
import platform
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from lecture_map import table, words
from myst_nb.sphinx_ import NbMetadataCollector
from sphinx.application import Sphinx

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


class BuildFacts(Directive):
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


class chapter_times(nodes.General, nodes.Element):  # noqa: N801  (docutils' naming)
    """Stands where the chapters' times come."""


class gallery_times(nodes.General, nodes.Element):  # noqa: N801  (docutils' naming)
    """Stands where the gallery's times come."""


class Times(Directive):
    """A table of the seconds that each chapter or each script took when it was last run."""

    def run(self) -> list[nodes.Node]:
        """Leave room for the table."""
        env = self.state.document.settings.env
        env.book_tables = getattr(env, "book_tables", set()) | {env.docname}
        return [{"chapter-times": chapter_times, "gallery-times": gallery_times}[self.name]()]


def line(app: Sphinx, page: str, target: str, title: str, seconds: float) -> list[list[nodes.Node]]:
    """Return a row: a page with a link to it, and its seconds."""
    shown = nodes.reference("", title, refuri=app.builder.get_relative_uri(page, target))
    return [[nodes.paragraph("", "", shown)], words(f"{seconds:.1f}")]


def fill(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Read the chapters' times out of what myst-nb keeps, the scripts' out of their pages."""
    for node in list(doctree.findall(chapter_times)):
        rows = []
        names = [n for n in app.env.found_docs if n.startswith(("chapters/", "appendices/"))]
        for name in sorted(names, key=lambda n: (n.startswith("appendices/"), n)):
            data = NbMetadataCollector.get_exec_data(app.env, name)
            if data and data["runtime"] is not None:
                number = app.env.toc_secnumbers.get(name, {}).get("", ("",))[0]
                title = f"{number} {app.env.titles[name].astext()}".strip()
                rows.append(line(app, page, name, title, data["runtime"]))
        node.replace_self([table(["Chapter", "Seconds"], [70, 30], rows)])
    for node in list(doctree.findall(gallery_times)):
        rows = []
        for path in sorted((Path(app.srcdir) / "auto_gallery").rglob("plot_*.rst")):
            found = TIME.search(path.read_text(encoding="utf-8"))
            if found:
                seconds = 60 * int(found.group(1)) + float(found.group(2))
                name = path.relative_to(Path(app.srcdir)).with_suffix("").as_posix()
                rows.append(line(app, page, name, name.removeprefix("auto_gallery/"), seconds))
        made = [table(["Script", "Seconds"], [70, 30], rows)] if rows else words("No scripts yet.")
        node.replace_self(made)


def setup(app: Sphinx) -> dict[str, Any]:
    """Add the three directives."""
    app.add_node(chapter_times)
    app.add_node(gallery_times)
    app.add_directive("build-facts", BuildFacts)
    app.add_directive("chapter-times", Times)
    app.add_directive("gallery-times", Times)
    app.connect("doctree-resolved", fill)
    return {"version": "1", "parallel_read_safe": False}
