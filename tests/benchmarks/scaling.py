"""Time one step of each population method against the number of coordinates that it moves.

The cost should grow linearly in population x dimension once the arrays are large enough to hide the
cost of calling NumPy at all. The record is drawn on the page of benchmarks.

    python tests/benchmarks/scaling.py [--out docs/scaling.json]
"""

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np

from lecturecode import genetic, particle_swarm
from lecturecode.domains import Interval

ROOT = Path(__file__).resolve().parents[2]
METHODS = {"particle_swarm": particle_swarm, "genetic": genetic}
DIMENSIONS = (10, 100)
SIZES = tuple(round(10 ** (3 + k / 2)) for k in range(7))  # three decades of population x dimension
ROUNDS = 5


def sphere(theta: np.ndarray) -> np.ndarray:
    return np.einsum("...p,...p->...", theta, theta)


def seconds_per_step(method, population: int, dimension: int) -> float:
    """Time 12 steps less 2, divided by 10: drawing the first population is not a step."""

    def run(steps: int) -> float:
        started = time.perf_counter()
        method(sphere, Interval(-5, 5) ** dimension, population=population, steps=steps, rng=0,
               record_every=0)  # fmt: skip
        return time.perf_counter() - started

    run(2)
    return statistics.median((run(12) - run(2)) / 10 for _ in range(ROUNDS))


def measure() -> list[dict]:
    rows = []
    for name, method in METHODS.items():
        for dimension in DIMENSIONS:
            for size in SIZES:
                population = max(size // dimension, 4)
                seconds = seconds_per_step(method, population, dimension)
                rows.append({"method": name, "dimension": dimension, "population": population,
                             "seconds": seconds})  # fmt: skip
                print(f"{name:15} P={dimension:4} M={population:7} {seconds * 1e6:10.0f} us per step")
    return rows


def slope(rows: list[dict]) -> float:
    """Return the exponent of the cost in population x dimension, over the upper half of the sizes."""
    size = np.array([row["population"] * row["dimension"] for row in rows])
    upper = size >= np.median(size)
    seconds = np.array([row["seconds"] for row in rows])
    return float(np.polyfit(np.log(size[upper]), np.log(seconds[upper]), 1)[0])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "scaling.json")
    options = parser.parse_args()
    rows = measure()
    for name in METHODS:
        print(f"{name}: cost ~ size^{slope([row for row in rows if row['method'] == name]):.2f}")
    options.out.write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
