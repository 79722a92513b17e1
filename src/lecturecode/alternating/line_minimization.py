"""Minimize along one axis: by Newton's method if g has derivatives, by the golden section if not."""

import math
from collections.abc import Callable
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, ArrayLike, copied, detached
from lecturecode.door import arrays, function, protocol, real, whole
from lecturecode.evaluation import call, number

__all__ = ["golden_section", "newton_section"]

GOLDEN = (math.sqrt(5) - 1) / 2
PLATEAU = 2.0**10  # how much longer a step becomes that is too short to change g


class NoMinimumError(ValueError):
    """There is no minimum along the axis, or no way to it; a ValueError."""


@np.errstate(all="ignore")
def newton_section(
    g: Any, theta: ArrayLike, p: int, *, value: float | None = None, steps: int = 50
) -> tuple[Array, float, int]:
    r"""Minimize g along axis p by Newton's method, halving a step that makes g larger.

    .. math:: \theta_p \leftarrow \theta_p - \frac{\partial_p g(\theta)}{|H_{pp}(\theta)|}

    The absolute value makes the step go downhill where the curvature is negative. Where it is zero, the
    golden section takes over. Where the slope is zero theta stays, be it at a minimum or, by bad luck of
    the start, at a maximum.

    Parameters
    ----------
    g : Objective
        With ``gradient`` and ``hessian``.
    theta : array of shape (P,)
        Where the axis is.
    p : int
        Its number.
    value : float, optional
        g at theta, if it is known.
    steps : int
        The most Newton steps.

    Returns
    -------
    theta : array of shape (P,)
        A new one, which differs in coordinate p alone, and at which g is not larger.
    value : float
        g there.
    calls : int
        Evaluations of g.

    Raises
    ------
    NoMinimumError
        If the gradient or the Hessian is not finite, or if g keeps falling along the axis.
    TypeError, ValueError
        If `g` has no derivatives, or if another argument is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from lecturecode.objectives import Quadratic
    >>> theta, value, calls = newton_section(Quadratic([1.0, 10.0]), np.array([1.0, 2.0]), 1)
    >>> theta.tolist(), value
    ([1.0, 0.0], 0.5)
    """
    function(g, "g")
    protocol(g, "g", ("gradient", "hessian"), "Quadratic([1.0, 10.0])")
    theta, p = _axis(theta, p)
    known = None if value is None else real(value, "value", "[-inf, inf]")
    return newton_along(g, theta, p, known, whole(steps, "steps"))


def newton_along(
    g: Any, theta: Array, p: int, value: float | None, steps: int = 50
) -> tuple[Array, float, int]:
    """Do what :func:`newton_section` says, for arguments that are known to be right.

    Raises
    ------
    NoMinimumError
        If the gradient or the Hessian is not finite, or if g keeps falling along the axis.
    """
    value, calls = (number(g, theta), 1) if value is None else (value, 0)
    eps = float(compat.array_namespace(theta).finfo(theta.dtype).eps)
    for _ in range(steps):
        slope = float(call(g.gradient, theta)[p])
        curvature = abs(float(call(g.hessian, theta)[p, p]))
        if not (math.isfinite(slope) and math.isfinite(curvature)):
            raise NoMinimumError(f"the gradient or the Hessian of g is not finite along coordinate {p}")
        if slope == 0:
            break
        if curvature == 0:  # a slope alone says no length
            theta, value, tried = golden_along(g, theta, p, value)
            return theta, value, calls + tried
        step = -slope / curvature
        if abs(step) <= eps * abs(float(theta[p])):
            break
        moved, lower, tried = _halved(g, theta, p, step, value)
        calls += tried
        gained, theta, value = value - lower, moved, lower
        if not gained > eps * abs(value):
            break  # rounding hides all that could still be gained
    return theta, value, calls


def _halved(g: Any, theta: Array, p: int, step: float, value: float) -> tuple[Array, float, int]:
    """Halve a step along axis p until g is not larger; stay if there is no such step."""
    for tried in range(1, 61):
        moved = with_entry(theta, p, float(theta[p]) + step)
        lower = number(g, moved)
        if lower <= value:
            return moved, lower, tried
        step /= 2
    return theta, value, tried


@np.errstate(all="ignore")
def golden_section(
    g: Callable[[Any], Any],
    theta: ArrayLike,
    p: int,
    *,
    value: float | None = None,
    reach: float = 1.0,
) -> tuple[Array, float, int]:
    r"""Minimize g along axis p without derivatives: bracket the minimum, then shrink the bracket.

    A bracket is three points, a < m < b, at whose middle g is not larger than at its ends. The next
    point divides the longer of its two parts by the golden section, and the lowest stays in the middle;
    soon each evaluation shrinks the bracket by the factor :math:`(\sqrt5 - 1)/2`. That ends at the
    length :math:`\sqrt u` relative to theta, u being the precision of the numbers: closer to a smooth
    minimum, rounding hides the differences of g. Where g is NaN it counts as infinite.

    Parameters
    ----------
    g : callable
        Takes theta of shape (P,), returns a number.
    theta : array of shape (P,)
        Where the axis is.
    p : int
        Its number.
    value : float, optional
        g at theta, if it is known.
    reach : float
        Length of the first step of the search for a bracket, relative to :math:`|\theta_p|`; where that
        is 0, the length itself. As long as g does not change by more than rounding, it is made longer.

    Returns
    -------
    theta : array of shape (P,)
        A new one, which differs in coordinate p alone, and at which g is not larger.
    value : float
        g there.
    calls : int
        Evaluations of g.

    Raises
    ------
    NoMinimumError
        If g keeps falling along the axis.
    TypeError, ValueError
        If `g` is no function, or if another argument is out of range.

    References
    ----------
    Kiefer, Sequential minimax search for a maximum, *Proceedings of the American Mathematical
    Society* 4 (1953).

    Examples
    --------
    >>> import numpy as np
    >>> theta, value, calls = golden_section(lambda t: abs(t[0] - 3), np.array([0.0]), 0)
    >>> round(float(theta[0]), 6)
    3.0
    """
    function(g, "g")
    theta, p = _axis(theta, p)
    known = None if value is None else real(value, "value", "[-inf, inf]")
    return golden_along(g, theta, p, known, real(reach, "reach", "(0, inf)"))


def golden_along(
    g: Callable[[Any], Any], theta: Array, p: int, value: float | None, reach: float = 1.0
) -> tuple[Array, float, int]:
    """Do what :func:`golden_section` says, for arguments that are known to be right."""
    calls, moved = 0, copied(theta)

    def along(t: float) -> float:
        nonlocal calls
        calls += 1
        moved[p] = t
        found = number(g, moved)  # which hands a copy to g
        return math.inf if math.isnan(found) else found

    here = float(theta[p])
    value = along(here) if value is None or math.isnan(value) else value
    limits = compat.array_namespace(theta).finfo(theta.dtype)
    precision, end = float(limits.eps), float(limits.max) / 4
    step = min(reach * (abs(here) or 1.0), end)
    bracket = _bracket(along, (value, here), step, precision, end)
    (lowest, t), length = _shrunk(along, *bracket, precision, step)
    if abs(t - here) <= length:  # nearer than the bracket is long nothing is resolved
        return theta, value, calls
    return with_entry(theta, p, t), lowest, calls


Point = tuple[float, float]
"""A value of g, and where along the axis."""


def _shrunk(
    along: Callable[[float], float], a: float, middle: Point, b: float, precision: float, step: float
) -> tuple[Point, float]:
    """Shrink a bracket, whose middle stays the lowest point; return that, and the bracket's length."""
    lowest, m = middle
    while b - a > 2 * math.sqrt(precision) * abs(m) + precision * step:
        right = b - m > m - a
        t = m + (1 - GOLDEN) * (b - m) if right else m - (1 - GOLDEN) * (m - a)
        value = along(t)
        if value < lowest:
            a, b = (m, b) if right else (a, m)
            lowest, m = value, t
        else:
            a, b = (a, t) if right else (t, b)
    return (lowest, m), b - a


def _bracket(
    along: Callable[[float], float], start: Point, step: float, precision: float, end: float
) -> tuple[float, Point, float]:
    """Walk downhill in growing steps until g no longer falls; return a bracket, up to +-end.

    Where g does not change at all it has no length.

    Raises
    ------
    NoMinimumError
        If g falls as far as there are numbers.
    """
    value, here = start
    step, (up, down) = _long_enough(along, start, step, precision, end)
    if up == down == value:
        return here, start, here
    if not min(up, down) < value:
        return here - step, start, here + step
    lower, step = (up, step) if up <= down else (down, -step)
    before, now = here, here + step
    for growth in range(200):
        step *= 1 / GOLDEN if growth < 50 else 2.0 ** (growth - 50)
        after = max(-end, min(now + step, end))
        beyond = along(after)
        if not beyond < lower and lower > -math.inf:
            return min(before, after), (lower, now), max(before, after)
        if abs(after) == end:
            break
        before, now, lower = now, after, beyond
    raise NoMinimumError(
        f"g keeps falling along an axis, down to {lower:.3g}: it has no lower bound there"
    )


def _long_enough(
    along: Callable[[float], float], start: Point, step: float, precision: float, end: float
) -> tuple[float, tuple[float, float]]:
    """Return a step that changes g by more than rounding hides, and g at both its ends."""
    value, here = start
    hidden = 4 * precision * abs(value) if math.isfinite(value) else 0.0

    def try_out(step: float) -> tuple[tuple[float, float], bool]:
        up, down = along(here + step), along(here - step)
        return (up, down), max(up, down) > value + hidden or min(up, down) < value - hidden

    ends, seen = try_out(step)
    short, factor = step, PLATEAU
    while not seen and short < end:
        step = min(short * factor, end)
        ends, seen = try_out(step)
        if not seen:
            short, factor = step, min(factor * factor, 2.0**500)
    while step > PLATEAU * short:  # it may have become far too long
        between = math.sqrt(short) * math.sqrt(step)
        found, seen = try_out(between)
        if seen:
            step, ends = between, found
        else:
            short = between
    return step, ends


def _axis(theta: ArrayLike, p: Any) -> tuple[Array, int]:
    _, theta = arrays({"theta": "P"}, theta=detached(theta))
    return copied(theta), whole(p, "p", 0, theta.shape[0] - 1, "It is the number of a coordinate")


def with_entry(theta: Array, p: int, t: float) -> Array:
    """Return a copy of theta with coordinate p set to t."""
    moved = copied(theta)
    moved[p] = t
    return moved
