"""Particle swarm: each particle flies on, drawn to the best place it has seen and to the best of all."""

import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import array_api_compat as compat

from lecturecode.answers import remembered
from lecturecode.arrays import Array, ArrayLike
from lecturecode.domains import Domain
from lecturecode.domains.coordinates import Coordinates
from lecturecode.domains.sets import check_points
from lecturecode.door import real, whole
from lecturecode.iteration import Method, Told, collect, reaches
from lecturecode.randomness import Rng, generator, uniform
from lecturecode.trace import Callback, Trace

__all__ = ["particle_swarm"]


def particle_swarm(
    g: Callable[[Any], Array],
    domain: Domain,
    *,
    population: int,
    steps: int,
    rng: Rng = None,
    attraction: float = 2.05,
    scouts: float = 0.0,
    start: ArrayLike | None = None,
    target: float = -math.inf,
    like: Array | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    record_every: int | None = None,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Minimize g by particles that remember, and that tell each other, where it was lowest.

    .. math::
        v_m &\leftarrow \chi\,\bigl(v_m + c\, r_1 * (\hat\theta_m - \theta_m)
               + c\, r_2 * (\hat\theta - \theta_m)\bigr), \qquad
        \chi = \frac{2}{2c - 2 + \sqrt{4c^2 - 8c}} \\
        \theta_m, v_m &\leftarrow \Pi(\theta_m + v_m),\; \Pi(\theta_m + v_m) - \theta_m

    Here :math:`\hat\theta_m` is the best point that particle m has visited, :math:`\hat\theta` the best
    of all particles, and :math:`r_1, r_2` are uniform in :math:`[0, 1]^P`, new for each particle and
    step. The constriction coefficient :math:`\chi` makes the flights shrink instead of exploding.
    :math:`\Pi` moves a point to the nearest one of the domain: at a border a particle keeps only the
    part of its velocity that led there. The first velocities lead half the way to a second random point.

    On request a few particles are scouts. They do not fly: each goes to :math:`\hat\theta` with one
    coordinate drawn anew, and they take the coordinates in turn. So a swarm that has settled can still
    find a better basin, if one coordinate alone leads there: on Rastrigin's function, a sum over the
    coordinates, this helps much; on the same function, turned, it does not help.

    Parameters
    ----------
    g : callable
        Takes theta of shape (M, P), returns shape (M,).
    domain : Domain
        The set :math:`\Theta`. Particles fly in the search coordinates of
        :mod:`lecturecode.domains.coordinates`, where a positive number moves in decades and a choice
        is rounded.
    population : int
        Number M of particles, at least 2.
    steps : int
        How often all particles move.
    rng : None, int, numpy.random.Generator or torch.Generator
        Where chance comes from.
    attraction : float
        The coefficient :math:`c` of both pulls, above 2. Clerc & Kennedy's 2.05 gives
        :math:`\chi = 0.7298`.
    scouts : float
        Their share of the population, rounded down. With 0 all particles fly by the formula above, the
        canonical swarm of Clerc & Kennedy (but for :math:`\Pi`); 0.05 is one in 20, the one jump per
        step that Zhan et al. give a swarm of 20.
    start : array of shape (P,) or (N, P), optional
        As for :func:`lecturecode.genetic`: where the first of the particles are.
    target : float
        Stop once g is at most this.
    like : array, optional
        Points are made in its library, dtype and device; float64 NumPy arrays if not given.
    checkpoint : path, optional
        As for :func:`lecturecode.genetic`.
    record_every, callback, progress
        As for :func:`lecturecode.minimize`.

    Returns
    -------
    Trace
        `thetas` of shape (records, M, P), `values` of shape (steps + 1, M): M (steps + 1) evaluations.
        If every step was recorded, ``extras["velocities"]`` has the flights by which the particles came,
        0 at the start, of the shape of `thetas`.

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
    The jump of Zhan et al. is normal, shrinks with time, is made only while their swarm converges, and
    adds an evaluation; here it is a draw from the domain, made at every step, in a particle's place.

    References
    ----------
    Clerc & Kennedy, The particle swarm: explosion, stability, and convergence in a multidimensional
    complex space, *IEEE Transactions on Evolutionary Computation* 6 (2002).

    Zhan, Zhang, Li & Chung, Adaptive particle swarm optimization, *IEEE Transactions on Systems, Man,
    and Cybernetics B* 39 (2009): elitist learning.

    Examples
    --------
    >>> from lecturecode.domains import Interval
    >>> from lecturecode.objectives import Himmelblau
    >>> box = Interval(-5, 5) ** 2
    >>> trace = particle_swarm(Himmelblau(), box, population=20, steps=60, rng=0)
    >>> trace.value < 1e-6, trace.thetas.shape
    (True, (61, 20, 2))
    """
    population = whole(population, "population", 2)
    steps = whole(steps, "steps")
    attraction = real(attraction, "attraction", "(2, inf)", "The swarm does not settle otherwise")
    scouts = real(scouts, "scouts", "[0, 1)", "It is a share of the population")
    target = real(target, "target", "[-inf, inf]")
    space, chance = Coordinates(domain, like), generator(rng)
    given = check_points(start, domain, space.like, population)
    run = space.identity("particle swarm", [population, attraction, scouts], given)
    with remembered(g, checkpoint, chance, run, given=rng is not None) as ask:
        flight = fly(
            space, space.first(population, chance, given), int(scouts * population), chance, attraction
        )
        trace = collect(
            Told(ask, flight),
            steps=steps,
            until=[reaches(target)],
            expected=steps + 1,
            record_every=record_every,
            callback=callback,
            progress=progress,
        )
    return replace(trace, extras=_Flights(trace.thetas)) if trace.record_every == 1 else trace


def fly(space: Coordinates, u: Array, scouts: int, rng: Rng, c: float) -> Method:
    """Let each particle fly on, drawn to the best place it has seen and to the best of all."""
    xp, M, P = space.xp, u.shape[0], space.size
    flyers = M - scouts
    chi = 2 / (2 * c - 2 + math.sqrt(4 * c * c - 8 * c))
    turns = xp.arange(scouts, device=compat.device(space.like))[:, None] + space.numbers
    v = (space.draw(M, rng) - u) / 2
    lowest = yield space.theta(u), {}
    own = u
    while True:
        leader = own[xp.argmin(lowest), ...]
        v += _pull(own, u, c, rng)
        v += _pull(leader, u, c, rng)
        v *= chi
        flown = space.inside(u + v)
        if scouts:
            turn = turns % P == 0
            flown[flyers:, ...] = xp.where(turn, space.draw(scouts, rng), leader)
            turns += 1
        u, v = flown, flown - u
        values = yield space.theta(u), {}
        own = xp.where((values < lowest)[:, None], u, own)
        lowest = xp.minimum(values, lowest)


def _pull(towards: Array, u: Array, c: float, rng: Rng) -> Array:
    r = uniform(rng, u.shape, u)
    r *= c
    r *= towards - u
    return r


@dataclass(frozen=True, eq=False)
class _Flights(Mapping[str, Array]):
    """The velocities, which are differences of positions: made when asked for."""

    thetas: Array

    def __getitem__(self, name: str) -> Array:
        if name != "velocities":
            raise KeyError(name)
        flights = compat.array_namespace(self.thetas).zeros_like(self.thetas)
        flights[1:, ...] = self.thetas[1:, ...] - self.thetas[:-1, ...]
        return flights

    def __iter__(self) -> Iterator[str]:
        return iter(["velocities"])

    def __len__(self) -> int:
        return 1
