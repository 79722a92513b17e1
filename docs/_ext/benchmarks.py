"""The table of the benchmarks page, from the record that `make bench` writes."""

import json
from pathlib import Path
from typing import Any

from docutils import nodes
from docutils.parsers.rst import Directive
from lecture_map import table, words
from sphinx.application import Sphinx


def number(value: float) -> str:
    """Write a ratio: two decimals, or two digits when it is small."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def verdict(row: dict[str, Any]) -> str:
    """Say what the goal was for the ratio of a row, and whether it is met."""
    limit = row.get("limit")
    if limit is None:
        return ""
    return f"≤ {number(limit)}: {'met' if row['ratio'] <= limit else 'missed'}"


def case_table(case: dict[str, Any]) -> list[nodes.Node]:
    """Return the title, the table and the goal of one case."""
    columns: dict[str, Any] = {
        "Library": lambda row: f"`{row['name']}`",
        "Ours / theirs": lambda row: number(row["ratio"]),
    }
    if any(row.get("limit") is not None for row in case["rows"]):
        columns["Goal"] = verdict
    if case.get("seeds"):
        what, form = ("above the optimum", "{:.1%}") if case["relative"] else ("result", "{:.3g}")
        columns[f"Median {what}, {case['seeds']} seeds"] = lambda row: form.format(row["result"])
    else:
        plural = case["unit"] + ("es" if case["unit"].endswith("ch") else "s")
        columns[f"{plural} in a run"] = lambda row: str(row["units"])
    columns["Slowest run / median"] = lambda row: f"{row['spread'][1]:.2f}"
    if any(row["digits"] is not None for row in case["rows"]):
        columns["Correct digits"] = lambda row: "all" if row["digits"] >= 19 else f"{row['digits']:.1f}"
    rows = [[words(cell(row)) for cell in columns.values()] for row in case["rows"]]
    title = nodes.rubric(text=f"{case['title']}: time per {case['unit']}")
    goal = nodes.paragraph("", "", nodes.emphasis(text=f"Goal: {case['goal']}."))
    return [title, table(list(columns), [40] + [15] * (len(columns) - 1), rows), goal]


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
        dates = sorted({case["date"] for case in record["cases"]})
        rounds = [case["rounds"] for case in record["cases"]]
        found = words(
            f"Measured on {dates[0]}{' to ' + dates[-1] if len(dates) > 1 else ''}: {machine['cpu']}, "
            f"{machine['system']}, Python {machine['python']}, {machine['packages']}, "
            f"{machine['threads']} threads for everyone, medians of {min(rounds)} rounds or more."
        )
        for case in record["cases"]:
            found += case_table(case)
        return found


class Strategies(Directive):
    """Show how many problems of the BBOB suite each evolution strategy solved."""

    def run(self) -> list[nodes.Node]:
        """Return one table, or say how to make one."""
        env = self.state.document.settings.env
        file = Path(env.srcdir) / "bbob.json"
        env.note_dependency(str(file))
        if not file.is_file():
            return words("Nothing has been measured yet. `make bench` measures and writes the record.")
        record = json.loads(file.read_text(encoding="utf-8"))
        ours = next(iter(record.values()))
        dimensions = list(ours["solved"])
        head = ["Library", *(f"Solved, P = {d}" for d in dimensions), "In all", "Ours / theirs, time"]
        rows = []
        for name, row in record.items():
            cells = [f"`{name}`", *(str(row["solved"][d]) for d in dimensions)]
            cells += [f"{row['total']} of {row['problems']}", number(ours["seconds"] / row["seconds"])]
            rows.append([words(cell) for cell in cells])
        return [table(head, [30] + [14] * (len(head) - 1), rows)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directive."""
    app.add_directive("benchmarks", Benchmarks)
    app.add_directive("benchmarks-bbob", Strategies)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
