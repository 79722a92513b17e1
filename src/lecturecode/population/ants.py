"""Ant colony: ants prefer near cities and roads that smell, and good tours are made to smell.

Pheromone tells the next ants where short tours went, and evaporates where nobody goes on laying it.
"""

import math
import os
from typing import Any

import array_api_compat as compat

from lecturecode.answers import remembered
from lecturecode.arrays import Array, ArrayLike, same_kind
from lecturecode.door import real, renamed, whole
from lecturecode.iteration import Method, Told, collect, reaches
from lecturecode.population.distances import is_symmetric, refuse, square
from lecturecode.population.roulette import smallest, spin, spins
from lecturecode.randomness import Rng, generator
from lecturecode.trace import Callback, Trace

__all__ = ["ant_colony", "tour_length"]

P_BEST = 0.05  # Stützle & Hoos: probability of the best tour when all trails are at a limit


def tour_length(distances: ArrayLike, tours: ArrayLike) -> Array:
    r"""Return the length of closed tours: from city to city, and back to the first.

    .. math:: g(\theta) = \sum_{k=1}^{n} d_{\theta_k \theta_{k+1}}, \qquad \theta_{n+1} = \theta_1

    Parameters
    ----------
    distances : array of shape (n, n)
        From each city (row) to each other; the diagonal is ignored.
    tours : array of shape (..., n)
        Orders of the cities 0 to n - 1.

    Returns
    -------
    array of shape (...)
        The lengths.

    Raises
    ------
    TypeError
        If the two are not arrays of one kind.
    ValueError
        If `distances` is not what :func:`ant_colony` takes, or if a tour leaves out a city.

    Examples
    --------
    >>> square = [[0, 1, 1.5, 1], [1, 0, 1, 1.5], [1.5, 1, 0, 1], [1, 1.5, 1, 0]]
    >>> tour_length(square, [[0, 1, 2, 3], [0, 2, 1, 3]])
    array([4., 5.])
    """
    d = _cities(distances)
    return _length(d, _check_tours(tours, d, "tours"))


@renamed(ants="population")
def ant_colony(
    distances: ArrayLike,
    *,
    population: int,
    steps: int,
    rng: Rng = None,
    alpha: float = 1.0,
    beta: float = 2.0,
    evaporation: float = 0.02,
    start: ArrayLike | None = None,
    target: float = -math.inf,
    checkpoint: str | os.PathLike[str] | None = None,
    record_every: int | None = None,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Look for the shortest closed tour through all cities: ant system with max-min limits.

    An ant in city i goes on to city j, one of those that it has not yet seen, with probability

    .. math::
        p_{ij} = \frac{\tau_{ij}^\alpha\, d_{ij}^{-\beta}}
                      {\sum_{l\ \mathrm{unseen}} \tau_{il}^\alpha\, d_{il}^{-\beta}} .

    When all ants are back, the one with the shortest tour of this step, of length L, lays pheromone:

    .. math::
        \tau_{ij} &\leftarrow (1 - \rho)\, \tau_{ij} + 1 / L \ \text{ on its tour, and }\
        \tau_{ij} \leftarrow (1 - \rho)\, \tau_{ij} \ \text{ elsewhere,} \\
        \tau_{ij} &\leftarrow \min(\tau_{\max}, \max(\tau_{\min}, \tau_{ij})), \qquad
        \tau_{\max} = \frac{1}{\rho \hat L}, \\
        \tau_{\min} &= \tau_{\max}
            \min\!\Bigl(1, \frac{1 - \sqrt[n]{0.05}}{(n/2 - 1) \sqrt[n]{0.05}}\Bigr) .

    Here :math:`\hat L` is the shortest length so far. The limits keep every road open for chance.

    Parameters
    ----------
    distances : array of shape (n, n)
        :math:`d_{ij}` from each city (row) to each other; the diagonal is ignored. Where it is
        symmetric, pheromone works in both directions.
    population : int
        Number M of ants; as many as there are cities is usual.
    steps : int
        How often the ants set out again after the first time.
    rng : None, int, numpy.random.Generator or torch.Generator
        Where chance comes from.
    alpha, beta : float
        How much scent and closeness count. The book by Dorigo & Stützle has 1, and 2 to 5.
    evaporation : float
        The share :math:`\rho` of the pheromone that is lost at each step. Stützle & Hoos take 0.02,
        for runs of thousands of steps; a larger share settles sooner. With 0 nothing is forgotten: see
        the notes.
    start : array of shape (n,) or (N, n), optional
        Tours, at most M, that the first of the ants take, as orders of the cities.
    target : float
        Stop once a tour is no longer than this.
    checkpoint : path, optional
        As for :func:`lecturecode.genetic`.
    record_every, callback, progress
        As for :func:`lecturecode.minimize`. A record holds M n + n² numbers.

    Returns
    -------
    Trace
        `thetas` of shape (records, M, n), the tours as orders of cities, and `values` of shape
        (steps + 1, M), their lengths; ``extras["pheromone"]``, shape (records, n, n), is what the ants
        of that record smelled.

    Raises
    ------
    TypeError
        If `distances` does not hold real numbers, or if `rng` is of the wrong kind.
    ValueError
        If `distances` is not square, has fewer than 3 cities, is negative, NaN or infinite somewhere,
        or 0 everywhere, if a number is out of range, or if a tour of `start` leaves out a city.
    CheckpointError, OSError
        If the checkpoint is damaged or that of another run, a ValueError; if it cannot be written.

    Notes
    -----
    Before the first step all trails are at :math:`\tau_{\max}`, computed from the first tours, which do
    not depend on it. The best tour of each step lays pheromone, as the book advises for small
    problems; there is no local search. When no tour has become shorter for
    :math:`\ln(\tau_{\max} / \tau_{\min}) / \rho` steps, more than a trail without ants takes to fade
    from one limit to the other, the colony has settled: all trails return to :math:`\tau_{\max}`, and
    the search starts again (the book's reinitialization).

    With :math:`\rho = 0` no loss balances what is laid, so that there are no limits and no new
    beginnings: all trails start at :math:`1 / \hat L`, and grow. What the first ants laid, who knew
    nothing, stays for ever; this is to show what evaporation is for.

    Two cities in the same place count as a tenth of the
    smallest other distance apart when an ant chooses.

    References
    ----------
    Stützle & Hoos, MAX-MIN ant system, *Future Generation Computer Systems* 16 (2000), section 3.
    Dorigo & Stützle, *Ant Colony Optimization*, MIT Press (2004), section 3.3.

    Examples
    --------
    >>> import numpy as np
    >>> angle = 2 * np.pi * np.arange(12) / 12
    >>> towns = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
    >>> roads = np.linalg.norm(towns[:, None] - towns, axis=-1)
    >>> trace = ant_colony(roads, population=12, steps=30, rng=0)
    >>> bool(abs(trace.value - 24 * np.sin(np.pi / 12)) < 1e-9)  # once around
    True
    """
    d = _cities(distances)
    population = whole(population, "population")
    steps = whole(steps, "steps")
    alpha = real(alpha, "alpha", "[0, inf)")
    beta = real(beta, "beta", "[0, inf)")
    evaporation = real(evaporation, "evaporation", "[0, 1]")
    target = real(target, "target", "[-inf, inf]")
    xp = compat.array_namespace(d)
    if not bool(xp.any(d > 0)):
        raise ValueError("all distances are 0, so that all tours are equally long; check the distances")
    chance, first = generator(rng), xp.empty((0, d.shape[0]), dtype=xp.int64, device=compat.device(d))
    if start is not None:
        first = _given_tours(start, d, population)
    settings = [population, alpha, beta, evaporation]
    run = {"method": "ant colony", "settings": settings, "data": d, "start": first}

    def length(tours: Array) -> Array:
        return _length(d, xp.astype(tours, xp.int64))

    with remembered(length, checkpoint, chance, run, given=rng is not None) as ask:
        return collect(
            Told(ask, tour(d, first, population, chance, alpha, beta, evaporation)),
            steps=steps,
            until=[reaches(max(target, 0.0))],
            expected=steps + 1,
            record_every=record_every,
            callback=callback,
            progress=progress,
        )


def tour(d: Array, first: Array, ants: int, rng: Rng, alpha: float, beta: float, rho: float) -> Method:
    """Let the ants walk, and the one with the shortest tour lay pheromone for the next."""
    xp, n = compat.array_namespace(d), d.shape[0]
    p = P_BEST ** (1 / n)
    lowest = min(1.0, (1 - p) / ((n / 2 - 1) * p))  # τ_min / τ_max
    closeness, symmetric = _closeness(d, beta), is_symmetric(d)
    patience = math.ceil(-math.log(lowest) / rho) if rho else math.inf  # steps from τ_max to τ_min
    tours = _walk_tours(closeness, ants, rng)
    tours[: first.shape[0], ...] = first
    shortest = float(xp.min(_length(d, tours)))
    tau, recent, idle = xp.ones_like(d) / ((rho or 1) * shortest), math.inf, 0
    while True:
        values = yield xp.astype(tours, d.dtype), {"pheromone": tau}
        best = int(xp.argmin(values))
        length = float(values[best])
        shortest = min(shortest, length)
        laid = xp.zeros_like(d)
        laid[tours[best, ...], xp.roll(tours[best, ...], -1)] = 1 / length
        tau = (1 - rho) * tau + (laid + laid.T if symmetric else laid)
        tau_max = 1 / (rho * shortest) if rho else float(xp.max(tau))
        if rho:  # else nothing balances what is laid: no limits
            tau = xp.clip(tau, lowest * tau_max, tau_max)
        better = length < (1 - 1e-6) * recent  # by more than rounding
        recent, idle = (length, 0) if better else (recent, idle + 1)
        if idle > patience:  # the colony has settled: forget, and start again
            tau, recent, idle = xp.full_like(d, tau_max), math.inf, 0
        tours = _walk_tours((tau / tau_max) ** alpha * closeness, ants, rng)


def _walk_tours(weights: Array, ants: int, rng: Rng) -> Array:
    """Return a tour of each ant, shape (M, n), int."""
    xp, n = compat.array_namespace(weights), weights.shape[0]
    weights = xp.clip(weights, smallest(weights), 1.0)  # all stay possible
    u = spins(rng, (n, ants, 1), weights)
    city = xp.astype(xp.floor(n * u[0, :, 0]), xp.int64)
    ant = xp.arange(ants, device=compat.device(weights))
    unseen = xp.ones_like(weights[city, ...])  # (M, n)
    tour = [city]
    for k in range(1, n):
        unseen[ant, city] = 0
        city = spin(weights[city, ...] * unseen, u[k, ...])
        tour.append(city)
    return xp.stack(tour, axis=1)


def _cities(distances: ArrayLike) -> Array:
    d, _ = square(distances, "cities")
    xp, n = compat.array_namespace(d), d.shape[0]
    if n < 3:
        tours = "no tour" if n < 2 else "only one tour, there and back"
        raise ValueError(
            f"distances is for {n} of the at least 3 cities that a search needs: there is {tours}"
        )
    refuse(d < 0, d, "a distance cannot be negative")
    refuse(xp.isinf(d), d, "ants must be able to go from every city to every other")
    return d


def _check_tours(tours: Any, d: Array, name: str) -> Array:
    """Return tours, shape (..., n), int, once each is known to pass all cities."""
    tours = same_kind(tours, d, name, "distances")
    xp, n = compat.array_namespace(d), d.shape[0]
    every = xp.arange(n, dtype=d.dtype, device=compat.device(d))
    if tours.shape[-1:] != (n,) or not bool(xp.all(xp.sort(tours, axis=-1) == every)):
        raise ValueError(
            f"{name} must name each of the cities 0 to {n - 1} once along the last axis; "
            f"got shape {tuple(tours.shape)}" + (" with others" if tours.shape[-1:] == (n,) else "")
        )
    return xp.astype(tours, xp.int64)


def _given_tours(start: Any, d: Array, most: int) -> Array:
    tours = _check_tours(start, d, "start")
    if tours.ndim > 2 or (tours.ndim == 2 and tours.shape[0] > most):
        raise ValueError(
            f"start must be one tour, or at most {most}, one for each ant; got {tuple(tours.shape)}"
        )
    return compat.array_namespace(d).reshape(tours, (-1, d.shape[0]))


def _closeness(d: Array, beta: float) -> Array:
    """Return 1 / d**beta, shape (n, n), in each row relative to the nearest city."""
    xp = compat.array_namespace(d)
    infinite = xp.full_like(d, xp.inf)
    itself = xp.eye(d.shape[0], dtype=xp.bool, device=compat.device(d))
    least = xp.min(xp.where(d > 0, d, infinite)) / 10
    apart = xp.where(itself, infinite, xp.maximum(d, least))
    return (xp.min(apart, axis=1, keepdims=True) / apart) ** beta


def _length(d: Array, tours: Array) -> Array:
    xp = compat.array_namespace(d)
    return xp.sum(d[tours, xp.roll(tours, -1, axis=-1)], axis=-1)
