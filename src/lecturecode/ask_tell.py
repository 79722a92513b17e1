"""A method asks for g at some points and is told the values: the one loop of searches and populations.

A method is written as a generator. It yields points of shape (M, P), together with what the trace should
keep beside them, receives their values of shape (M,), and returns in the end whether it converged and
why it stopped. Recording, workers, callbacks, Ctrl-C and failures of g are looked after here, once.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, namespace
from lecturecode.evaluation import check_callable, evaluate, tells_finished
from lecturecode.trace import Callback, Recorder, Trace

Method = Generator[tuple[Array, Mapping[str, Array]], Array, tuple[bool, str]]
"""Yields (points, extras), is sent values, returns (converged, message)."""


@dataclass
class Run:
    """What surrounds one run of a method.

    Attributes
    ----------
    keep : {"points", "populations", "best"}
        What is a step of the trace: each single point, each population as a whole, or the best of
        each population, for those that change their size.
    steps : int
        How far the progress bar goes: in points for ``keep="points"``, else in populations.
    record_every, callback, progress
        As for :func:`lecturecode.minimize`.
    target : float
        Stop, and count as converged, once g is at most this.
    """

    keep: Literal["points", "populations", "best"]
    steps: int
    record_every: int = 1
    callback: Callback | None = None
    progress: bool = False
    target: float = -float("inf")
    recorder: Recorder = field(init=False)
    worst: int = field(init=False, default=0)
    """Evaluations that were not finite."""

    def __post_init__(self) -> None:
        self.recorder = Recorder(self.record_every, self.steps)

    def follow(self, g: Callable[[Array], Array], method: Method) -> Trace:
        """Let `method` ask and tell it the values of `g`, until it ends; return the trace.

        Values that are NaN or infinite are told as ``inf``, the worst there is.

        Raises
        ------
        TypeError
            If `g` is not callable or does not return real numbers.
        ValueError
            If `g` returns the wrong shape, or no finite value where a method needs one. All
            exceptions have the trace so far as attribute ``trace``, None if there is nothing in it.
        """
        check_callable(g)
        bar = _progress_bar(self.steps, self.keep) if self.progress else None
        try:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                converged, message = self._converse(g, method, bar)
        except KeyboardInterrupt:
            if self.recorder.last is None:
                raise
            converged, message = False, f"interrupted after {self.recorder.calls} evaluations"
        except Exception as error:
            some = self.recorder.last is not None
            error.trace = self.recorder.trace(str(error)) if some else None  # type: ignore[attr-defined]
            raise
        finally:
            if bar is not None:
                bar.close()
        if self.worst:
            calls = self.recorder.calls
            message += f"; g was not finite at {self.worst} of {calls} points, counted as worst"
        return self.recorder.trace(message, converged=converged)

    def _converse(self, g: Callable[[Array], Array], method: Method, bar: Any) -> tuple[bool, str]:
        asked = 0
        thetas, extras = next(method)
        while True:
            try:
                values = evaluate(g, thetas)
            except BaseException as error:
                if hasattr(error, "finished") and tells_finished(g):
                    self._keep_finished(thetas, extras, error)
                raise
            if compat.is_torch_array(values):
                values = values.detach()  # a g with parameters of its own hands over their graph
            asked += 1
            self._record(thetas, values, extras)
            told = self._told(values)
            if bar is not None:
                bar.update(len(thetas) if self.keep == "points" else 1)
            if self.recorder.best_value <= self.target:
                calls = self.recorder.calls
                return True, f"reached the target {self.target:g} after {calls} evaluations"
            if self.callback and self.callback(self.recorder.trace(f"after {asked} steps")):
                return False, f"stopped by the callback after {self.recorder.calls} evaluations"
            try:
                thetas, extras = method.send(told)
            except StopIteration as end:
                if self.recorder.best is None:
                    raise ValueError(_nowhere_finite(self.recorder.calls)) from None
                return end.value

    def _told(self, values: Array) -> Array:
        xp = namespace(values)
        finite = xp.isfinite(values)
        if bool(xp.all(finite)):
            return values
        self.worst += int(xp.sum(~finite, dtype=xp.int64))
        if self.recorder.best is None and self.keep != "points":
            raise ValueError(_nowhere_finite(self.recorder.calls))
        return xp.where(finite, values, xp.full_like(values, xp.inf))

    def _record(self, thetas: Array, values: Array, extras: Mapping[str, Array]) -> None:
        if self.keep == "points":
            self.recorder.extend(thetas, values)
        elif self.keep == "populations":
            self.recorder.add(thetas, values, values.shape[0], extras)
        else:
            best = _lowest(values)
            self.recorder.add(thetas[best, ...], values[best, ...], values.shape[0], extras)

    def _keep_finished(self, thetas: Array, extras: Mapping[str, Array], error: Any) -> None:
        """Record what a failed or interrupted batch had finished; the rest of it counts as NaN."""
        xp = compat.array_namespace(thetas)
        finished = xp.asarray(error.finished, device=compat.device(thetas))
        count = int(error.finished.sum())
        self.worst += int(xp.sum(finished & ~xp.isfinite(error.values), dtype=xp.int64))
        if count and self.keep == "points":
            self.recorder.extend(thetas[finished], error.values[finished])
        elif count and self.keep == "populations":
            self.recorder.add(thetas, error.values, count, extras)
        elif count:
            best = _lowest(error.values)
            self.recorder.add(thetas[best, ...], error.values[best, ...], count, extras)


def _lowest(values: Array) -> int:
    xp = compat.array_namespace(values)
    return int(xp.argmin(xp.where(xp.isfinite(values), values, xp.full_like(values, xp.inf))))


def _nowhere_finite(calls: int) -> str:
    return (
        f"g is NaN or infinite at all {calls} points that were tried, so there is nothing to choose "
        "from; check g at one theta of the domain, or narrow the domain"
    )


def _progress_bar(steps: int, keep: str) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=steps, unit="point" if keep == "points" else "step")
