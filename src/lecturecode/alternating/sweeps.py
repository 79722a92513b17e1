"""The loop behind all alternated minimizations: record each half-step, stop when a sweep gains nothing.

A method is written as a generator: it yields the start, and then one update after the other. Whoever
reads its lines sees what is minimized and what is held still; recording, callbacks, Ctrl-C and the check
that g never rises are looked after here.
"""

import math
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array
from lecturecode.trace import Callback, Recorder, Trace


class Update(NamedTuple):
    """What became of theta when one block was minimized; `done` says why this is the last update."""

    name: str
    theta: Array
    value: Any
    evaluations: int = 1
    extras: Mapping[str, Array] = MappingProxyType({})
    done: str = ""


Updates = Generator[Update, None, tuple[bool, str]]
"""Yields the start and then each update; returns (converged, message) where it cannot go on."""


@dataclass
class Sweeps:
    """What surrounds one run.

    Attributes
    ----------
    blocks : int
        Number of updates in a sweep.
    sweeps : int
        The most sweeps.
    tol : float
        Stop after a sweep in which g fell by at most ``tol * (scale + |g|)``, or by what rounding may
        hide; None leaves the end to the method.
    descends : bool
        Whether g must never rise; the update that makes it rise is reported by name.
    record_every, callback, progress
        As for :func:`lecturecode.minimize`.
    scale : float
        Which values of g count as small.
    noise : float
        If g is a sum of squares: the rounding error of its root, beyond the precision of its value.
    unit : str
        What messages call a sweep.
    stopped : bool
        Whether the callback or Ctrl-C ended the run.

    Raises
    ------
    ValueError
        If a number is out of range.
    """

    blocks: int
    sweeps: int
    tol: float | None
    descends: bool = True
    record_every: int = 1
    callback: Callback | None = None
    progress: bool = False
    scale: float = 1.0
    noise: float = 0.0
    unit: str = "sweep"
    stopped: bool = field(init=False, default=False)
    recorder: Recorder = field(init=False)

    def __post_init__(self) -> None:
        check_tol(self.tol)
        self.recorder = Recorder(self.record_every)

    def follow(self, updates: Updates) -> Trace:
        """Run `updates` to their end and return the trace.

        Raises
        ------
        Exception
            Whatever the updates raise, with the trace so far as attribute ``trace``.
        """
        bar = _progress_bar(self.sweeps, self.unit) if self.progress else None
        try:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                converged, message = self._run(updates, bar)
        except KeyboardInterrupt:
            if self.recorder.last is None:
                raise
            self.stopped = True
            converged, message = False, f"interrupted after {self.recorder.values.count - 1} updates"
        except Exception as error:
            some = self.recorder.last is not None
            error.trace = self.recorder.trace(str(error)) if some else None  # type: ignore[attr-defined]
            raise
        finally:
            if bar is not None:
                bar.close()
        return self.recorder.trace(message, converged=converged)

    def _run(self, updates: Updates, bar: Any) -> tuple[bool, str]:
        before = value = math.inf
        for count in range(self.sweeps * self.blocks + 1):
            try:
                update = next(updates)
            except StopIteration as end:
                return end.value
            value, previous = float(update.value), value
            self._record(update, value)
            failed = self._failure(update, previous, value, count)
            if failed:
                return False, failed
            self.stopped = bool(
                self.callback and self.callback(self.recorder.trace(f"after {count} updates"))
            )
            if bar is not None and count and count % self.blocks == 0:
                bar.update()
            if update.done:
                return True, f"{update.done} in {self._place(count)}"
            if self.stopped:
                return False, f"stopped by the callback after {count} updates"
            if count % self.blocks == 0:
                if before - value <= self._little(value):
                    return True, f"g fell by no more than tol in {self._place(count)}"
                before = value
        return False, f"used up all {self.sweeps} {self.unit}s before it settled"

    def _little(self, value: float) -> float:
        if self.tol is None:
            return -math.inf
        return self.tol * (self.scale + abs(value)) + self._hidden(value)

    def _hidden(self, value: float) -> float:
        """Return (sqrt(g) + noise)^2 - g."""
        return self.noise * (2 * abs(value) ** 0.5 + self.noise)

    def _record(self, update: Update, value: float) -> None:
        xp, theta = compat.array_namespace(update.theta), update.theta
        number = xp.asarray(value, dtype=theta.dtype, device=compat.device(theta))
        self.recorder.add(theta, number, update.evaluations, update.extras)

    def _failure(self, update: Update, previous: float, value: float, count: int) -> str:
        where = f"after {update.name} in {self._place(count)}" if count else "at the start"
        if value == -math.inf:
            return f"g is -inf {where}: it has no lower bound"
        if not math.isfinite(value):
            return f"g is not finite {where}" + ("" if count else "; try another start")
        eps = float(compat.array_namespace(update.theta).finfo(update.theta.dtype).eps)
        slack = 100 * eps * (self.scale + abs(previous)) + self._hidden(previous)
        if self.descends and value > previous + slack:
            return (
                f"{update.name} raised g from {previous:.6g} to {value:.6g} in {self._place(count)}: "
                "it does not minimize g over its block"
            )
        return ""

    def _place(self, count: int) -> str:
        return f"{self.unit} {(count - 1) // self.blocks + 1}"


def best_of(count: int, once: Callable[[int], tuple[Sweeps, Trace]]) -> Trace:
    """Run `once` from `count` starts and return the trace that ends lowest."""
    best, run, done = None, None, 0
    while done < count and not (run and run.stopped):
        try:
            run, trace = once(done)
        except KeyboardInterrupt:
            if best is None:
                raise
            break
        done += 1
        if best is None or trace.value < best.value or math.isnan(best.value):
            best = trace
    assert best is not None
    if count == 1:
        return best
    missing = f", of {count} that were asked for" if done < count else ""
    return replace(best, message=f"{best.message}; the best of {done} starts{missing}")


def check_tol(tol: float | None) -> None:
    """Check a tolerance.

    Raises
    ------
    ValueError
        If it is negative or NaN.
    """
    if tol is not None and not tol >= 0:
        raise ValueError(f"tol must be 0 or positive; got {tol}")


def _progress_bar(sweeps: int, unit: str) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=sweeps, unit=unit)
