"""Zeros of the gradient: find a point where g is flat, and tell what kind of point it is."""

import math
from collections.abc import Callable
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, as_array, check_finite, check_steps, on_host
from lecturecode.evaluation import call, check_callable
from lecturecode.trace import Recorder, Trace


def find_stationary_point(
    gradient: Callable[[Array], Array],
    hessian: Callable[[Array], Array],
    theta: Any,
    *,
    steps: int = 100,
    tol: float = 1e-10,
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
    tol : float
        Flat means a gradient whose 2-norm is at most this.

    Returns
    -------
    Trace
        Its ``values`` are the norms of the gradient, since g itself is not asked for; ``theta`` is the
        flattest point visited.

    Raises
    ------
    TypeError
        If `gradient` or `hessian` is not callable.
    ValueError
        If `steps` is smaller than 1, `tol` is negative, or a shape is wrong.

    Notes
    -----
    Convergence is quadratic where the Hessian is regular, each step doubling the correct digits. Where
    it is singular, as at the monkey saddle, the pseudo-inverse :math:`H^+` keeps the step finite and
    convergence is merely linear. On the way the gradient itself may get longer, as it must in a curved
    valley like Rosenbrock's. The search can also end where the Hessian is singular and the gradient is
    not zero; then ``converged`` is False, and another start helps.

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
    check_callable(gradient, "gradient")
    check_callable(hessian, "hessian")
    check_steps(steps, tol)
    theta = as_array(theta)
    if theta.ndim != 1 or theta.shape[0] == 0:
        raise ValueError(f"theta must have shape (P,) with P >= 1; got {tuple(theta.shape)}")
    check_finite(theta, "theta")
    xp = compat.array_namespace(theta)
    size = theta.shape[0]
    slope = _shaped(call(gradient, theta, step=0), (size,), "gradient")
    norm = _norm(slope)
    recorder = Recorder()
    recorder.add(theta, norm)
    for i in range(steps):
        if norm <= tol:
            return recorder.trace(_flat(i, tol), converged=True)
        H = _shaped(call(hessian, theta, step=i), (size, size), "hessian")
        if not math.isfinite(float(norm)) or not bool(xp.all(xp.isfinite(H))):
            return recorder.trace(
                f"stopped at step {i}: the gradient or Hessian is not finite",
            )
        inverse = xp.linalg.pinv(H)
        direction = inverse @ slope
        t, calls = 1.0, 0
        while True:
            nearer = theta - t * direction
            slope = _shaped(call(gradient, nearer, step=i + 1), (size,), "gradient")
            calls += 1
            if _norm(inverse @ slope) < _norm(direction) or _norm(slope) < norm:
                break
            t /= 2
            if t < 1e-10:
                return recorder.trace(
                    f"stuck at step {i}: no step along Newton's direction brings the zero "
                    f"nearer; the gradient's norm is {float(norm):.3g}; try another start",
                )
        theta, norm = nearer, _norm(slope)
        recorder.add(theta, norm, calls)
    if norm <= tol:
        return recorder.trace(_flat(steps, tol), converged=True)
    return recorder.trace(
        f"used up all {steps} steps; the gradient's norm is {float(norm):.3g}",
    )


def classify(hessian: Any, *, tol: float | None = None) -> str | np.ndarray:
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
    ValueError
        If the matrix is not square, not symmetric, or not finite.

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
    H = as_array(hessian, "hessian")
    if H.ndim < 2 or H.shape[-1] != H.shape[-2] or 0 in H.shape:
        raise ValueError(f"the Hessian must have shape (..., P, P); got {tuple(H.shape)}")
    check_finite(H, "hessian")
    xp = compat.array_namespace(H)
    eps = float(xp.finfo(H.dtype).eps)
    largest = xp.max(xp.abs(H), axis=(-2, -1), keepdims=True)
    if bool(xp.any(xp.abs(H - xp.matrix_transpose(H)) > eps**0.5 * largest)):
        raise ValueError("the Hessian must be symmetric; use (H + H.T) / 2 if only rounding differs")
    lam = on_host(xp.linalg.eigvalsh(H))
    rounding = H.shape[-1] * eps * np.abs(lam).max(-1, keepdims=True)
    zero = rounding if tol is None else tol
    up, down = lam > zero, lam < -zero
    kind = np.select(
        [up.all(-1), down.all(-1), up.any(-1) & down.any(-1)],
        ["minimum", "maximum", "saddle"],
        "inconclusive",
    )
    return str(kind) if kind.ndim == 0 else kind


def _shaped(value: Array, shape: tuple[int, ...], name: str) -> Array:
    got = getattr(value, "shape", None)
    if got is None or tuple(got) != shape:
        described = type(value).__name__ if got is None else f"shape {tuple(got)}"
        raise ValueError(f"{name} returned {described}; for this theta it must have shape {shape}")
    return value


def _norm(vector: Array) -> Array:
    return (vector * vector).sum() ** 0.5


def _flat(step: int, tol: float) -> str:
    return f"the gradient is flat at step {step}: its norm is at most tol = {tol:g}"
