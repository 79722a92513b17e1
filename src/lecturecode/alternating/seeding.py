"""Where clusters may start: samples far from each other."""

from typing import Any

import array_api_compat as compat

from lecturecode.arrays import Array, detached, real_arrays
from lecturecode.randomness import Rng, generator, uniform
from lecturecode.search import check_count

__all__ = ["kmeans_start"]


def kmeans_start(x: Any, clusters: int, *, rng: Rng = None) -> Array:
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
    return spread(check_samples(x, clusters, "clusters"), clusters, generator(rng))


def spread(x: Array, clusters: int, rng: Any) -> Array:
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


def check_samples(x: Any, clusters: int, name: str) -> Array:
    """Return x as an array of at least `clusters` samples.

    Raises
    ------
    ValueError
        If its shape is not (T, D), if T is too small, or if an entry is not finite.
    """
    check_count(clusters, name)
    _, x = real_arrays(x=detached(x))
    if x.ndim != 2:
        raise ValueError(
            f"x must have shape (T, D), one row per sample; got {tuple(x.shape)}. "
            "A single feature is x[:, None]"
        )
    if x.shape[0] < clusters:
        raise ValueError(f"x has only {x.shape[0]} samples, and {clusters} {name} are asked for")
    return x


def middle(x: Array) -> Array:
    """Return the mean sample of x, summed in float64: far from the origin, float32 would drift."""
    xp = compat.array_namespace(x)
    return xp.astype(xp.sum(x, axis=0, dtype=xp.float64) / x.shape[0], x.dtype)
