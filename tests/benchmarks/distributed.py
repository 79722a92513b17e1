"""Measure what two processes gain, and what the sum of their gradients costs.

A step of one process and of two is timed for networks of several sizes; one process also takes smaller
minibatches, from which the part of a step is fitted that no further process shortens. The sum alone is
timed for arrays of many sizes, from which a latency and a bandwidth are fitted. The chapter on many
machines draws the record, and what all of it together lets one expect of 1 to 64 nodes.

    python tests/benchmarks/distributed.py [--out docs/distributed.json]
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from lecturecode import Adam, CrossEntropy
from lecturecode.pytorch import MLP, step_seconds, train_distributed
from lecturecode.pytorch.ranks import join

ROOT = Path(__file__).resolve().parents[2]
NETWORKS = ((64, 64, 10), (256, 256, 256, 10), (784, 512, 512, 10), (1024, 1024, 1024, 10))
BATCH = 512
BATCHES = (32, 128, BATCH)  # of one process
STEPS = 12  # of one epoch; the first ones are not counted
SIZES = tuple(4**k for k in range(1, 13))  # float32 numbers in the sum: 16 bytes to 64 MiB
ROUNDS = 3


def seconds_per_step(widths: tuple[int, ...], batch: int) -> float:
    """Time the steps from inside, by a schedule, which is called once in each."""
    torch.manual_seed(0)
    x = torch.randn(batch * STEPS, widths[0])
    y = torch.randint(widths[-1], (len(x),))
    moments: list[float] = []

    def schedule(i: int) -> float:
        moments.append(time.perf_counter())
        return 1e-3

    module = MLP(widths, "relu")
    train_distributed(module, CrossEntropy(), x, y, Adam(), epochs=1, batch_size=batch, rng=0,
                      schedule=schedule)  # fmt: skip
    return statistics.median(np.diff(moments[2:]))


def seconds_per_sum() -> list[list[float]]:
    """Time the sum of arrays, from when all are ready until it is there; give (bytes, seconds)."""
    ranks, rows = join(torch.device("cpu"), 60.0), []
    for size in SIZES:
        array, times = torch.ones(size), []
        for _ in range(max(5, min(200, 2**22 // size))):
            ranks.add(torch.zeros(1))  # all are ready
            started = time.perf_counter()
            ranks.add(array)
            times.append(time.perf_counter() - started)
            array.fill_(1.0)
        rows.append([4 * size, statistics.median(times)])
    ranks.leave()
    return rows


def measure(out: str) -> None:
    """Do one process's part, and let rank 0 write what it took."""
    torch.set_num_threads(1)
    alone = int(os.environ["WORLD_SIZE"]) == 1
    batches = BATCHES if alone else (BATCH,)
    steps = [[seconds_per_step(widths, batch) for batch in batches] for widths in NETWORKS]
    sums = [] if alone else seconds_per_sum()
    if os.environ["RANK"] == "0":
        Path(out).write_text(json.dumps({"steps": steps, "sums": sums}))


def started_with(processes: int) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "times.json"
        subprocess.run(
            [sys.executable, "-m", "torch.distributed.run", "--standalone",
             f"--nproc-per-node={processes}", __file__, "--measure", str(out)],
            env=os.environ | {"OMP_NUM_THREADS": "1"}, check=True, timeout=300,
        )  # fmt: skip
        return json.loads(out.read_text())


def fitted(sums: list[list[float]]) -> dict[str, float]:
    """Fit t = 2 (n-1) latency + 2 (n-1)/n bytes / bandwidth for n = 2, by relative squares.

    Both unknowns are positive in any sensible record; that they are is checked, not forced.
    """
    size, seconds = np.array(sums).T
    W = np.stack([np.full_like(size, 2.0), size], -1) / seconds[:, None]
    latency, per_byte = np.linalg.lstsq(W, np.ones(len(size)), rcond=None)[0]
    if latency <= 0 or per_byte <= 0:
        raise RuntimeError(f"the fit makes no sense (latency {latency}, {per_byte} s per byte); again")
    return {"latency": float(latency), "bandwidth": 1 / float(per_byte)}


def undivided(seconds: np.ndarray) -> float:
    """Fit t = t_0 + t_1 n to the steps of one process, by relative squares, and return t_0."""
    W = np.stack([np.ones(len(BATCHES)), BATCHES], -1) / seconds[:, None]
    t0, t1 = np.linalg.lstsq(W, np.ones(len(BATCHES)), rcond=None)[0]
    if t0 <= 0 or t1 <= 0:
        raise RuntimeError(f"the fit makes no sense (t_0 = {t0}, t_1 = {t1}); again")
    return float(t0)


def median_of(records: list[dict], key: str) -> np.ndarray:
    return np.median([record[key] for record in records], axis=0)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "distributed.json")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
        return
    one, two = [], []
    for _ in range(ROUNDS):  # A B A B
        one.append(started_with(1))
        two.append(started_with(2))
    sums = median_of(two, "sums").tolist()
    line = fitted(sums)
    rows = []
    for widths, by_one, by_two in zip(
        NETWORKS, median_of(one, "steps"), median_of(two, "steps"), strict=True
    ):
        parameters = sum((m + 1) * n for m, n in pairwise(widths))
        t0, t1, t2 = undivided(by_one), float(by_one[-1]), float(by_two[0])
        rows.append({
            "widths": list(widths), "parameters": parameters, "batch": BATCH,
            "undivided": t0, "seconds": [t1, t2], "speed_up": t1 / t2,
        })  # fmt: skip
        shared = step_seconds(2, compute=t1 - t0, size=4.0 * parameters, **line)
        print(
            f"P={parameters:8}: {1e3 * t1:7.2f} ms alone, {1e3 * t0:.2f} of them undivided; "
            f"{1e3 * t2:7.2f} ms by two, {t1 / t2:.2f} times as fast; estimated {t1 / (t0 + shared):.2f}"
        )
    print(f"latency {1e6 * line['latency']:.0f} us, bandwidth {line['bandwidth'] / 1e9:.2f} GB/s")
    record = {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores", "torch": torch.__version__,
        "backend": "gloo, two processes on one machine, one thread each", "sums": sums, **line,
        "undivided_from": f"a fit to the steps of one process, of {BATCHES} samples", "networks": rows,
    }  # fmt: skip
    options.out.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
