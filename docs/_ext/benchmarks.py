"""The table of the benchmarks page, from the record that `make bench` writes."""

import json
from abc import abstractmethod
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from shared import table, words
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective


def number(value: float) -> str:
    """Write a ratio: two decimals, or two digits when it is small."""
    return f"{value:.2f}" if value >= 0.1 else f"{value:.2g}"


def compared(quartiles: list[float]) -> str:
    """Say what a row answers: quartiles on both sides of 1 do not tell who is faster."""
    low, _, high = quartiles
    if low <= 1 <= high:
        return "undecided"
    return "faster" if high < 1 else "slower"


def ratio(row: dict[str, Any], threads: str) -> str:
    """Write the median of a ratio, its quartiles, and what they answer."""
    if threads not in row["ratios"]:
        return "not measured"
    low, median, high = row["ratios"][threads]
    if low == high == 1:  # the row that the others are compared with
        return "1"
    if low is None:  # of a record that kept the median only
        return f"{number(median)}, spread not kept"
    return f"{number(median)} ({number(low)} to {number(high)}), {compared([low, median, high])}"


def case_table(case: dict[str, Any]) -> list[nodes.Node]:
    """Return the title and the table of one case."""
    columns: dict[str, Any] = {
        "Library": lambda row: f"`{row['name']}`",
        "1 thread": lambda row: ratio(row, "1"),
        "2 threads": lambda row: ratio(row, "2"),
    }
    if case.get("seeds"):
        what, form = ("above the optimum", "{:.1%}") if case["relative"] else ("result", "{:.3g}")
        columns[f"Median {what}, {case['seeds']} seeds"] = lambda row: form.format(row["result"])
    else:
        plural = case["unit"] + ("es" if case["unit"].endswith("ch") else "s")
        columns[f"{plural} in a run"] = lambda row: str(row["units"])
    if any(row["digits"] is not None for row in case["rows"]):
        columns["Correct digits"] = lambda row: "all" if row["digits"] >= 19 else f"{row['digits']:.1f}"
    rows = [[words(cell(row)) for cell in columns.values()] for row in case["rows"]]
    title = nodes.rubric(text=f"{case['title']}: time per {case['unit']}, ours / theirs")
    widths = [30, 24, 24] + [12] * (len(columns) - 3)
    return [title, table(list(columns), widths, rows), *words(measured(case))]


def measured(case: dict[str, Any]) -> str:
    """Say when a case was measured, how often, and what other programs took of the machine."""
    parts = []
    for threads, run in sorted(case["runs"].items()):
        others = run["others"]
        meanwhile = "" if others is None else f", other programs took {others:.0%} of the machine"
        counted = f"{threads} thread{'s' if threads != '1' else ''}: {run['rounds']} rounds"
        parts.append(f"{counted} on {run['date']}{meanwhile}")
    return "; ".join(parts) + "."


def load(record: dict[str, Any]) -> str:
    """Say whether the machine was quiet, and what follows for the rows."""
    shares = [run["others"] for case in record["cases"] for run in case["runs"].values()]
    known = [share for share in shares if share is not None]
    if not known or max(known) < QUIET:
        return ""
    missing = [case for case in record["cases"] if "2" not in case["runs"]]
    said = (
        f"The machine was shared: other programs took up to {max(known):.0%} of it "
        "meanwhile. They also take its caches, so that on a quiet machine the ratios may be others."
    )
    if missing:
        said += (
            f" For {len(missing)} of {len(record['cases'])} cases it was too busy to time two threads, "
            "which would have waited for each other."
        )
    return said


QUIET = 0.1
"""The share of a machine that other programs may have without a word about it."""


class Recorded(SphinxDirective):
    """Show a record, or say how to make one."""

    file: ClassVar[str]

    def run(self) -> list[nodes.Node]:
        """Return what the record shows."""
        record = Path(self.env.srcdir) / self.file
        self.env.note_dependency(str(record))
        if not record.is_file():
            return words("Nothing has been measured yet. `make bench` measures and writes the record.")
        return self.shown(json.loads(record.read_text(encoding="utf-8")))

    @abstractmethod
    def shown(self, record: dict[str, Any]) -> list[nodes.Node]:
        """Return the nodes of a record."""


class Benchmarks(Recorded):
    """Show how long each case took."""

    file = "benchmarks.json"

    def shown(self, record: dict[str, Any]) -> list[nodes.Node]:
        """Return one table per case, after a sentence about the machine."""
        machine = record["machine"]
        runs = [run for case in record["cases"] for run in case["runs"].values()]
        dates, rounds = sorted({run["date"] for run in runs}), [run["rounds"] for run in runs]
        found = words(
            f"Measured on {dates[0]}{' to ' + dates[-1] if len(dates) > 1 else ''}: {machine['cpu']}, "
            f"{machine['system']}, Python {machine['python']}, {machine['packages']}; "
            f"{min(rounds)} to {max(rounds)} rounds for each case. {load(record)}"
        )
        for case in record["cases"]:
            found += case_table(case)
        return found


class Strategies(Recorded):
    """Show how many problems of the BBOB suite each evolution strategy solved."""

    file = "bbob.json"

    def shown(self, record: dict[str, Any]) -> list[nodes.Node]:
        """Return one table."""
        ours = next(iter(record.values()))
        dimensions = list(ours["solved"])
        head = ["Library", *(f"Solved, P = {d}" for d in dimensions), "In all", "Ours / theirs, time"]
        rows = []
        for name, row in record.items():
            cells = [f"`{name}`", *(str(row["solved"][d]) for d in dimensions)]
            cells += [f"{row['total']} of {row['problems']}", number(ours["seconds"] / row["seconds"])]
            rows.append([words(cell) for cell in cells])
        return [table(head, [30] + [14] * (len(head) - 1), rows)]


class Growth(Recorded):
    """Show the exponents with which times grow, and their standard errors."""

    file = "scaling.json"

    def shown(self, record: dict[str, Any]) -> list[nodes.Node]:
        """Return a sentence about the machine and a table."""
        machine = record["machine"]
        of_training = sorted({row["date"] for row in record["rows"] if "varied" in row})
        others = machine["others"]
        meanwhile = "" if others is None else f" Other programs took {others:.0%} of the machine."
        measured = (
            f"Measured on {machine['cpu']}, Python {machine['python']}, NumPy {machine['numpy']}, by "
            f"the time of the processor with one thread.{meanwhile} Training: {', '.join(of_training)}."
        )
        head = ["Method", "Grows with", "Exponent", "Standard error", "Measured on"]
        rows = [
            [
                f"`{row['method']}`",
                row["axis"],
                f"{row['exponent']:.2f}",
                f"{row['error']:.2f}",
                row["date"],
            ]
            for row in record["exponents"]
        ]
        cells = [[words(cell) for cell in row] for row in rows]
        return [*words(measured), table(head, [25, 30, 12, 13, 20], cells)]


def setup(app: Sphinx) -> dict[str, Any]:
    """Register the directives."""
    app.add_directive("benchmarks", Benchmarks)
    app.add_directive("benchmarks-growth", Growth)
    app.add_directive("benchmarks-bbob", Strategies)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
