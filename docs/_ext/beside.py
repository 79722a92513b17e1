"""Ours beside the reference: the cases of ``tests/peers.py``, measured while the page is read.

A case that exceeds its bound is a warning, hence a failure. What needs a library that is there for
``make bench`` only comes from the record in ``peers.json``.
"""

import importlib.util
import json
import sys
from functools import cache
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import Any

from docutils import nodes
from shared import name, table, words
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

logger = logging.getLogger(__name__)
MODULES = {"scikit-learn": "sklearn"}
"""Distributions whose module has another name."""


@cache
def the_peers(root: Path) -> ModuleType:
    """Return the cases and details that the tests judge."""
    spec = importlib.util.spec_from_file_location("peers", root / "tests" / "peers.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def short(number: float) -> str:
    """Write a difference with one digit."""
    return f"{number:.0e}".replace("-", "\N{NON-BREAKING HYPHEN}") if number else "0"


def to_reference(ours: str) -> nodes.paragraph:
    """Return a name of the package, linked to the API reference."""
    link = pending_xref("", name(ours), refdomain="py", reftype="obj", refexplicit=True)
    link["reftarget"], link["refspecific"] = f"lecturecode.{ours}", False
    return nodes.paragraph("", "", link)


def row(case: Any, found: float, bound: float, measured: str = "") -> tuple[list[Any], str]:
    """Return the cells of a case, and what is wrong with it."""
    cells = [f"`{case.theirs}`", case.problem, short(found) + measured, f"{short(bound)}: {case.why}"]
    wrong = f"{case.key}: {found:.2g} is more than {bound:.2g}" if not found <= bound else ""
    return [[to_reference(case.ours)], *map(words, cells)], wrong


class Beside(SphinxDirective):
    """Know the cases, and read the page again when they or a library change."""

    def known(self) -> ModuleType:
        """Return the cases and details."""
        peers = the_peers(Path(self.env.srcdir).parent)
        libraries = {MODULES.get(case.library, case.library) for case in peers.CASES}
        modules = [importlib.util.find_spec(library) for library in sorted(libraries)]
        for path in [
            peers.__file__,
            peers.RECORD,
            peers.DETAILS_FILE,
            *(spec.origin for spec in modules if spec),
        ]:
            self.env.note_dependency(str(path))
        return peers


class Peers(Beside):
    """A table: ours, the reference, the problem, the difference, and the most that it may be."""

    def run(self) -> list[nodes.Node]:
        """Measure, and return the table with what it was measured with."""
        peers, rows, versions = self.known(), [], {}
        record = json.loads(peers.RECORD.read_text(encoding="utf-8"))
        for case in peers.CASES:
            if case.library in peers.RECORDED:
                told = record["cases"][case.key]
                cells, wrong = row(case, told["difference"], told["bound"], ", recorded")
            elif importlib.util.find_spec(MODULES.get(case.library, case.library)):
                cells, wrong = row(case, *case.measured())
                versions[case.library] = version(case.library)
            else:
                continue
            rows.append(cells)
            if wrong:
                logger.warning(wrong, location=self.get_location(), type="book", subtype="peers")
        head = ["Ours", "Reference", "Problem and setting", "Difference", "At most"]
        here = ", ".join(f"{library} {number}" for library, number in sorted(versions.items()))
        there = ", ".join(f"{library} {number}" for library, number in record["versions"].items())
        said = f"Measured as this page was made, with {here}. Recorded on {record['date']}: {there}."
        return [table(head, [18, 22, 28, 12, 20], rows), *words(said)]


class PeerDetails(Beside):
    """A numbered list of details that formulas leave open: our line, the reference's, the difference."""

    required_arguments = 1

    def run(self) -> list[nodes.Node]:
        """Return the list."""
        peers, shown = self.known(), nodes.enumerated_list("", enumtype="arabic", prefix="", suffix=".")
        for detail in peers.DETAILS:
            if detail["method"] == self.arguments[0]:
                shown += nodes.list_item("", *self.item(peers, detail))
        return [shown]

    def item(self, peers: ModuleType, detail: dict[str, str]) -> list[nodes.Node]:
        """Return what an item says; a line that is gone is a warning."""
        (said,) = words(detail["what"] + ".")
        if "differ" in detail:
            said += [nodes.Text(" "), nodes.strong(text="They differ:")]
            said += words(f" {detail['differ']}.")[0].children
        lines = nodes.bullet_list("")
        for whose, file, text, find in (
            ("ours", detail["ours"], detail["our_line"], peers.line_of_ours),
            ("reference", detail["theirs"], detail["their_line"], peers.line_of_theirs),
        ):
            try:
                place = f"line {find(detail)} of `{file}`"
            except LookupError as error:
                logger.warning(str(error), location=self.get_location(), type="book", subtype="peers")
                place = f"`{file}`"
            line = nodes.paragraph("", "", nodes.Text(f"{whose}, "), *words(place)[0].children)
            line += [nodes.Text(": "), nodes.literal("", text)]
            lines += nodes.list_item("", line)
        return [said, lines]


def setup(app: Sphinx) -> dict[str, Any]:
    """Add both directives."""
    app.add_directive("peers", Peers)
    app.add_directive("peer-details", PeerDetails)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
