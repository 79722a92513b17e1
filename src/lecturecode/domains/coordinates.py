r"""Where populations move: coordinates in which every domain looks alike.

A step of 0.1 is small for a coordinate in [0, 1000] and large for a learning rate. So populations move
in search coordinates u, in which a typical draw from the domain has size 1:

====================  ========================================  =====================
domain                theta of u                                u
====================  ========================================  =====================
[a, b]                the affine map of [-1, 1] onto [a, b]     in [-1, 1]
[a, b] by logarithms  the same for the logarithm of theta       in [-1, 1]
C choices             as [-1/2, C - 1/2], rounded               in [-1, 1]
integers a to b       as [a - 1/2, b + 1/2], rounded            in [-1, 1]
R                     scale times u                             any
R+                    scale times 10 to the power u             any
====================  ========================================  =====================
"""

import math
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, as_array
from lecturecode.domains.sets import (
    Choice,
    Domain,
    Integers,
    Interval,
    LogInterval,
    Positive,
    Real,
    check_domain,
    check_fits,
    factors_of,
    need_scale,
)
from lecturecode.randomness import Rng, normal, uniform


class Coordinates:
    """The search coordinates of a domain, for arrays like `like`.

    Parameters
    ----------
    domain : Domain
        A product of choices, integers, intervals, and real or positive numbers that have a scale.
    like : array
        Library, dtype and device of the points; float64 NumPy arrays if None.

    Raises
    ------
    TypeError
        If `domain` is not a domain, or has a factor of another kind.
    ValueError
        If an unbounded factor has no scale, or the dtype of `like` does not hold the ends of a factor.
    """

    def __init__(self, domain: Domain, like: Array | None = None) -> None:
        check_domain(domain)
        self.domain = domain
        self.like = np.empty(0) if like is None else as_array(like, "like")
        self.xp = compat.array_namespace(self.like)
        self.size = domain.size
        self.numbers = self.xp.arange(self.size, device=compat.device(self.like))
        factors = factors_of(domain)
        middle, half, bound = (
            np.asarray(c, dtype=float) for c in zip(*map(_line, factors), strict=True)
        )
        check_fits(domain, self.like)
        self.middle, self.half = self._row(middle), self._row(half)
        """theta = middle + half * u, or middle * 10 ** (half * u) by logarithms; shape (P,)."""
        self.high, self.low = self._row(bound), self._row(-bound)
        """The bounds of u; shape (P,)."""
        self.options = self._row([len(f.options) if isinstance(f, Choice) else 0 for f in factors])
        """Number of options of each coordinate, 0 for those that are not choices; shape (P,)."""
        self.discrete = self._mask([isinstance(f, Choice) for f in factors])
        self.rounded = self._mask([isinstance(f, Choice | Integers) for f in factors])
        self.decades = self._mask([isinstance(f, Positive | LogInterval) for f in factors])
        self.unbounded = self._mask([isinstance(f, Real | Positive) for f in factors])
        self.has_discrete = any(isinstance(f, Choice) for f in factors)
        self.has_rounded = any(isinstance(f, Choice | Integers) for f in factors)
        self.has_decades = any(isinstance(f, Positive | LogInterval) for f in factors)
        self.has_unbounded = any(isinstance(f, Real | Positive) for f in factors)
        largest = float(self.xp.finfo(self.like.dtype).max)
        widest = [_decades(f, half[p], largest) for p, f in enumerate(factors)]
        self._powers = self.half * self.xp.astype(self.decades, self.like.dtype)
        self._widest = self._row(widest)
        """Powers of 10, but for the factor u, and how far they may go; shape (P,)."""
        ends = (domain.low.clip(min=-largest), domain.high.clip(max=largest))
        self._affine = tuple(self._row(_once(c)) for c in (middle, half, *ends))
        self._bounds = tuple(self._row(_once(c)) for c in (-bound, bound))

    def theta(self, u: Array) -> Array:
        """Return the points of the domain that belong to `u`, shape (..., P) both."""
        xp = self.xp
        middle, half, low, high = self._affine
        theta = middle + half * u
        if self.has_decades:
            power = xp.minimum(xp.maximum(self._powers * u, -self._widest), self._widest)
            theta = xp.where(self.decades, self.middle * 10**power, theta)
        if self.has_rounded:
            theta = xp.where(self.rounded, xp.round(theta), theta)
        theta = xp.maximum(theta, low, out=theta)  # in its own memory: a population may be large
        return xp.minimum(theta, high, out=theta)

    def u(self, theta: Array) -> Array:
        """Return where points `theta` of the domain are, shape (..., P) both."""
        xp = self.xp
        u = (theta - self.middle) / self.half
        if self.has_decades:
            tiny = xp.finfo(theta.dtype).smallest_normal
            decades = xp.log10(xp.maximum(theta, tiny)) - xp.log10(xp.maximum(self.middle, tiny))
            u = xp.where(self.decades, decades / self.half, u)
        return self.inside(u)

    def first(self, count: int, rng: Rng, given: Array) -> Array:
        """Return the u of a first population: of `given` points, shape (N, P), and of others drawn."""
        u = self.draw(count, rng)
        u[: given.shape[0], ...] = self.u(given)
        return u

    def identity(self, method: str, settings: list[Any], start: Array) -> dict[str, Any]:
        """Return what must be the same for a run that goes on, by name."""
        return {
            "method": method,
            "settings": settings,
            "domain": self.domain,
            "start": start,
            "numbers": str(self.like.dtype),
        }

    def inside(self, u: Array) -> Array:
        """Return the nearest points, shape (..., P), that are within the bounds of u."""
        low, high = self._bounds
        within = self.xp.maximum(u, low)
        return self.xp.minimum(within, high, out=within)  # its clip takes five times as long

    def draw(self, count: int, rng: Rng) -> Array:
        """Draw `count` points u, shape (count, P): as the domain does, but for the shape of choices."""
        shape = (count, self.size)
        u = 2 * uniform(rng, shape, self.like) - 1
        if not self.has_unbounded:
            return u
        return self.xp.where(self.unbounded, normal(rng, shape, self.like), u)

    def _row(self, numbers: Any) -> Array:
        like = self.like
        xp = compat.array_namespace(like)
        return xp.asarray(np.asarray(numbers, dtype=float), dtype=like.dtype, device=compat.device(like))

    def _mask(self, flags: list[bool]) -> Array:
        xp = compat.array_namespace(self.like)
        return xp.asarray(np.asarray(flags), device=compat.device(self.like))


def _once(numbers: np.ndarray) -> np.ndarray:
    """Keep one number if all are equal: a row of them takes four times as long to broadcast."""
    return numbers[:1] if (numbers == numbers[0]).all() else numbers


def _decades(factor: Domain, half: float, largest: float) -> float:
    """Return how many powers of 10 from its middle a factor may go; it stays among the numbers."""
    if isinstance(factor, LogInterval):
        return half
    most = math.log10(largest)
    above = most - math.log10(need_scale(factor)) if isinstance(factor, Positive) else most
    return min(most / 2, 0.999 * above)


def _line(factor: Domain) -> tuple[float, float, float]:
    """Return middle, half width and the bound of u."""
    if isinstance(factor, Choice):
        count = len(factor.options)
        return (count - 1) / 2, count / 2, 1.0
    if isinstance(factor, Integers):
        return (factor.first + factor.last) / 2, factor.count / 2, 1.0
    if isinstance(factor, Interval):
        return factor.a / 2 + factor.b / 2, factor.b / 2 - factor.a / 2, 1.0
    if isinstance(factor, LogInterval):
        decades = math.log10(factor.b) - math.log10(factor.a)
        return math.sqrt(factor.a) * math.sqrt(factor.b), decades / 2, 1.0
    if isinstance(factor, Real):
        return 0.0, need_scale(factor), np.inf
    if isinstance(factor, Positive):
        return need_scale(factor), 1.0, np.inf
    raise TypeError(
        "populations move in choices, integers, intervals, and real or positive numbers; "
        f"got a {type(factor).__name__}"
    )
