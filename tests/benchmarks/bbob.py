"""Race evolution strategies on the BBOB functions of COCO: how many problems each solves, in which time.

There are 24 functions, each with several instances (shifted and rotated at random) and dimensions D. A
problem counts as solved when g comes within 1e-8 of its minimum in 10^4 D evaluations. COCO has put the
minima into [-5, 5]^D, but its functions go on outside. This package searches the box and never leaves
it. So pycma runs in three ways: starting in the box without bounds, as COCO's own examples do and where
it does best; with bounds; and with restarts of alternating sizes (BIPOP). All stop at the target, and
all may restart nine times. The time is that of the processor, g included, on one thread; each contestant
lives in a process of its own.

    python tests/benchmarks/bbob.py [--instances 6-10] [--dimensions 2 5 10] [--out bbob.json]
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

BUDGET = 10_000  # evaluations per dimension
RESTARTS = 9


def ours(problem: Any, budget: int, seed: int) -> None:
    """Run this package's strategy, all defaults but for the restarts."""
    from lecturecode import evolution_strategy
    from lecturecode.domains import Interval

    evolution_strategy(
        lambda thetas: np.array([problem(theta) for theta in thetas]),
        Interval(-5, 5) ** problem.dimension,
        steps=budget,
        max_evaluations=budget,
        restarts=RESTARTS,
        rng=seed,
        record_every=0,
        callback=lambda trace: bool(problem.final_target_hit),
    )


def pycma(problem: Any, budget: int, seed: int, *, bipop: bool = False, **options: Any) -> None:
    """Run pycma as COCO's own examples do: a first step size of a fifth of the range, and no bounds."""
    import cma

    rng = np.random.default_rng(seed)
    always = {
        "maxfevals": budget,
        "termination_callback": lambda strategy: bool(problem.final_target_hit),
        "seed": seed,
        "verbose": -9,
        "verb_log": 0,
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a restart ran into the budget
        cma.fmin2(
            problem,
            lambda: rng.uniform(-5, 5, problem.dimension),
            2.0,
            always | options,
            restarts=RESTARTS,
            incpopsize=2,
            bipop=bipop,
        )


CONTESTANTS: dict[str, Callable[[Any, int, int], None]] = {
    "lecturecode": ours,
    "pycma": pycma,
    "pycma, bounded": lambda *arguments: pycma(*arguments, bounds=[-5, 5]),
    "pycma, BIPOP": lambda *arguments: pycma(*arguments, bipop=True),
}


def race(name: str, instances: str, dimensions: list[int], functions: str) -> dict[str, Any]:
    """Let one contestant try every problem of the suite."""
    import cocoex

    listed = ",".join(map(str, dimensions))
    suite = cocoex.Suite(
        "bbob",
        "",
        f"dimensions:{listed} instance_indices:{instances} function_indices:{functions}",
    )
    solved: dict[int, list[str]] = {dimension: [] for dimension in dimensions}
    cpu = dict.fromkeys(dimensions, 0.0)
    evaluations = dict.fromkeys(dimensions, 0)
    for number, problem in enumerate(suite):
        budget = BUDGET * problem.dimension
        started = time.process_time()
        CONTESTANTS[name](problem, budget, number + 1)
        cpu[problem.dimension] += time.process_time() - started
        evaluations[problem.dimension] += problem.evaluations
        if problem.final_target_hit:
            solved[problem.dimension].append(problem.id)
    return {
        "solved": {dimension: len(ids) for dimension, ids in solved.items()},
        "total": sum(map(len, solved.values())),
        "problems": len(suite),
        "seconds": sum(cpu.values()),
        "seconds per dimension": cpu,
        "evaluations": evaluations,
        "ids": [problem for ids in solved.values() for problem in ids],
    }


def measure(
    contestants: list[str], instances: str, dimensions: list[int], functions: str = "1-24"
) -> dict[str, Any]:
    """Run each contestant in a process of its own, one after the other; return {name: result}."""
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
    results = {}
    for name in contestants:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "answer.json"
            task = json.dumps([name, instances, dimensions, functions, str(file)])
            command = [sys.executable, __file__, "--task", task]
            subprocess.run(command, check=True, env={**os.environ, **threads})
            results[name] = json.loads(file.read_text())
        print(_line(name, results[name]), flush=True)
    return results


def _line(name: str, result: dict[str, Any]) -> str:
    each = ", ".join(f"{count} in {dimension}-D" for dimension, count in result["solved"].items())
    solved = f"{result['total']:4d} of {result['problems']} solved ({each})"
    return f"{name:16s} {solved} in {result['seconds']:.1f} s"


def main() -> None:
    """Read the command line, race, and write the results if asked to."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--contestants", nargs="+", default=list(CONTESTANTS), choices=CONTESTANTS)
    parser.add_argument(
        "--instances", default="6-10", help="for instance 6-10; settings were chosen on 1-5"
    )
    parser.add_argument("--dimensions", type=int, nargs="+", default=[2, 5, 10])
    parser.add_argument("--functions", default="1-24", help="for instance 1-24")
    parser.add_argument("--out", type=Path, help="a json file for the results")
    parser.add_argument("--task", help=argparse.SUPPRESS)  # what a process of one contestant is told
    arguments = parser.parse_args()
    if arguments.task:
        *task, file = json.loads(arguments.task)
        Path(file).write_text(json.dumps(race(*task)))
        return
    results = measure(
        arguments.contestants, arguments.instances, arguments.dimensions, arguments.functions
    )
    if arguments.out:
        arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
