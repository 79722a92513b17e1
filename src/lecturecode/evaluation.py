"""Evaluate g at many theta: in one call when g takes batches, one by one or on many workers when not.

Methods of the lecture ask for whole populations and grids at once. A function that takes one theta at
a time joins in through :func:`pointwise`, and `workers` decides where the calls run.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, as_array, on_host

__all__ = ["evaluate", "pointwise"]


def evaluate(g: Callable[[Array], Array], thetas: Array) -> Array:
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
        The values, in the library, dtype and device of `thetas`.

    Raises
    ------
    TypeError
        If `g` is not callable, or does not return real numbers.
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
    check_callable(g)
    thetas = as_array(thetas, "thetas")
    xp = compat.array_namespace(thetas)
    values = as_array(call(g, thetas), "g(theta)")
    if type(values) is not type(thetas) or values.dtype != thetas.dtype:
        values = xp.asarray(values, dtype=thetas.dtype, device=compat.device(thetas))
    if values.shape != thetas.shape[:-1]:
        raise ValueError(
            f"g returned shape {tuple(values.shape)} for theta of shape {tuple(thetas.shape)}; it must "
            f"return {tuple(thetas.shape[:-1])}, one number per point. A g that takes one theta at a "
            "time becomes one that takes batches by pointwise(g)"
        )
    return values


def pointwise(g: Callable[[Array], Any], workers: Any = 1) -> Callable[[Array], Array]:
    """Make a function of one theta into one that takes batches.

    Parameters
    ----------
    g : callable
        Takes theta of shape (P,), returns a number.
    workers : int or map-like callable
        1 calls g here, one point after the other. A larger int spreads the points over that many
        processes. A callable is used like the built-in ``map``, so ``executor.map`` of any pool or
        cluster will do.

    Returns
    -------
    callable
        Takes theta of shape (..., P), returns shape (...). Values come back in the order of the
        points, whatever the number of workers.

    Raises
    ------
    TypeError
        If `g` is not callable, or if `workers` is neither an int nor callable.
    ValueError
        If `workers` is smaller than 1.

    Notes
    -----
    Other processes receive g by pickling: define it at the top of a module, not inside a function.
    They see NumPy arrays or CPU tensors; a GPU is faster with a g that takes batches.

    Examples
    --------
    >>> g = pointwise(lambda theta: abs(theta[0]) + abs(theta[1]))
    >>> g([[1.0, 2.0], [3.0, -4.0]])
    array([3., 7.])
    """
    check_callable(g)
    if callable(workers):
        return partial(_on_workers, g, workers)
    if isinstance(workers, bool) or not isinstance(workers, int | np.integer):
        raise TypeError(
            f"workers must be a number of processes or a map-like callable such as executor.map; "
            f"got {type(workers).__name__}"
        )
    if workers < 1:
        raise ValueError(f"workers must be at least 1; got {workers}")
    return partial(_on_workers, g, map) if workers == 1 else partial(_in_pool, g, int(workers))


def call(g: Callable[[Array], Any], theta: Array, **note: Any) -> Any:
    """Return g(theta); an exception inside g leaves with theta attached to it."""
    try:
        return g(theta)
    except Exception as error:
        error.add_note(_where(theta, note))
        error.theta = theta  # type: ignore[attr-defined]
        raise


def check_callable(g: Any, name: str = "g") -> None:
    """Check that `g` can be called.

    Raises
    ------
    TypeError
        If it cannot.
    """
    if not callable(g):
        raise TypeError(
            f"{name} must be a function of theta; got {type(g).__name__}. "
            "Give the function itself, not the value that it returns"
        )


def _on_workers(g: Callable[[Array], Any], mapper: Callable[..., Any], thetas: Array) -> Array:
    thetas = as_array(thetas, "thetas")
    if thetas.ndim == 0:
        raise ValueError(f"theta must have shape (..., P); got (). One parameter is written [{thetas}]")
    xp = compat.array_namespace(thetas)
    points = xp.reshape(thetas, (-1, thetas.shape[-1]))
    results = list(mapper(partial(number, g), [points[i, ...] for i in range(points.shape[0])]))
    values = xp.asarray(results, dtype=thetas.dtype, device=compat.device(thetas))
    return xp.reshape(values, thetas.shape[:-1])


def _in_pool(g: Callable[[Array], Any], workers: int, thetas: Array) -> Array:
    from concurrent.futures import ProcessPoolExecutor  # slow to import, rarely needed

    with ProcessPoolExecutor(workers) as pool:
        return _on_workers(g, pool.map, thetas)


def number(g: Callable[[Array], Any], theta: Array) -> float:
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


def _where(theta: Array, note: dict[str, Any]) -> str:
    context = "".join(f", {key} {value}" for key, value in note.items())
    if theta.ndim > 1:
        return f"raised by g on a batch of theta of shape {tuple(theta.shape)}{context}"
    entries = np.array2string(on_host(theta), threshold=10)
    return f"raised by g at theta = {entries}{context}"
