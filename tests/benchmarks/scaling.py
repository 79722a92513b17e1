"""Time one step of the methods against the size of what they work on.

A step of a population should cost time in proportion to population x dimension, and a sweep of an
alternated minimization in proportion to the samples and to the clusters, once the arrays are large
enough to hide the cost of calling NumPy at all. A step of an optimizer costs in proportion to the
parameters. An epoch of training cannot take less than its products of matrices alone. All times are
those of the processor, on one thread. The record is drawn on the page of benchmarks.

    python tests/benchmarks/scaling.py [--part population sweeps parameters training]
                                       [--out docs/scaling.json]
"""

import argparse
import datetime
import json
import platform
import statistics
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from run import Others
from threadpoolctl import threadpool_limits

from lecturecode import (
    Adam,
    CrossEntropy,
    GradientDescent,
    Mixture,
    Momentum,
    Network,
    factorize,
    gaussian_mixture,
    genetic,
    kmeans,
    minimize,
    particle_swarm,
    train,
)
from lecturecode.domains import Interval

ROOT = Path(__file__).resolve().parents[2]
METHODS = {"particle_swarm": partial(particle_swarm, scouts=0.05), "genetic": genetic}
DIMENSIONS = (10, 100)
SIZES = tuple(round(10 ** (3 + k / 2)) for k in range(7))  # three decades of population x dimension
ROUNDS = 5
SWEEPS = 4


def sphere(theta: np.ndarray) -> np.ndarray:
    return np.einsum("...p,...p->...", theta, theta)


def seconds_per_step(method, population: int, dimension: int) -> float:
    """Time 12 steps less 2, divided by 10: drawing the first population is not a step."""

    def run(steps: int) -> float:
        started = time.process_time()
        method(sphere, Interval(-5, 5) ** dimension, population=population, steps=steps, rng=0,
               record_every=0)  # fmt: skip
        return time.process_time() - started

    run(2)
    return statistics.median((run(12) - run(2)) / 10 for _ in range(ROUNDS))


def population_rows() -> list[dict]:
    rows = []
    for name, method in METHODS.items():
        for dimension in DIMENSIONS:
            for size in SIZES:
                population = max(size // dimension, 4)
                seconds = seconds_per_step(method, population, dimension)
                rows.append({"method": name, "dimension": dimension, "population": population,
                             "seconds": seconds})  # fmt: skip
                said = f"{name:15} P={dimension:4} M={population:7} {seconds * 1e6:10.0f} us per step"
                print(said, flush=True)
    return rows


def sweep_kmeans(samples: int, features: int, clusters: int) -> Callable:
    x = np.random.default_rng(0).standard_normal((samples, features))
    return lambda sweeps, watch: kmeans(
        x, clusters, start=x[:clusters], sweeps=sweeps, record_every=0, callback=watch
    )


def sweep_mixture(samples: int, features: int, clusters: int) -> Callable:
    x = np.random.default_rng(0).standard_normal((samples, features))
    wide = np.tile(np.eye(features), (clusters, 1, 1))
    start = Mixture(np.full(clusters, 1 / clusters), x[:clusters], wide)
    return lambda sweeps, watch: gaussian_mixture(
        x, clusters, start=start, sweeps=sweeps, tol=0, record_every=0, callback=watch
    )


def sweep_factorize(samples: int, features: int, clusters: int) -> Callable:
    matrix = np.random.default_rng(0).standard_normal((samples, features))
    return lambda sweeps, watch: factorize(
        matrix, clusters, rng=0, sweeps=sweeps, tol=0, record_every=0, callback=watch
    )


def sizes(low: float, high: float, **fixed: int) -> list[dict[str, int]]:
    """Return the sizes of an axis, two in a decade; the axis is the word that is missing in `fixed`."""
    (axis,) = {"samples", "features", "clusters"} - fixed.keys()
    steps = round(2 * np.log10(high / low))
    return [{axis: round(low * 10 ** (k / 2)), **fixed} for k in range(steps + 1)]


AXES = {
    "kmeans": {
        "samples": sizes(1e3, 1e6, features=16, clusters=20),
        "features": sizes(1, 1e3, samples=10_000, clusters=20),
        "clusters": sizes(2, 2e3, samples=10_000, features=16),
    },
    "gaussian_mixture": {
        "samples": sizes(1e3, 1e6, features=8, clusters=5),
        "features": sizes(1, 1e3, samples=5_000, clusters=2),
        "clusters": sizes(1, 1e3, samples=5_000, features=4),
    },
    "factorize": {
        "samples": sizes(1e2, 1e5, features=100, clusters=10),
        "features": sizes(1e2, 1e5, samples=100, clusters=10),
        "clusters": sizes(1, 1e3, samples=1_000, features=1_000),
    },
}
"""For each method what is varied; in a matrix samples are rows, features columns, and clusters rank."""
SWEEPERS = {"kmeans": sweep_kmeans, "gaussian_mixture": sweep_mixture, "factorize": sweep_factorize}


def seconds_per_sweep(run: Callable) -> float:
    """Time the half-steps one by one, from the start on; what comes before the start is no sweep.

    Raises
    ------
    RuntimeError
        If the method stops before it has made a sweep.
    """
    times: list[float] = []
    for _ in range(ROUNDS):
        moments: list[float] = []

        def watch(trace, moments=moments) -> None:
            moments.append(time.process_time())

        run(SWEEPS, watch)
        times += [after - before for before, after in zip(moments[:-2:2], moments[2::2], strict=True)]
    if not times:
        raise RuntimeError("the method stopped before it had made a sweep")
    return statistics.median(times)


def sweep_rows() -> list[dict]:
    rows = []
    for name, axes in AXES.items():
        for axis, chosen in axes.items():
            for size in chosen:
                seconds = seconds_per_sweep(SWEEPERS[name](**size))
                rows.append({"method": name, "axis": axis, **size, "seconds": seconds})
                said = f"{name:17} {axis:9} {size[axis]:8} {seconds * 1e6:10.0f} us per sweep"
                print(said, flush=True)
    return rows


RULES = {"GradientDescent": GradientDescent(1e-3), "Momentum": Momentum(1e-3), "Adam": Adam()}
PARAMETERS = tuple(round(10 ** (3 + k / 2)) for k in range(7))


def seconds_per_update(rule, parameters: int) -> float:
    """Time 22 steps of descent less 2, divided by 20; g is a sum of squares."""
    theta = np.ones(parameters)

    def run(steps: int) -> float:
        started = time.process_time()
        minimize(lambda t: (t @ t, 2 * t), theta, rule, steps=steps, tol=0.0, record_every=0)
        return time.process_time() - started

    run(2)
    return statistics.median((run(22) - run(2)) / 20 for _ in range(ROUNDS))


def parameter_rows() -> list[dict]:
    rows = []
    for name, rule in RULES.items():
        for size in PARAMETERS:
            seconds = seconds_per_update(rule, size)
            rows.append({"method": name, "axis": "parameters", "parameters": size, "seconds": seconds})
            print(f"{name:17} P={size:9} {seconds * 1e6:10.0f} us per step", flush=True)
    return rows


SAMPLES, INPUTS, OUTPUTS = 4096, 64, 10
WIDTHS = tuple({"varied": "width", "width": 2**k, "batch": 64} for k in range(4, 13))
BATCHES = tuple({"varied": "batch", "width": 128, "batch": 2**k} for k in range(13))


def seconds_per_epoch(width: int, batch: int) -> tuple[float, float]:
    """Time an epoch of training in float32, and the products of matrices in it alone."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((SAMPLES, INPUTS), dtype=np.float32)
    y, network = rng.integers(0, OUTPUTS, SAMPLES), Network((INPUTS, width, OUTPUTS), "relu")
    theta = network.init(0, like=x)
    (_, W1), (_, W2) = network.unpack(theta)
    W1, W2, x1 = W1.copy(), W2.copy(), np.ones((batch, width), np.float32)
    x2, to1, to2 = np.ones((batch, OUTPUTS), np.float32), np.empty_like(W1), np.empty_like(W2)
    batches = np.split(x, SAMPLES // batch)

    def run(epochs: int) -> float:
        started = time.process_time()
        train(network, CrossEntropy(), x, y, GradientDescent(1e-3), epochs=epochs, batch_size=batch,
              rng=0, start=theta)  # fmt: skip
        return time.process_time() - started

    def products() -> float:
        started = time.process_time()
        for x0 in batches:
            np.matmul(x0, W1.T, out=x1)
            np.matmul(x1, W2.T, out=x2)
            np.matmul(x2.T, x1, out=to2)
            np.matmul(x2, W2, out=x1)
            np.matmul(x1.T, x0, out=to1)
        return time.process_time() - started

    run(1), products()
    pairs = [((run(3) - run(1)) / 2, products()) for _ in range(ROUNDS)]
    epoch, floor = (statistics.median(times) for times in zip(*pairs, strict=True))
    return epoch, floor


def training_rows() -> list[dict]:
    rows = []
    for chosen in (*WIDTHS, *BATCHES):
        epoch, floor = seconds_per_epoch(chosen["width"], chosen["batch"])
        rows.append({"method": "train", **chosen, "seconds": epoch, "products": floor})
        print(f"train, width {chosen['width']:5} batch {chosen['batch']:5} {epoch * 1e3:9.2f} ms, "
              f"{epoch / floor:.2f} times its products")  # fmt: skip
    return rows


def slope(size: np.ndarray, seconds: np.ndarray) -> tuple[float, float]:
    """Return the exponent of the cost in the size, and its standard error, for the upper half of sizes.

    It is the slope of the line through the logarithms by least squares; the error is what their distance
    from that line makes of it.
    """
    upper = size >= np.median(size)
    x, y = np.log(size[upper]), np.log(seconds[upper])
    x = x - x.mean()
    exponent = (x @ y) / (x @ x)
    rest = y - y.mean() - exponent * x
    return float(exponent), float(np.sqrt(rest @ rest / (len(x) - 2) / (x @ x)))


def report(rows: list[dict]) -> list[dict]:
    """Print the exponents with their standard errors, and return them with the day of their times."""
    groups: dict[tuple[str, str, str], list[tuple[float, float]]] = {}
    dates = {}
    for row in rows:
        if part(row) == "training":
            continue
        axis = row.get("axis", "population x dimension")
        size = row[axis] if "axis" in row else row["population"] * row["dimension"]
        at = "" if "axis" in row else f", P = {row['dimension']}"
        groups.setdefault((row["method"], axis, at), []).append((size, row["seconds"]))
        dates[row["method"], axis, at] = row["date"]
    exponents = []
    for (name, axis, at), pairs in groups.items():
        exponent, error = slope(*np.array(pairs).T)
        exponents.append({"method": name, "axis": axis + at, "exponent": exponent, "error": error,
                          "date": dates[name, axis, at]})  # fmt: skip
        print(f"{name + at}: cost ~ ({axis})^{exponent:.2f}, standard error {error:.2f}")
    return exponents


PARTS = {
    "population": population_rows,
    "sweeps": sweep_rows,
    "parameters": parameter_rows,
    "training": training_rows,
}


def part(row: dict) -> str:
    if "varied" in row:
        return "training"
    if row.get("axis") == "parameters":
        return "parameters"
    return "sweeps" if "axis" in row else "population"


def machine() -> dict[str, str]:
    """Say where it was measured, and with what."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    cpus = [line.split(":")[1].strip() for line in lines if "model name" in line]
    return {
        "cpu": f"{cpus[0]}, {len(cpus)} logical cores" if cpus else platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "scaling.json")
    parser.add_argument("--part", nargs="+", choices=list(PARTS), default=list(PARTS))
    options = parser.parse_args()
    old = json.loads(options.out.read_text()) if options.out.is_file() else {"rows": []}
    rows: list[dict] = []
    others = Others()
    for name, measure in PARTS.items():
        kept = [row for row in old["rows"] if part(row) == name]
        with threadpool_limits(1):
            today = {"date": datetime.date.today().isoformat()}
            rows += [row | today for row in measure()] if name in options.part else kept
    record = {"machine": machine() | {"others": others.share()}, "exponents": report(rows), "rows": rows}
    options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
