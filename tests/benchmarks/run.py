"""Time the package against its peers and write the table that the site shows.

Each contestant lives in a process of its own. The processes take turns, A B C A B C, so that all see
the same moods of the machine. A round gives one ratio, ours to theirs, and a row is the median of these
ratios with its quartiles: where they lie on both sides of what is asked, the row does not answer it.
Before each turn there is a pause, since the threads of a linear-algebra library spin for a while after
their work, at the next one's cost. Before anything counts, all answers of a case are compared: a fast
wrong answer is an error, not a result.

Each case is timed with one thread, by the time of the processor, which other programs can hardly
change, and with two, by the clock. What other programs took of the machine meanwhile is written down;
where it is too much, two threads wait for each other's processor, and nothing is measured with two.

    python tests/benchmarks/run.py [--rounds 15] [--seconds 60] [--seeds 25] [--threads 1 2]
                                   [--case NAME ...] [--out docs/benchmarks.json]
"""

import argparse
import datetime
import json
import math
import os
import platform
import resource
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
THREADS = ("1", "2")
BUSY = 0.25
"""The share of the machine that other programs may have while two threads are timed."""
PEERS = (
    "numpy", "torch", "scipy", "scikit-learn", "pyswarms", "pymoo", "deap", "cma", "acopy", "autograd",
    "micrograd",
)  # fmt: skip
PAUSE = 0.2  # seconds


class Contestant:
    """A worker process that measures when asked."""

    def __init__(self, case: str, name: str, folder: Path, threads: str, seeds: int) -> None:
        self.name = name
        self.file = folder / f"{abs(hash((case, name)))}.npy"
        of_libraries = {f"{lib}_NUM_THREADS": threads for lib in ("OMP", "OPENBLAS", "MKL")}
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "worker.py"), case, name, str(self.file), threads, str(seeds)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, **of_libraries},
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


class Others:
    """What other programs take of the machine's processors from now on."""

    def __init__(self) -> None:
        self.began = self._moment()

    def share(self) -> float | None:
        """Return their share of all processor time since; None where the system does not tell.

        Contestants that still run count as others.
        """
        busy, whole, own = (now - then for now, then in zip(self._moment(), self.began, strict=True))
        return min(max(0.0, (busy - own) / whole), 1.0) if whole else None

    @staticmethod
    def _moment() -> tuple[float, float, float]:
        """Return the processors' busy seconds and all their seconds, and our busy ones."""
        own = sum(
            usage.ru_utime + usage.ru_stime
            for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
        )
        stat = Path("/proc/stat")
        if not stat.exists():
            return 0.0, 0.0, own
        user, nice, system, idle, waiting, *rest = map(int, stat.read_text().split("\n")[0].split()[1:9])
        tick = os.sysconf("SC_CLK_TCK")
        busy = user + nice + system + sum(rest)
        return busy / tick, (busy + idle + waiting) / tick, own


def turns(contestants: list[Contestant], rounds: int, seconds: float) -> dict[str, list[float]]:
    """Let all measure in turn, for so many rounds, or fewer (at least 3) if they take too long."""
    times: dict[str, list[float]] = {c.name: [] for c in contestants}
    started = time.monotonic()
    for done in range(rounds):
        if done >= 3 and time.monotonic() - started > seconds:
            break
        for contestant in contestants:
            time.sleep(PAUSE)
            times[contestant.name].append(contestant.measure())
    return times


def spread(ours: list[float], theirs: list[float]) -> list[float]:
    """Return the quartiles of the ratios, ours to theirs, of all rounds; the second is the median."""
    return np.quantile(np.divide(ours, theirs), (0.25, 0.5, 0.75)).tolist()


def measure_case(
    key: str, rounds: int, threads: str = "1", seconds: float = math.inf, seeds: int = 100
) -> dict:
    """Return the record of a case: one row for each contestant, and how it was measured."""
    case, others = CASES[key], Others()
    seeds = min(case.seeds, seeds)
    with tempfile.TemporaryDirectory() as folder:
        contestants = [Contestant(key, name, Path(folder), threads, seeds) for name in case.contestants]
        try:
            answered = {c.name: c.answer() for c in contestants}
            answers = {name: answer for name, (answer, _) in answered.items()}
            errors = {} if case.seeds else compare(case, answers)
            found = results(case, answers) if case.seeds else {}
            times = turns(contestants, rounds, seconds)
        finally:
            for contestant in contestants:
                contestant.close()
    ours = times[next(iter(times))]
    rows = [
        {
            "name": name,
            "ratios": {threads: spread(ours, theirs)},
            "units": answered[name][1],
            "digits": round(min(-float(np.log10(max(errors[name], 1e-19))), 19), 1)
            if case.reference
            else None,
            "result": found.get(name),
            "limit": case.limits.get(name),
        }
        for name, theirs in times.items()
    ]
    return {
        "key": key,
        "title": case.title,
        "unit": case.unit,
        "goal": case.goal,
        "seeds": seeds,
        "relative": bool(case.seeds) and relative(case),
        "runs": {
            threads: {
                "rounds": len(ours),
                "date": datetime.date.today().isoformat(),
                "others": others.share(),
            }
        },
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
    }


def answered(quartiles: list[float], limit: float) -> str:
    """Say whether a ratio is at most a limit, if the quartiles agree on it."""
    low, _, high = quartiles
    if low <= limit < high:
        return "OPEN"
    return "met" if high <= limit else "MISSED"


def table(results: list[dict]) -> str:
    lines = []
    for result in results:
        lines.append(f"\n{result['title']} (time per {result['unit']}; ratio = ours / theirs)")
        for threads, run in result["runs"].items():
            others = "" if run["others"] is None else f", others took {run['others']:.0%} of the machine"
            lines.append(f"  {threads} thread(s), {run['rounds']} rounds{others}")
        for row in result["rows"]:
            digits = "" if row["digits"] is None else f"  {row['digits']:4.1f} correct digits"
            if row["result"] is not None:
                digits += f"  median result {row['result']:.4g}"
            for threads, (low, median, high) in row["ratios"].items():
                goal = ""
                if row["limit"] is not None:
                    goal = f"  goal {row['limit']:.3g}: {answered([low, median, high], row['limit'])}"
                lines.append(
                    f"  {row['name']:45} {threads}: ratio {median:8.4f} ({low:.4f} to {high:.4f})"
                    f"   {row['units']:4d} {result['unit']}(s){digits}{goal}"
                )
    return "\n".join(lines)


def merge(file: Path, new: dict) -> dict:
    """Put the new cases into a record of the same machine and versions.

    A case that was measured with one thread before, and with two now, keeps both.
    """
    if not file.is_file():
        return new
    old = json.loads(file.read_text())
    if old["machine"] != new["machine"]:
        return new
    known = {case["key"]: case for case in old["cases"]}
    for case in new["cases"]:
        known[case["key"]] = both(known[case["key"]], case) if case["key"] in known else case
    return {**new, "cases": [known[key] for key in CASES if key in known]}


def both(old: dict, new: dict) -> dict:
    """Return a case with the runs of two records; a new run takes the place of an old one."""
    if [row["name"] for row in old["rows"]] != [row["name"] for row in new["rows"]]:
        return new
    rows = [
        {**row, "ratios": {**before["ratios"], **row["ratios"]}}
        for before, row in zip(old["rows"], new["rows"], strict=True)
    ]
    return {**new, "runs": {**old["runs"], **new["runs"]}, "rows": rows}


def too_busy(seconds: float = 3.0) -> bool:
    """Say whether other programs compute so much that two threads would wait for them."""
    others = Others()
    time.sleep(seconds)
    return (others.share() or 0.0) > BUSY


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--seconds", type=float, default=60.0, help="for the rounds of a case, about")
    parser.add_argument("--seeds", type=int, default=100, help="of a method with chance, at most")
    parser.add_argument("--threads", nargs="+", choices=THREADS, default=THREADS)
    parser.add_argument("--case", action="append", choices=list(CASES))
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "benchmarks.json")
    options = parser.parse_args()
    measured = []
    for key in options.case or CASES:
        for threads in options.threads:
            if threads != "1" and too_busy():
                print(f"{key} with {threads} threads: not measured, the machine is busy", flush=True)
                continue
            print(f"measuring {key}, {threads} thread(s) ...", flush=True)
            case = measure_case(key, options.rounds, threads, options.seconds, options.seeds)
            measured.append(case)
            record = merge(options.out, {"machine": machine(), "cases": [case]})
            options.out.write_text(json.dumps(record, indent=1) + "\n")
    print(table(measured))
    print(f"\nwrote {options.out}; `make docs` shows it on the page of benchmarks")


if __name__ == "__main__":
    main()
