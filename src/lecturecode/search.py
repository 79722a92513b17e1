"""Try many points and keep the best: all of a finite set, those of a grid, or random ones.

Nothing is asked of g but its value. Points are made and evaluated in chunks, so that memory does not
grow with their number, and chunks start small, so that a slow g is recorded as it goes.
"""

import math
import os
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.answers import Points, remembered
from lecturecode.arrays import Array, ArrayLike, as_array, detached
from lecturecode.domains import Choice, Domain, Integers, Product
from lecturecode.domains.sets import check_domain, check_fits, check_points, factors_of
from lecturecode.door import arrays, function, whole
from lecturecode.evaluation import evaluate
from lecturecode.iteration import Method, Told, collect
from lecturecode.randomness import Rng, generator
from lecturecode.trace import KEPT, Callback, Trace

__all__ = ["Grid", "brute_force", "draw", "grid_search", "in_chunks", "random_search", "try_all"]

CHUNK = 2**20  # coordinates, 8 MB in float64
FIRST = 16  # points in the first chunk, and no fewer in the others: many workers share one
DRAWN = 1024  # points in the first block of draws
PATIENCE = 10_000_000  # points


def brute_force(
    g: Callable[[Any], Array],
    candidates: ArrayLike,
    *,
    checkpoint: str | os.PathLike[str] | None = None,
    record_every: int | None = None,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Evaluate g at every candidate of a finite set and keep the best.

    .. math:: \hat\theta = \operatorname*{argmin}_{\theta \in \{\theta_1, \dots, \theta_C\}} g(\theta)

    Parameters
    ----------
    g : callable
        Takes theta of shape (..., P), returns shape (...). See :func:`lecturecode.pointwise` for a
        function of one theta.
    candidates : array of shape (C, P), or a domain made of choices
        The set :math:`\Theta`; a product of :class:`~lecturecode.domains.Choice` stands for all
        combinations of its options.
    checkpoint : path, optional
        A file for the values of g, written at least once a second and at the end. If it is there
        already, they are taken from it, and g is asked only for what it does not have: the trace is that
        of a run that was never interrupted. It belongs to one run: other points need another path. Of g
        it knows nothing.
    record_every : int, optional
        Keep one point in this many. 0 keeps only the values that improved on all before. If it is not
        given: every point if all of them and their values fit into 128 MiB, else only improvements, and
        the message of the trace says so.
    callback : callable, optional
        Called with the trace so far after each chunk of points, of which there are at least 16;
        returning True stops. Its arrays are read-only views; tensors are copied when asked for.
    progress : bool
        Show a progress bar, which advances chunk by chunk.

    Returns
    -------
    Trace
        One step per candidate, in the order given. Of equal values the first one counts as best.

    Raises
    ------
    TypeError
        If `g` is not callable or does not return real numbers, or if the domain is not finite.
    ValueError
        If there are no candidates or they are not of shape (C, P), if `g` returns the wrong shape, or if
        it is nowhere finite.
    CheckpointError, OSError
        If the checkpoint is damaged or that of another run, a ValueError; if it cannot be written.
    Exception
        Whatever `g` raises, with theta in a note, and with attributes ``theta`` and ``trace``.

    Notes
    -----
    NaN and infinite values count as worst; the message of the trace says how many there were. Ctrl-C
    returns the trace so far, once it has a point.

    Examples
    --------
    >>> g = lambda theta: (theta[..., 0] - 2.2) ** 2
    >>> trace = brute_force(g, [[0.0], [1.0], [2.0], [3.0]])
    >>> trace.theta, trace.steps + 1
    (array([2.]), 4)
    """
    function(g, "g")
    if isinstance(candidates, Domain):
        factors = candidates.factors if isinstance(candidates, Product) else (candidates,)
        if not all(isinstance(factor, Choice) for factor in factors):
            raise TypeError(
                "only a finite set can be tried whole, and this domain has coordinates that are not a "
                "Choice; use grid_search or random_search"
            )
        _check_size(g, candidates, [1] * candidates.size, PATIENCE)
        grid = Grid(candidates.axes(1))
        run = {"method": "brute force", "domain": candidates}
        with remembered(g, checkpoint, generator(0), run, given=False, pieces=in_chunks) as ask:
            method = try_all(grid.points, grid.count, "candidates")
            return _collect(ask, method, grid.count, grid.size, record_every, callback, progress)
    _, points = arrays({"candidates": "C P"}, candidates=detached(candidates))
    count, size = points.shape
    run = {"method": "brute force", "candidates": points}
    with remembered(g, checkpoint, generator(0), run, given=False, pieces=in_chunks) as ask:
        method = try_all(_rows(points), count, "candidates")
        return _collect(ask, method, count, size, record_every, callback, progress)


def grid_search(
    g: Callable[[Any], Array],
    domain: Domain,
    points: int | Sequence[int],
    *,
    max_points: int = PATIENCE,
    like: Array | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    record_every: int | None = None,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Evaluate g at all points of a regular grid and keep the best.

    With k values along each of P axes there are :math:`k^P` points. The last coordinate moves fastest.

    Parameters
    ----------
    g : callable
        As for :func:`brute_force`.
    domain : Domain
        The set :math:`\Theta`. An interval is divided evenly, its ends included, and so is a real number
        from minus its scale to its scale; a positive number runs over four decades in equal ratios; a
        choice is tried whole, whatever number is given for it.
    points : int or sequence of P ints
        Number k of values along each axis.
    max_points : int
        The largest grid to start, of ten million points if not given. A larger one raises, and says how
        long it would take.
    like : array, optional
        Points are made in its library, dtype and device; float64 NumPy arrays if not given.
    checkpoint, record_every, callback, progress
        As for :func:`brute_force`.

    Returns
    -------
    Trace
        As for :func:`brute_force`.

    Raises
    ------
    TypeError
        As for :func:`brute_force`, or if `domain` is not a domain.
    ValueError
        As for :func:`brute_force`, if `points` is not positive, if a coordinate is unbounded and has no
        scale, or if the grid has more than `max_points` points.
    CheckpointError, OSError
        As for :func:`brute_force`.
    Exception
        Whatever `g` raises, as for :func:`brute_force`.

    Examples
    --------
    >>> from lecturecode.domains import Interval
    >>> from lecturecode.objectives import Himmelblau
    >>> trace = grid_search(Himmelblau(), Interval(-5, 5) ** 2, 11)
    >>> trace.theta, len(trace)
    (array([3., 2.]), 121)
    """
    function(g, "g")
    check_domain(domain)
    max_points = whole(max_points, "max_points")
    like = None if like is None else as_array(like, "like")
    if like is not None:
        check_fits(domain, like)
    counts = _counts(domain, points)
    _check_size(g, domain, counts, max_points, like)
    grid = Grid(_axes(domain, counts), like)
    run = {"method": "grid search", "domain": domain, "shape": grid.shape} | grid.kind
    with remembered(g, checkpoint, generator(0), run, given=False, pieces=in_chunks) as ask:
        method = try_all(grid.points, grid.count, "points of the grid")
        return _collect(ask, method, grid.count, grid.size, record_every, callback, progress)


def random_search(
    g: Callable[[Any], Array],
    domain: Domain,
    draws: int,
    *,
    rng: Rng = None,
    start: ArrayLike | None = None,
    like: Array | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    record_every: int | None = None,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Evaluate g at random points of the domain and keep the best.

    Parameters
    ----------
    g : callable
        As for :func:`brute_force`.
    domain : Domain
        The set :math:`\Theta`; its `sample` says how each kind of coordinate is drawn.
    draws : int
        Number n of points, at least 1.
    rng : None, int, numpy.random.Generator or torch.Generator
        Where chance comes from. The same seed gives the same points, and more draws begin with them.
    start : array of shape (P,) or (N, P), optional
        Points of the domain to try first, at most n; they count as draws. `domain.encode` makes one of
        values.
    like : array, optional
        Points are made in its library, dtype and device; float64 NumPy arrays if not given.
    checkpoint, record_every, callback, progress
        As for :func:`brute_force`.

    Returns
    -------
    Trace
        One step per draw. It never counts as converged, since more draws might find better.

    Raises
    ------
    TypeError
        As for :func:`brute_force`, if `domain` is not a domain, or if `rng` is of the wrong kind.
    ValueError
        As for :func:`brute_force`, if `draws` is not at least 1, if a coordinate is unbounded and has no
        scale, or if `start` has another shape, or a point outside of the domain.
    CheckpointError, OSError
        As for :func:`brute_force`.
    Exception
        Whatever `g` raises, as for :func:`brute_force`.

    Notes
    -----
    A set that holds a share q of the drawing's probability is hit by one of n draws with probability
    :math:`1-(1-q)^n`, whatever the number of parameters.

    References
    ----------
    Bergstra & Bengio, Random search for hyper-parameter optimization, *Journal of Machine Learning
    Research* 13 (2012).

    Examples
    --------
    >>> from lecturecode.domains import Interval
    >>> from lecturecode.objectives import Himmelblau
    >>> trace = random_search(Himmelblau(), Interval(-5, 5) ** 2, 1000, rng=0)
    >>> trace.value < 1, trace.evaluations[-1]
    (True, np.int64(1000))
    """
    function(g, "g")
    check_domain(domain)
    draws = whole(draws, "draws")
    like = np.empty(0) if like is None else as_array(like, "like")
    chance, first = generator(rng), check_points(start, domain, like, draws)
    run = {"method": "random search", "domain": domain, "start": first}
    with remembered(g, checkpoint, chance, run, given=rng is not None, pieces=in_chunks) as ask:
        method = draw(domain, draws, chance, like, first)
        return _collect(ask, method, draws, domain.size, record_every, callback, progress)


def try_all(points: Points, count: int, what: str) -> Method:
    """Ask for points 0 to count - 1, as many at once as g can take."""
    yield from in_chunks(points, count)
    return True, f"tried all {count} {what}"


def draw(domain: Domain, draws: int, rng: Rng, like: Array, first: Array) -> Method:
    """Ask for the first points, then for points drawn from the domain, in blocks of the same sizes."""
    drawn, block = first.shape[0], DRAWN
    if drawn:
        yield from in_chunks(_rows(first), drawn)
    while drawn < draws:
        thetas = domain.sample(block, rng=rng, like=like)[: draws - drawn]
        yield from in_chunks(_rows(thetas), len(thetas))
        drawn, block = drawn + block, max(DRAWN, min(2 * block, 2**20 // domain.size))
    return False, f"used up all {draws} draws"


def in_chunks(points: Points, count: int) -> Generator[tuple[Array, Mapping[str, Array]], Array, None]:
    """Ask for points in chunks that grow until one of them takes a tenth of a second."""
    start, size = 0, FIRST
    while start < count:
        thetas = points(start, min(start + size, count))
        largest = max(FIRST, CHUNK // thetas.shape[-1])
        began = time.perf_counter()
        yield thetas, {}
        start, took = start + size, time.perf_counter() - began
        growth = 16 if took < 0.005 else 4 if took < 0.1 else 1 if took < 1 else 0.25
        size = min(max(int(growth * size), FIRST), largest)


def _rows(points: Array) -> Points:
    return lambda start, stop: points[start:stop]


class Grid:
    """All combinations of one value from each axis, the last one fastest; arrays like `like`."""

    def __init__(self, axes: list[np.ndarray], like: Array | None = None) -> None:
        like = np.empty(0) if like is None else as_array(like, "like")
        self.size, self.kind = len(axes), {"numbers": str(like.dtype)}
        self.xp, self.device = compat.array_namespace(like), compat.device(like)
        self.columns = [self.xp.asarray(axis, dtype=like.dtype, device=self.device) for axis in axes]
        self.shape = [len(axis) for axis in axes]
        self.count = math.prod(self.shape)

    def points(self, start: int, stop: int) -> Array:
        """Read the numbers of points in mixed base: each has one digit per axis."""
        rest, digits = self.xp.arange(start, stop, device=self.device), []
        for column in reversed(self.columns):
            higher = rest // len(column)
            digits.append(column[rest - higher * len(column)])
            rest = higher
        return self.xp.stack(digits[::-1], axis=-1)


def _collect(
    g: Callable[[Any], Array],
    method: Method,
    count: int,
    size: int,
    record_every: int | None,
    callback: Callback | None,
    progress: bool,
) -> Trace:
    too_many = record_every is None and 8 * count * (size + 2) > KEPT  # theta, g, evaluations
    trace = collect(
        Told(g, method, keep="points"),
        expected=count,
        record_every=0 if too_many else 1 if record_every is None else record_every,
        callback=callback,
        progress=progress,
    )
    if not too_many:
        return trace
    return replace(
        trace, message=f"{trace.message}; the trace has the points that improved on all before"
    )


def _counts(domain: Domain, points: Any) -> list[int]:
    """Return the number of values that each axis is asked for."""
    hint = "Give one for all axes, or a list with one for each"
    if not (isinstance(points, list | tuple | range | np.ndarray) and np.iterable(points)):
        return [whole(points, "points", hint=hint)] * domain.size
    counts = [whole(k, "points", hint=hint) for k in points]
    if len(counts) != domain.size:
        raise ValueError(
            f"points has {len(counts)} entries and the domain {domain.size} coordinates; give one "
            "number for all axes or one for each"
        )
    return counts


def _axes(domain: Domain, counts: list[int]) -> list[np.ndarray]:
    by_count = {k: domain.axes(k) for k in counts}
    return [by_count[k][p] for p, k in enumerate(counts)]


def _length(factor: Domain, count: int) -> int:
    """Return how long an axis is that is asked for so many values."""
    if isinstance(factor, Choice):
        return len(factor.options)
    return min(count, factor.count) if isinstance(factor, Integers) else count


def _check_size(
    g: Callable[[Any], Array],
    domain: Domain,
    counts: list[int],
    limit: int,
    like: Array | None = None,
) -> None:
    """Count the points of a grid before any is made."""
    factors = factors_of(domain)
    single = len(factors) == len(counts)
    shape = [_length(f, k) for f, k in zip(factors, counts, strict=True)] if single else counts
    if math.prod(shape) > limit:
        raise ValueError(_too_large(g, domain, shape, limit, like))


def _too_large(
    g: Callable[[Any], Array], domain: Domain, shape: list[int], limit: int, like: Array | None
) -> str:
    """Say how many points there are, and how long they would take at the speed of a few draws."""
    count, tried, took = math.prod(shape), 0, 0.0
    most = min(count, max(1, CHUNK // len(shape)))
    while took < 0.05 and tried < most:
        tried = min(max(1, 4 * tried), most)
        thetas, began = domain.sample(tried, rng=0, like=like), time.perf_counter()
        try:
            with np.errstate(all="ignore"):
                evaluate(g, thetas)
        except Exception as error:
            error.trace = None  # type: ignore[attr-defined]
            raise
        took = time.perf_counter() - began
    decades = int(math.log10(count))
    written = f"{count:.4g}" if decades < 300 else f"10^{decades}"
    duration = _duration(count * took / tried) if decades < 300 else "longer than can be said"
    sizes = " x ".join(map(str, shape)) if len(shape) < 6 else f"{shape[0]} x ... x {shape[-1]}"
    return (
        f"the grid has {sizes} = {written} points, more than max_points = {limit}; "
        f"at {took / tried:.2g} s each (measured on {tried}) they would take {duration}. "
        "Take fewer points per axis, use random_search, or raise max_points of grid_search"
    )


def _duration(seconds: float) -> str:
    units = [("year", 31_557_600), ("day", 86_400), ("hour", 3600), ("minute", 60), ("second", 1)]
    for unit, size in units:
        if seconds >= 2 * size:
            return f"about {seconds / size:.3g} {unit}s"
    return f"about {seconds:.3g} seconds"
