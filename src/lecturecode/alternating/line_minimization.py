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


class NoMinimumError(ValueError):
    """There is no minimum along the axis, or no way to it; a ValueError."""


@np.errstate(all="ignore")
def newton_section(
    g: Any, theta: ArrayLike, p: int, *, value: float | None = None, steps: int = 50
) -> tuple[Array, float, int]:
    r"""Minimize g along axis p by Newton's method, halving a step that makes g larger.

    .. math:: \theta_p \leftarrow \theta_p - \frac{\partial_p g(\theta)}{|H_{pp}(\theta)|}

    The absolute value makes the step go downhill where the curvature is negative. Where the slope is
    zero theta stays, be it at a minimum or, by bad luck of the start, at a maximum.

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
        If the gradient or the Hessian is not finite.
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
        If the gradient or the Hessian is not finite.
    """
    value, calls = (number(g, theta), 1) if value is None else (value, 0)
    eps = float(compat.array_namespace(theta).finfo(theta.dtype).eps)
    for _ in range(steps):
        slope = float(call(g.gradient, theta)[p])
        curvature = abs(float(call(g.hessian, theta)[p, p]))
        if not (math.isfinite(slope) and math.isfinite(curvature)):
            raise NoMinimumError(f"the gradient or the Hessian of g is not finite along coordinate {p}")
        step = -slope / curvature if curvature > 0 else -slope
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

    Each evaluation shrinks it by the factor :math:`(\sqrt5 - 1)/2`, until it is of the length
    :math:`\sqrt u` relative to theta, u being the precision of the numbers: closer to a smooth minimum,
    rounding hides the differences of g. Where g is NaN it counts as infinite.

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
        Length of the first step of the search for a bracket, relative to
        :math:`\max(1, |\theta_p|)`.

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
    value = along(here) if value is None else value
    a, b = _bracket(along, here, value, reach * max(1.0, abs(here)))
    precision = float(compat.array_namespace(theta).finfo(theta.dtype).eps)
    points = [(value, here), *_shrunk(along, a, b, precision)]
    lowest, t = min(points, key=lambda point: point[0])  # the first of equals
    return (with_entry(theta, p, t) if lowest < value else theta), lowest, calls


def _shrunk(
    along: Callable[[float], float], a: float, b: float, precision: float
) -> list[tuple[float, float]]:
    """Shrink the bracket [a, b]; return the values and places of the last two points inside."""
    c, d = b - GOLDEN * (b - a), a + GOLDEN * (b - a)
    at_c, at_d = along(c), along(d)
    while b - a > math.sqrt(precision) * (abs(c) + abs(d)) / 2 + precision:
        if at_c < at_d:
            b, d, at_d = d, c, at_c
            c = b - GOLDEN * (b - a)
            at_c = along(c)
        else:
            a, c, at_c = c, d, at_d
            d = a + GOLDEN * (b - a)
            at_d = along(d)
    return [(at_c, c), (at_d, d)]


def _bracket(
    along: Callable[[float], float], here: float, value: float, step: float
) -> tuple[float, float]:
    """Walk downhill in growing steps until g no longer falls; return the two ends."""
    reach = step
    lower = along(here + step)
    if not lower < value:
        step = -step
        lower = along(here + step)
        if not lower < value:
            return here - reach, here + reach
    before, now = here, here + step
    for _ in range(200):
        step /= GOLDEN
        after = now + step
        beyond = along(after)
        if not beyond < lower:
            return min(before, after), max(before, after)
        before, now, lower = now, after, beyond
    raise NoMinimumError(
        f"g keeps falling along an axis, down to {lower:.3g}: it has no lower bound there"
    )


def _axis(theta: ArrayLike, p: Any) -> tuple[Array, int]:
    _, theta = arrays({"theta": "P"}, theta=detached(theta))
    return copied(theta), whole(p, "p", 0, theta.shape[0] - 1, "It is the number of a coordinate")


def with_entry(theta: Array, p: int, t: float) -> Array:
    """Return a copy of theta with coordinate p set to t."""
    moved = copied(theta)
    moved[p] = t
    return moved
