"""The one first-order loop: evaluate value and gradient, record, stop when flat, step.

Every descent of the book runs through :func:`minimize`; only the optimizer and the function change.
"""

import math
from collections.abc import Callable
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, as_array, check_finite, check_steps, detached, on_host, same_kind
from lecturecode.evaluation import call, check_callable, number
from lecturecode.objectives import Objective
from lecturecode.optimizers import GradientDescent, Optimizer, check_optimizer
from lecturecode.trace import Callback, Recorder, Trace

ValueAndGradient = Callable[[Array], tuple[Array, Array]]
"""Takes theta of shape (..., P), returns g of shape (...) and its gradient of shape (..., P)."""


def minimize(
    value_and_gradient: ValueAndGradient,
    theta: Any,
    optimizer: Optimizer,
    *,
    steps: int,
    tol: float = 1e-8,
    record_every: int = 1,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Repeat the optimizer's step until the gradient vanishes, or the steps are used up.

    .. math:: \theta^{(i+1)}, s^{(i+1)} \leftarrow
        \operatorname{step}\bigl(\theta^{(i)}, \nabla g(\theta^{(i)}), s^{(i)}\bigr)

    Parameters
    ----------
    value_and_gradient : callable
        Returns g(theta), shape (...), and its gradient, shape (..., P).
    theta : array of shape (P,), or (M, P) for M starts that descend side by side
        The start :math:`\theta^{(0)}`.
    optimizer : Optimizer
        The update rule, for instance ``GradientDescent(0.1)``.
    steps : int
        The most steps to take, at least 1.
    tol : float
        Flat means a gradient whose 2-norm is at most this; for M starts, all of them.
    record_every : int
        Keep one iterate in this many steps; 0 keeps only the best and the last one.
    callback : callable, optional
        Called with the trace so far after each step; returning True stops.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Trace
        One value more than steps taken. When g turns NaN or infinite the run stops, with the best
        finite theta and ``converged=False``; Ctrl-C likewise returns what there is. Of several starts,
        those that diverge are left behind and the others go on.

    Raises
    ------
    TypeError, ValueError
        If an argument has the wrong kind or range, or if g or its gradient has the wrong shape.
    Exception
        Whatever `value_and_gradient` raises, with theta and the step in a note, and with attributes
        ``theta`` and ``trace``, the trace so far (None when the start itself failed).

    Notes
    -----
    A step costs one evaluation. The stopping rule reads one number per step, which on a GPU waits
    for the device.

    Examples
    --------
    >>> def value_and_gradient(theta):
    ...     return (theta**2).sum(-1), 2 * theta
    >>> rule = GradientDescent(0.25)
    >>> minimize(value_and_gradient, [3.0], rule, steps=3).thetas.ravel()
    array([3.   , 1.5  , 0.75 , 0.375])
    """
    check_callable(value_and_gradient, "value_and_gradient")
    check_optimizer(optimizer)
    check_steps(steps, tol)
    theta = _start(theta)
    evaluations = math.prod(theta.shape[:-1])
    recorder = Recorder(record_every)
    state = optimizer.init(theta)
    bar = _progress_bar(steps) if progress else None
    message = f"used up all {steps} steps before the gradient was flat"
    converged = False
    try:
        with np.errstate(over="ignore", invalid="ignore"):
            for i in range(steps + 1):
                answer = call(value_and_gradient, theta, step=i)
                theta, value, gradient = _checked(theta, answer)
                recorder.add(theta, value, evaluations)
                flat, lost = _flat_and_lost(value, gradient, tol)
                if lost:
                    message = _diverged(i, theta, value)
                    break
                if flat:
                    converged, message = _success(i, tol, value)
                    break
                if callback and callback(recorder.trace(f"at step {i}")):
                    message = f"stopped by the callback at step {i}"
                    break
                if i < steps:
                    theta, state = optimizer.step(theta, gradient, state)
                    if bar is not None:
                        bar.update()
    except KeyboardInterrupt:
        if recorder.last is None:
            raise
        message = f"interrupted after {recorder.values.count - 1} steps"
    except Exception as error:
        started = recorder.last is not None
        so_far = recorder.trace(str(error)) if started else None
        error.trace = so_far  # type: ignore[attr-defined]
        raise
    finally:
        if bar is not None:
            bar.close()
    return recorder.trace(message, converged=converged)


def gradient_descent(
    g: Objective,
    theta: Any,
    learning_rate: float,
    *,
    steps: int,
    tol: float = 1e-8,
    record_every: int = 1,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Minimize g by gradient descent from theta.

    .. math:: \theta^{(i+1)} \leftarrow \theta^{(i)} - \epsilon\, \nabla g(\theta^{(i)})

    Parameters
    ----------
    g : Objective
        A function with a ``gradient`` method, such as those of :mod:`lecturecode.objectives`;
        ``objectives.Function(value, gradient)`` makes one of your own.
    theta : array of shape (P,), or (M, P) for M starts
        The start :math:`\theta^{(0)}`.
    learning_rate : float
        The lecture's :math:`\epsilon`.
    steps, tol, record_every, callback, progress
        As for :func:`minimize`.

    Returns
    -------
    Trace
        See :func:`minimize`.

    Raises
    ------
    TypeError
        If `g` is not callable or has no gradient.
    ValueError
        As for :func:`minimize` and :class:`GradientDescent`.

    Notes
    -----
    On a quadratic with eigenvalues :math:`\lambda_p > 0` the error along eigenvector p shrinks by the
    factor :math:`|1 - \epsilon\lambda_p|` per step. The worst of these factors is smallest for
    :math:`\epsilon = 2/(\lambda_{\min}+\lambda_{\max})` and exceeds 1 beyond :math:`2/\lambda_{\max}`.

    References
    ----------
    Nocedal & Wright, *Numerical Optimization*, 2nd ed. (2006), section 3.3.

    Examples
    --------
    >>> from lecturecode.objectives import Quadratic
    >>> g = Quadratic([1.0, 3.0])
    >>> trace = gradient_descent(g, [1.0, 1.0], 0.5, steps=100)
    >>> trace.converged, trace.steps
    (True, 29)
    """
    check_callable(g)
    if not callable(getattr(g, "gradient", None)):
        raise TypeError(
            "g has no gradient, and gradient descent needs one; "
            "give objectives.Function(value=g, gradient=...)"
        )

    def value_and_gradient(theta: Array) -> tuple[Array, Array]:
        return g(theta), g.gradient(theta)

    return minimize(
        value_and_gradient,
        theta,
        GradientDescent(learning_rate),
        steps=steps,
        tol=tol,
        record_every=record_every,
        callback=callback,
        progress=progress,
    )


def check_gradient(g: Callable[[Array], Array], gradient: Callable[[Array], Array], theta: Any) -> float:
    r"""Compare a gradient with central differences, coordinate by coordinate.

    .. math:: \frac{\partial g}{\partial\theta_p} \approx
        \frac{g(\theta + h e_p) - g(\theta - h e_p)}{2h}, \qquad h \propto u^{1/3}

    Here :math:`e_p` is the unit vector of coordinate p, and u the distance from 1 to the next number of
    the dtype.

    Parameters
    ----------
    g : callable
        Takes theta of shape (P,), returns a number.
    gradient : callable
        Takes theta of shape (P,), returns shape (P,).
    theta : array of shape (P,)
        Where to compare; a generic point shows more than a special one.

    Returns
    -------
    float
        The largest difference, relative to the largest entry of either gradient.

    Raises
    ------
    TypeError
        If `g` or `gradient` is not callable.
    ValueError
        If a coordinate differs by more than the accuracy of central differences allows; the message
        names the coordinate and both numbers. Also if the gradient has the wrong shape.

    References
    ----------
    Nocedal & Wright, *Numerical Optimization*, 2nd ed. (2006), section 8.1.

    Examples
    --------
    >>> def g(theta):
    ...     return theta[0] ** 2 + 3 * theta[1]
    >>> theta = [2.0, 1.0]
    >>> check_gradient(g, lambda t: np.array([2 * t[0], 3.0]), theta) < 1e-8
    True
    >>> check_gradient(g, lambda t: np.array([2 * t[0], -3.0]), theta)
    Traceback (most recent call last):
    ValueError: the gradient is wrong in coordinate 1: it says -3,
    central differences say 3
    """
    check_callable(g)
    check_callable(gradient, "gradient")
    theta = _start(theta)
    if theta.ndim != 1:
        raise ValueError(f"theta must have shape (P,); got {tuple(theta.shape)}")
    claimed = call(gradient, theta)
    if getattr(claimed, "shape", None) != theta.shape:
        raise ValueError(_wrong_gradient_shape(claimed, theta))
    xp = compat.array_namespace(theta)
    eps = float(xp.finfo(theta.dtype).eps)
    stated, here = on_host(claimed).astype(float), number(g, theta)
    measured, allowed = np.zeros_like(stated), np.zeros_like(stated)
    for p in range(theta.shape[0]):
        h = eps ** (1 / 3) * max(1.0, abs(float(theta[p])))
        slopes = []
        for reach in (2 * h, h):
            up, down = xp.asarray(theta, copy=True), xp.asarray(theta, copy=True)
            up[p], down[p] = theta[p] + reach, theta[p] - reach
            above, below = number(g, up), number(g, down)
            slopes.append((above - below) / float(up[p] - down[p]))
        measured[p] = slopes[1]
        # Three errors that are nobody's fault: of the difference quotient, of theta, and of g.
        truncation = abs(slopes[0] - slopes[1])
        position = abs(slopes[1]) + abs(above - 2 * here + below) / h
        rounding = max(abs(above), abs(below)) / h
        allowed[p] = 2 * truncation + eps**0.4 * position + 10 * eps * rounding
    errors = np.abs(stated - measured)
    wrong = ~(errors <= allowed)
    if wrong.any():
        worst = int(np.argmax(np.where(np.isnan(errors), np.inf, np.where(wrong, errors, -1.0))))
        raise ValueError(
            f"the gradient is wrong in coordinate {worst}: it says {stated[worst]:.6g}, "
            f"central differences say {measured[worst]:.6g}"
        )
    scale = max(np.abs(stated).max(), np.abs(measured).max())
    return float(errors.max() / scale) if scale else 0.0


def _start(theta: Any) -> Array:
    theta = as_array(theta)
    if theta.ndim == 0 or 0 in theta.shape:
        raise ValueError(
            f"theta must have shape (P,) with P >= 1; got {tuple(theta.shape)}. "
            "A single parameter is written [3.0]"
        )
    if theta.ndim > 2:
        raise ValueError(f"theta must have shape (P,) or (M, P); got {tuple(theta.shape)}")
    check_finite(theta, "theta")
    if compat.is_torch_array(theta):
        return theta.detach().clone()
    return theta.copy()


def _checked(theta: Array, answer: Any) -> tuple[Array, Array, Array]:
    """Return theta, value and gradient as arrays of one kind, without the graphs of autograd."""
    if not isinstance(answer, tuple | list) or len(answer) != 2:
        raise TypeError(
            f"value_and_gradient must return the pair (g(theta), gradient); got "
            f"{type(answer).__name__}. For an objective g: lambda theta: (g(theta), g.gradient(theta))"
        )
    theta, value, gradient = detached(theta), detached(answer[0]), detached(answer[1])
    if getattr(gradient, "shape", None) != theta.shape:
        raise ValueError(_wrong_gradient_shape(gradient, theta))
    gradient = same_kind(gradient, theta, "the gradient", "theta")
    if not hasattr(value, "dtype") or value.dtype != theta.dtype:
        xp = compat.array_namespace(theta)
        value = as_array(value, "g(theta)")
        value = xp.asarray(value, dtype=theta.dtype, device=compat.device(theta))
    if value.shape != theta.shape[:-1]:
        raise ValueError(
            f"g returned shape {tuple(value.shape)} for theta of shape {tuple(theta.shape)}; "
            f"it must return {tuple(theta.shape[:-1])}, one number per point"
        )
    return theta, value, gradient


def _wrong_gradient_shape(gradient: Any, theta: Array) -> str:
    shape = getattr(gradient, "shape", None)
    got = f"is a {type(gradient).__name__}" if shape is None else f"has shape {tuple(shape)}"
    return (
        f"the gradient {got} and theta has shape {tuple(theta.shape)}; they must be equal: "
        "one partial derivative per coordinate"
    )


def _flat_and_lost(value: Array, gradient: Array, tol: float) -> tuple[bool, bool]:
    """Tell whether the gradient is flat everywhere, and whether no point has a finite value left."""
    if value.ndim == 0:
        number = float(value)
        if not math.isfinite(number):
            return False, True
        return math.sqrt(float((gradient * gradient).sum())) <= tol, False
    xp = compat.array_namespace(value)
    alive = xp.isfinite(value)
    flat = (gradient * gradient).sum(-1) ** 0.5 <= tol
    return bool(xp.all(flat | ~alive)), not bool(xp.any(alive))


def _success(i: int, tol: float, value: Array) -> tuple[bool, str]:
    xp = compat.array_namespace(value)
    lost = int((~xp.isfinite(value)).sum())
    if lost:
        return False, f"{lost} of {value.shape[0]} starts diverged, the others are flat at step {i}"
    return True, f"the gradient is flat at step {i}: its norm is at most tol = {tol:g}"


def _diverged(i: int, theta: Array, value: Array) -> str:
    if i == 0:
        return "g is not finite at the start; try another start"
    where = "from all starts " if theta.ndim > 1 else ""
    if theta.ndim == 1 and float(value) == -math.inf:
        return f"diverged at step {i}: g fell to minus infinity; it has no lower bound this way"
    return f"diverged {where}at step {i}: g is not finite; try a smaller learning_rate"


def _progress_bar(steps: int) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=steps, desc="minimize", unit="step")
