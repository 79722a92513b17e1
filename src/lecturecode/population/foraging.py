"""Foraging: ants find the short path from nest to food, by nothing but scent.

It is the experiment of the double bridge, on any small graph: what explains an ant colony.
"""

import math

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, ArrayLike, on_host
from lecturecode.door import real, renamed, whole
from lecturecode.iteration import Method, Told, collect, reaches
from lecturecode.population.distances import is_symmetric, refuse, square
from lecturecode.population.roulette import smallest, spin, spins
from lecturecode.randomness import Rng, generator
from lecturecode.trace import Callback, Trace

__all__ = ["ant_paths"]


@renamed(ants="population", start="nest", end="food")
def ant_paths(
    distances: ArrayLike,
    nest: int,
    food: int,
    *,
    population: int,
    steps: int,
    rng: Rng = None,
    alpha: float = 2.0,
    evaporation: float = 0.5,
    target: float = -math.inf,
    record_every: int | None = None,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Let ants find the short path from nest to food by nothing but scent.

    An ant at node i takes the edge to j, a node where it has not been, with probability
    :math:`\tau_{ij}^\alpha / \sum_l \tau_{il}^\alpha`. Then some of the pheromone evaporates, and every
    ant m that arrived lays :math:`1 / L_m` on each edge of its path, of length :math:`L_m`:

    .. math:: \tau_{ij} \leftarrow (1 - \rho)\, \tau_{ij} + \sum_{m\ \text{over}\ ij} 1 / L_m .

    Parameters
    ----------
    distances : array of shape (n, n)
        Lengths of the edges, positive, ``inf`` where there is none; the diagonal is ignored. Where it is
        symmetric, ants smell a trail in both directions.
    nest, food : int
        Their nodes.
    population : int
        Number M of ants.
    steps : int
        How often the ants set out again after the first time.
    rng : None, int, numpy.random.Generator or torch.Generator
        Where chance comes from.
    alpha : float
        How strongly ants prefer the stronger scent. Deneubourg et al. found 2 in Argentine ants.
    evaporation : float
        The share :math:`\rho` of the pheromone that is lost at each step; 0.5 in the ant system of
        Dorigo, Maniezzo & Colorni. With 0 nothing is forgotten.
    target : float
        Stop once a path is no longer than this.
    record_every, callback, progress
        As for :func:`lecturecode.minimize`.

    Returns
    -------
    Trace
        `thetas` of shape (records, M, n), the nodes of each path, the last one repeated up to length n;
        `values` of shape (steps + 1, M), their lengths; ``extras["pheromone"]``, shape (records, n, n),
        is what the ants of that record smelled. An ant in a dead end is lost: its length is ``inf``, it
        lays nothing, and the message counts it.

    Raises
    ------
    TypeError
        If `distances` does not hold real numbers, or if `rng` is of the wrong kind.
    ValueError
        If `distances` is not square, is NaN or not positive somewhere, if a number is out of range, if
        no path leads from `nest` to `food`, or if all of the first ants are lost.

    Notes
    -----
    At the start all edges smell alike, of as much as the first ants lay together. Here nobody puts a
    limit to the pheromone: of two equal paths, one wins by chance.

    References
    ----------
    Deneubourg, Aron, Goss & Pasteels, The self-organizing exploratory pattern of the Argentine ant,
    *Journal of Insect Behavior* 3 (1990). Dorigo, Maniezzo & Colorni, Ant system, *IEEE Transactions on
    Systems, Man, and Cybernetics B* 26 (1996).

    Examples
    --------
    Two bridges lead from node 0 to node 3, and the one by node 2 is twice as long:

    >>> from math import inf
    >>> bridges = [[0, 1, 2, inf], [1, 0, inf, 1], [2, inf, 0, 2], [inf, 1, 2, 0]]
    >>> trace = ant_paths(bridges, 0, 3, population=20, steps=20, rng=0)
    >>> trace.theta, trace.value, trace.values[0].mean(), trace.values[-1].mean()
    (array([0., 1., 3., 3.]), 2.0, np.float64(3.2), np.float64(2.0))
    """
    d = _edges(distances)
    last = d.shape[0] - 1
    nest = whole(nest, "nest", 0, last, "It is the number of a node")
    food = whole(food, "food", 0, last, "It is the number of a node")
    _check_path(d, nest, food)
    population = whole(population, "population")
    steps = whole(steps, "steps")
    alpha = real(alpha, "alpha", "[0, inf)")
    evaporation = real(evaporation, "evaporation", "[0, 1]")
    target = real(target, "target", "[-inf, inf]")
    xp = compat.array_namespace(d)
    return collect(
        Told(
            lambda paths: _path_length(d, xp.astype(paths, xp.int64), food),
            forage(d, nest, food, population, generator(rng), alpha, evaporation),
        ),
        steps=steps,
        until=[reaches(target)],
        expected=steps + 1,
        record_every=record_every,
        callback=callback,
        progress=progress,
    )


def forage(d: Array, nest: int, food: int, ants: int, rng: Rng, alpha: float, rho: float) -> Method:
    """Let the ants walk to the food, and each that arrives lay pheromone for the next."""
    xp = compat.array_namespace(d)
    edges, symmetric, least = _open(d), is_symmetric(d), smallest(d)
    paths = _walk_paths(edges, nest, food, ants, rng)
    tau = edges * xp.sum(1 / _some_arrived(_path_length(d, paths, food), food))
    while True:
        values = yield xp.astype(paths, d.dtype), {"pheromone": tau}
        laid = edges * _laid(paths, 1 / values, d)
        tau = (1 - rho) * tau + (laid + laid.T if symmetric else laid)
        scent = xp.clip((tau / xp.clip(xp.max(tau), least, None)) ** alpha, least, 1.0)
        paths = _walk_paths(edges * scent, nest, food, ants, rng)


def _some_arrived(lengths: Array, food: int) -> Array:
    xp = compat.array_namespace(lengths)
    if not bool(xp.any(xp.isfinite(lengths))):
        raise ValueError(
            f"all {lengths.shape[0]} ants ended in dead ends before they came to node {food}; "
            "send more ants"
        )
    return lengths


def _open(d: Array) -> Array:
    """Return 1 where there is an edge, else 0, shape (n, n)."""
    xp = compat.array_namespace(d)
    return xp.astype(xp.isfinite(d) & (d > 0), d.dtype)


def _walk_paths(weights: Array, nest: int, food: int, ants: int, rng: Rng) -> Array:
    """Return the nodes of each ant, shape (M, n), int; it stays where it arrived or is lost."""
    xp, n, device = compat.array_namespace(weights), weights.shape[0], compat.device(weights)
    ant, unseen = xp.arange(ants, device=device), xp.ones((ants, n), dtype=weights.dtype, device=device)
    node = xp.full((ants,), nest, dtype=xp.int64, device=device)
    u, path = spins(rng, (n - 1, ants, 1), weights), [node]
    for k in range(n - 1):
        unseen[ant, node] = 0
        choices = weights[node, ...] * unseen
        on = (node != food) & xp.any(choices > 0, axis=1)
        node = xp.where(on, spin(choices, u[k, ...]), node)
        path.append(node)
    return xp.stack(path, axis=1)


def _laid(paths: Array, amounts: Array, d: Array) -> Array:
    """Return what all ants lay on each edge together, shape (n, n)."""
    xp, n = compat.array_namespace(d), d.shape[0]
    nodes = xp.arange(n, device=compat.device(d))
    leaves = xp.astype(paths[:, :-1, None] == nodes, d.dtype)  # (M, n - 1, n)
    enters = xp.astype(paths[:, 1:, None] == nodes, d.dtype)
    return xp.reshape(amounts[:, None, None] * leaves, (-1, n)).T @ xp.reshape(enters, (-1, n))


def _path_length(d: Array, paths: Array, food: int) -> Array:
    xp = compat.array_namespace(d)
    lengths = xp.sum(d[paths[..., :-1], paths[..., 1:]], axis=-1)
    return xp.where(paths[..., -1] == food, lengths, xp.full_like(lengths, xp.inf))


def _edges(distances: ArrayLike) -> Array:
    d, apart = square(distances, "nodes")
    refuse(apart & (d <= 0), d, "an edge must be longer than 0; write inf where there is no edge")
    return d


def _check_path(d: Array, nest: int, food: int) -> None:
    n = d.shape[0]
    if nest == food:
        raise ValueError(f"nest and food are both node {nest}, so there is no way to go")
    edges, reached = np.isfinite(on_host(d)), np.arange(n) == nest
    for _ in range(n - 1):
        reached = reached | edges[reached].any(axis=0)
    if not reached[food]:
        raise ValueError(f"no path leads from node {nest} to node {food}; check where distances is inf")
