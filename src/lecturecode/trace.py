"""A trace is what every method returns: where it went, what it saw there, and why it stopped."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, on_host

__all__ = ["Trace"]

Callback = Callable[["Trace"], bool | None]
"""Called with the trace so far; returning True stops the method."""


@dataclass(frozen=True, repr=False, eq=False)
class Trace:
    """The record of one run of a method on a function g.

    Attributes
    ----------
    thetas : array of shape (records, P), or (records, M, P) for M points that move together
        The recorded iterates. With ``record_every=1`` there is one for every value.
    values : array of shape (steps + 1,) or (steps + 1, M)
        g at every iterate, recorded or not; ``values[0]`` belongs to the start.
    evaluations : array of shape (steps + 1,), int
        Calls of g on a single theta, counted from the start up to and including each step.
    theta : array of shape (P,)
        The best point visited, the first one among equals; the start when no value was finite.
    value : float
        g at `theta`. It is finite whenever any value was, and NaN otherwise.
    last : array of shape (P,) or (M, P)
        The final iterate, finite or not.
    converged : bool
        Whether the stopping rule of the method was met.
    message : str
        Why the method stopped, in a sentence.
    record_every : int
        The distance, in steps, between two recorded iterates; 0 when only best and last were kept.

    Examples
    --------
    >>> from lecturecode import gradient_descent
    >>> from lecturecode.objectives import Quadratic
    >>> g = Quadratic([1.0, 4.0])
    >>> trace = gradient_descent(g, [2.0, 1.0], 0.25, steps=200)
    >>> trace.converged, trace.steps
    (True, 67)
    >>> trace.thetas.shape, trace.values.shape
    ((68, 2), (68,))
    """

    thetas: Array
    values: Array
    evaluations: np.ndarray
    theta: Array
    value: float
    last: Array
    converged: bool
    message: str
    record_every: int = 1

    @property
    def steps(self) -> int:
        """Number of steps taken; the start is not a step."""
        return len(self.values) - 1

    def __len__(self) -> int:
        """Count the values: the start and one for each step."""
        return len(self.values)

    def __repr__(self) -> str:
        return (
            f"Trace(value={self.value:.6g}, theta={_short(self.theta)}, steps={self.steps}, "
            f"evaluations={int(self.evaluations[-1])}, converged={self.converged}, "
            f"message={self.message!r})"
        )

    def _repr_html_(self) -> str:
        rows = {
            "best value": f"{self.value:.6g}",
            "best theta": _short(self.theta),
            "steps": self.steps,
            "evaluations of g": int(self.evaluations[-1]),
            "converged": "yes" if self.converged else "no",
            "why it stopped": self.message,
        }
        cells = "".join(
            f'<tr><th scope="row" style="text-align:left">{key}</th>'
            f'<td style="text-align:left">{escape(str(value))}</td></tr>'
            for key, value in rows.items()
        )
        return f"<table><tbody>{cells}</tbody></table>"


class Recorder:
    """Collects a trace step by step; methods own one, readers of a trace never meet it.

    Parameters
    ----------
    record_every : int
        Keep one iterate in this many steps; 0 keeps only the best and the last one.

    Raises
    ------
    ValueError
        If `record_every` is not an integer of at least 0.
    """

    def __init__(self, record_every: int = 1) -> None:
        if not isinstance(record_every, int | np.integer) or record_every < 0:
            raise ValueError(f"record_every must be 0 or a positive integer; got {record_every!r}")
        self.record_every = record_every
        self.thetas, self.values, self.evaluations = _Rows(), _Rows(), _Rows()
        self.calls = 0
        self.best: Array | None = None
        self.best_value = float("inf")
        self.last: Array | None = None

    def add(self, theta: Array, value: Array, evaluations: int = 1) -> None:
        """Record `theta` of shape (P,) or (M, P), its value(s), and how many calls they cost."""
        self.calls += evaluations
        if self.record_every and self.values.count % self.record_every == 0:
            self.thetas.append(theta)
        self.values.append(value)
        self.evaluations.append(np.int64(self.calls))
        self.last = theta
        if theta.ndim == 1:
            if -float("inf") < value < self.best_value:
                self.best, self.best_value = theta, float(value)
        else:
            self._best_member(theta, value)

    def _best_member(self, theta: Array, value: Array) -> None:
        xp = compat.array_namespace(theta)
        member = int(xp.argmin(xp.where(xp.isfinite(value), value, xp.full_like(value, xp.inf))))
        if -float("inf") < value[member] < self.best_value:
            self.best, self.best_value = theta[member, ...], float(value[member])

    def trace(self, message: str, *, converged: bool = False) -> Trace:
        """Freeze what has been recorded so far, without copying it."""
        assert self.last is not None
        thetas = self.thetas.so_far() if self.record_every else self.last[None]
        best = self.best
        if best is None:  # no value was finite: the start is as good as any other point
            best = thetas[0, ...] if self.last.ndim == 1 else thetas[0, 0, ...]
        return Trace(
            thetas=thetas,
            values=self.values.so_far(),
            evaluations=self.evaluations.so_far(),
            theta=best,
            value=self.best_value if self.best is not None else float("nan"),
            last=self.last,
            converged=converged,
            message=message,
            record_every=self.record_every,
        )


class _Rows:
    """An array that grows by rows: its buffer is doubled when full, so that a row costs O(1)."""

    def __init__(self) -> None:
        self.buffer: Any = None
        self.count = 0

    def append(self, row: Array) -> None:
        if self.buffer is None:
            self.buffer = _empty(16, row)
        elif self.count == self.buffer.shape[0]:
            larger = _empty(2 * self.count, row)
            larger[: self.count] = self.buffer
            self.buffer = larger
        self.buffer[self.count] = row
        self.count += 1

    def so_far(self) -> Array:
        return self.buffer[: self.count]


def _empty(rows: int, like: Array) -> Array:
    xp = compat.array_namespace(like) if like.ndim or compat.is_torch_array(like) else np
    device = {"device": compat.device(like)} if compat.is_torch_array(like) else {}
    return xp.empty((rows, *like.shape), dtype=like.dtype, **device)


def _short(theta: Array, most: int = 4) -> str:
    """Write the first coordinates of theta, four digits each."""
    values: list[Any] = on_host(theta).ravel()[:most].tolist()
    dots = ", ..." if theta.shape[-1] > most else ""
    return "[" + ", ".join(f"{value:.4g}" for value in values) + dots + "]"
