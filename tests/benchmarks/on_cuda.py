"""Time the package on a CUDA device, and write the record that the book shows.

Training of 784-128-10 with Adam: the plain loop of PyTorch, `pytorch.train` and its `fast=True`, in
samples per second, at batch sizes from 1 to 65536, with the data on the device; then k-means, a swarm
and backpropagation by hand on the device against the CPU. Each pair must give the same numbers to
1e-4 first. A GPU works behind Python's back, so clocks are read when it has finished.

    python tests/benchmarks/on_cuda.py [--device cuda] [--out docs/cuda.json]

Where there is no CUDA device it says so and leaves the record alone. ``--device cpu --out FILE`` runs
the same lines on the CPU, at small sizes, to try them.
"""

import argparse
import datetime
import json
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from lecturecode import (
    Adam,
    Backprop,
    CrossEntropy,
    Network,
    SquaredError,
    backprop,
    kmeans,
    particle_swarm,
)
from lecturecode.objectives import Rastrigin
from lecturecode.pytorch import MLP, device, train

ROOT = Path(__file__).resolve().parents[2]
CLOSE = 1e-4
LARGE = {"widths": (784, 128, 10), "sizes": [4**k for k in range(9)], "steps": 300, "samples": 2**17,
         "compared": 300, "points": 1_000_000, "particles": 100_000, "batch": 8192,
         "rounds": 5}  # fmt: skip
SMALL = {"widths": (20, 8, 10), "sizes": [1, 16, 64], "steps": 4, "samples": 64,
         "compared": 12, "points": 500, "particles": 40, "batch": 32, "rounds": 1}  # fmt: skip


def wait(there: torch.device) -> None:
    if there.type == "cuda":
        torch.cuda.synchronize(there)


def seconds(run: Callable[[], Any], there: torch.device, rounds: int) -> float:
    """Return the median time of `run`, after one that does not count."""
    times = []
    for _ in range(rounds + 1):
        wait(there)
        started = time.perf_counter()
        run()
        wait(there)
        times.append(time.perf_counter() - started)
    return statistics.median(times[1:])


def agree(name: str, ours: Any, theirs: Any) -> float:
    """Return the relative distance of two results; raise if it is too large."""
    a, b = (np.asarray(torch.as_tensor(found).cpu(), dtype=float) for found in (ours, theirs))
    distance = float(np.abs(a - b).max() / np.abs(b).max())
    if not distance <= CLOSE:
        raise ValueError(f"{name}: the two are {distance:.2g} apart (relative), allowed {CLOSE}")
    return distance


class Fit:
    """A network, its data on the device, and the ways of fitting it."""

    def __init__(self, widths: tuple[int, ...], samples: int, there: torch.device) -> None:
        rng = np.random.default_rng(0)
        self.network, self.there = Network(widths, "relu"), there
        x = rng.standard_normal((samples, widths[0]), dtype=np.float32)
        teacher = rng.standard_normal((widths[0], widths[-1]), dtype=np.float32)
        self.x = torch.from_numpy(x).to(there)
        self.y = torch.from_numpy((x @ teacher).argmax(1)).to(there)
        self.theta = self.network.init(0).astype(np.float32)

    def module(self) -> MLP:
        return MLP.from_network(self.network, self.theta).to(self.there)

    def plain(self, samples: int, batch_size: int, epochs: int) -> torch.Tensor:
        """Run the loop that is written by hand, losses kept on the device."""
        module, rng, losses = self.module(), np.random.default_rng(0), []
        optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
        x, y = self.x[:samples], self.y[:samples]
        for _ in range(epochs):
            order = torch.from_numpy(rng.permutation(samples)).to(self.there)
            for batch in order.split(batch_size):
                outputs = module(x[batch])
                loss = functional.cross_entropy(outputs, y[batch])
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                losses.append(loss.detach())
        return torch.stack(losses)

    def package(self, samples: int, batch_size: int, epochs: int, fast: bool) -> torch.Tensor:
        """Run the package's loop."""
        trace = train(self.module(), CrossEntropy(), self.x[:samples], self.y[:samples], Adam(1e-3),
                      epochs=epochs, batch_size=batch_size, rng=0, fast=fast)  # fmt: skip
        return trace.values[:-1]


def training_rows(sizes: dict[str, Any], there: torch.device) -> list[dict[str, Any]]:
    """Time an epoch of each way: the time of several epochs less that of one."""
    fit, rows = Fit(sizes["widths"], sizes["samples"], there), []
    for batch_size in sizes["sizes"]:
        samples = min(sizes["samples"], batch_size * sizes["steps"])
        ways: dict[str, Callable[[int], torch.Tensor]] = {
            "plain": lambda epochs, n=samples, b=batch_size: fit.plain(n, b, epochs),
            "train": lambda epochs, n=samples, b=batch_size: fit.package(n, b, epochs, False),
            "fast": lambda epochs, n=samples, b=batch_size: fit.package(n, b, epochs, True),
        }
        few = min(samples, batch_size * sizes["compared"])
        reference = fit.plain(few, batch_size, 1)
        row: dict[str, Any] = {"batch": batch_size, "samples": samples}
        for name, way in ways.items():
            if name != "plain":
                found = fit.package(few, batch_size, 1, name == "fast")
                row[f"{name} distance"] = agree(f"{name}, batch {batch_size}", found, reference)
            once, more, epochs = seconds(lambda way=way: way(1), there, sizes["rounds"]), 0.0, 2
            while more < 2 * once and epochs < 512:  # so that the difference stands above the noise
                epochs *= 2
                more = seconds(lambda way=way, n=epochs: way(n), there, sizes["rounds"])
            if more <= once:
                raise SystemExit(f"{name}, batch {batch_size}: {epochs} epochs took no longer than one")
            row[name] = (epochs - 1) * samples / (more - once)
        rows.append(row)
        print(f"batch {batch_size:6}: " + ", ".join(f"{n} {row[n]:.3g} samples/s" for n in ways))
    return rows


def method_rows(sizes: dict[str, Any], there: torch.device) -> list[dict[str, Any]]:
    """Time methods that are written once for arrays and tensors, on the device and on the CPU."""
    rng, rounds, rows = np.random.default_rng(0), sizes["rounds"], []
    points = rng.standard_normal((sizes["points"], 16))
    points += 8 * rng.integers(0, 5, (sizes["points"], 1))
    network = Network(sizes["widths"], "tanh")
    x = rng.standard_normal((sizes["batch"], sizes["widths"][0]))
    y = rng.standard_normal((sizes["batch"], sizes["widths"][-1]))
    theta = network.init(0)
    g = Rastrigin(50)

    def cluster(lib: Callable) -> Callable[[], Any]:
        data = lib(points)
        return lambda: kmeans(data, 5, start=data[:5], sweeps=5, record_every=0).value

    def swarm(lib: Callable) -> Callable[[], Any]:
        like = lib(np.empty(0))
        return lambda: (
            particle_swarm(
                g,
                g.domain,
                population=sizes["particles"],
                steps=3,
                scouts=0.05,
                rng=0,
                like=like,
                record_every=0,
            ).value
        )

    def by_hand(lib: Callable) -> Callable[[], Any]:
        step, given = Backprop(network, SquaredError()), (lib(theta), lib(x), lib(y))
        backprop(network, SquaredError(), *given)  # checked once
        return lambda: step(*given)[1]

    for name, build in {"kmeans": cluster, "particle_swarm": swarm, "backprop": by_hand}.items():
        for dtype in (torch.float32, torch.float64):
            runs = {
                where: build(lambda a, w=where, d=dtype: torch.from_numpy(a).to(device=w, dtype=d))
                for where in (torch.device("cpu"), there)
            }
            here, away = runs[torch.device("cpu")], runs[there]
            row = {"method": name, "dtype": str(dtype).removeprefix("torch.")}
            row["distance"] = agree(f"{name}, {dtype}", away(), here())
            row["cpu"] = seconds(here, torch.device("cpu"), rounds)
            row["device"] = seconds(away, there, rounds)
            rows.append(row)
            print(f"{name} ({row['dtype']}): {row['cpu'] / row['device']:.1f} times the CPU's speed")
    return rows


def machine(there: torch.device) -> dict[str, Any]:
    """Say what the record was measured on."""
    cuda = there.type == "cuda"
    return {
        "device": torch.cuda.get_device_name(there) if cuda else f"CPU, {platform.machine()}",
        "cuda": torch.version.cuda if cuda else None,
        "torch": torch.__version__,
        "numpy": np.__version__,
        "python": platform.python_version(),
        "date": datetime.date.today().isoformat(),
        "tf32": False,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.device == "cpu" and options.out is None:
        parser.error("--device cpu is a trial; say where to with --out, so that no record is lost")
    out = options.out or ROOT / "docs" / "cuda.json"
    try:
        there = device(options.device)
    except ValueError as error:
        print(f"nothing was measured, and {out.name} is as it was: {error}")
        sys.exit(0)
    torch.set_float32_matmul_precision("highest")  # no TF32: the numbers are compared
    sizes = LARGE if there.type == "cuda" else SMALL
    record = {"machine": machine(there), "widths": list(sizes["widths"]),
              "training": training_rows(sizes, there), "methods": method_rows(sizes, there)}  # fmt: skip
    out.write_text(json.dumps(record, indent=1) + "\n")
    print(f"wrote {out}")


if __name__ == "__main__":
    main()
