"""How a normal distribution learns from the ranking of its draws: the equations of CMA-ES in turn."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array
from lecturecode.population.coordinates import Coordinates
from lecturecode.population.endings import Watch
from lecturecode.randomness import Rng, normal

SIGMA = 0.2  # the first step size: a tenth of the width of an interval
WIDEST = 0.6  # largest deviation of a bounded coordinate, in halves of its width
OPTION = 0.3  # least deviation of a choice, in distances from one option to the next
LARGEST = 100  # coordinates for which a trace holds covariances


@dataclass(frozen=True)
class Constants:
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
    mu, mu_minus = (w.sum() ** 2 / (w**2).sum() for w in (better, worse))
    c_sigma = min(1 / 2, (mu + 2) / (P + mu + 5))
    d_sigma = 1 + 2 * max(0, math.sqrt((mu - 1) / (P + 1)) - 1) + c_sigma
    c_c = (4 + mu / P) / (P + 4 + 2 * mu / P)
    c_1 = 2 / ((P + 1.3) ** 2 + mu)
    c_mu = min(1 - c_1, 2 * (1 / 4 + mu + 1 / mu - 2) / ((P + 2) ** 2 + mu))
    shrink = min(1 + c_1 / c_mu, 1 + 2 * mu_minus / (mu + 2), (1 - c_1 - c_mu) / (P * c_mu))
    weights = better / better.sum() - shrink * worse / worse.sum()
    length = math.sqrt(P) * (1 - 1 / (4 * P) + 1 / (21 * P**2))
    return Constants(weights, float(mu), c_sigma, d_sigma, c_c, c_1, float(c_mu), length)


class Cloud:
    """The normal distribution of one run, and how it learns.

    Parameters
    ----------
    space : Coordinates
        Where it lives.
    size : int
        Number of draws.
    rng : numpy.random.Generator or torch.Generator
        Where chance comes from.
    record : float
        The best value of earlier runs, infinite if there were none.
    """

    def __init__(self, space: Coordinates, size: int, rng: Rng, record: float = math.inf) -> None:
        self.space, self.size, self.rng = space, size, rng
        self.xp = xp = compat.array_namespace(space.like)
        P, self.k = space.size, constants(space.size, size)
        row = {"dtype": space.like.dtype, "device": compat.device(space.like)}
        self.better = xp.asarray(self.k.weights.clip(0, None), **row)
        self.worse = xp.asarray(P * self.k.weights.clip(None, 0), **row)
        self.kept = 1 - self.k.c_1 - self.k.c_mu * float(self.k.weights.sum())
        self.every = max(1, int(1 / (10 * P * (self.k.c_1 + self.k.c_mu))))
        self.units = xp.where(space.decades, xp.ones_like(space.half), space.half)
        self.m, self.sigma = space.draw(1, rng)[0, ...], SIGMA
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
        if self.space.has_discrete:
            self._keep_options()
        if self.generation % self.every == 0:
            self._factorize()
        if self.bounded:
            self.sigma = min(self.sigma, self.widest)
        return self.watch.reason(self, self.xp.sort(values))

    def extras(self) -> Mapping[str, Array]:
        """Return what the trace keeps of the distribution."""
        found = {
            "means": self.space.theta(self.m),
            "sigmas": self.xp.asarray(self.sigma, dtype=self.m.dtype, device=compat.device(self.m)),
        }
        if self.space.size <= LARGEST:
            scale = self.sigma * self.units
            found["covariances"] = scale[:, None] * self.C * scale
        return found

    def _factorize(self) -> None:
        xp = self.xp
        self.C = (self.C + self.C.T) / 2
        variances, self.B = xp.linalg.eigh(self.C)
        self.D = xp.sqrt(xp.clip(variances, self.watch.eps * float(variances[-1]), None))
        self.root = (self.B * self.D) @ self.B.T
        self.deviations = xp.sqrt(xp.sum(self.root * self.root, axis=1))  # positive even where C is not
        if self.bounded:
            self.widest = WIDEST / float(xp.max(self.limited * self.deviations))

    def _keep_options(self) -> None:
        """Let no choice be settled for good: its deviation stays large enough to try its neighbours."""
        xp, choice = self.xp, self.space.discrete
        apart = xp.where(choice, 1 / self.space.half, xp.zeros_like(self.m))  # one option to the next
        self.m = xp.where(choice, xp.clip(self.m, apart / 2 - 1, 1 - apart / 2), self.m)
        deviations = self.sigma * xp.sqrt(xp.linalg.diagonal(self.C))
        grow = xp.maximum(OPTION * apart / deviations, xp.ones_like(self.m))
        self.C, self.p_c = grow[:, None] * self.C * grow, grow * self.p_c
