"""Genetic algorithm: the fit have children, which mix their genes, with here and there a mutation."""

import math
import os
from collections.abc import Callable
from typing import Any

import array_api_compat as compat

from lecturecode.answers import remembered
from lecturecode.arrays import Array, ArrayLike
from lecturecode.domains import Domain
from lecturecode.domains.coordinates import Coordinates
from lecturecode.domains.sets import check_points
from lecturecode.door import real, whole
from lecturecode.iteration import Method, Told, collect, reaches
from lecturecode.randomness import Rng, generator, normal, uniform
from lecturecode.trace import Callback, Trace

__all__ = ["genetic"]


def genetic(
    g: Callable[[Any], Array],
    domain: Domain,
    *,
    population: int,
    steps: int,
    rng: Rng = None,
    tournament: int = 3,
    elite: int = 1,
    blend: float = 0.5,
    mutation: float = 0.5,
    start: ArrayLike | None = None,
    target: float = -math.inf,
    like: Array | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    record_every: int | None = None,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Minimize g by generations: selection, crossover, mutation, and the best live on.

    .. math::
        \text{parents:}\quad & \theta_a, \theta_b = \text{each the best of } T \text{ random members} \\
        \text{crossover:}\quad & \theta_p \leftarrow \theta_{a,p} + w_p\,(\theta_{b,p} - \theta_{a,p}),
            \qquad w_p = \min(\max((1 + 2\alpha)\, r_p - \alpha,\, 0),\, 1) \\
        \text{mutation:}\quad & \theta_q \leftarrow \theta_q + \sigma\, 2^{-16 r} z,
            \qquad q \text{ one random coordinate}

    All r are uniform in [0, 1] and z is standard normal, new for each child. With :math:`\alpha = 1/2` a
    quarter of the genes come unchanged from each parent, and half of them are blends of both. The
    steps of the mutation have all sizes between :math:`\sigma` and :math:`2^{-16}\sigma`, so that it
    explores and polishes at once. Each generation is M children; among the parents of the next
    are the `elite` best of all before.

    A choice is never blended: its gene comes from the first parent if :math:`r_p < 1/2`, else from the
    second, and a mutation draws any of its options.

    Parameters
    ----------
    g : callable
        Takes theta of shape (M, P), returns shape (M,).
    domain : Domain
        The set :math:`\Theta`. Crossover and mutation act in the search coordinates of
        :mod:`lecturecode.domains.coordinates`, where a positive number varies by decades; children
        that leave an interval are moved to its border.
    population : int
        Number M of members, at least 2.
    steps : int
        Number of generations after the first.
    rng : None, int, numpy.random.Generator or torch.Generator
        Where chance comes from.
    tournament : int
        Number T of members that compete to be a parent, at least 1; a member may be drawn twice.
    elite : int
        How many of the best live on, below M, to be parents again; they are not evaluated again. With 0
        the best may be lost, though not from the trace.
    blend : float
        The coefficient :math:`\alpha` of the crossover, at least 0.
    mutation : float
        The largest mutations :math:`\sigma`, in search coordinates, where an interval is 2 wide and a
        positive number varies by 1 for each decade. With 0 nothing mutates, choices included.
    start : array of shape (P,) or (N, P), optional
        Points of the domain, at most M, that the first population has to begin with; `domain.encode`
        makes one of values. The others are drawn.
    target : float
        Stop once g is at most this.
    like : array, optional
        Points are made in its library, dtype and device; float64 NumPy arrays if not given.
    checkpoint : path, optional
        A file for the values of g, written at least once a second and at the end. If it is there
        already, they are taken from it, and g is asked only for what it does not have: the trace is that
        of a run that was never interrupted. It belongs to one run: another domain or seed needs another
        path. Of g it knows nothing.
    record_every, callback, progress
        As for :func:`lecturecode.minimize`.

    Returns
    -------
    Trace
        `thetas` of shape (records, M, P), `values` of shape (steps + 1, M): M (steps + 1) evaluations.

    Raises
    ------
    TypeError
        If `g` is not callable, `domain` is not a domain, or `rng` is of the wrong kind.
    ValueError
        If a number is out of range, if a coordinate is unbounded and has no scale, if `g` returns the
        wrong shape, or if it is finite nowhere in the first population; if `start` has another shape, or
        a point outside of the domain.
    CheckpointError, OSError
        If the checkpoint is damaged or that of another run, a ValueError; if it cannot be written.
    Exception
        Whatever `g` raises, with attributes ``theta`` and ``trace``.

    Notes
    -----
    Eshelman & Schaffer's weights leave [0, 1]; cut off there, they pass whole genes on, which an
    objective that is a sum over coordinates rewards. Mutating one gene of P is Muehlenbein's rate 1/P;
    the range of the steps is that of the breeder genetic algorithm, with a normal draw for its sign.

    References
    ----------
    Eshelman & Schaffer, Real-coded genetic algorithms and interval-schemata, *Foundations of Genetic
    Algorithms* 2 (1993): BLX-0.5. Muehlenbein & Schlierkamp-Voosen, Predictive models for the breeder
    genetic algorithm, *Evolutionary Computation* 1 (1993): mutation. Blickle & Thiele, A comparison of
    selection schemes used in evolutionary algorithms, *Evolutionary Computation* 4 (1996): tournaments.

    Examples
    --------
    >>> from lecturecode.domains import Choice, Positive
    >>> domain = Choice(["tanh", "relu", "sin"]) * Positive(1.0)
    >>> g = lambda theta: (theta[:, 0] != 1) + abs(theta[:, 1] - 0.01)
    >>> trace = genetic(g, domain, population=20, steps=50, rng=0)
    >>> domain.decode(trace.theta)[0], trace.value < 1e-4
    ('relu', True)
    """
    population = whole(population, "population", 2)
    steps = whole(steps, "steps")
    tournament = whole(tournament, "tournament")
    smaller = f"It must be smaller than the population of {population}"
    elite = whole(elite, "elite", 0, population - 1, smaller)
    blend = real(blend, "blend", "[0, inf)")
    mutation = real(mutation, "mutation", "[0, inf)")
    target = real(target, "target", "[-inf, inf]")
    space, chance = Coordinates(domain, like), generator(rng)
    settings = [population, tournament, elite, blend, mutation]
    given = check_points(start, domain, space.like, population)
    run = space.identity("genetic", settings, given)
    with remembered(g, checkpoint, chance, run, given=rng is not None) as ask:
        first = space.first(population, chance, given)
        return collect(
            Told(ask, evolve(space, first, chance, tournament, elite, blend, mutation)),
            steps=steps,
            until=[reaches(target)],
            expected=steps + 1,
            record_every=record_every,
            callback=callback,
            progress=progress,
        )


def evolve(
    space: Coordinates, u: Array, rng: Rng, tournament: int, elite: int, blend: float, mutation: float
) -> Method:
    """Let each generation have children, together with the elite of all before it."""
    xp, M = space.xp, u.shape[0]
    values = yield space.theta(u), {}
    best, lowest = u[:0, ...], values[:0]
    while True:
        u, values = xp.concat([best, u]), xp.concat([lowest, values])
        order = values.argsort(stable=True)  # xp.argsort takes twice as long
        u = u[order, ...]  # the best first
        best, lowest = u[:elite, ...], values[order[:elite]]
        a, b = _parents(space, u, tournament, M, rng)
        u = _crossover(space, a, b, blend, rng)
        if mutation:
            _mutate(space, u, mutation, rng)
        u = space.inside(u)
        values = yield space.theta(u), {}


def _parents(space: Coordinates, u: Array, T: int, count: int, rng: Rng) -> Array:
    """Draw the parents of all children, (2, count, P); the best of `u` are first."""
    drawn = space.xp.min(uniform(rng, (T, 2, count), u), axis=0)
    return u[_below(space, drawn, u.shape[0]), ...]


def _crossover(
    space: Coordinates,
    a: Array,
    b: Array,
    blend: float,
    rng: Rng,
) -> Array:
    r = uniform(rng, a.shape, a)
    w = ((1 + 2 * blend) * r - blend).clip(0, 1)  # xp.clip is five times slower
    w *= b - a
    w += a
    if not space.has_discrete:
        return w
    return space.xp.where(space.discrete, space.xp.where(r < 0.5, a, b), w)


def _mutate(space: Coordinates, u: Array, sigma: float, rng: Rng) -> None:
    """Change one coordinate of each child `u`, in place."""
    xp = space.xp
    r = uniform(rng, (2, u.shape[0]), u)
    n = xp.arange(u.shape[0], device=compat.device(u))
    q = _below(space, r[0, ...], space.size)
    mutated = u[n, q] + sigma * 2 ** (-16 * r[1, ...]) * normal(rng, n.shape, u)
    if space.has_discrete:
        option = xp.floor(uniform(rng, n.shape, u) * space.options[q])
        option = xp.minimum(option, space.options[q] - 1)
        option = (option - space.middle[q]) / space.half[q]
        mutated = xp.where(space.discrete[q], option, mutated)
    u[n, q] = mutated


def _below(space: Coordinates, r: Array, count: int) -> Array:
    """Turn uniform draws into whole numbers from 0 to count - 1; float32 draws may be 1."""
    return space.xp.astype((count * r).clip(0, count - 1), space.xp.int64)
