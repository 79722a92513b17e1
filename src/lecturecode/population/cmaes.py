"""CMA-ES: a cloud of normal draws moves, stretches and turns towards low values.

First the method, then the cloud and how it learns, then the rules that end its run.
"""

import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import array_api_compat as compat
import numpy as np

from lecturecode.answers import remembered
from lecturecode.arrays import Array, ArrayLike
from lecturecode.domains import Domain
from lecturecode.domains.coordinates import Coordinates
from lecturecode.domains.sets import check_points
from lecturecode.door import real, whole
from lecturecode.iteration import Method, Told, collect, reaches
from lecturecode.randomness import Rng, generator, normal
from lecturecode.trace import Callback, Trace

__all__ = ["evolution_strategy"]

SIGMA = 0.2  # the first step size: a tenth of the width of an interval
WIDEST = 0.6  # largest deviation of a bounded coordinate, in halves of its width
OPTION = 0.3  # least deviation of a choice, in distances from one option to the next
LARGEST = 100  # coordinates for which a trace holds covariances
TOLERANCE = 1e-11
DIGITS = 1e-20  # of all that values have fallen, the part by which they differ no longer
HOPELESS = 0.01  # a run ends when values differ by less than this part of its distance to an earlier run


def evolution_strategy(
    g: Callable[[Any], Array],
    domain: Domain,
    *,
    steps: int,
    population: int | None = None,
    restarts: int = 0,
    max_evaluations: int | None = None,
    rng: Rng = None,
    start: ArrayLike | None = None,
    target: float = -math.inf,
    like: Array | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    record_every: int | None = None,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Minimize g by a normal distribution that learns from the ranking of its draws (CMA-ES).

    .. math::
        \theta_k &= m + \sigma y_k, \qquad y_k = C^{1/2} z_k, \qquad z_k \sim \mathcal N(0, I),
            \qquad k = 1..\lambda \\
        m &\leftarrow m + \sigma \langle y \rangle, \qquad
            \langle y \rangle = \textstyle\sum_{k \le \lambda/2} w_k\, y_{k:\lambda} \\
        p_\sigma &\leftarrow (1 - c_\sigma)\, p_\sigma
            + \sqrt{c_\sigma (2 - c_\sigma) \mu}\; C^{-1/2} \langle y \rangle \\
        p_c &\leftarrow (1 - c_c)\, p_c + h\, \sqrt{c_c (2 - c_c) \mu}\; \langle y \rangle \\
        C &\leftarrow C + c_1 \bigl(p_c p_c^T - C\bigr)
            + c_\mu \textstyle\sum_{k \le \lambda} w_k \bigl(y_{k:\lambda}\, y_{k:\lambda}^T - C\bigr) \\
        \sigma &\leftarrow \sigma \exp\Bigl(\frac{c_\sigma}{d_\sigma}
            \Bigl(\frac{\|p_\sigma\|}{\mathrm E \|z\|} - 1\Bigr)\Bigr)

    Here :math:`y_{k:\lambda}` belongs to the k-th best draw. The weights :math:`w_k` fall with k and are
    negative in the worse half, so that C shrinks where steps are bad. The paths :math:`p_\sigma` and
    :math:`p_c` are fading sums of the moves of m: a long path means that the moves agree, so steps
    should be larger; h is 0 while :math:`p_\sigma` is too long, else 1.

    Parameters
    ----------
    g : callable
        Takes theta of shape (M, P), returns shape (M,).
    domain : Domain
        The set :math:`\Theta`. The distribution lives in the search coordinates of
        :mod:`lecturecode.domains.coordinates`. A draw outside of an interval is moved to its end, and
        falls behind in the ranking by the square of the distance. Options of a choice count as ordered.
    steps : int
        How often, at most, the distribution moves.
    population : int, optional
        Number :math:`\lambda` of draws, at least 4. If it is not given: 4 + 3 ln P, rounded down.
    restarts : int
        How often to begin anew, elsewhere and with twice the population, when a run has ended. With
        `max_evaluations` the population grows only as far as the rest would last for such a run.
    max_evaluations : int, optional
        A population that would exceed this number of evaluations is not drawn.
    rng : None, int, numpy.random.Generator or torch.Generator
        Where chance comes from.
    start : array of shape (P,), optional
        The first mean m, a point of the domain; drawn if not given, as it is for each restart.
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
        Without restarts `thetas` has shape (records, M, P) and `values` (steps + 1, M). With restarts
        the populations differ in size: the trace has the best member of each, shapes (records, P) and
        (steps + 1,). The distribution from which a population was drawn is in ``extras["means"]``,
        shape (records, P), ``extras["sigmas"]``, shape (records,), in search coordinates, and, for P up
        to 100, ``extras["covariances"]``, shape (records, P, P), which is :math:`\sigma^2 C` in
        the units of theta (decades for a positive coordinate or a LogInterval). It has converged if
        the differences of values, or the steps, became too small to matter in some run, or if the target
        was reached.

    Raises
    ------
    TypeError
        If `g` is not callable, `domain` is not a domain, or `rng` is of the wrong kind.
    ValueError
        If a number is out of range, if a coordinate is unbounded and has no scale, if `g` returns the
        wrong shape, or if it is finite nowhere in the first population; if `start` is not one point of
        the domain.
    CheckpointError, OSError
        If the checkpoint is damaged or that of another run, a ValueError; if it cannot be written.
    Exception
        Whatever `g` raises, with attributes ``theta`` and ``trace``.

    Notes
    -----
    Only the order of the values matters, so that g and exp(g) give the same path up to the end of
    a run. Values that are NaN or infinite come last. Rates and weights are those of the tutorial, but
    :math:`c_\sigma \le 1/2` as in pycma, since a path has to be longer than one move, and the negative
    weights are scaled by :math:`P / \|z\|^2`, as there. The first step :math:`\sigma` is a tenth
    of the width of an interval; it was chosen on the BBOB functions, and the tutorial has 0.3. A run
    ends by the rules of the tutorial's appendix B.3, with differences of values relative to all that
    they have fallen, or when its values settle far above those of a run before.

    References
    ----------
    Hansen, The CMA Evolution Strategy: A Tutorial, arXiv:1604.00772; the restarts are those of Auger &
    Hansen, A restart CMA evolution strategy with increasing population size, *CEC* (2005).

    Examples
    --------
    >>> from lecturecode.domains import Interval
    >>> from lecturecode.objectives import Himmelblau
    >>> trace = evolution_strategy(Himmelblau(), Interval(-5, 5) ** 2, steps=200, rng=0)
    >>> trace.value < 1e-10, trace.converged, trace.thetas.shape[1:]
    (True, True, (6, 2))
    """
    space, chance = Coordinates(domain, like), generator(rng)
    usual = 4 + int(3 * math.log(space.size))
    size = usual if population is None else whole(population, "population", 4)
    steps = whole(steps, "steps")
    restarts = whole(restarts, "restarts", 0)
    most = math.inf if max_evaluations is None else whole(max_evaluations, "max_evaluations", size)
    target = real(target, "target", "[-inf, inf]")
    given = check_points(start, domain, space.like, 1)
    run = space.identity("evolution strategy", [size, restarts, str(most)], given)
    with remembered(g, checkpoint, chance, run, given=rng is not None) as ask:
        m = space.first(1, chance, given)[0, ...]
        return collect(
            Told(
                ask,
                evolve(space, m, size, chance, restarts, steps, most),
                keep="best" if restarts else "populations",
            ),
            until=[reaches(target)],
            expected=steps + 1,
            record_every=record_every,
            callback=callback,
            progress=progress,
        )


def evolve(
    space: Coordinates,
    m: Array,
    size: int,
    rng: Rng,
    restarts: int = 0,
    steps: float = math.inf,
    most: float = math.inf,
) -> Method:
    """Draw from the cloud and let it learn; where a run has ended, begin anew with a larger one."""
    least, record, converged, step, left = size, math.inf, False, 0, most
    for _ in range(restarts + 1):
        cloud, reason, before = Cloud(space, m, size, rng, record), "", left
        while not reason:
            if step > steps:
                return False, f"used up all {steps} steps"
            if left < size:
                return False, f"used up max_evaluations = {most}, but for {left}"
            step, left = step + 1, left - size
            values = yield cloud.draw(), cloud.distribution()
            reason = cloud.learn(values)
        record = min(record, *cloud.watch.best)
        converged |= cloud.watch.converged
        m, size = space.draw(1, rng)[0, ...], _next_size(size, least, before - left, left)
    return converged, f"{reason} after {step - 1} steps" + (
        f" and {restarts} restarts" if restarts else ""
    )


def _next_size(size: int, least: int, used: float, left: float) -> int:
    """Double the population, unless what is left of the evaluations would not last for such a run."""
    if left == math.inf:
        return 2 * size
    return min(2 * size, max(least, int(size * left / used)))


class Constants(NamedTuple):
    """The constants of the tutorial's table 1, for P parameters and a population of given size."""

    weights: np.ndarray
    """Shape (population,): the best come first; the positive ones sum to 1."""
    mu: float
    """How many equal weights the positive ones are worth."""
    c_sigma: float
    d_sigma: float
    c_c: float
    c_1: float
    c_mu: float
    length: float
    """The expected length of a standard normal vector."""


def constants(P: int, population: int) -> Constants:
    """Compute the weights and rates that Hansen's tutorial recommends."""
    raw = math.log((population + 1) / 2) - np.log(np.arange(1, population + 1))
    better, worse = raw.clip(0, None), (-raw).clip(0, None)
    mu, mu_minus = (float(w.sum() ** 2 / (w**2).sum()) for w in (better, worse))
    c_sigma = min(1 / 2, (mu + 2) / (P + mu + 5))
    d_sigma = 1 + 2 * max(0, math.sqrt((mu - 1) / (P + 1)) - 1) + c_sigma
    c_c = (4 + mu / P) / (P + 4 + 2 * mu / P)
    c_1 = 2 / ((P + 1.3) ** 2 + mu)
    c_mu = min(1 - c_1, 2 * (1 / 4 + mu + 1 / mu - 2) / ((P + 2) ** 2 + mu))
    shrink = min(1 + c_1 / c_mu, 1 + 2 * mu_minus / (mu + 2), (1 - c_1 - c_mu) / (P * c_mu))
    weights = better / better.sum() - shrink * worse / worse.sum()
    length = math.sqrt(P) * (1 - 1 / (4 * P) + 1 / (21 * P**2))
    return Constants(weights, mu, c_sigma, d_sigma, c_c, c_1, c_mu, length)


class Cloud:
    """The normal distribution of one run, and how it learns.

    Parameters
    ----------
    space : Coordinates
        Where it lives.
    m : array of shape (P,)
        Its first mean, in search coordinates.
    size : int
        Number of draws.
    rng : numpy.random.Generator or torch.Generator
        Where chance comes from.
    record : float
        The best value of earlier runs, infinite if there were none.
    """

    def __init__(
        self, space: Coordinates, m: Array, size: int, rng: Rng, record: float = math.inf
    ) -> None:
        self.space, self.size, self.rng = space, size, rng
        self.xp = xp = compat.array_namespace(space.like)
        P, self.k = space.size, constants(space.size, size)
        row = {"dtype": space.like.dtype, "device": compat.device(space.like)}
        self.better = xp.asarray(self.k.weights.clip(0, None), **row)
        self.worse = xp.asarray(P * self.k.weights.clip(None, 0), **row)
        self.kept = 1 - self.k.c_1 - self.k.c_mu * float(self.k.weights.sum())
        self.every = max(1, int(1 / (10 * P * (self.k.c_1 + self.k.c_mu))))
        self.units = space.half
        self.m, self.sigma = m, SIGMA
        self.p_sigma, self.p_c = xp.zeros_like(self.m), xp.zeros_like(self.m)
        self.C = self.root = self.B = xp.eye(P, **row)
        self.D = self.deviations = xp.ones_like(self.m)
        self.generation = 0
        self.watch = Watch(P, size, SIGMA, float(xp.finfo(row["dtype"]).eps), record)
        self.limited = xp.astype(space.high < xp.inf, self.m.dtype)
        self.bounded = bool(xp.any(self.limited > 0))
        self.widest = WIDEST

    def draw(self) -> Array:
        """Draw a population; what falls outside the domain is put on its border."""
        self.z = normal(self.rng, (self.size, self.space.size), self.space.like)
        self.y = self.z @ self.root
        self.u = self.m + self.sigma * self.y
        return self.space.theta(self.u)

    def order(self, values: Array) -> Array:
        """Rank the draws: by value, and by how many deviations they fell outside.

        To fall outside by one deviation costs as much as to be beaten by all the others. Instead of
        values only the share of better draws is used, so that the units of g do not matter.
        """
        if not self.bounded:
            return self.xp.argsort(values)
        outside = (self.u - self.space.inside(self.u)) / (self.sigma * self.deviations)
        beaten = self.xp.searchsorted(self.xp.sort(values), values) / self.size
        return self.xp.argsort(beaten + self.xp.sum(outside * outside, axis=1))

    def learn(self, values: Array) -> str:
        """Move, stretch and turn; return why the run should end, or nothing."""
        k, P = self.k, self.space.size
        order = self.order(values)
        y, z = self.y[order, ...], self.z[order, ...]
        y_mean, z_mean = self.better @ y, self.better @ z  # (P,)
        self.generation += 1
        self.m = self.m + self.sigma * y_mean
        gain_sigma = math.sqrt(k.c_sigma * (2 - k.c_sigma) * k.mu)
        gain_c = math.sqrt(k.c_c * (2 - k.c_c) * k.mu)
        self.p_sigma = (1 - k.c_sigma) * self.p_sigma + gain_sigma * z_mean
        length = math.sqrt(float(self.p_sigma @ self.p_sigma)) / k.length
        begun = 1 - (1 - k.c_sigma) ** (2 * self.generation)
        h = length / math.sqrt(begun) < 1.4 + 2 / (P + 1)
        self.p_c = (1 - k.c_c) * self.p_c + h * gain_c * y_mean
        w = self.better + self.worse / self.xp.sum(z * z, axis=1)  # (M,)
        kept = self.kept + k.c_1 * (1 - h) * k.c_c * (2 - k.c_c)
        self.C = kept * self.C + k.c_1 * self.p_c[:, None] * self.p_c
        self.C = self.C + (k.c_mu * w * y.T) @ y
        self.sigma *= math.exp(min(1, k.c_sigma / k.d_sigma * (length - 1)))
        if self.space.has_rounded:
            self._keep_options()
        if self.generation % self.every == 0:
            self._factorize()
        if self.bounded:
            self.sigma = min(self.sigma, self.widest)
        return self.watch.reason(self.xp.sort(values), self.shape)

    def distribution(self) -> "Distribution":
        """Return what the trace keeps of the distribution, worked out when it is asked for."""
        return Distribution(self.space, self.units, self.m, self.sigma, self.C)

    def shape(self) -> "Shape":
        """Return what the rules that end a run look at."""
        path = self.sigma * self.xp.abs(self.p_c)
        return Shape(self.m, self.sigma * self.deviations, path, self.sigma * self.D, self.B)

    def _factorize(self) -> None:
        xp = self.xp
        self.C = (self.C + self.C.T) / 2
        variances, B = xp.linalg.eigh(self.C)
        largest = float(variances[-1])  # NaN where LAPACK gave up
        if not math.isfinite(largest):
            self.watch.lost = True
            return
        self.B = B
        self.D = xp.sqrt(xp.clip(variances, self.watch.eps * largest, None))
        self.root = (self.B * self.D) @ self.B.T
        self.deviations = xp.sqrt(xp.sum(self.root * self.root, axis=1))  # positive even where C is not
        if self.bounded:
            self.widest = WIDEST / float(xp.max(self.limited * self.deviations))

    def _keep_options(self) -> None:
        """Settle no choice and no integer for good: a deviation stays large enough to try neighbours."""
        xp, choice = self.xp, self.space.rounded
        apart = xp.where(choice, 1 / self.space.half, xp.zeros_like(self.m))  # one option to the next
        self.m = xp.where(choice, xp.clip(self.m, apart / 2 - 1, 1 - apart / 2), self.m)
        deviations = self.sigma * xp.sqrt(xp.linalg.diagonal(self.C))
        grow = xp.maximum(OPTION * apart / deviations, xp.ones_like(self.m))
        self.C, self.p_c = grow[:, None] * self.C * grow, grow * self.p_c


@dataclass(eq=False)  # one is made at each step, and frozen ones take four times as long
class Distribution(Mapping[str, Array]):
    """The normal distribution that a population came from, in the units of theta: see the trace."""

    space: Coordinates
    units: Array
    m: Array
    sigma: float
    C: Array

    def __getitem__(self, name: str) -> Array:
        """Return the mean of the draws, their step size, or their covariance."""
        xp = self.space.xp
        if name == "means":
            return self.space.theta(self.m)
        if name == "sigmas":
            return xp.asarray(self.sigma, dtype=self.m.dtype, device=compat.device(self.m))
        if name == "covariances":
            scale = self.sigma * self.units
            return scale[:, None] * self.C * scale
        raise KeyError(name)

    def __iter__(self) -> Iterator[str]:
        """Name what there is; the covariances of many coordinates are too large to keep."""
        return iter(["means", "sigmas", "covariances"][: len(self)])

    def __len__(self) -> int:
        """Count the names."""
        return 3 if self.space.size <= LARGEST else 2


class Shape(NamedTuple):
    """How far a cloud reaches, all in search coordinates."""

    m: Array
    """The mean, (P,)."""
    deviations: Array
    """Of each coordinate, (P,)."""
    path: Array
    """The evolution path, (P,), without signs."""
    axes: Array
    """Deviations along the axes of the cloud, (P,), rising."""
    B: Array
    """The directions of these axes, in columns, (P, P)."""


class Watch:
    """Sees the values of each population, and now and then the distribution that it came from.

    Parameters
    ----------
    P, population : int
        Numbers of parameters and of draws.
    sigma : float
        The first step size.
    eps : float
        The distance from 1 to the next number of the dtype.
    record : float
        The best value of earlier runs.
    """

    def __init__(self, P: int, population: int, sigma: float, eps: float, record: float) -> None:
        self.P, self.sigma, self.eps, self.record = P, sigma, eps, record
        self.short = 10 + math.ceil(30 * P / population)
        self.long = 120 + math.ceil(30 * P / population)
        self.first = math.inf
        self.best: list[float] = []
        self.median: list[float] = []
        self.shown = [0, population // 2]
        self.converged = self.lost = False

    def reason(self, ordered: Array, shape: Callable[[], Shape]) -> str:
        """Return why the run should end, given its values from best to worst, or an empty string."""
        if self.lost:
            return "the covariance is no longer finite"
        best, median = ordered[self.shown].tolist()
        self.best.append(best)
        self.median.append(median)
        count = len(self.best)
        if not math.isfinite(self.first):
            self.first = median if math.isfinite(median) else best
        fallen = max(self.first - best, 0.0)  # the unit of g does not matter, nor a constant added to it
        tolerance = DIGITS * fallen + 4 * self.eps * abs(best)
        behind = HOPELESS * (best - self.record)
        if count >= self.short and median - best <= max(tolerance, behind):
            recent = self.best[-self.short :]
            spread = max(max(recent) - min(recent), median - best)
            if spread <= tolerance:
                self.converged = True
                return "values no longer differ"
            if spread <= behind:
                return "values settled above those of an earlier run"
        if count % 10:
            return ""
        return self._steps(shape(), count // 10) or self._stagnation(count)

    def _steps(self, shape: Shape, turn: int) -> str:
        m, deviations, path, axes, B = shape
        xp, axis = compat.array_namespace(m), turn % self.P
        least, most = float(axes[0]), float(axes[-1])
        largest = float(xp.max(xp.maximum(deviations, path)))
        if largest < TOLERANCE * self.sigma:
            self.converged = True
            return "steps became too small to matter"
        if bool(xp.any(m == m + 0.2 * deviations)) or bool(
            xp.all(m == m + 0.1 * axes[axis] * B[:, axis])
        ):
            self.converged = True
            return "steps became too small for the dtype"
        if most > 1e4 * self.sigma:
            return "steps became too large: g seems to have no minimum here"
        if (most / least) ** 2 > 0.02 / self.eps:
            return "the covariance became singular"
        return ""

    def _stagnation(self, count: int) -> str:
        window = min(20_000, max(self.long, count // 5))
        if count < window or count % 100:
            return ""
        part = int(0.3 * window)
        for history in (self.best, self.median):
            if np.median(history[-part:]) < np.median(history[-window:][:part]):
                return ""
        return "values stopped improving"
