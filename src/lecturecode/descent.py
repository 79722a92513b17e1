"""The one first-order method: evaluate value and gradient, stop when flat, step.

Every descent of the book is :func:`descend`; only the optimizer and the function change.
"""

import math
from collections.abc import Callable
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import (
    Array,
    ArrayLike,
    as_array,
    as_start,
    copied,
    detached,
    length,
    lengths,
    lent,
    namespace,
    on_host,
    same_kind,
)
from lecturecode.door import function, protocol, real, whole
from lecturecode.evaluation import call, number, precision
from lecturecode.iteration import End, Step, Steps, collect
from lecturecode.objectives.function import PURE, Objective, reads_only
from lecturecode.optimizers import GradientDescent, Optimizer, apart
from lecturecode.trace import Callback, Trace

ValueAndGradient = Callable[[Any], tuple[Any, Array]]
"""Takes theta of shape (..., P), returns g of shape (...) and its gradient of shape (..., P)."""

Evaluated = Callable[[Any], tuple[Array, Array, Array]]
"""Takes theta, returns theta, g and the gradient as arrays of one kind."""


def minimize(
    value_and_gradient: ValueAndGradient | Objective,
    theta: ArrayLike,
    optimizer: Optimizer,
    *,
    steps: int,
    tol: float = 1e-8,
    record_every: int | None = None,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Repeat the optimizer's step until the gradient vanishes, or the steps are used up.

    .. math:: \theta^{(i+1)}, s^{(i+1)} \leftarrow
        \operatorname{step}\bigl(\theta^{(i)}, \nabla g(\theta^{(i)}), s^{(i)}\bigr)

    Parameters
    ----------
    value_and_gradient : callable or Objective
        Returns g(theta), shape (...), and its gradient, shape (..., P). Or a g that has a method
        ``value_and_gradient``, or ``gradient``, as those of :mod:`lecturecode.objectives` have.
    theta : array of shape (P,), or (M, P) for M starts that descend side by side
        The start :math:`\theta^{(0)}`.
    optimizer : Optimizer
        The update rule, for instance ``GradientDescent(0.1)``.
    steps : int
        The most steps to take, at least 1.
    tol : float
        Flat means a gradient whose 2-norm is at most this; for M starts, all of them. It is measured as
        the gradient is, by the unit of g over that of theta, and the default is meant for gradients that
        begin at about 1: in other units give one, such as 1e-8 times the norm at the start.
    record_every : int, optional
        Keep one iterate in this many steps; 0 keeps only the best and the last one. If it is not given,
        all are kept up to 128 MiB, then every second one, and so on; the message of the trace says so.
    callback : callable, optional
        Called with the trace so far after each step; returning True stops.
        It is there to be read: arrays are read-only views, and tensors are copied when asked for.
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

    A g that knows its gradient comes as it is:

    >>> from lecturecode.objectives import Quadratic
    >>> minimize(Quadratic([2.0]), [3.0], rule, steps=3).thetas.ravel()
    array([3.   , 1.5  , 0.75 , 0.375])
    """
    f = _pair_of(function(value_and_gradient, "value_and_gradient"))
    protocol(optimizer, "optimizer", ("init", "step"), "GradientDescent(0.1)")
    steps, tol = whole(steps, "steps"), real(tol, "tol", "[0, inf]")
    return collect(
        descend(_checked(f), as_start(theta, many=True), apart(optimizer), tol),
        steps=steps,
        until=[lost],
        used_up=f"used up all {steps} steps before the gradient was flat",
        record_every=record_every,
        callback=callback,
        progress=progress,
    )


def descend(f: Evaluated, theta: Array, optimizer: Optimizer, tol: float) -> Steps:
    """Take the optimizer's step again and again, until the gradient is flat."""
    starts, state = math.prod(theta.shape[:-1]), optimizer.init(theta)
    while True:
        theta, value, gradient = f(theta)
        done = flat(value, gradient, tol)
        yield Step(theta, value, starts, done=done)
        if done:
            return done
        theta, state = optimizer.step(theta, gradient, state)


def gradient_descent(
    g: Objective,
    theta: ArrayLike,
    learning_rate: float,
    *,
    steps: int,
    tol: float = 1e-8,
    record_every: int | None = None,
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
        If `g` is no function or has no gradient.
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
    if not callable(getattr(function(g, "g"), "gradient", None)):
        raise TypeError(
            "g has no gradient, and gradient descent needs one; "
            "give objectives.Function(value=g, gradient=...)"
        )

    return minimize(
        g,
        theta,
        GradientDescent(learning_rate),
        steps=steps,
        tol=tol,
        record_every=record_every,
        callback=callback,
        progress=progress,
    )


def _pair_of(g: Any) -> ValueAndGradient:
    """Return the function of the pair: that of an objective, or what was given."""
    inherited = getattr(type(g), "value_and_gradient", None) is Objective.value_and_gradient
    if callable(getattr(g, "value_and_gradient", None)) and (type(g) in PURE or not inherited):
        return g.value_and_gradient  # both in one pass
    if callable(getattr(g, "gradient", None)):
        return lambda theta: (lent(g(copied(theta))), g.gradient(theta))
    return g


@np.errstate(all="ignore")
def check_gradient(g: Callable[[Any], Any], gradient: Callable[[Any], Array], theta: ArrayLike) -> float:
    r"""Compare a gradient with central differences, coordinate by coordinate.

    .. math:: \frac{\partial g}{\partial\theta_p} \approx
        \frac{g(\theta + h e_p) - g(\theta - h e_p)}{2h}, \qquad h \propto u^{1/3}

    Here :math:`e_p` is the unit vector of coordinate p, and u the distance from 1 to the next number of
    the dtype. The step is relative to :math:`\max(1, |\theta_p|)`; where that tells nothing, because g
    changes too much or too little within it, and where :math:`|\theta_p|` is small, it is relative to
    :math:`|\theta_p|`.

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
        If `g` or `gradient` is no function.
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
    function(g, "g")
    function(gradient, "gradient")
    theta = as_start(theta)
    claimed = call(gradient, theta)
    if getattr(claimed, "shape", None) != theta.shape:
        raise ValueError(_wrong_gradient_shape(claimed, theta))
    stated, here = on_host(claimed).astype(float), number(g, theta)
    eps = max(_eps(theta), _eps(claimed), _precision_of(g, theta))
    measured, allowed = np.zeros_like(stated), np.zeros_like(stated)
    for p in range(theta.shape[0]):
        measured[p], allowed[p] = _central_slope(g, theta, p, here, eps)
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


def _eps(array: Array) -> float:
    xp = compat.array_namespace(array)
    return float(xp.finfo(array.dtype).eps) if xp.isdtype(array.dtype, "real floating") else 0.0


def _precision_of(g: Callable[[Array], Array], theta: Array) -> float:
    """Return the precision in which g computes, as far as its values close to theta tell."""
    xp, P = compat.array_namespace(theta), theta.shape[0]
    size = xp.where(theta == 0, xp.max(xp.abs(theta)), theta)
    size = xp.where(size == 0, xp.ones_like(size), size)
    values = []
    for turn in range(1, 4):  # by different parts in each coordinate, or an even g would not notice
        parts = [(turn * (p + 1) * 0.6180339887498949) % 1 for p in range(P)]
        moves = xp.asarray(parts, dtype=theta.dtype, device=compat.device(theta))
        values.append(number(g, theta + _eps(theta) ** 0.5 * size * moves))
    return precision(values)


CLEAR = 0.1
"""A slope is known well enough to be judged when its error is at most this part of it."""


def _central_slope(
    g: Callable[[Array], Array], theta: Array, p: int, here: float, eps: float
) -> tuple[float, float]:
    """Return the slope along axis p by central differences, and its error.

    A step relative to max(1, |theta_p|) may be far too long. So where that tells nothing, shorter ones
    are tried, unless g looks like a parabola whose vertex is near.
    """
    coordinate = abs(float(theta[p]))
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):  # g may end at zero
        first, clear, vertex = _differences(g, theta, p, here, eps, max(1.0, coordinate))
    if clear or vertex:
        return first
    if coordinate == 0:
        shorter = [2.0**-k for k in range(10, 70, 10)]
    else:
        shorter = [coordinate * 2.0**k for k in range(0, 1000, 10) if coordinate * 2.0**k <= 1]
    for size in shorter:
        other, clear, _ = _differences(g, theta, p, here, eps, size)
        if clear:
            return other
    return first if math.isfinite(first[1]) or not shorter else other


def _differences(
    g: Callable[[Array], Array], theta: Array, p: int, here: float, eps: float, size: float
) -> tuple[tuple[float, float], bool, bool]:
    """Return the slope by steps of eps^(1/3) times `size`, and its error; if it is clear; if a vertex.

    Where rounding makes steps of g, they are as high to one side as to both; so a slope by less than
    steps of eps^(1/3) is clear only if g is nearly straight.
    """
    xp, h = compat.array_namespace(theta), eps ** (1 / 3) * size
    slopes, bends = [], []
    for reach in (2 * h, h):
        up, down = xp.asarray(theta, copy=True), xp.asarray(theta, copy=True)
        up[p], down[p] = theta[p] + reach, theta[p] - reach
        above, below = number(g, up), number(g, down)
        slopes.append((above - below) / (float(up[p] - down[p]) or math.nan))
        bends.append(abs(above - 2 * here + below))
    # Three errors that are nobody's fault: of the difference quotient, of theta, and of g.
    truncation = abs(slopes[0] - slopes[1])
    position = abs(slopes[1]) + bends[1] / h
    rounding = max(abs(above), abs(below)) / h
    error = 2 * truncation + eps**0.4 * position + 10 * eps * rounding
    straight = size >= 1 or bends[1] <= CLEAR * abs(above - below)
    vertex = 0 < bends[0] < math.inf and abs(bends[0] - 4 * bends[1]) <= CLEAR * bends[0]
    return (slopes[1], error), straight and error <= CLEAR * abs(slopes[1]), vertex


def _checked(f: ValueAndGradient) -> Evaluated:
    """Return f with its answers as arrays of the kind of theta, without the graphs of autograd.

    They are copies: a step that was yielded stays as it was, and so does the gradient until the step,
    even if f returns the same memory each time.
    """
    ours = reads_only(f)

    def evaluated(theta: Array) -> tuple[Array, Array, Array]:
        answer = call(f, theta)
        if not isinstance(answer, tuple | list) or len(answer) != 2:
            raise TypeError(
                f"value_and_gradient must return the pair (g(theta), gradient); got "
                f"{type(answer).__name__}. A g that has g.gradient can be given itself"
            )
        value: Any = detached(answer[0])
        theta, gradient = detached(theta), detached(answer[1])
        if getattr(gradient, "shape", None) != theta.shape:
            if getattr(value, "shape", None) == theta.shape and np.shape(gradient) == theta.shape[:-1]:
                raise ValueError("the pair is (value, gradient); they came swapped")
            raise ValueError(_wrong_gradient_shape(gradient, theta))
        gradient = same_kind(gradient, theta, "the gradient", "theta")
        gradient = gradient if ours else copied(gradient)
        if not hasattr(value, "dtype") or value.dtype != theta.dtype:
            xp = compat.array_namespace(theta)
            value = as_array(value, "g(theta)")
            value = value if compat.is_torch_array(theta) else on_host(value)
            value = xp.asarray(value, dtype=theta.dtype, device=compat.device(theta))
        elif not isinstance(value, np.generic):
            value = copied(value)
        if value.shape != theta.shape[:-1]:
            raise ValueError(
                f"g returned shape {tuple(value.shape)} for theta of shape {tuple(theta.shape)}; "
                f"it must return {tuple(theta.shape[:-1])}, one number per point"
            )
        return theta, value, gradient

    return evaluated


def _wrong_gradient_shape(gradient: Any, theta: Array) -> str:
    shape = getattr(gradient, "shape", None)
    got = f"is a {type(gradient).__name__}" if shape is None else f"has shape {tuple(shape)}"
    return (
        f"the gradient {got} and theta has shape {tuple(theta.shape)}; they must be equal: "
        "one partial derivative per coordinate"
    )


def flat(value: Array, gradient: Array, tol: float) -> End | None:
    """End a descent where the gradient is flat: for several starts, at all with a finite value."""
    if value.ndim == 0:
        if not (length(gradient) <= tol and math.isfinite(value)):
            return None
        return True, f"the gradient is flat {{place}}: its norm is at most tol = {tol:g}"
    xp = namespace(value)
    alive = xp.isfinite(value)
    norms = (gradient * gradient).sum(-1) ** 0.5
    all_flat = bool(xp.all((norms <= tol) | ~alive))
    if all_flat or math.isinf(float(norms.sum())):  # squares may have been lost
        all_flat = bool(xp.all((lengths(gradient) <= tol) | ~alive))
    if not all_flat or not bool(xp.any(alive)):
        return None
    gone = int((~alive).sum())
    if gone:
        return False, f"{gone} of {value.shape[0]} starts diverged, the others are flat {{place}}"
    return True, f"the gradient is flat {{place}}: its norm is at most tol = {tol:g}"


def lost(count: int, step: Step) -> End | None:
    """End a descent where no start has a finite value left."""
    value, theta = step.value, step.theta
    if value.ndim == 0 and math.isfinite(value):
        return None
    if value.ndim > 0 and bool(namespace(value).isfinite(value).any()):
        return None
    if count == 0:
        return False, "g is not finite at the start; try another start"
    if theta.ndim == 1 and float(value) == -math.inf:
        return False, "diverged {place}: g fell to minus infinity; it has no lower bound this way"
    where = "from all starts " if theta.ndim > 1 else ""
    return False, f"diverged {where}{{place}}: g is not finite; try a smaller learning_rate"
