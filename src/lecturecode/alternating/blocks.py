"""Minimize over one block of coordinates at a time, the others held still, again and again.

The value can only fall, because no block is ever made worse. That the value settles says little about
theta: where g has a kink it may stall at a point that is not a minimum, and it may go round in circles.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import array_api_compat as compat
import numpy as np

from lecturecode.alternating.line_minimization import NoMinimumError, golden_along, newton_along
from lecturecode.arrays import Array, ArrayLike, as_start, copied, detached, same_kind
from lecturecode.door import came, function, real, whole
from lecturecode.evaluation import call, number
from lecturecode.iteration import Step, Steps, collect, finite, never_rises, settles
from lecturecode.trace import Callback, Trace

__all__ = ["alternate", "coordinate_descent"]

BlockMinimizer = Callable[[Any], Any]
"""Takes theta of shape (P,), returns the values of its block at which g is least."""


def alternate(
    g: Callable[[Any], Any],
    block_minimizers: Sequence[BlockMinimizer],
    theta: ArrayLike,
    *,
    sweeps: int,
    blocks: Sequence[Any] | None = None,
    tol: float = 1e-12,
    record_every: int | None = None,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Minimize g over each block in turn, and start over.

    .. math:: \theta_p^{(i+1)} = \operatorname*{argmin}_{\theta_p}\; g(\theta_1^{(i+1)}, \dots,
        \theta_{p-1}^{(i+1)}, \theta_p, \theta_{p+1}^{(i)}, \dots, \theta_P^{(i)})

    Parameters
    ----------
    g : callable
        Takes theta of shape (P,), returns a number.
    block_minimizers : sequence of callables
        One per block; takes theta, returns the new values of its block.
    theta : array of shape (P,)
        The start :math:`\theta^{(0)}`.
    sweeps : int
        The most rounds through all blocks.
    blocks : sequence, optional
        The coordinates of each block: a number, a slice or a list of numbers. If not given, each
        coordinate is a block, and there must be P minimizers.
    tol : float
        Stop after a sweep in which g fell by at most tol times all that it has fallen so far, or by no
        more than rounding. Neither the unit of g nor a constant added to it matters.
    record_every, callback, progress
        As for :func:`lecturecode.minimize`; a step is one block.

    Returns
    -------
    Trace
        One step per block, so that `thetas` is the staircase. A block minimizer that makes g larger
        ends the run with ``converged=False``, and the message names it.

    Raises
    ------
    TypeError
        If `g` or a minimizer is not callable, if `block_minimizers` or `blocks` is no list, or if a
        minimizer returns arrays of another kind.
    ValueError
        If minimizers and blocks do not fit each other or theta, if a coordinate is in no block or in
        two, if a number is out of range, or if a minimizer returns the wrong shape.
    Exception
        Whatever `g` or a minimizer raises, with attributes ``theta`` and ``trace``.

    Notes
    -----
    That it converged means that the value settled, and no more: every block is at its minimum, which a
    kink of g can bring about anywhere on it, and theta may still be going round in circles (Powell, On
    search directions for minimization algorithms, *Mathematical Programming* 4, 1973).

    Examples
    --------
    >>> def g(theta):
    ...     return theta[0] ** 2 + theta[0] * theta[1] + theta[1] ** 2
    >>> halves = [lambda theta: -theta[1] / 2, lambda theta: -theta[0] / 2]
    >>> alternate(g, halves, [1.0, 1.0], sweeps=1).thetas
    array([[ 1.  ,  1.  ],
           [-0.5 ,  1.  ],
           [-0.5 ,  0.25]])
    """
    function(g, "g")
    theta = as_start(theta)
    minimizers = _listed(block_minimizers, "block_minimizers", "one function per block")
    for b, minimizer in enumerate(minimizers):
        function(minimizer, f"block_minimizers[{b}]")
    given = range(theta.shape[0]) if blocks is None else blocks
    chosen = _listed(given, "blocks", "the coordinates of each block, as in [slice(0, 3), [3, 4]]")
    places = _checked_blocks(chosen, theta, len(minimizers), blocks is None)
    sweeps = whole(sweeps, "sweeps")
    tol = real(tol, "tol", "[0, inf]")
    names = [f"{_name(m)} (block {b})" for m, b in zip(minimizers, chosen, strict=True)]
    parts = [*map(Block, names, places, minimizers)]
    return _collect(
        take_turns(g, parts, theta), len(parts), sweeps, tol, record_every, callback, progress
    )


class Block(NamedTuple):
    """Some coordinates of theta, and the function that minimizes g over them."""

    name: str
    place: Any
    minimizer: BlockMinimizer


def take_turns(g: Callable[[Any], Any], blocks: list[Block], theta: Array) -> Steps:
    """Minimize g over each block in turn, and start over."""
    yield Step(theta, number(g, theta), name="the start")
    while True:
        for block in blocks:
            theta = _replaced(theta, block)
            yield Step(theta, number(g, theta), name=block.name)


def coordinate_descent(
    g: Callable[[Any], Any],
    theta: ArrayLike,
    *,
    sweeps: int,
    tol: float = 1e-12,
    record_every: int | None = None,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Minimize g along one axis after the other: alternated minimization of scalar blocks.

    Along an axis g is a function of one number. If g has a gradient and a Hessian,
    :func:`newton_section` minimizes it, for a convex quadratic exactly and in one step:
    :math:`\theta_p \leftarrow \theta_p - \partial_p g / H_{pp}`. If not, :func:`golden_section` does, to
    half of the digits.

    Parameters
    ----------
    g : callable or Objective
        Takes theta of shape (P,), returns a number; may have ``gradient`` and ``hessian``.
    theta : array of shape (P,)
        The start :math:`\theta^{(0)}`.
    sweeps : int
        The most rounds through all coordinates.
    tol, record_every, callback, progress
        As for :func:`alternate`.

    Returns
    -------
    Trace
        One step per coordinate. If g has no minimum along an axis, the message says so.

    Raises
    ------
    TypeError, ValueError, Exception
        If an argument is out of range, and whatever `g` raises; as for :func:`alternate`.

    References
    ----------
    Wright, Coordinate descent algorithms, *Mathematical Programming* 151 (2015).

    Examples
    --------
    >>> from lecturecode.objectives import Quadratic
    >>> trace = coordinate_descent(Quadratic([1.0, 10.0]), [-1.8, 1.0], sweeps=5)
    >>> trace.thetas[1:3].tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    function(g, "g")
    theta = as_start(theta)
    sweeps = whole(sweeps, "sweeps")
    tol = real(tol, "tol", "[0, inf]")
    method = walk_along_axes(g, theta)
    return _collect(method, theta.shape[0], sweeps, tol, record_every, callback, progress)


def walk_along_axes(g: Any, theta: Array) -> Steps:
    """Minimize g along each axis in turn, by Newton's method if g has derivatives."""
    smooth = callable(getattr(g, "gradient", None)) and callable(getattr(g, "hessian", None))
    along: Callable[..., Any] = newton_along if smooth else golden_along
    section = "newton_section" if smooth else "golden_section"
    value = number(g, theta)
    yield Step(theta, value, name="the start")
    while True:
        for p in range(theta.shape[0]):
            try:
                theta, value, calls = along(g, theta, p, value)
            except NoMinimumError as error:
                return False, f"stopped at coordinate {p}: {error}"
            yield Step(theta, value, calls, name=f"{section} along coordinate {p}")


def _collect(
    method: Steps,
    blocks: int,
    sweeps: int,
    tol: float,
    record_every: int | None,
    callback: Callback | None,
    progress: bool,
) -> Trace:
    return collect(
        method,
        steps=sweeps * blocks,
        until=[finite, never_rises(), settles(blocks, tol)],
        used_up=f"used up all {sweeps} sweeps before it settled",
        sweep=blocks,
        record_every=record_every,
        callback=callback,
        progress=progress,
    )


def _name(minimizer: Callable[..., Any]) -> str:
    return getattr(minimizer, "__name__", type(minimizer).__name__)


def _replaced(theta: Array, block: Block) -> Array:
    """Return a copy of theta whose block holds what the minimizer returned."""
    xp, (name, place, minimizer) = compat.array_namespace(theta), block
    moved = copied(theta)
    found = detached(call(minimizer, theta))
    values = same_kind(found, theta, f"what {name} returned", "theta")
    wanted = () if isinstance(place, int) else tuple(place.shape)
    if tuple(values.shape) not in ((wanted,) if wanted else ((), (1,))):
        raise ValueError(
            f"{name} returned shape {tuple(values.shape)}; its block of theta has shape "
            f"{wanted}. Return the new values of the block alone"
        )
    moved[place] = xp.reshape(values, wanted)
    return moved


def _listed(values: Any, name: str, entries: str) -> list[Any]:
    try:
        return list(values)
    except (TypeError, RuntimeError):  # no sequence; tensors that are none raise the second
        got = type(values).__name__
        raise TypeError(f"{name} must be a list with {entries}; got {got}") from None


def _checked_blocks(blocks: list[Any], theta: Array, minimizers: int, scalar: bool) -> list[Any]:
    """Return the coordinates of each block: an int, or an array of them that indexes theta."""
    size, xp = theta.shape[0], compat.array_namespace(theta)
    if minimizers != len(blocks):
        asked = f"{size} coordinates, each a block" if scalar else f"{len(blocks)} blocks"
        raise ValueError(
            f"there are {minimizers} block minimizers and {asked}; give one minimizer per block, and "
            "say which coordinates a block has, as in blocks=[slice(0, 3), [3, 4]]"
        )
    places = [_coordinates(block, size) for block in blocks]
    counts = np.bincount(np.concatenate([[], *map(np.ravel, places)]).astype(int), minlength=size)
    if (counts != 1).any():
        wrong = int(np.flatnonzero(counts != 1)[0])
        raise ValueError(
            f"each coordinate belongs to one block; coordinate {wrong} is in {counts[wrong]} of them"
        )
    device = compat.device(theta)
    return [xp.asarray(place, device=device) if place.ndim else int(place) for place in places]


def _coordinates(block: Any, size: int) -> np.ndarray:
    try:
        place = np.asarray(np.arange(size)[list(block) if isinstance(block, range | tuple) else block])
    except (IndexError, TypeError, ValueError):
        place = np.empty((0, 0), dtype=int)
    if place.ndim > 1 or place.size == 0:
        raise ValueError(
            f"block {came(block)} does not fit theta, which has {size} coordinates; a block is a "
            "number, a slice or a flat list of numbers"
        )
    return place
