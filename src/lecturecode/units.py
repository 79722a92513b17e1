"""Units: data are measured by powers of two so that no square leaves the range of the numbers.

Methods that square their data would lose those of 1e-23 and of 1e21 in float32. Divided by a power of
two they lose nothing, since only the exponents of the numbers change; and what is found comes back by
the same power, bit for bit. Ordinary data are left as they are.
"""

import math
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, namespace, on_host
from lecturecode.iteration import Step
from lecturecode.trace import Trace


class UnequalUnitsWarning(UserWarning):
    """Data are measured in units that a method was not made for: one column decides, or a scale of 1."""


class LostDigitsWarning(UserWarning):
    """Rounding has left few digits: of an answer, or of what tells samples apart that all are large."""


Exponents = int | np.ndarray
"""One exponent for all entries, or one for each of the last axis."""


def exponent(*data: Array) -> int:
    """Return the k by which to divide data by 2^k, so that squares of them can be summed.

    The largest entry is then between 1/2 and 1. It is 0, so that nothing is done, where the exponents of
    the data are at most an eighth of the largest one that there is.
    """
    xp = namespace(data[0])
    largest = max(max(float(xp.max(part)), -float(xp.min(part))) for part in data)
    return int(_unusual(np.frexp(largest)[1], data[0]))


def exponents(matrix: Array) -> np.ndarray:
    """Return such an exponent for each column: one for all, and more for columns that it leaves out."""
    xp = namespace(matrix)
    peaks = on_host(xp.maximum(xp.max(matrix, axis=0), -xp.min(matrix, axis=0)))
    low, high = _ordinary(xp, matrix.dtype)
    if low <= peaks.min() and peaks.max() < high:
        return np.zeros(len(peaks), dtype=int)
    each = np.frexp(peaks.astype(float))[1]
    common = _unusual(np.max(each, where=peaks > 0, initial=-5000), matrix) if peaks.any() else 0
    return np.where(peaks > 0, common + _unusual(each - common, matrix), 0)


@cache
def _ordinary(xp: Any, dtype: Any) -> tuple[float, float]:
    """Return the sizes between which data are left as they are."""
    usual = math.frexp(float(xp.finfo(dtype).max))[1] // 8
    return 2.0 ** -(usual + 1), 2.0**usual


def _unusual(exponent: Any, like: Array) -> np.ndarray:
    """Return an exponent, or 0 if it is one of ordinary data."""
    usual = np.frexp(float(namespace(like).finfo(like.dtype).max))[1] // 8
    return np.where(abs(exponent) <= usual, 0, exponent)


def times_power(data: Array, k: Exponents) -> Array:
    """Return data times 2^k, by halves, because 2^k itself may leave the range of the numbers."""
    if not (k if isinstance(k, int) else k.any()):
        return data
    half = k // 2
    with np.errstate(over="ignore", under="ignore"):  # whoever asks looks at what has come
        return data * _power(half, data) * _power(k - half, data)


def _power(k: Exponents, like: Array) -> Any:
    if isinstance(k, int):
        return 2.0**k
    return namespace(like).asarray(np.ldexp(1.0, k), dtype=like.dtype, device=compat.device(like))


def kept(numbers: Array, k: Exponents) -> tuple[Array, bool]:
    """Return numbers times 2^k, and whether they have kept their digits: none is 0 or infinite by it."""
    xp, found = namespace(numbers), times_power(numbers, k)
    small = (numbers != 0) & (abs(found) < float(xp.finfo(found.dtype).smallest_normal))
    return found, bool(xp.all(xp.isfinite(found) & ~small))


def out_of_range(what: str, like: Array) -> str:
    """Say that numbers cannot be held, and what to do about it."""
    return f"{what} leaves the range of {like.dtype}; measure the data in another unit"


class Units:
    """What a run on data divided by powers of two must be multiplied by.

    Parameters
    ----------
    theta : int or array of int, shape (P,)
        The exponents of theta.
    g : int
        That of g.
    """

    def __init__(self, theta: Exponents, g: int) -> None:
        self.theta, self.g, self.lost = theta, g, False
        self.best: Array | None = None
        self.lowest = math.inf
        """The best theta, and the value of g there in the method's own units."""
        changed = bool(g or np.any(theta))
        self.shown: Callable[[Step], Step] | None = self._shown if changed else None
        """What turns a step into one in the units of the data."""

    def _shown(self, step: Step) -> Step:
        """Return a step in the units of the data.

        Raises
        ------
        ValueError
            If theta leaves the range of the numbers.
        """
        xp = namespace(step.theta)
        theta = times_power(step.theta, self.theta)
        if not bool(xp.all(xp.isfinite(theta))):
            raise ValueError(out_of_range("theta", step.theta))
        inner = xp.asarray(step.value, dtype=theta.dtype, device=compat.device(theta))
        value, whole = kept(inner, self.g)
        self.lost |= not whole
        if float(inner) < self.lowest:
            self.best, self.lowest = theta, float(inner)
        return step._replace(theta=theta, value=value)

    def finish(self, trace: Trace) -> Trace:
        """Say where values of g have lost their digits, and no longer tell the best theta themselves."""
        return self.outer(self.inner(trace))

    def inner(self, trace: Trace) -> Trace:
        """Return a trace with the value of the method's own units, by which runs can be compared."""
        if not self.g or self.best is None:
            return trace
        if not self.lost:
            return replace(trace, value=self.lowest)
        note = f"; g, in squared units, leaves the range of {trace.theta.dtype}: its values say nothing"
        return replace(trace, theta=self.best, value=self.lowest, message=trace.message + note)

    def outer(self, trace: Trace) -> Trace:
        """Return such a trace with the value in the units of the data."""
        if not self.g:
            return trace
        with np.errstate(over="ignore", under="ignore"):
            return replace(trace, value=float(np.ldexp(trace.value, self.g)))
