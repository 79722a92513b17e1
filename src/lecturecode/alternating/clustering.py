"""k-means: which cluster each sample belongs to, and where the centers are, one after the other.

Two blocks, one discrete and one continuous. The labels are found directly, by looking for the nearest
center; the centers are found directly, as means. No step size, no derivative of a label.
"""

from dataclasses import replace
from typing import Any

import array_api_compat as compat

from lecturecode.alternating.seeding import check_samples, middle, spread
from lecturecode.alternating.sweeps import Sweeps, Update, Updates, best_of, check_tol
from lecturecode.arrays import Array, detached, real_arrays
from lecturecode.randomness import Rng, generator
from lecturecode.search import check_count
from lecturecode.trace import Callback, Trace

__all__ = ["assign", "inertia", "kmeans"]


def kmeans(
    x: Any,
    clusters: int,
    *,
    rng: Rng = None,
    centers: Any = None,
    restarts: int = 0,
    sweeps: int = 300,
    tol: float = 0.0,
    record_every: int = 1,
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
    centers : array of shape (K, D), optional
        The first start; drawn as by :func:`kmeans_start` if not given.
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
        ``assign(x, theta.reshape(K, D))`` gives their labels. `values` is g, the inertia, after each
        half-step, and ``extras["labels"]``, shape (records, T), the labels of each recorded one.

    Raises
    ------
    TypeError
        If arrays of different kinds are mixed, or `rng` is of the wrong kind.
    ValueError
        If `x` is not of shape (T, D), is not finite, or has fewer distinct samples than `clusters`; if
        `centers` is not of shape (K, D), or a number is out of range.

    Notes
    -----
    Distances mix the columns of x, so the one with the largest numbers decides; bring them to one scale
    first, as by ``(x - x.mean(0)) / x.std(0)``.

    A cluster that has lost all its samples gets the sample that lies farthest from its center, which
    does not make g rise; the message of the trace says how often.

    References
    ----------
    Lloyd, Least squares quantization in PCM, *IEEE Transactions on Information Theory* 28 (1982).

    Examples
    --------
    >>> trace = kmeans([[0.0], [1.0], [9.0], [11.0]], 2, centers=[[0.0], [1.0]])
    >>> trace.theta.tolist(), trace.value, trace.extras["labels"][-1].tolist()
    ([0.5, 10.0], 2.5, [0, 0, 1, 1])
    """
    x, given = _checked(x, clusters, detached(centers))
    check_count(sweeps, "sweeps")
    check_count(restarts, "restarts", least=0)
    check_tol(tol)
    rng = generator(rng)
    shift = middle(x)  # far from the origin, squares would lose digits
    x = x - shift
    flat = compat.array_namespace(x).reshape(x, (-1,))
    noise = 10 * float(compat.array_namespace(x).finfo(x.dtype).eps) * float(flat @ flat) ** 0.5

    def once(k: int) -> tuple[Sweeps, Trace]:
        start = given - shift if given is not None and k == 0 else spread(x, clusters, rng)
        run = Sweeps(2, sweeps, tol or None, True, record_every, callback, progress, 0.0, noise)
        refilled: list[int] = []
        trace = run.follow(_half_steps(x, start, shift, refilled))
        note = f"; {len(refilled)} empty cluster(s) were given the farthest sample" if refilled else ""
        return run, replace(trace, message=trace.message + note)

    return best_of(restarts + 1, once)


def _half_steps(x: Array, c: Array, shift: Array, refilled: list[int]) -> Updates:
    """Alternate; what the clusters add up to changes only by the samples that change their label."""
    xp = compat.array_namespace(x)
    shape, device = (c.shape[0], x.shape[0]), compat.device(x)
    nearness = xp.empty(shape, dtype=x.dtype, device=device)  # (K, T), the memory for all that follow
    labels = xp.argmax(_nearness(x, c, nearness), axis=0)
    sizes, sums = _totals(x, _one_hot(labels, c))
    value = known = float(_inertia(x, c, labels))
    yield _update("the start", c + shift, value, labels)
    while True:
        if bool((sizes == 0).any()):
            labels = _without_empty(x, c, labels, sizes, refilled)
            sizes, sums = _totals(x, _one_hot(labels, c))
            value = known = float(_inertia(x, c, labels))
        means = xp.astype(sums / sizes[:, None], x.dtype)
        fall = float((sizes * ((means - c) ** 2).sum(1)).sum())  # Huygens' theorem
        c = means
        value, known = _lowered(value - fall, known, x, c, labels)
        yield _update("the step of the means", c + shift, value, labels)

        moved = _nearer_to_another(_nearness(x, c, nearness), labels)  # (n,)
        some, old, new = x[moved, ...], labels[moved], xp.argmax(nearness[:, moved], axis=0)
        fall = float(((some - c[old, ...]) ** 2 - (some - c[new, ...]) ** 2).sum())
        settled = not fall > 0
        if not settled:
            labels = xp.asarray(labels, copy=True)
            labels[moved] = new
            gained = _totals(some, _one_hot(new, c) - _one_hot(old, c))
            sizes, sums = sizes + gained[0], sums + gained[1]
            value, known = _lowered(value - fall, known, x, c, labels)
        yield _update("the step of the labels", c + shift, value, labels, settled)


def _nearness(x: Array, c: Array, out: Array) -> Array:
    """Fill `out`, shape (K, T), with what the nearest center has most of: see :func:`assign`."""
    compat.array_namespace(x).matmul(c, x.T, out=out)
    out -= 0.5 * (c * c).sum(1)[:, None]
    return out


def _nearer_to_another(nearness: Array, labels: Array) -> Array:
    """Return the numbers of the samples that are nearer to another center than to their own."""
    xp, T = compat.array_namespace(nearness), labels.shape[0]
    places = labels * T + xp.arange(T, device=compat.device(labels))
    own = xp.take(xp.reshape(nearness, (-1,)), places, axis=0)
    return xp.nonzero(own < xp.max(nearness, axis=0))[0]


def _totals(x: Array, chosen: Array) -> tuple[Array, Array]:
    """Return the size of each cluster, (K,), and the sum of its samples, (K, D), both in float64."""
    xp = compat.array_namespace(x)
    return xp.sum(chosen, axis=0, dtype=xp.float64), xp.astype(chosen.T @ x, xp.float64)


def _lowered(value: float, known: float, x: Array, c: Array, labels: Array) -> tuple[float, float]:
    """Return g and the last g that was summed anew, which is done before differences lose a digit."""
    if value < known / 8:
        value = known = float(_inertia(x, c, labels))
    return value, known


def _update(name: str, centers: Array, value: float, labels: Array, settled: bool = False) -> Update:
    theta = compat.array_namespace(centers).reshape(centers, (-1,))
    return Update(name, theta, value, 1, {"labels": labels}, "no label changed" if settled else "")


def assign(x: Any, centers: Any) -> Array:
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
    x, c = _checked(x, None, detached(centers))
    origin = middle(c)  # far from it, squares would lose digits
    return _nearest(x - origin, c - origin)


def inertia(x: Any, centers: Any, labels: Any) -> Array:
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
        As for :func:`assign`, and if there is not one label from 0 to K - 1 for each sample.

    Examples
    --------
    >>> float(inertia([[0.0], [1.0], [5.0]], [[0.0], [5.0]], [0, 0, 1]))
    1.0
    """
    x, c = _checked(x, None, centers)
    labels = compat.array_namespace(x).asarray(labels, device=compat.device(x))
    if tuple(labels.shape) != (x.shape[0],):
        raise ValueError(f"labels must have shape ({x.shape[0]},); got {tuple(labels.shape)}")
    xp, K = compat.array_namespace(x), c.shape[0]
    if not xp.isdtype(labels.dtype, "integral"):
        raise TypeError(f"labels must be integers; got dtype {labels.dtype}")
    if not (int(labels.min()) >= 0 and int(labels.max()) < K):
        found = f"{int(labels.min())}..{int(labels.max())}"
        raise ValueError(f"labels must lie in 0..{K - 1}, the numbers of the centers; got {found}")
    return _inertia(x, c, labels)


def _nearest(x: Array, c: Array) -> Array:
    return compat.array_namespace(x).argmax(_nearness(x, c, c @ x.T), axis=0)


def _inertia(x: Array, c: Array, labels: Array) -> Array:
    apart = x - c[labels, ...]
    return (apart * apart).sum()


def _without_empty(x: Array, c: Array, labels: Array, sizes: Array, refilled: list[int]) -> Array:
    """Give each empty cluster the sample farthest from its center that is not alone in its own."""
    xp = compat.array_namespace(x)
    spread(x, c.shape[0], generator(0))  # raises if there are too few distinct samples
    labels, sizes = xp.asarray(labels, copy=True), xp.asarray(sizes, copy=True)
    apart = ((x - c[labels, ...]) ** 2).sum(1)
    for k in [k for k in range(c.shape[0]) if float(sizes[k]) == 0]:
        t = int(xp.argmax(xp.where(sizes[labels, ...] > 1, apart, -xp.ones_like(apart))))
        sizes[int(labels[t])] -= 1
        sizes[k], labels[t] = 1, k
        refilled.append(k)
    return labels


def _one_hot(labels: Array, centers: Array) -> Array:
    xp = compat.array_namespace(centers)
    numbers = xp.arange(centers.shape[0], device=compat.device(labels))
    return xp.astype(labels[:, None] == numbers, centers.dtype)


def _checked(x: Any, clusters: int | None, centers: Any) -> tuple[Array, Any]:
    if centers is None:
        return check_samples(x, clusters or 0, "clusters"), None
    _, x, c = real_arrays(x=detached(x), centers=centers)
    x = check_samples(x, 1 if clusters is None else clusters, "clusters")
    if c.ndim != 2 or c.shape[1] != x.shape[1] or clusters not in (None, c.shape[0]):
        wanted = f"({clusters or 'K'}, {x.shape[1]})"
        raise ValueError(f"centers must have shape {wanted}, a row per cluster; got {tuple(c.shape)}")
    return x, c
