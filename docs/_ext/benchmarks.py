"""The table of the benchmarks page, from the record that `make bench` writes."""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.application import Sphinx


def table(case: dict[str, Any]) -> list[str]:
    """Return the reStructuredText of one case."""
    digits = any(row["digits"] is not None for row in case["rows"])
    header = ["library", "ours / theirs", f"{case['unit']}s in a run", "slowest run / median"]
    lines = [f".. list-table:: {case['title']}: time per {case['unit']}", "   :header-rows: 1", ""]
    for cells in [header + ["correct digits"] * digits] + [
        [
            row["name"],
            f"{row['ratio']:.2g}",
            str(row["units"]),
            f"{row['spread'][1]:.2f}",
            *([f"{row['digits']:.1f}"] if digits else []),
        ]
        for row in case["rows"]
    ]:
        lines += [("   * - " if i == 0 else "     - ") + cell for i, cell in enumerate(cells)]
    return [*lines, "", f"*Goal: {case['goal']}.*", ""]


class Benchmarks(Directive):
    """Show the record, or say how to make one."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Return one table per case, after a sentence about the machine."""
        env = self.state.document.settings.env
        record_file = Path(env.srcdir) / "benchmarks.json"
        env.note_dependency(str(record_file))
        if not record_file.is_file():
            lines = ["Nothing has been measured yet. ``make bench`` measures and writes the record."]
        else:
            record = json.loads(record_file.read_text(encoding="utf-8"))
            machine = record["machine"]
            lines = [
                f"Measured on {machine['date']}: {machine['cpu']}, {machine['system']}, Python "
                f"{machine['python']}, {machine['packages']}, {machine['threads']} threads for "
                f"everyone, medians of {record['rounds']} rounds.",
                "",
            ]
            for case in record["cases"]:
                lines += table(case)
        node = nodes.container()
        self.state.nested_parse(StringList(lines, source=str(record_file)), self.content_offset, node)
        return list(node.children)


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("benchmarks", Benchmarks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
