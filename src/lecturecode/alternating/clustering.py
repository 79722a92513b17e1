"""k-means: which cluster each sample belongs to, and where the centers are, one after the other.

Two blocks, one discrete and one continuous. The labels are found directly, by looking for the nearest
center; the centers are found directly, as means. No step size, no derivative of a label.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import array_api_compat as compat
import numpy as np

from lecturecode.alternating.samples import (
    Chunk,
    Data,
    Frame,
    Samples,
    as_samples,
    eps,
    origin,
    pieces,
    product_rows,
    rows_at_once,
    warn_of_columns,
)
from lecturecode.arrays import Array, ArrayLike, copied, detached, namespace
from lecturecode.door import arrays, integers, real, renamed, whole
from lecturecode.iteration import End, Step, Steps, best_of, collect, finite, never_rises, settles
from lecturecode.randomness import Rng, generator, uniform
from lecturecode.trace import Callback, Trace
from lecturecode.units import Units, exponent, kept, out_of_range, times_power

__all__ = ["assign", "inertia", "kmeans", "kmeans_start"]


@renamed(centers="start")
def kmeans(
    x: Data,
    clusters: int,
    *,
    rng: Rng = None,
    start: ArrayLike | None = None,
    restarts: int = 0,
    sweeps: int = 300,
    tol: float = 0.0,
    record_every: int | None = None,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Alternate between labels and centers until neither changes.

    .. math::
        g(l, c) &= \sum_{t=1}^T \lVert x_t - c_{l_t} \rVert^2 \\
        c_k &\leftarrow \frac{1}{|\{t : l_t = k\}|} \sum_{t : l_t = k} x_t, \qquad
        l_t \leftarrow \operatorname*{argmin}_k \lVert x_t - c_k \rVert^2

    Parameters
    ----------
    x : array of shape (T, D)
        The samples :math:`x_t`. Of an array that is mapped from a file, as by ``numpy.memmap`` or
        ``numpy.load(..., mmap_mode="r")``, only a piece is in memory at a time. So it is of chunks,
        arrays of shape (n, D): a list of them, the blocks of a Dask array, or a function without
        arguments that returns an iterable of them, a fresh one for each sweep.
    clusters : int
        Number K of clusters, at most that of distinct samples.
    rng : None, int, numpy.random.Generator or torch.Generator
        Where the starts come from.
    start : array of shape (K, D), optional
        The first centers; drawn as by :func:`kmeans_start` if not given.
    restarts : int
        How many more starts to draw; the run that ends lowest is returned.
    sweeps : int
        The most sweeps of a run; a sweep is two half-steps.
    tol : float
        Stop after a sweep in which g fell by at most ``tol * g``. With 0 the run goes on until no label
        changes, or until rounding hides what the changes gain.
    record_every, callback, progress
        As for :func:`lecturecode.minimize`; a step is a half-step.

    Returns
    -------
    Trace
        `theta` has the K centers one after the other, ``theta.reshape(K, D)``, and
        :func:`lecturecode.alternating.assign`, as ``assign(x, theta.reshape(K, D))``, gives the labels
        of samples, new ones too. `values` is g, the inertia, after each
        half-step, and ``extras["labels"]``, shape (records, T), the labels of each recorded one.

    Raises
    ------
    TypeError
        If arrays of different kinds are mixed, or `rng` is of the wrong kind.
    ValueError
        If `x` is not of shape (T, D), is not finite, or has fewer distinct samples than `clusters`; if
        `start` is not of shape (K, D), or a number is out of range.

    Warns
    -----
    UnequalUnitsWarning
        If a column spreads a thousand times as much as another: it decides the distances alone.
    LostDigitsWarning
        If a column spreads by less than a hundred roundings of its mean.

    Notes
    -----
    Distances mix the columns of x, so the one with the largest numbers decides; bring them to one scale
    first, as by ``(x - x.mean(0)) / x.std(0)``.

    Most samples are nearer to their center than to all others by so much that it does not matter when
    centers move a little (Hamerly, Making k-means even faster, *SDM* 2010). Only the others are looked
    at in a sweep; the labels are the same.

    What is kept of each sample are three numbers, and its label again in each recorded step; so give
    ``record_every=0`` where samples are many. The blocks of a Dask array are worked on where they are,
    on many processes if a ``dask.distributed.Client`` is there; only labels and sums travel.

    Where rounding hides which center is nearer, as among groups far apart, differences decide. If g, in
    squared units, leaves the range of the numbers, centers and labels are right and the message says so.

    A cluster that has lost all its samples gets the sample that lies farthest from its center, which
    does not make g rise; the message of the trace says how often.

    References
    ----------
    Lloyd, Least squares quantization in PCM, *IEEE Transactions on Information Theory* 28 (1982).

    Examples
    --------
    >>> trace = kmeans([[0.0], [1.0], [9.0], [11.0]], 2, start=[[0.0], [1.0]])
    >>> trace.theta.tolist(), trace.value, trace.extras["labels"][-1].tolist()
    ([0.5, 10.0], 2.5, [0, 0, 1, 1])
    """
    samples, clusters = check_samples(x, clusters, "clusters")
    given = None
    if start is not None:
        samples, given = _with_start(x, samples, clusters, start)
    sweeps = whole(sweeps, "sweeps")
    restarts = whole(restarts, "restarts", 0)
    tol = real(tol, "tol", "[0, inf]")
    rng = generator(rng)
    samples = samples.near_mean()
    warn_of_columns(samples, distances=True, stacklevel=3)
    samples = samples.with_all_digits()  # far from the origin, squares would lose digits
    return clustered(
        samples, clusters, given, rng, restarts, sweeps, tol, record_every, callback, progress
    )


def clustered(
    samples: Samples,
    clusters: int,
    given: Array | None,
    rng: Any,
    restarts: int,
    sweeps: int,
    tol: float,
    record_every: int | None,
    callback: Callback | None,
    progress: bool,
) -> Trace:
    """Run k-means on checked samples that are seen from nearby; `given` are centers as they came."""
    k, shift = samples.frame.k, samples.middle
    noise = 10 * eps(shift) * float(samples.extent.squares.sum()) ** 0.5

    def once(number: int) -> Trace:
        here = given if number == 0 else None
        c = far_apart(samples, clusters, rng) if here is None else Frame(k, shift)(here)
        run, units = Clusters(samples, c), Units(k, 2 * k)
        rules = [finite, never_rises(noise=noise)]
        if tol:
            rules.append(settles(2, tol, noise=noise))
        trace = collect(
            refine(run),
            steps=2 * sweeps,
            until=rules,
            used_up=f"used up all {sweeps} sweeps before it settled",
            sweep=2,
            record_every=record_every,
            callback=callback,
            progress=progress,
            shown=units.shown,
        )
        trace = units.inner(trace)
        note = f"; {run.refilled} empty cluster(s) were given the farthest sample"
        return replace(trace, message=trace.message + note) if run.refilled else trace

    return Units(k, 2 * k).outer(best_of(restarts + 1, once))


def refine(clusters: "Clusters") -> Steps:
    """Move the centers to the means of their samples, then the samples to their nearest centers."""
    clusters.begin()
    yield clusters.step("the start")
    while True:
        clusters.fill()
        clusters.move_centers()
        yield clusters.step("the step of the means")
        moved = clusters.move_labels()
        done = None if moved else (True, "no label changed {place}")
        yield clusters.step("the step of the labels", done)
        if done:
            return done


class Clusters:
    """Centers c, labels, and g, which follow the samples that change their cluster; the others are free.

    Parameters
    ----------
    samples : Samples
        Seen from nearby: far from the origin, squares would lose digits.
    c : array of shape (K, D)
        The first centers, seen from there.
    """

    def __init__(self, samples: Samples, c: Array) -> None:
        self.samples, self.c, self.refilled = samples, c, 0
        xp = namespace(c)
        self.path = xp.zeros(c.shape[0], dtype=xp.float64, device=compat.device(c))
        """By how much, since the start, the samples of each cluster may have come nearer to another."""

    def begin(self) -> None:
        """Set the label of each sample to its nearest center."""
        self.known = self.samples.over(_begun, None, self.c)
        self._count()

    def _count(self) -> None:
        """Count the samples of each cluster, and sum their differences from its center and g."""
        samples = self.samples
        self.labels = _joined(samples.told(self.known, "labels"))
        counts = samples.told(samples.over(_counted, self.known, self.c))
        self.sizes, self.pull, value = (sum(parts) for parts in zip(*counts, strict=True))
        self.value = self.summed = float(value)

    def step(self, name: str, done: End | None = None) -> Step:
        """Return where the centers are, with the labels beside them."""
        shift = self.samples.frame.shift
        theta = namespace(self.c).reshape(self.c if shift is None else self.c + shift, (-1,))
        return Step(theta, self.value, 1, {"labels": self.labels}, name, done)

    def fill(self) -> None:
        """Give each empty cluster the sample that lies farthest from its center."""
        if bool((self.sizes == 0).any()):
            apart = self.samples.told(
                self.samples.over(_apart_in, self.samples.split(self.labels), self.c)
            )
            far_apart(self.samples, self.c.shape[0], generator(0))  # raises if too few are distinct
            labels, count = _without_empty(_joined(apart), self.labels, self.sizes)
            self.refilled += count
            parts = zip(self.samples.told(self.known), self.samples.split(labels), strict=True)
            self.known = [_unsettled(known, part) for known, part in parts]
            self._count()

    def move_centers(self) -> None:
        """Set each center to the mean of its samples; by Huygens g falls by sum_k n_k |new - old|^2.

        The mean differs from the center by that of the differences, which are small: few digits are
        lost in their sum, wherever the samples lie.
        """
        xp = namespace(self.c)
        sizes = self.sizes[:, None]
        means = xp.astype(self.c + self.pull / sizes, self.c.dtype)
        moves = xp.astype(means - self.c, xp.float64)
        squares = (moves**2).sum(1)
        self.c, self.path = means, self.path + _nearer(squares**0.5)
        self.pull = self.pull - sizes * moves  # what rounding has left
        self._lower(float((self.sizes * squares).sum()))

    def move_labels(self) -> bool:
        """Set the labels of the samples that are nearer to another center; tell if there are any."""
        samples = self.samples
        self.known = samples.over(_settled, self.known, self.c, self.path)
        changes = [change for change in samples.told(self.known, "change") if change is not None]
        if not changes:
            return False
        sizes, pull, fall = (sum(parts) for parts in zip(*changes, strict=True))
        self.sizes, self.pull = self.sizes + sizes, self.pull + pull
        self.labels = _joined(samples.told(self.known, "labels"))
        self._lower(float(fall))
        return True

    def _lower(self, fall: float) -> None:
        self.value -= fall
        if self.value < self.summed / 8:  # before differences lose a digit, sum g anew
            self._count()


# --- the samples of one chunk ---------------------------------------------------------------------


Change = tuple[Array, Array, Array]
"""Shapes (K,), (K, D) and (); in float64."""


class Known(NamedTuple):
    """What is known of the n samples of a chunk.

    As long as centers have not moved far, a sample that was much nearer to its own than to all others
    still is: only the others are looked at.
    """

    labels: Array  # (n,)
    squares: Array  # (n,), of their lengths
    limits: Array  # (n,), the path of its cluster up to which a sample stays there
    change: Change | None  # of sizes, pulls and g, in the last sweep


def _nearer(moves: Array) -> Array:
    """Return how much nearer to another center a sample can be when centers have moved so far; (K,).

    Its own has gone that far away, and of the others the one that moved most has come.
    """
    xp = namespace(moves)
    order = xp.sort(moves)
    most, second = order[-1], order[-2:][0]
    return moves + xp.where(moves == most, second, most)


DOWN = 1 - 1e-12
"""Rounds a limit down, by more than a path is rounded in ten thousand sweeps."""


@np.errstate(all="ignore")
def _begun(chunk: Chunk, known: None, c: Array) -> Known:
    """Find the nearest center of each sample."""
    xp, rows, device = namespace(c), chunk.count, compat.device(c)
    labels = xp.zeros(rows, dtype=xp.int64, device=device)
    squares = xp.empty(rows, dtype=c.dtype, device=device)
    limits = xp.empty(rows, dtype=xp.float64, device=device)
    centers = Centers(c, rows)
    for some in chunk.pieces(c.shape[0]):
        x = chunk.near(some)
        squares[some] = xp.vecdot(x, x)
        labels[some], margins = centers.nearest(x, squares[some], labels[some])
        limits[some] = DOWN * xp.astype(margins, xp.float64)
    return Known(labels, squares, limits, None)


@np.errstate(all="ignore")
def _settled(chunk: Chunk, known: Known, c: Array, path: Array) -> Known:
    """Find the nearest center of each sample whose limit is reached."""
    xp = namespace(c)
    due = xp.nonzero(~(xp.take(path, known.labels) < known.limits))[0]
    labels, limits = copied(known.labels), copied(known.limits)
    centers, changed = Centers(c, due.shape[0]), []
    for part in pieces(due.shape[0], rows_at_once(c, c.shape[0])):
        some = due[part]
        old, squares = xp.take(known.labels, some), xp.take(known.squares, some)
        new, margins = centers.nearest(chunk.near(some), squares, old)
        limits[some] = DOWN * (xp.take(path, new) + margins)
        if new is not old:
            labels[some] = new
            changed.append(xp.take(some, xp.nonzero(new != old)[0]))
    change = _change(chunk, known.labels, labels, limits, changed, c)
    return Known(labels, known.squares, limits, change)


def _change(
    chunk: Chunk, before: Array, labels: Array, limits: Array, parts: list[Array], c: Array
) -> Change | None:
    """Return what changes with the labels of some samples; one that comes no nearer keeps its own."""
    if not sum(part.shape[0] for part in parts):
        return None
    xp, changed, changes = namespace(c), _joined(parts), []
    for part in pieces(changed.shape[0], rows_at_once(c, c.shape[0] + c.shape[1])):
        some = changed[part]
        x, old, new = chunk.near(some), xp.take(before, some), xp.take(labels, some)
        from_old, from_new = _apart(x, c, old), _apart(x, c, new)
        falls = _squares(from_old) - _squares(from_new)
        better = falls > 0
        if not bool(xp.all(better)):
            falls, new = xp.where(better, falls, xp.zeros_like(falls)), xp.where(better, new, old)
            from_new = xp.where(better[:, None], from_new, from_old)
            labels[some] = new
            limits[some] = xp.where(better, limits[some], xp.zeros_like(limits[some]))
        (lost, less), (won, more) = (
            _totals(*each) for each in ((from_old, _one_hot(old, c)), (from_new, _one_hot(new, c)))
        )
        changes.append((won - lost, more - less, xp.sum(falls, dtype=xp.float64)))
    sizes, pull, fall = (sum(parts) for parts in zip(*changes, strict=True))
    return (sizes, pull, fall) if float(fall) > 0 else None


class Centers:
    r"""Centers, and what is needed to find the nearest one of some samples.

    The nearest center has most of :math:`x^T c_k - \tfrac12 \lVert c_k \rVert^2`, which is a product
    of matrices. Where its lead is so small that rounding may hide the nearest one, differences decide.

    Parameters
    ----------
    c : array of shape (K, D)
        The centers.
    most : int
        The most samples at once.
    """

    def __init__(self, c: Array, most: int) -> None:
        xp, (K, D) = namespace(c), c.shape
        squares = (c * c).sum(1)
        self.c, self.half = c, squares[:, None] / 2
        self.longest = float(xp.max(squares)) ** 0.5
        self.error = (D + 4) * eps(c)
        self.one_product = product_rows(c, K * D)
        rows = min(most, rows_at_once(c, K))
        self.room = xp.empty(K * rows, dtype=c.dtype, device=compat.device(c))
        self.numbers = xp.arange(rows, device=compat.device(c))

    def nearest(self, x: Array, squares: Array, labels: Array) -> tuple[Array, Array]:
        """Return the number of the nearest center of each sample, and its margin; both (n,).

        The margin is by how much that center may go away, or others come, before one of them is nearer.
        `squares` are those of the lengths of x; `labels` says where to look first, and is returned
        itself where all are right.
        """
        xp, c, n = namespace(x), self.c, x.shape[0]
        nearness = xp.reshape(self.room[: c.shape[0] * n], (c.shape[0], n))
        for some in pieces(n, self.one_product):
            xp.matmul(c, x[some, ...].T, out=nearness[:, some])
        nearness -= self.half
        own, others = self._lead(nearness, labels)
        farthest = xp.max(squares)
        margins = self._margins(squares, own, others, farthest)
        hard = xp.nonzero(~(margins > 0))[0]
        if not hard.shape[0]:
            return labels, margins
        labels, columns = copied(labels), xp.take(nearness, hard, axis=1)
        columns[labels[hard], self.numbers[: hard.shape[0]]] = own[hard]
        labels[hard] = new = xp.argmax(columns, axis=0)
        squares = squares[hard]
        margins[hard] = self._margins(squares, *self._lead(columns, new), squares)
        unsure = hard[~(margins[hard] > 0)]
        if unsure.shape[0]:
            labels[unsure], margins[unsure] = _nearest_exactly(x[unsure, ...], c), 0.0
        return labels, margins

    def _margins(self, squares: Array, own: Array, others: Array, farthest: Array) -> Array:
        """Return (|x - c|^2 - |x - b|^2) / 2 |x - c|, less rounding: b is its center and c the next one.

        The squared lengths of the samples and both nearnesses are given, and the largest squared length
        of all or of each. A product of D numbers is known to D/2 eps |x| |c|, half of a square to D/4
        eps |c|^2, and both to a few roundings more.
        """
        reach = farthest**0.5 + self.longest
        lead = own - others - self.error * self.longest * reach
        return lead / (squares - 2 * others + 2 * self.error * reach * reach) ** 0.5

    def _lead(self, nearness: Array, labels: Array) -> tuple[Array, Array]:
        """Return the nearness of each sample to its own center, and the largest one to another; (n,).

        The place of its own center in `nearness` is set to minus infinity.
        """
        xp, n = namespace(nearness), labels.shape[0]
        places, flat = labels * n + self.numbers[:n], xp.reshape(nearness, (-1,), copy=False)
        own = xp.take(flat, places)
        flat[places] = -xp.inf
        return own, xp.max(nearness, axis=0)


def _nearest_exactly(x: Array, c: Array) -> Array:
    """Return the number of the nearest center by differences, some samples at a time."""
    xp, rows = namespace(x), rows_at_once(x, c.shape[0] * c.shape[1])
    parts = [x[some, None, :] - c for some in pieces(x.shape[0], rows)]
    return xp.concat([xp.argmin((apart * apart).sum(-1), axis=1) for apart in parts])


@np.errstate(all="ignore")
def _counted(chunk: Chunk, known: Known, c: Array) -> tuple[Array, Array, Array]:
    """Return the size of each cluster, the sum of the differences from its center, and g."""
    xp, parts = namespace(c), []
    for some in chunk.pieces(c.shape[0] + c.shape[1]):
        labels = known.labels[some]
        apart = _apart(chunk.near(some), c, labels)
        g = xp.sum(_squares(apart), dtype=xp.float64)
        parts.append((*_totals(apart, _one_hot(labels, c)), g))
    return tuple(sum(part) for part in zip(*parts, strict=True))


@np.errstate(all="ignore")
def _apart_in(chunk: Chunk, labels: Array, c: Array) -> Array:
    """Return the squared distance of each sample to its center."""
    parts = chunk.pieces(c.shape[1])
    return _joined([_squares(_apart(chunk.near(some), c, labels[some])) for some in parts])


def _unsettled(known: Known, labels: Array) -> Known:
    """Return labels that may be anything."""
    return known._replace(labels=labels, limits=namespace(labels).zeros_like(known.limits))


def _joined(parts: list[Array]) -> Array:
    return parts[0] if len(parts) == 1 else namespace(parts[0]).concat(parts)


def _apart(x: Array, c: Array, labels: Array) -> Array:
    """Return the difference of each sample from its center."""
    return x - namespace(c).take(c, labels, axis=0)


def _squares(apart: Array) -> Array:
    return (apart * apart).sum(1)


def _totals(apart: Array, chosen: Array) -> tuple[Array, Array]:
    """Return the size of each cluster, (K,), and the sum of its differences, (K, D), in float64."""
    xp = namespace(apart)
    return xp.sum(chosen, axis=0, dtype=xp.float64), xp.astype(chosen.T @ apart, xp.float64)


def kmeans_start(x: Data, clusters: int, *, rng: Rng = None) -> Array:
    r"""Draw starting centers far from each other: k-means++.

    .. math:: \Pr(c_k = x_t) = \frac{d_t^2}{\sum_s d_s^2}, \qquad
        d_t = \min_{j < k} \lVert x_t - c_j \rVert

    The first is a sample drawn evenly; each further one is sample t with a probability proportional to
    the squared distance of :math:`x_t` to the nearest center so far.

    Parameters
    ----------
    x : array of shape (T, D)
        The samples.
    clusters : int
        Number K of centers.
    rng : None, int, numpy.random.Generator or torch.Generator
        Where chance comes from.

    Returns
    -------
    array of shape (K, D)
        Samples, all different.

    Raises
    ------
    TypeError
        If `rng` is of the wrong kind.
    ValueError
        If `x` has fewer distinct samples than `clusters`, is not of shape (T, D), or is not finite.

    References
    ----------
    Arthur & Vassilvitskii, k-means++: the advantages of careful seeding, *SODA* (2007).

    Examples
    --------
    >>> sorted(kmeans_start([[1.0], [5.0], [5.0]], 2, rng=0).ravel().tolist())
    [1.0, 5.0]
    """
    samples, clusters = check_samples(x, clusters, "clusters")
    k = int(exponent(samples.peak))
    return times_power(far_apart(samples.seen_from(Frame(k)), clusters, generator(rng)), k)


@np.errstate(all="ignore")
def far_apart(samples: Samples, clusters: int, rng: Any) -> Array:
    """Draw the centers of :func:`kmeans_start` for checked samples.

    Raises
    ------
    ValueError
        If there are too few distinct samples.
    """
    like = samples.like
    xp = namespace(like)
    chance = xp.astype(uniform(rng, (clusters,), like), xp.float64)
    distances = xp.ones(samples.count, dtype=like.dtype, device=compat.device(like))
    centers: list[Array] = []
    known = None
    for k in range(clusters):
        reached = xp.cumulative_sum(distances, dtype=xp.float64)  # float32 would stop to count at 2^24
        if not bool(reached[-1] > 0):
            raise ValueError(
                f"x has only {k} distinct samples, and {clusters} clusters or components are asked for; "
                f"ask for at most {k}"
            )
        drawn = int(xp.searchsorted(reached, chance[k : k + 1] * reached[-1], side="right")[0])
        if drawn == samples.count:  # a float32 chance of 1
            drawn = int(xp.searchsorted(reached, reached[-1:])[0])
        centers.append(samples.row(drawn))
        known = samples.over(_distances, known, centers[-1])
        distances = _joined(samples.told(known))
    return xp.stack(centers)


@np.errstate(all="ignore")
def _distances(chunk: Chunk, known: Array | None, center: Array) -> Array:
    """Return the squared distance of each sample to the nearest center, of which one is new."""
    xp, parts = namespace(center), chunk.pieces(center.shape[0])
    apart = _joined([((chunk.near(some) - center) ** 2).sum(1) for some in parts])
    return apart if known is None else xp.minimum(known, apart)


@np.errstate(all="ignore")
def assign(x: Data, centers: ArrayLike) -> Array:
    r"""Return the number of the nearest center for each sample.

    .. math:: l_t = \operatorname*{argmin}_k \lVert x_t - c_k \rVert^2
        = \operatorname*{argmax}_k \bigl(x_t^T c_k - \tfrac12 \lVert c_k \rVert^2\bigr)

    Parameters
    ----------
    x : array of shape (T, D)
        The samples.
    centers : array of shape (K, D)
        The centers.

    Returns
    -------
    array of shape (T,), int
        The labels, from 0 to K - 1; the first of equally near ones.

    Raises
    ------
    TypeError, ValueError
        If the arrays are of different kinds, not finite, or have different numbers of columns.

    Examples
    --------
    >>> assign([[0.0], [4.0]], [[1.0], [3.0]])
    array([0, 1])
    """
    samples, c = _with_centers(x, centers)
    k = int(exponent(samples.peak, c))
    c = times_power(c, -k)
    middle = mean(c)  # far from it, squares would lose digits
    shift = origin(middle, namespace(c).max(abs(c - middle), axis=0))
    samples = samples.seen_from(Frame(k, shift))
    return _joined(samples.told(samples.over(_begun, None, c - shift), "labels"))


@np.errstate(all="ignore")
def inertia(x: ArrayLike, centers: ArrayLike, labels: ArrayLike) -> Array:
    r"""Return the sum of squared distances of the samples to their centers.

    .. math:: g(l, c) = \sum_{t=1}^T \lVert x_t - c_{l_t} \rVert^2

    Parameters
    ----------
    x : array of shape (T, D)
        The samples.
    centers : array of shape (K, D)
        The centers.
    labels : array of shape (T,), int
        The center of each sample.

    Returns
    -------
    array of shape ()
        The inertia, in squared units of `x`.

    Raises
    ------
    TypeError, ValueError
        As for :func:`assign`, if the inertia leaves the range of the numbers, and if there is not one
        label from 0 to K - 1 for each sample.

    Examples
    --------
    >>> float(inertia([[0.0], [1.0], [5.0]], [[0.0], [5.0]], [0, 0, 1]))
    1.0
    """
    xp, x, c = arrays({"x": "T D", "centers": "K D"}, x=detached(x), centers=centers)
    labels = integers(labels, "labels", 0, c.shape[0] - 1, "numbers of centers, integers")
    if tuple(labels.shape) != (x.shape[0],):
        raise ValueError(f"labels must have shape ({x.shape[0]},); got {tuple(labels.shape)}")
    k, labels = exponent(x, c), xp.asarray(labels, device=compat.device(x))
    apart = _apart_in(Chunk(x, Frame(k)), labels, times_power(c, -k)).sum()
    found, whole = kept(apart, 2 * k)
    if not whole:
        raise ValueError(out_of_range("the inertia", x))
    return found


def _without_empty(apart: Array, labels: Array, sizes: Array) -> tuple[Array, int]:
    """Give each empty cluster the sample farthest from its center that is not alone in its own.

    Return the new labels, and how many clusters were empty.
    """
    xp = namespace(apart)
    labels, sizes = copied(labels), copied(sizes)
    empty = [k for k in range(sizes.shape[0]) if float(sizes[k]) == 0]
    for k in empty:
        t = int(xp.argmax(xp.where(xp.take(sizes, labels) > 1, apart, -xp.ones_like(apart))))
        sizes[int(labels[t])] -= 1
        sizes[k], labels[t] = 1, k
    return labels, len(empty)


def _one_hot(labels: Array, centers: Array) -> Array:
    xp = namespace(centers)
    numbers = xp.arange(centers.shape[0], device=compat.device(labels))
    return xp.astype(labels[:, None] == numbers, centers.dtype)


def check_samples(x: Any, clusters: Any, name: str, enough: bool = True) -> tuple[Samples, int]:
    """Return x as samples, and the number of clusters; `enough` asks for a sample for each of them.

    Raises
    ------
    TypeError
        If x does not hold real numbers.
    ValueError
        If its shape is not (T, D), if T is too small, if an entry is not finite, or if `clusters` is not
        a positive integer.
    """
    swapped = f"The samples x come first, then the number of {name}" if isinstance(x, int) else ""
    count = whole(clusters, name, hint=swapped)
    samples = as_samples(x)
    if enough and samples.count < count:
        raise ValueError(f"x has only {samples.count} samples, and {count} {name} are asked for")
    return samples, count


def _with_start(x: Any, samples: Samples, clusters: int, start: ArrayLike) -> tuple[Samples, Array]:
    """Return samples and the centers of a start, of one kind."""
    shapes, hints = {"x": "T D", "start": f"{clusters} D"}, {"start": "Give a row per cluster"}
    _, rows, given = arrays(shapes, hints, x=samples.given(x), start=detached(start))
    return samples.of_kind(rows), given


def _with_centers(x: Any, centers: ArrayLike) -> tuple[Samples, Array]:
    """Return samples and centers of one kind."""
    samples = as_samples(x)
    _, rows, c = arrays({"x": "T D", "centers": "K D"}, x=samples.given(x), centers=detached(centers))
    return samples.of_kind(rows), c


@np.errstate(all="ignore")
def mean(x: Array) -> Array:
    """Return the mean sample of x, summed in float64: far from the origin, float32 would drift."""
    xp = namespace(x)
    return xp.astype(xp.sum(x, axis=0, dtype=xp.float64) / x.shape[0], x.dtype)
