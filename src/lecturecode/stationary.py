"""Zeros of the gradient: find a point where g is flat, and tell what kind of point it is."""

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import (
    Array,
    ArrayLike,
    as_start,
    check_agreement,
    copied,
    length,
    namespace,
    on_host,
)
from lecturecode.door import arrays, function, real, whole
from lecturecode.evaluation import call
from lecturecode.iteration import End, Step, Steps, collect
from lecturecode.trace import Callback, Trace

Derivative = Callable[[Any], Array]
"""Takes theta of shape (P,), returns the gradient, (P,), or the Hessian, (P, P)."""


def find_stationary_point(
    gradient: Derivative,
    hessian: Derivative,
    theta: ArrayLike,
    *,
    steps: int = 100,
    tol: float | None = None,
    record_every: int | None = None,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Solve :math:`\nabla g(\theta) = 0` by Newton's method, whatever kind of point that is.

    .. math:: \theta^{(i+1)} \leftarrow \theta^{(i)} - t\, H^+ \nabla g(\theta^{(i)}),
        \qquad t = 1, \tfrac12, \tfrac14, \dots

    The step t is halved until one of two things is shorter at the new point: Newton's step, measured
    with the old Hessian, or the gradient. The method is drawn to a flat point nearby, be it a minimum,
    a maximum or a saddle; :func:`classify` tells which.

    Parameters
    ----------
    gradient : callable
        Takes theta of shape (P,), returns shape (P,).
    hessian : callable
        Takes theta of shape (P,), returns shape (P, P).
    theta : array of shape (P,)
        Where to start.
    steps : int
        The most steps to take.
    tol : float, optional
        Flat means a gradient whose 2-norm is at most this, in the unit of the gradient. If it is not
        given, at most :math:`u^{2/3}` times the longest one on the way, u being the distance from 1 to
        the next number: neither the unit of g nor that of theta matters.
    record_every, callback, progress
        As for :func:`lecturecode.minimize`.

    Returns
    -------
    Trace
        Its ``values`` are the norms of the gradient, since g itself is not asked for, and its
        ``evaluations`` count calls of the gradient; ``theta`` is the flattest point visited. Ctrl-C
        returns what there is.

    Raises
    ------
    TypeError
        If `gradient` or `hessian` is no function.
    ValueError
        If `steps` is smaller than 1, `tol` is negative, or a shape is wrong.
    Exception
        Whatever `gradient` or `hessian` raises, with attributes ``theta`` and ``trace``.

    Notes
    -----
    Convergence is quadratic where the Hessian is regular, each step doubling the correct digits. Where
    it is singular, as at the monkey saddle, the pseudo-inverse :math:`H^+` keeps the step finite and
    convergence is merely linear. On the way the gradient itself may get longer, as it must in a curved
    valley like Rosenbrock's. The search can also end where the Hessian is singular and the gradient is
    not zero; then ``converged`` is False, and another start helps. Without `tol` it has converged, too,
    where rounding leaves no way to go on: where Newton's step explains the gradient, and does not reach
    the first half of the digits of theta. :math:`H^+` takes what is :math:`10^{15}` times smaller than
    the largest eigenvalue for zero; coordinates of very different units want to be scaled first.

    References
    ----------
    Nocedal & Wright, *Numerical Optimization*, 2nd ed. (2006), section 11.1; the first rule for t is
    the natural monotonicity test of P. Deuflhard, *Newton Methods for Nonlinear Problems* (2004),
    chapter 3.

    Examples
    --------
    >>> from lecturecode.objectives import Himmelblau
    >>> g = Himmelblau()
    >>> trace = find_stationary_point(g.gradient, g.hessian, [0.0, 0.0])
    >>> trace.theta.round(4).tolist(), classify(g.hessian(trace.theta))
    ([-0.2708, -0.923], 'maximum')
    """
    function(gradient, "gradient")
    function(hessian, "hessian")
    steps = whole(steps, "steps")
    tol = None if tol is None else real(tol, "tol", "[0, inf]")
    theta = as_start(theta)
    P = theta.shape[0]
    slope, curvature = _shaped(gradient, (P,), "gradient"), _shaped(hessian, (P, P), "hessian")
    return collect(
        newton(slope, curvature, theta, tol),
        steps=steps,
        used_up=f"used up all {steps} steps before the gradient was flat",
        record_every=record_every,
        callback=callback,
        progress=progress,
    )


def newton(gradient: Derivative, hessian: Derivative, theta: Array, tol: float | None) -> Steps:
    """Step to where the gradient's first-order expansion is zero, halving a step that goes too far."""
    xp = compat.array_namespace(theta)
    eps = float(xp.finfo(theta.dtype).eps)
    slope, calls, longest = gradient(theta), 1, 0.0
    while True:
        size = length(slope)
        longest = max(longest, size)
        done = _flat(size, eps ** (2 / 3) * longest if tol is None else tol)
        yield Step(theta, size, evaluations=calls, done=done)
        if done:
            return done
        H = hessian(theta)
        if not math.isfinite(size) or not bool(xp.all(xp.isfinite(H))):
            return False, "stopped {place}: the gradient or Hessian is not finite"
        inverse = xp.linalg.pinv(H)
        direction, t, calls = inverse @ slope, 1.0, 0
        reach = length(direction)
        if not math.isfinite(reach):
            return False, "stopped {place}: Newton's step is not finite"
        while True:
            nearer = theta - t * direction
            ahead, calls = gradient(nearer), calls + 1
            if length(inverse @ ahead) < reach or length(ahead) < size:
                break
            t /= 2
            if t < 1e-10:
                return _no_way_on(theta, slope, direction, H, tol)
        theta, slope = nearer, ahead


@np.errstate(all="ignore")
def classify(hessian: ArrayLike, *, tol: float | None = None) -> str | np.ndarray:
    r"""Name the kind of a stationary point by the signs of the eigenvalues of its Hessian.

    ====================================  =====================
    eigenvalues of :math:`H(\theta_0)`    kind
    ====================================  =====================
    all positive                          ``"minimum"``
    all negative                          ``"maximum"``
    some positive, some negative          ``"saddle"``
    otherwise (some zero, rest one sign)  ``"inconclusive"``
    ====================================  =====================

    Parameters
    ----------
    hessian : array of shape (..., P, P)
        Symmetric. Leading axes are a batch.
    tol : float, optional
        An eigenvalue counts as zero up to this; ``P * eps * max |eigenvalue|`` if not given.

    Returns
    -------
    str or array of str, shape (...)
        The kind.

    Raises
    ------
    TypeError
        If it does not hold real numbers.
    ValueError
        If the matrix is not square, not symmetric, or not finite, or if `tol` is negative.

    Notes
    -----
    The slide asks for :math:`\det H \ne 0`. That is enough, and more than is needed: eigenvalues of
    both signs make a saddle even when a third one is zero. Only a singular H whose other eigenvalues
    share a sign leaves the question open, to higher derivatives.

    References
    ----------
    Nocedal & Wright, *Numerical Optimization*, 2nd ed. (2006), theorems 2.3 and 2.4.

    Examples
    --------
    >>> classify([[2.0, 0.0], [0.0, -1.0]])
    'saddle'
    >>> classify([[2.0, 0.0], [0.0, 0.0]])
    'inconclusive'
    """
    xp, H = arrays({"hessian": "... P P"}, hessian=hessian)
    tol = None if tol is None else real(tol, "tol", "[0, inf)")
    eps = float(xp.finfo(H.dtype).eps)
    largest = xp.max(xp.abs(H), axis=(-2, -1), keepdims=True)
    if bool(xp.any(xp.abs(H - xp.matrix_transpose(H)) > eps**0.5 * largest)):
        raise ValueError("the Hessian must be symmetric; use (H + H.T) / 2 if only rounding differs")
    lam = on_host(xp.linalg.eigvalsh(H))
    if not np.isfinite(lam).all():
        raise ValueError("the eigenvalues of the Hessian leave the range of its numbers")
    rounding = H.shape[-1] * eps * np.abs(lam).max(-1, keepdims=True)
    kind = _by_signs(lam, rounding if tol is None else tol)
    return str(kind) if kind.ndim == 0 else kind


def _by_signs(lam: np.ndarray, zero: Any) -> np.ndarray:
    """Name the kinds of eigenvalues, shape (..., P), of which those up to `zero` in size count as 0."""
    up, down = lam > zero, lam < -zero
    return np.select(
        [up.all(-1), down.all(-1), up.any(-1) & down.any(-1)],
        ["minimum", "maximum", "saddle"],
        "inconclusive",
    )


def _shaped(derivative: Derivative, shape: tuple[int, ...], name: str) -> Derivative:
    """Return a function with the shape of its answers checked, and these in memory of their own."""
    return partial(_call_shaped, derivative, shape, name)


def _call_shaped(derivative: Derivative, shape: tuple[int, ...], name: str, theta: Array) -> Array:
    value = call(derivative, theta)
    got = getattr(value, "shape", None)
    if got is None or tuple(got) != shape:
        described = type(value).__name__ if got is None else f"shape {tuple(got)}"
        raise ValueError(f"{name} returned {described}; for this theta it must have shape {shape}")
    check_agreement("theta", theta, f"the {name}", value, dtypes=False)
    return copied(value)


def _flat(size: float, tol: float) -> End | None:
    if size <= tol and math.isfinite(size):
        return True, f"the gradient is flat {{place}}: its norm is at most tol = {tol:g}"
    return None


def _no_way_on(theta: Array, slope: Array, direction: Array, H: Array, tol: float | None) -> End:
    """End where no step brings the zero nearer: only rounding is left if Newton's step is that short.

    The step has to explain the gradient; a singular Hessian may leave most of it out.
    """
    size, half_of_digits = length(slope), float(namespace(theta).finfo(theta.dtype).eps) ** 0.5
    explained = length(slope - H @ direction) <= half_of_digits * size
    if tol is None and explained and length(direction) <= half_of_digits * length(theta):
        return True, "the gradient is flat {place}, to rounding: no step brings its zero nearer"
    return False, (
        "stuck {place}: no step along Newton's direction brings the zero nearer; the gradient's norm is "
        f"{size:.3g}; try another start"
    )
