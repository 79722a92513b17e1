"""k-means: which cluster each sample belongs to, and where the centers are, one after the other.

Two blocks, one discrete and one continuous. The labels are found directly, by looking for the nearest
center; the centers are found directly, as means. No step size, no derivative of a label.
"""

from dataclasses import replace
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, ArrayLike, detached
from lecturecode.door import arrays, integers, real, renamed, whole
from lecturecode.iteration import End, Step, Steps, best_of, collect, finite, never_rises, settles
from lecturecode.randomness import Rng, generator, uniform
from lecturecode.trace import Callback, Trace
from lecturecode.units import Units, exponent, kept, out_of_range, times_power

__all__ = ["assign", "inertia", "kmeans", "kmeans_start"]

AT_ONCE = 2**20
"""Numbers in memory at once where differences are computed one by one."""


@renamed(centers="start")
def kmeans(
    x: ArrayLike,
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
        The samples :math:`x_t`.
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

    Notes
    -----
    Distances mix the columns of x, so the one with the largest numbers decides; bring them to one scale
    first, as by ``(x - x.mean(0)) / x.std(0)``.

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
    if start is None:
        x, given = samples, None
    else:
        shapes, hints = {"x": "T D", "start": f"{clusters} D"}, {"start": "Give a row per cluster"}
        _, x, given = arrays(shapes, hints, x=detached(x), start=detached(start))
    sweeps = whole(sweeps, "sweeps")
    restarts = whole(restarts, "restarts", 0)
    tol = real(tol, "tol", "[0, inf]")
    rng = generator(rng)
    with np.errstate(all="ignore"):
        k = exponent(x)
        x = times_power(x, -k)
        given = None if given is None else times_power(given, -k)
        shift = mean(x)  # far from the origin, squares would lose digits
        x = x - shift
        flat = compat.array_namespace(x).reshape(x, (-1,))
        noise = 10 * float(compat.array_namespace(x).finfo(x.dtype).eps) * float(flat @ flat) ** 0.5

    def once(number: int) -> Trace:
        first = given is not None and number == 0
        c = given - shift if first else far_apart(x, clusters, rng)
        run, units = Clusters(x, c, shift), Units(k, 2 * k)
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
    x : array of shape (T, D)
        The samples, moved near the origin: far from it, squares would lose digits.
    c : array of shape (K, D)
        The first centers, moved likewise.
    shift : array of shape (D,)
        What brings a center back.
    """

    def __init__(self, x: Array, c: Array, shift: Array) -> None:
        self.x, self.c, self.shift, self.refilled = x, c, shift, 0
        shape, xp = (c.shape[0], x.shape[0]), compat.array_namespace(x)
        self.nearness = xp.empty(shape, dtype=x.dtype, device=compat.device(x))
        self.lengths = (x * x).sum(1) ** 0.5  # (T,)

    def begin(self) -> None:
        """Set the label of each sample to its nearest center."""
        labels, unsure = _nearest(self.x, self.c, self.nearness, self.lengths)
        labels[unsure] = _nearest_exactly(self.x[unsure], self.c)
        self._count(labels)

    def _count(self, labels: Array) -> None:
        self.labels = labels
        self.sizes, self.sums = _totals(self.x, _one_hot(labels, self.c))
        self.value = self.known = float(_inertia(self.x, self.c, labels))

    def step(self, name: str, done: End | None = None) -> Step:
        """Return where the centers are, with the labels beside them."""
        theta = compat.array_namespace(self.c).reshape(self.c + self.shift, (-1,))
        return Step(theta, self.value, 1, {"labels": self.labels}, name, done)

    def fill(self) -> None:
        """Give each empty cluster the sample that lies farthest from its center."""
        if bool((self.sizes == 0).any()):
            labels, count = _without_empty(self.x, self.c, self.labels, self.sizes)
            self.refilled += count
            self._count(labels)

    def move_centers(self) -> None:
        """Set each center to the mean of its samples; by Huygens g falls by sum_k n_k |new - old|^2."""
        means = compat.array_namespace(self.x).astype(self.sums / self.sizes[:, None], self.x.dtype)
        fall = float((self.sizes * ((means - self.c) ** 2).sum(1)).sum())
        self.c = means
        self._lower(fall)

    def move_labels(self) -> bool:
        """Set the labels of the samples that are nearer to another center; tell whether there are some.

        Where there seem to be none, differences decide on those that rounding may hide.
        """
        x, c, xp = self.x, self.c, compat.array_namespace(self.x)
        moved = _nearer_to_another(_nearness(x, c, self.nearness), self.labels)  # (n,)
        if self._relabel(moved, xp.argmax(self.nearness[:, moved], axis=0)):
            return True
        unsure = xp.nonzero(~(_lead(self.nearness, self.labels) >= _doubt(c, self.lengths)))[0]
        return self._relabel(unsure, _nearest_exactly(x[unsure, ...], c))

    def _relabel(self, samples: Array, labels: Array) -> bool:
        """Set the labels of those samples that they bring nearer to a center; tell whether g fell."""
        some, c, old = self.x[samples, ...], self.c, self.labels[samples]
        falls = _apart(some, c, old) - _apart(some, c, labels)  # (n,)
        better = falls > 0
        if not bool(better.any()):
            return False
        xp = compat.array_namespace(c)
        some, old, new, fall = some[better], old[better], labels[better], float(falls[better].sum())
        self.labels = xp.asarray(self.labels, copy=True)
        self.labels[samples[better]] = new
        sizes, sums = _totals(some, _one_hot(new, c) - _one_hot(old, c))
        self.sizes, self.sums = self.sizes + sizes, self.sums + sums
        self._lower(fall)
        return True

    def _lower(self, fall: float) -> None:
        self.value -= fall
        if self.value < self.known / 8:  # before differences lose a digit, sum g anew
            self.value = self.known = float(_inertia(self.x, self.c, self.labels))


def _nearness(x: Array, c: Array, out: Array) -> Array:
    """Fill `out`, shape (K, T), with what the nearest center has most of: see :func:`assign`."""
    compat.array_namespace(x).matmul(c, x.T, out=out)
    out -= 0.5 * (c * c).sum(1)[:, None]
    return out


def _nearer_to_another(nearness: Array, labels: Array) -> Array:
    """Return the numbers of the samples that seem nearer to another center than to their own."""
    xp, T = compat.array_namespace(nearness), labels.shape[0]
    places = labels * T + xp.arange(T, device=compat.device(labels))
    own = xp.take(xp.reshape(nearness, (-1,)), places, axis=0)
    return xp.nonzero(own < xp.max(nearness, axis=0))[0]


def _lead(nearness: Array, labels: Array) -> Array:
    """Return by how much each sample is nearer to its own center than to all others, shape (T,).

    The place of its own center in `nearness` is set to minus infinity.
    """
    xp, T = compat.array_namespace(nearness), labels.shape[0]
    places = labels * T + xp.arange(T, device=compat.device(labels))
    flat = xp.reshape(nearness, (-1,), copy=False)
    own = xp.take(flat, places, axis=0)
    flat[places] = -xp.inf
    return own - xp.max(nearness, axis=0)


def _doubt(c: Array, lengths: Array) -> Array:
    """Return the largest rounding error of a difference of two nearnesses for each sample, shape (T,).

    A product of D numbers is known to D/2 eps |x| |c|, half of a square to D/4 eps |c|^2, and both to a
    few roundings more.
    """
    xp = compat.array_namespace(c)
    longest = float(xp.max((c * c).sum(1))) ** 0.5
    error = (c.shape[1] + 4) * float(xp.finfo(c.dtype).eps) * longest
    return error * lengths + error * longest


def _nearest_exactly(x: Array, c: Array) -> Array:
    """Return the number of the nearest center by differences, some samples at a time."""
    xp, rows = compat.array_namespace(x), max(1, AT_ONCE // (c.shape[0] * c.shape[1]))
    parts = [x[t : t + rows, None, :] - c for t in range(0, x.shape[0], rows)] or [x[:, None, :] - c]
    return xp.concat([xp.argmin((apart * apart).sum(-1), axis=1) for apart in parts])


def _apart(x: Array, c: Array, labels: Array) -> Array:
    apart = x - c[labels, ...]
    return (apart * apart).sum(1)


def _totals(x: Array, chosen: Array) -> tuple[Array, Array]:
    """Return the size of each cluster, (K,), and the sum of its samples, (K, D), both in float64."""
    xp = compat.array_namespace(x)
    return xp.sum(chosen, axis=0, dtype=xp.float64), xp.astype(chosen.T @ x, xp.float64)


def kmeans_start(x: ArrayLike, clusters: int, *, rng: Rng = None) -> Array:
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
    x, clusters = check_samples(x, clusters, "clusters")
    k = exponent(x)
    return times_power(far_apart(times_power(x, -k), clusters, generator(rng)), k)


@np.errstate(all="ignore")
def far_apart(x: Array, clusters: int, rng: Any) -> Array:
    """Draw the centers of :func:`kmeans_start` for checked samples.

    Raises
    ------
    ValueError
        If there are too few distinct samples.
    """
    xp = compat.array_namespace(x)
    chance = xp.astype(uniform(rng, (clusters,), x), xp.float64)
    distances = xp.ones_like(x[:, 0])
    centers: list[Array] = []
    for k in range(clusters):
        reached = xp.cumulative_sum(distances, dtype=xp.float64)  # float32 would stop to count at 2^24
        if not bool(reached[-1] > 0):
            raise ValueError(
                f"x has only {k} distinct samples, and {clusters} clusters or components are asked for; "
                f"ask for at most {k}"
            )
        drawn = int(xp.searchsorted(reached, chance[k : k + 1] * reached[-1], side="right")[0])
        if drawn == x.shape[0]:  # a float32 chance of 1
            drawn = int(xp.searchsorted(reached, reached[-1:])[0])
        centers.append(x[drawn, ...])
        apart = ((x - centers[-1]) ** 2).sum(1)
        distances = apart if k == 0 else xp.minimum(distances, apart)
    return xp.stack(centers)


@np.errstate(all="ignore")
def assign(x: ArrayLike, centers: ArrayLike) -> Array:
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
    _, x, c = arrays({"x": "T D", "centers": "K D"}, x=detached(x), centers=detached(centers))
    k = exponent(x, c)
    x, c = times_power(x, -k), times_power(c, -k)
    origin = mean(c)  # far from it, squares would lose digits
    near, centers = x - origin, c - origin
    labels, unsure = _nearest(near, centers, centers @ near.T, (near * near).sum(1) ** 0.5)
    labels[unsure] = _nearest_exactly(x[unsure], c)
    return labels


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
    k = exponent(x, c)
    apart = _inertia(times_power(x, -k), times_power(c, -k), xp.asarray(labels, device=compat.device(x)))
    found, whole = kept(apart, 2 * k)
    if not whole:
        raise ValueError(out_of_range("the inertia", x))
    return found


def _nearest(x: Array, c: Array, nearness: Array, lengths: Array) -> tuple[Array, Array]:
    """Return the number of the nearest center, and where rounding may have decided, both (T,)."""
    labels = compat.array_namespace(x).argmax(_nearness(x, c, nearness), axis=0)
    return labels, ~(_lead(nearness, labels) >= _doubt(c, lengths))


def _inertia(x: Array, c: Array, labels: Array) -> Array:
    return _apart(x, c, labels).sum()


def _without_empty(x: Array, c: Array, labels: Array, sizes: Array) -> tuple[Array, int]:
    """Give each empty cluster the sample farthest from its center that is not alone in its own.

    Return the new labels, and how many clusters were empty.
    """
    xp = compat.array_namespace(x)
    far_apart(x, c.shape[0], generator(0))  # raises if there are too few distinct samples
    labels, sizes = xp.asarray(labels, copy=True), xp.asarray(sizes, copy=True)
    apart = _apart(x, c, labels)
    empty = [k for k in range(c.shape[0]) if float(sizes[k]) == 0]
    for k in empty:
        t = int(xp.argmax(xp.where(sizes[labels, ...] > 1, apart, -xp.ones_like(apart))))
        sizes[int(labels[t])] -= 1
        sizes[k], labels[t] = 1, k
    return labels, len(empty)


def _one_hot(labels: Array, centers: Array) -> Array:
    xp = compat.array_namespace(centers)
    numbers = xp.arange(centers.shape[0], device=compat.device(labels))
    return xp.astype(labels[:, None] == numbers, centers.dtype)


def check_samples(x: ArrayLike, clusters: Any, name: str, enough: bool = True) -> tuple[Array, int]:
    """Return x as an array, and the number of clusters; `enough` asks for a sample for each of them.

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
    _, x = arrays({"x": "T D"}, x=detached(x))
    if enough and x.shape[0] < count:
        raise ValueError(f"x has only {x.shape[0]} samples, and {count} {name} are asked for")
    return x, count


@np.errstate(all="ignore")
def mean(x: Array) -> Array:
    """Return the mean sample of x, summed in float64: far from the origin, float32 would drift."""
    xp = compat.array_namespace(x)
    return xp.astype(xp.sum(x, axis=0, dtype=xp.float64) / x.shape[0], x.dtype)
