"""When a run of an evolution strategy has nothing more to gain: the rules of Hansen's tutorial, B.3."""

import math
from typing import Any

import numpy as np

from lecturecode.arrays import Array

TOLERANCE = 1e-11
HOPELESS = 0.01  # a run ends when values differ by less than this part of its distance to an earlier run


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
        self.best: list[float] = []
        self.median: list[float] = []
        self.shown = [0, population // 2]
        self.converged = False

    def reason(self, cloud: Any, ordered: Array) -> str:
        """Return why the run should end, given its values from best to worst, or an empty string."""
        best, median = ordered[self.shown].tolist()
        self.best.append(best)
        self.median.append(median)
        count = len(self.best)
        tolerance = TOLERANCE + 4 * self.eps * abs(best)
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
        return self._steps(cloud, count // 10) or self._stagnation(count)

    def _steps(self, cloud: Any, turn: int) -> str:
        xp, m, sigma = cloud.xp, cloud.m, cloud.sigma
        deviations = sigma * cloud.deviations
        axis = turn % self.P
        least, most = float(cloud.D[0]), float(cloud.D[-1])
        largest = float(xp.max(xp.maximum(deviations, sigma * xp.abs(cloud.p_c))))
        if largest < TOLERANCE * self.sigma:
            self.converged = True
            return "steps became too small to matter"
        if bool(xp.any(m == m + 0.2 * deviations)) or bool(
            xp.all(m == m + 0.1 * sigma * cloud.D[axis] * cloud.B[:, axis])
        ):
            self.converged = True
            return "steps became too small for the dtype"
        if sigma * most > 1e4 * self.sigma:
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
