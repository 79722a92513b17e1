"""The lasso by ADMM: a second copy of theta takes the penalty, and the two are pulled together.

The squared error has a direct minimizer, and so has the sum of absolute values; their sum has not. So a
new variable z is introduced, with the constraint z = theta, and what is minimized alternates between the
two: the alternating direction method of multipliers, ADMM.
"""

import math
from dataclasses import replace
from typing import NamedTuple

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import (
    Array,
    ArrayLike,
    copied,
    detached,
    norm,
    on_host,
    real_arrays,
    says_singular,
)
from lecturecode.door import arrays, real, whole
from lecturecode.iteration import End, Step, Steps, collect, finite
from lecturecode.least_squares import least_singular_value, warn_of_digits
from lecturecode.trace import Callback, Trace
from lecturecode.units import Units, exponent, exponents, out_of_range, times_power

__all__ = ["largest_penalty", "lasso", "soft_threshold"]

RELAXATION = 1.6  # between 1.5 and 1.8 after Boyd et al. (2011), section 3.4.3
PATIENCE = 5  # steps in which no sign of z has changed, before the first try to finish


def lasso(
    W: ArrayLike,
    y: ArrayLike,
    penalty: float,
    *,
    rho: float = 1.0,
    start: ArrayLike | None = None,
    steps: int = 10_000,
    tol: float = 1e-8,
    record_every: int | None = None,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Minimize a squared error plus a penalty that sets coordinates to zero.

    .. math::
        g(\theta) &= \frac{1}{T} \lVert W\theta - y \rVert_2^2 + \lambda \lVert \theta \rVert_1 \\
        \theta &\leftarrow \Bigl(\frac{2}{T} W^T W + \rho I\Bigr)^{-1}
            \Bigl(\frac{2}{T} W^T y + \rho (z - u)\Bigr) \\
        z &\leftarrow S_{\lambda/\rho}\bigl(\hat\theta + u\bigr), \qquad
        u \leftarrow u + \hat\theta - z, \qquad \hat\theta = 1.6\,\theta - 0.6\,z

    Here S is the :func:`lecturecode.alternating.soft_threshold`, u adds up by how much the copies
    disagreed, and the z in :math:`\hat\theta` is the one before its step. Once the signs of z have
    settled, the rest is a system of linear equations for the coordinates that are not zero; if its
    solution meets the conditions of a minimum, it is the last step.

    Parameters
    ----------
    W : array of shape (T, P)
        The design matrix.
    y : array of shape (T,)
        The targets.
    penalty : float
        The weight :math:`\lambda \ge 0`, in the units of g per unit of theta. From
        :func:`lecturecode.largest_penalty` on, theta is zero.
    rho : float
        How strongly the copies are pulled together, for columns scaled as below; it changes the speed,
        not the answer.
    start : array of shape (P,), optional
        Where z begins, such as the theta of a penalty nearby; zero if not given.
    steps : int
        The most steps.
    tol : float
        Stop also when both residuals, the primal :math:`\lVert\theta - z\rVert` and the dual
        :math:`\rho\lVert z - z_{\text{before}}\rVert`, are at most tol times the norm of
        :math:`\frac{2}{T} W^T y`, in the units below.
    record_every, callback, progress
        As for :func:`lecturecode.minimize`.

    Returns
    -------
    Trace
        `thetas` are the z, which have exact zeros; ``extras`` has "primal" and "dual", the two
        residuals. The value may rise on the way: ADMM is no descent. When it has converged, `theta` is
        the last one.

    Raises
    ------
    TypeError
        If arrays of different kinds are mixed, or `penalty` is not a number.
    ValueError
        If shapes do not fit, if data are empty or not finite, if `penalty` is negative, or if another
        number is out of range.

    Warns
    -----
    LostDigitsWarning
        If fewer than three digits of theta are left, because the coordinates that are not zero belong
        to nearly dependent columns.

    Notes
    -----
    The matrix of the first line is the same at each step, so it is factored once, and the triangle
    inverted; adding :math:`\rho I` keeps it well conditioned. One rho has to suit all coordinates, so
    the columns are scaled first such that the diagonal of :math:`\frac{2}{T} W^T W` is one, and each
    coordinate's penalty with them.

    If g, in squared units, leaves the range of the numbers, theta is right all the same, and the message
    says so.

    There is no constant term: take the mean from y and from each column of W, or a column of ones will
    be penalized like the others. scikit-learn's Lasso has :math:`\frac{1}{2T}` before the squares: its
    `alpha` is half of `penalty`.

    References
    ----------
    Boyd, Parikh, Chu, Peleato & Eckstein, Distributed optimization and statistical learning via the
    alternating direction method of multipliers, *Foundations and Trends in Machine Learning* 3 (2011),
    sections 3.3, 3.4 and 6.4.

    Examples
    --------
    >>> lasso([[1.0, 0.0], [0.0, 1.0]], [3.0, 0.2], 1.0).theta.round(6).tolist()
    [2.0, 0.0]
    """
    _, W, y = arrays({"W": "T P", "y": "T"}, W=detached(W), y=detached(y))
    penalty = real(penalty, "penalty", "[0, inf)")
    rho = real(rho, "rho", "(0, inf)")
    steps = whole(steps, "steps")
    tol = real(tol, "tol", "[0, inf]")
    columns, targets = exponents(W), exponent(y)
    units = Units(targets - columns, 2 * targets)
    V, t = times_power(W, -columns), times_power(y, -targets)
    penalties = compat.array_namespace(W).asarray(
        np.ldexp(penalty, -targets - columns), dtype=W.dtype, device=compat.device(W)
    )
    problem, z = scaled(V, t, penalties), None
    if start is not None:
        _, _, given = arrays({"W": "T P", "start": "P"}, W=W, start=detached(start))
        z = times_power(given, columns - targets) * problem.lengths
    trace = collect(
        split(problem, rho, tol, z),
        steps=steps,
        until=[finite],
        used_up=f"used up all {steps} steps before it settled",
        record_every=record_every,
        callback=callback,
        progress=progress,
        shown=units.shown,
    )
    trace = units.finish(trace)
    if not trace.converged:
        return trace
    active = trace.last != 0
    if "all conditions" in trace.message and bool(active.any()):  # equations were solved at the end
        gap = least_singular_value(problem.H[active, :][:, active])
        warn_of_digits(gap, W, "a larger penalty leaves more of them out")
    # Within rounding the last values are equal, and the last theta is the most accurate.
    return replace(trace, theta=copied(trace.last), value=float(trace.values[-1]))


class Problem(NamedTuple):
    """g = z^T H z / 2 - b^T z + level + penalties^T |z|, with z = lengths * theta, so that H_pp = 1."""

    W: Array
    y: Array
    H: Array
    b: Array
    level: Array
    penalties: Array
    lengths: Array

    def step(self, name: str, z: Array, primal: Array, dual: Array, done: End | None = None) -> Step:
        """Return the theta of z, g there, and the two residuals."""
        xp, theta = compat.array_namespace(z), z / self.lengths
        if done:  # the value that is returned; the differences below lose digits where the fit is close
            r = self.W @ theta - self.y
            error = (r * r).sum() / r.shape[0]
        else:
            error = z @ (self.H @ z) / 2 - self.b @ z + self.level
        value = error + (self.penalties * xp.abs(z)).sum()
        return Step(theta, value, 1, {"primal": primal, "dual": dual}, name, done)


@np.errstate(all="ignore")
def scaled(W: Array, y: Array, penalty: Array) -> Problem:
    """Return g in the coordinates z, whose columns have the diagonal H_pp = 1."""
    xp, T = compat.array_namespace(W), W.shape[0]
    H = 2 / T * (W.T @ W)
    squares = xp.linalg.diagonal(H)
    lengths = xp.where(squares == 0, xp.ones_like(squares), squares) ** 0.5
    H /= lengths[:, None] * lengths
    b = 2 / T * (W.T @ y) / lengths
    return Problem(W, y, H, b, (y * y).sum() / T, penalty / lengths, lengths)


def split(g: Problem, rho: float, tol: float, z: Array | None = None) -> Steps:
    """Minimize over theta, then over its copy z, and let u add up by how much they disagree."""
    xp, b = compat.array_namespace(g.b), g.b
    R = _inverse_triangle(_triangle(g, rho))  # so that the inverse of H + rho I is R^T R
    zero, size = norm(xp.zeros_like(b)), norm(b)
    if z is None:
        z = u = xp.zeros_like(b)
    else:
        u = xp.minimum(xp.maximum(b - g.H @ z, -g.penalties), g.penalties) / rho
    yield g.step("the start", z, zero, zero)
    calm, patience = 0, PATIENCE
    done: End | None = None
    while not done:
        theta = R.T @ (R @ (b + rho * (z - u)))
        relaxed = RELAXATION * theta + (1 - RELAXATION) * z
        before, z = z, shrunk(relaxed + u, g.penalties / rho)
        u = u + relaxed - z
        primal, dual = norm(theta - z), rho * norm(z - before)
        agree = bool((primal <= tol * size) & (dual <= tol * size))
        calm = calm + 1 if bool((xp.sign(z) == xp.sign(before)).all()) else 0
        if agree or calm == patience:
            exact = _finished(g, z)
            if exact is not None:
                done = True, "all conditions of a minimum hold {place}"
                yield g.step("the finish", exact, zero, zero, done)
                return done
            calm, patience = 0, 2 * patience
        done = (True, f"both residuals are at most tol = {tol:g} {{place}}") if agree else None
        yield g.step("the step", z, primal, dual, done)
    return done


def _triangle(g: Problem, rho: float) -> Array:
    """Return the lower triangle L with L L^T = H + rho I.

    Raises
    ------
    ValueError
        If what is left of some column beside the others, at least rho, is no more than rounding.
    """
    xp, (T, P) = compat.array_namespace(g.H), g.W.shape
    one = xp.eye(P, dtype=g.H.dtype, device=compat.device(g.H))
    try:
        L = xp.linalg.cholesky(g.H + rho * one)
        least = float(xp.min(xp.linalg.diagonal(L))) ** 2
    except Exception as error:
        if not says_singular(error):
            raise
        least = 0.0
    if not least >= (10 * P + T**0.5) * float(xp.finfo(g.H.dtype).eps):
        raise ValueError(
            f"rho = {rho:g} is lost in rounding beside the dependent columns of W; try rho=1"
        )
    return L


def _inverse_triangle(L: Array) -> Array:
    """Return the inverse of a lower triangle by halves, in a sixth of the work for a full matrix.

    Two blocks with the inverses A and B, and C below the first, have the inverse with A, B and -B C A.
    """
    xp, half = compat.array_namespace(L), L.shape[0] // 2
    if half < 16:
        return xp.linalg.inv(L)
    A, B = _inverse_triangle(L[:half, :half]), _inverse_triangle(L[half:, half:])
    R = xp.zeros_like(L)
    R[:half, :half], R[half:, half:] = A, B
    R[half:, :half] = -B @ (L[half:, :half] @ A)
    return R


def _finished(g: Problem, z: Array) -> Array | None:
    """Return the minimizer with the signs s of z, if there is one: H_AA z_A = b_A - penalties_A s_A."""
    xp = compat.array_namespace(z)
    signs, active = xp.sign(z), z != 0
    exact = xp.zeros_like(z)
    if bool(active.any()):
        pull = (g.b - g.penalties * signs)[active]
        try:
            exact[active] = xp.linalg.solve(g.H[active, :][:, active], pull)
        except Exception as error:
            if not says_singular(error):
                raise
            return None  # dependent columns: the residuals decide
    slopes = g.b - g.H @ exact
    slack = 1000 * float(xp.finfo(z.dtype).eps) * norm(g.b)
    misses = xp.where(active, xp.abs(slopes - g.penalties * signs), xp.abs(slopes) - g.penalties)
    valid = bool((misses <= slack).all()) and bool((exact * signs >= 0).all())
    return exact if valid else None


@np.errstate(all="ignore")
def soft_threshold(theta: ArrayLike, threshold: ArrayLike) -> Array:
    r"""Pull each coordinate towards zero by `threshold`, and set those to zero that are closer.

    It is the minimizer :math:`S_\kappa(a) = \operatorname*{argmin}_z \tfrac12 (z - a)^2 + \kappa |z|`.

    Parameters
    ----------
    theta : array of shape (..., P)
        The points a.
    threshold : float or array of shape (P,)
        The length :math:`\kappa \ge 0`, in the units of theta.

    Returns
    -------
    array of shape (..., P)
        The minimizers.

    Raises
    ------
    TypeError, ValueError
        If arrays of different kinds are mixed; if `threshold` is negative or of another shape, or a
        number not finite.

    Examples
    --------
    >>> soft_threshold([3.0, -0.5, -2.0], 1.0).tolist()
    [2.0, 0.0, -1.0]
    """
    _, theta, threshold = real_arrays(theta=theta, threshold=threshold)
    if tuple(threshold.shape) not in ((), tuple(theta.shape)[-1:]):
        raise ValueError(
            f"threshold must be a number or have shape ({theta.shape[-1] if theta.ndim else 'P'},), one "
            f"entry per coordinate; got {tuple(threshold.shape)}"
        )
    if bool((threshold < 0).any()):
        raise ValueError("threshold must be at least 0 in each coordinate")
    return shrunk(theta, threshold)


def shrunk(theta: Array, threshold: Array) -> Array:
    """Return the soft threshold of checked arrays."""
    return theta - compat.array_namespace(theta).clip(theta, -threshold, threshold)


@np.errstate(all="ignore")
def largest_penalty(W: ArrayLike, y: ArrayLike) -> float:
    r"""Return the least penalty at which :func:`lasso` sets all coordinates to zero.

    .. math:: \lambda_{\max} = \frac{2}{T} \lVert W^T y \rVert_\infty

    Parameters
    ----------
    W : array of shape (T, P)
        The design matrix.
    y : array of shape (T,)
        The targets.

    Returns
    -------
    float
        The penalty, in the units of `lasso`.

    Raises
    ------
    TypeError, ValueError
        As for :func:`lasso`.

    Examples
    --------
    >>> largest_penalty([[1.0, 0.0], [0.0, 1.0]], [3.0, 0.2])
    3.0
    """
    _, W, y = arrays({"W": "T P", "y": "T"}, W=detached(W), y=detached(y))
    columns, targets = exponents(W), exponent(y)
    slopes = on_host(times_power(W, -columns).T @ times_power(y, -targets))
    largest = float(np.ldexp(abs(slopes.astype(float)), columns + targets).max()) * 2 / W.shape[0]
    if not math.isfinite(largest):
        raise ValueError(out_of_range("the penalty", np.empty(0)))
    return largest
