"""Evaluate g at many theta: in one call when g takes batches, one by one or on many workers when not.

Methods of the lecture ask for whole populations and grids at once. A function that takes one theta at
a time joins in through :func:`pointwise`, and `workers` decides where the calls run.
"""

import math
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import (
    Array,
    ArrayLike,
    as_array,
    check_there,
    copied,
    detached,
    namespace,
    on_host,
)
from lecturecode.door import function, whole
from lecturecode.objectives.function import reads_only

__all__ = ["evaluate", "pointwise"]


def evaluate(g: Callable[[Any], Array], thetas: ArrayLike) -> Array:
    """Return g at a batch of points, and check that it answered with one number for each.

    Parameters
    ----------
    g : callable
        Takes theta of shape (..., P), returns shape (...).
    thetas : array of shape (..., P)
        The points.

    Returns
    -------
    array of shape (...)
        The values, in the library, dtype and device of `thetas`: an array of their own, whatever g does
        with the one that it returned.

    Raises
    ------
    TypeError
        If `g` is not a function, or does not return real numbers.
    ValueError
        If `g` returns another shape.
    Exception
        Whatever `g` raises, with a note that names theta, and theta itself as attribute ``theta``.

    Examples
    --------
    >>> import numpy as np
    >>> evaluate(lambda theta: (theta**2).sum(-1), np.ones((3, 2)))
    array([2., 2., 2.])
    """
    function(g, "g")
    thetas = as_array(thetas, "thetas")
    xp = namespace(thetas)
    values = detached(as_array(call(g, thetas), "g(theta)"))
    if compat.is_torch_array(values) and not compat.is_torch_array(thetas):
        values = on_host(values)
    if type(values) is not type(thetas) or values.dtype != thetas.dtype:
        values = xp.asarray(values, dtype=thetas.dtype, device=compat.device(thetas), copy=True)
    else:
        values = copied(values)
    if values.shape != thetas.shape[:-1]:
        raise ValueError(
            f"g returned shape {tuple(values.shape)} for theta of shape {tuple(thetas.shape)}; it must "
            f"return {tuple(thetas.shape[:-1])}, one number per point. A g that takes one theta at a "
            "time becomes one that takes batches by pointwise(g)"
        )
    return values


def pointwise(g: Callable[[Any], Any], workers: Any = 1) -> Callable[[Any], Array]:
    """Make a function of one theta into one that takes batches.

    Parameters
    ----------
    g : callable
        Takes theta of shape (P,), returns a number.
    workers : int or map-like callable
        1 calls g here, one point after the other. A larger int spreads the points over that many
        processes. A callable is used like the built-in ``map``, so ``executor.map`` of any pool or
        cluster will do; with Dask, ``client.get_executor().map``.

    Returns
    -------
    callable
        Takes theta of shape (..., P), returns shape (...). Values come back in the order of the
        points, whatever the number of workers. An exception that leaves it has the attributes
        ``theta``, where g failed, and ``finished`` and ``values``, both of shape (...): which of the
        points were evaluated, and what was found there. The methods of the package put those into
        the trace that the exception carries.

    Raises
    ------
    TypeError
        If `g` is not a function or cannot be sent to other processes, or if `workers` is a class other
        than ``map``.
    ValueError
        If `workers` is neither a function nor a whole number of at least 1.

    Notes
    -----
    The processes start with the first call, receive g once, and stay until the function that
    ``pointwise`` returned is deleted. After a failure no further point is begun; those under way are
    finished; a cluster may abandon them. Processes see NumPy arrays or CPU tensors; a GPU is faster with
    a g that takes batches. Dask evaluates equal points once; if g draws at random,
    ``client.get_executor(pure=False).map`` evaluates each.

    Examples
    --------
    >>> g = pointwise(lambda theta: abs(theta[0]) + abs(theta[1]))
    >>> g([[1.0, 2.0], [3.0, -4.0]])
    array([3., 7.])
    """
    from lecturecode.workers import Pool, spread  # not at the top: it takes long to import

    one = partial(_one, function(g, "g"))
    if callable(workers):
        if workers is not map:  # the one class that is meant
            function(workers, "workers", "a function and its arguments")
        return partial(_batch, partial(spread, one, mapper=workers))
    count = whole(workers, "workers", hint="Or give a map-like callable, such as executor.map")
    if count == 1:
        return partial(_batch, partial(spread, one, mapper=map))
    return partial(_batch, Pool(one, count).evaluate)


@np.errstate(all="ignore")  # as in a method, in whatever thread or process this runs
def _one(g: Callable[[Any], Any], theta: Array) -> float:
    return number(g, theta)


def call(g: Callable[[Any], Any], theta: Array) -> Any:
    """Return g at theta, at a copy if g may write there; an exception leaves with theta attached."""
    try:
        return g(theta if reads_only(g) else copied(theta))
    except Exception as error:
        if not hasattr(error, "theta"):  # pointwise knows better which of a batch it was
            error.add_note(_where(theta))
            if isinstance(error, TypeError) and "Tensor" in str(error) and isinstance(theta, np.ndarray):
                error.add_note(
                    "theta is a NumPy array; lecturecode.pytorch.objective(g) makes a g of tensors one "
                    "that takes arrays, too"
                )
            error.theta = theta  # type: ignore[attr-defined]
        raise


def tells_finished(g: Callable[[Any], Any]) -> bool:
    """Tell whether `g` comes from :func:`pointwise`, so that its exceptions know what was finished."""
    g = getattr(g, "g", g)  # answers that are remembered
    return isinstance(g, partial) and g.func is _batch


def _batch(evaluate_each: Callable[[list[Array]], Any], thetas: Array) -> Array:
    thetas = as_array(thetas, "thetas")
    check_there(thetas, "thetas")
    if thetas.ndim == 0:
        raise ValueError(f"theta must have shape (..., P); got (). One parameter is written [{thetas}]")
    if thetas.shape[-1] == 0:
        raise ValueError(f"thetas must have shape (..., P) with P >= 1; got {tuple(thetas.shape)}")
    points = compat.array_namespace(thetas).reshape(thetas, (-1, thetas.shape[-1]))
    if compat.is_torch_array(points):
        points = compat.to_device(points.detach(), "cpu")
    # Copies, since workers may write into them, and since a row of a tensor is pickled with all others.
    tensor = compat.is_torch_array(points)
    each = [copied(point) for point in points] if tensor else list(copied(points))
    try:
        results, error = evaluate_each(each)
    except BaseException as interrupt:
        if hasattr(interrupt, "results"):
            _attach(interrupt, interrupt.results, thetas)
        raise
    if error is None:
        return _like(results, thetas)
    from lecturecode.workers import explain

    clear = explain(error)
    _attach(clear, results, thetas)
    raise clear


def _like(results: list[float | None], thetas: Array) -> Array:
    numbers = [math.nan if result is None else result for result in results]
    xp = compat.array_namespace(thetas)
    values = xp.asarray(numbers, dtype=thetas.dtype, device=compat.device(thetas))
    return xp.reshape(values, thetas.shape[:-1])


def _attach(error: BaseException, results: list[float | None], thetas: Array) -> None:
    finished = np.array([result is not None for result in results])
    error.finished = finished.reshape(tuple(thetas.shape[:-1]))  # type: ignore[attr-defined]
    error.values = _like(results, thetas)  # type: ignore[attr-defined]
    if hasattr(error, "theta") and not any("theta =" in n for n in getattr(error, "__notes__", [])):
        error.add_note(_where(error.theta))


def number(g: Callable[[Any], Any], theta: Array) -> float:
    """Return g at one theta of shape (P,), as a Python number.

    Raises
    ------
    TypeError
        If `g` does not return real numbers.
    ValueError
        If `g` returns more than one number.
    """
    value = as_array(call(g, theta), "g(theta)")
    if tuple(value.shape) not in ((), (1,)):
        raise ValueError(
            f"g returned shape {tuple(value.shape)} for one theta of shape {tuple(theta.shape)}; "
            "it must return one number"
        )
    return float(value.item())


def precision(values: Iterable[float]) -> float:
    """Return the distance from 1 to the next number in the shortest precision that holds all values.

    A g may compute in float32 what it returns as a Python number, and values of double precision do not
    end after 24 bits by chance. What is not finite tells nothing.
    """
    eps = 2.0**-52
    fractions = [math.frexp(value)[0] for value in values if math.isfinite(value)]
    for bits in (24, 11, 8):  # float32, float16, bfloat16
        if not fractions or any(fraction * 2**bits % 1 for fraction in fractions):
            break
        eps = 2.0 ** (1 - bits)
    return eps


def _where(theta: Array) -> str:
    if theta.ndim > 1 or (compat.is_torch_array(theta) and theta.device.type == "meta"):
        return (
            f"raised by g on a batch of theta of shape {tuple(theta.shape)}; if g takes one "
            "theta at a time, give pointwise(g) instead"
        )
    entries = np.array2string(on_host(theta), threshold=10)
    return f"raised by g at theta = {entries}"
