"""The table of the benchmarks page, from the record that `make bench` writes."""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from lecture_map import table, words
from sphinx.application import Sphinx


def case_table(case: dict[str, Any]) -> list[nodes.Node]:
    """Return the title, the table and the goal of one case."""
    digits = any(row["digits"] is not None for row in case["rows"])
    head = ["Library", "Ours / theirs", f"{case['unit']}s in a run", "Slowest run / median"]
    rows = []
    for row in case["rows"]:
        cells = [
            f"`{row['name']}`",
            f"{row['ratio']:.2f}" if row["ratio"] >= 0.1 else f"{row['ratio']:.2g}",
            str(row["units"]),
            f"{row['spread'][1]:.2f}",
        ]
        if digits:
            cells.append("all" if row["digits"] >= 19 else f"{row['digits']:.1f}")
        rows.append([words(cell) for cell in cells])
    widths = [40, 15, 15, 15] + [15] * digits
    title = nodes.rubric(text=f"{case['title']}: time per {case['unit']}")
    goal = nodes.paragraph("", "", nodes.emphasis(text=f"Goal: {case['goal']}."))
    return [title, table(head + ["Correct digits"] * digits, widths, rows), goal]


class Benchmarks(Directive):
    """Show the record, or say how to make one."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Return one table per case, after a sentence about the machine."""
        env = self.state.document.settings.env
        record_file = Path(env.srcdir) / "benchmarks.json"
        env.note_dependency(str(record_file))
        if not record_file.is_file():
            return words("Nothing has been measured yet. `make bench` measures and writes the record.")
        record = json.loads(record_file.read_text(encoding="utf-8"))
        machine = record["machine"]
        found = words(
            f"Measured on {machine['date']}: {machine['cpu']}, {machine['system']}, Python "
            f"{machine['python']}, {machine['packages']}, {machine['threads']} threads for everyone, "
            f"medians of {record['rounds']} rounds."
        )
        for case in record["cases"]:
            found += case_table(case)
        return found


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("benchmarks", Benchmarks)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
