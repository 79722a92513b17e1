"""Time the package against its peers and write the table that the site shows.

Each contestant lives in a process of its own. The processes take turns, A B C A B C, so that all see
the same moods of the machine, and a row is the ratio of two medians. Before each turn there is a
pause, since the threads of a linear-algebra library spin for a while after their work, at the next
one's cost. Before anything counts, all answers of a case are compared: a fast wrong answer is an
error, not a result.

    python tests/benchmarks/run.py [--rounds 15] [--case NAME ...] [--out docs/benchmarks.json]
"""

import argparse
import datetime
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from cases import CASES
from contest import Case

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
THREADS = "2"
PEERS = (
    "numpy", "torch", "scipy", "scikit-learn", "pyswarms", "pymoo", "deap", "cma", "acopy", "autograd",
    "micrograd",
)  # fmt: skip
PAUSE = 0.2  # seconds


class Contestant:
    """A worker process that measures when asked."""

    def __init__(self, case: str, name: str, folder: Path) -> None:
        self.name = name
        self.file = folder / f"{abs(hash((case, name)))}.npy"
        threads = {f"{lib}_NUM_THREADS": THREADS for lib in ("OMP", "OPENBLAS", "MKL")}
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), case, name, str(self.file)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **threads},
            cwd=folder,  # pyswarms leaves a log where it runs
        )
        self.ask(None)

    def ask(self, command: str | None) -> str:
        if command:
            self.process.stdin.write(command + "\n")
            self.process.stdin.flush()
        reply = self.process.stdout.readline()
        if not reply:
            raise RuntimeError(f"the process of {self.name!r} died; its message stands above")
        return reply.strip()

    def answer(self) -> tuple[np.ndarray, int]:
        units = int(self.ask("answer"))
        return np.load(self.file), units

    def measure(self) -> float:
        return float(self.ask("run"))

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait(timeout=60)


def compare(case: Case, answers: dict[str, np.ndarray]) -> dict[str, float]:
    """Return each answer's relative distance to the reference; raise if one is off."""
    reference = case.reference(case.problem()) if case.reference else next(iter(answers.values()))
    size = np.abs(reference).max()
    errors = {name: float(np.abs(answer - reference).max() / size) for name, answer in answers.items()}
    for name, error in errors.items():
        if not error <= case.tolerance:
            raise ValueError(
                f"{case.title}: {name} is off by {error:.2g} (relative), allowed {case.tolerance:.2g}"
            )
    return errors


def results(case: Case, answers: dict[str, np.ndarray]) -> dict[str, float]:
    """Return each contestant's median over the seeds; raise if one found nothing.

    Where the least value is known and is not zero, the median is given as a share above it.
    """
    best = case.best(case.problem()) if case.best else -math.inf
    for name, answer in answers.items():
        if not np.isfinite(answer).all() or answer.min() < best - 1e-9 * abs(best):
            raise ValueError(f"{case.title}: {name} found {answer.min():g}, which cannot be")
    medians = {name: float(np.median(answer)) for name, answer in answers.items()}
    if not relative(case):
        return medians
    return {name: median / best - 1 for name, median in medians.items()}


def relative(case: Case) -> bool:
    return case.best is not None and case.best(case.problem()) != 0


def measure_case(key: str, rounds: int) -> dict:
    case = CASES[key]
    with tempfile.TemporaryDirectory() as folder:
        contestants = [Contestant(key, name, Path(folder)) for name in case.contestants]
        try:
            answered = {c.name: c.answer() for c in contestants}
            answers = {name: answer for name, (answer, _) in answered.items()}
            errors = {} if case.seeds else compare(case, answers)
            found = results(case, answers) if case.seeds else {}
            times: dict[str, list[float]] = {c.name: [] for c in contestants}
            for _ in range(rounds):
                for contestant in contestants:
                    time.sleep(PAUSE)
                    times[contestant.name].append(contestant.measure())
        finally:
            for contestant in contestants:
                contestant.close()
    medians = {name: statistics.median(values) for name, values in times.items()}
    ours = medians[next(iter(medians))]
    rows = [
        {
            "name": name,
            "ratio": ours / median,
            "spread": [min(times[name]) / median, max(times[name]) / median],
            "units": answered[name][1],
            "digits": round(min(-float(np.log10(max(errors[name], 1e-19))), 19), 1)
            if case.reference
            else None,
            "result": found.get(name),
            "limit": case.limits.get(name),
        }
        for name, median in medians.items()
    ]
    return {
        "key": key,
        "title": case.title,
        "unit": case.unit,
        "goal": case.goal,
        "seeds": case.seeds,
        "relative": bool(case.seeds) and relative(case),
        "rounds": rounds,
        "date": datetime.date.today().isoformat(),
        "rows": rows,
    }


def machine() -> dict[str, str]:
    """Say what the table was measured on."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = [
            row.split(":")[1].strip() for row in info.read_text().splitlines() if "model name" in row
        ]
        cpu = f"{names[0]}, {len(names)} logical cores" if names else cpu
    packages = {}
    for package in PEERS:
        try:
            packages[package] = version(package)
        except PackageNotFoundError:
            continue
    return {
        "cpu": cpu,
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "packages": ", ".join(f"{name} {number}" for name, number in packages.items()),
        "threads": THREADS,
    }


def table(results: list[dict]) -> str:
    lines = []
    for result in results:
        lines.append(f"\n{result['title']} (time per {result['unit']}; ratio = ours / theirs)")
        for row in result["rows"]:
            digits = "" if row["digits"] is None else f"  {row['digits']:4.1f} correct digits"
            if row["result"] is not None:
                digits += f"  median result {row['result']:.4g}"
            if row["limit"] is not None:
                met = "met" if row["ratio"] <= row["limit"] else "MISSED"
                digits += f"  goal {row['limit']:.3g}: {met}"
            low, high = row["spread"]
            lines.append(
                f"  {row['name']:32} ratio {row['ratio']:8.4f}   {row['units']:4d} {result['unit']}(s)"
                f"   runs {low:.2f}..{high:.2f} of median{digits}"
            )
    return "\n".join(lines)


def merge(file: Path, new: dict) -> dict:
    """Put the new cases in the place of the old ones of a record of the same machine and versions."""
    if not file.is_file():
        return new
    old = json.loads(file.read_text())
    if old["machine"] != new["machine"]:
        return new
    known = {case["key"]: case for case in [*old["cases"], *new["cases"]]}
    return {**new, "cases": [known[key] for key in CASES if key in known]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--case", action="append", choices=list(CASES))
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.json")
    options = parser.parse_args()
    measured = []
    for key in options.case or CASES:
        print(f"measuring {key} ...", flush=True)
        measured.append(measure_case(key, options.rounds))
    record = merge(options.out, {"machine": machine(), "cases": measured})
    options.out.write_text(json.dumps(record, indent=1) + "\n")
    print(table(measured))
    print(f"\nwrote {options.out}; `make docs` shows it on the page of benchmarks")


if __name__ == "__main__":
    main()
