"""The sets that theta may come from: finite, real, positive, an interval, or a product of these."""

import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, as_array
from lecturecode.door import instance
from lecturecode.randomness import Rng, generator, normal, uniform


class Domain(ABC):
    """What all domains can do; leading axes of theta are a batch of points."""

    @property
    def size(self) -> int:
        """Number of coordinates P."""
        return 1

    @property
    @abstractmethod
    def low(self) -> np.ndarray:
        """Lower bounds of the coordinates, shape (P,); ``-inf`` where there is none."""

    @property
    @abstractmethod
    def high(self) -> np.ndarray:
        """Upper bounds of the coordinates, shape (P,); ``inf`` where there is none."""

    @abstractmethod
    def contains(self, theta: Array) -> Array:
        """Tell which points of `theta`, shape (..., P), lie in the domain; shape (...)."""

    @abstractmethod
    def project(self, theta: Array) -> Array:
        """Move each point of `theta`, shape (..., P), to the nearest point of the domain."""

    @abstractmethod
    def sample(self, count: int, *, rng: Rng = None, like: Array | None = None) -> Array:
        """Draw `count` points, shape (count, P), as arrays like `like` (float64 arrays if None)."""

    @abstractmethod
    def axes(self, points: int) -> list[np.ndarray]:
        """List, for each of the P coordinates, the values of a grid with `points` values an axis."""

    def decode(self, theta: Array) -> tuple[Any, ...]:
        """Read one point of shape (P,) as values: options for choices, floats for the rest."""
        return (float(theta[0]),)

    def __mul__(self, other: "Domain") -> "Product":
        return Product(self, other)

    def __pow__(self, copies: int) -> "Product":
        if copies < 1:
            raise ValueError(f"a domain to the power {copies} is empty; the power must be >= 1")
        return Product(*[self] * copies)


@dataclass(frozen=True)
class Choice(Domain):
    """A finite set of C options; theta is the number of one of them, from 0 to C - 1.

    Parameters
    ----------
    options : sequence
        The elements, of any type; :meth:`decode` gives them back.

    Raises
    ------
    ValueError
        If there are no options, or if :meth:`decode` meets a number that belongs to none.

    Examples
    --------
    >>> Choice(["tanh", "relu"]).decode([1.0])
    ('relu',)
    """

    options: Sequence[Any]

    def __post_init__(self) -> None:
        if len(self.options) == 0:
            raise ValueError("Choice needs at least one option; got an empty sequence")

    @property
    def low(self) -> np.ndarray:
        return np.array([0.0])

    @property
    def high(self) -> np.ndarray:
        return np.array([len(self.options) - 1.0])

    def contains(self, theta: Array) -> Array:
        index = _coordinate(theta)
        xp = compat.array_namespace(index)
        return (index >= 0) & (index <= len(self.options) - 1) & (index == xp.round(index))

    def project(self, theta: Array) -> Array:
        theta = as_array(theta)
        xp = compat.array_namespace(theta)
        return xp.clip(xp.round(theta), 0, len(self.options) - 1)

    def sample(self, count: int, *, rng: Rng = None, like: Array | None = None) -> Array:
        draws = uniform(rng, (_count(count), 1), _like(like))
        xp = compat.array_namespace(draws)
        return xp.clip(xp.floor(draws * len(self.options)), 0, len(self.options) - 1)

    def axes(self, points: int) -> list[np.ndarray]:
        return [np.arange(len(self.options), dtype=float)]  # a finite set is tried whole

    def decode(self, theta: Array) -> tuple[Any, ...]:
        number = float(theta[0])
        if number not in range(len(self.options)):
            raise ValueError(
                f"there is no option {number:g}; the options are numbered 0 to {len(self.options) - 1}. "
                "project(theta) moves theta to the nearest one"
            )
        return (self.options[int(number)],)


@dataclass(frozen=True)
class Interval(Domain):
    """The closed interval [a, b], the ends included.

    Parameters
    ----------
    a, b : float
        The finite ends, a < b.

    Raises
    ------
    ValueError
        If the ends are not finite, or not in increasing order.

    Examples
    --------
    >>> box = Interval(-1, 1) ** 2
    >>> box.project(np.array([3.0, 0.5]))
    array([1. , 0.5])
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.a) and math.isfinite(self.b) and self.a < self.b):
            raise ValueError(
                f"Interval needs finite ends a < b; got a={self.a}, b={self.b}. "
                "Swap them, or use Real for an unbounded coordinate"
            )
        # Python numbers leave float32 arrays as they are; NumPy ones would not.
        object.__setattr__(self, "a", float(self.a))
        object.__setattr__(self, "b", float(self.b))

    @property
    def low(self) -> np.ndarray:
        return np.array([self.a])

    @property
    def high(self) -> np.ndarray:
        return np.array([self.b])

    def contains(self, theta: Array) -> Array:
        x = _coordinate(theta)
        return (x >= self.a) & (x <= self.b)

    def project(self, theta: Array) -> Array:
        theta = as_array(theta)
        return compat.array_namespace(theta).clip(theta, self.a, self.b)

    def sample(self, count: int, *, rng: Rng = None, like: Array | None = None) -> Array:
        draws = uniform(rng, (_count(count), 1), _like(like))
        return self.project(self.a + (self.b - self.a) * draws)

    def axes(self, points: int) -> list[np.ndarray]:
        return [np.linspace(self.a, self.b, _count(points))]


@dataclass(frozen=True)
class Real(Domain):
    """The real line R. Drawing from it needs a scale: draws are normal with that deviation.

    Parameters
    ----------
    scale : float, optional
        Standard deviation of the draws, and half the width of a grid.

    Raises
    ------
    ValueError
        If `scale` is not positive, or if points are asked for and there is no scale.

    Examples
    --------
    >>> Real(scale=2.0).axes(3)
    [array([-2.,  0.,  2.])]
    """

    scale: float | None = None

    def __post_init__(self) -> None:
        _check_scale(self.scale)

    @property
    def low(self) -> np.ndarray:
        return np.array([-np.inf])

    @property
    def high(self) -> np.ndarray:
        return np.array([np.inf])

    def contains(self, theta: Array) -> Array:
        x = _coordinate(theta)
        return compat.array_namespace(x).isfinite(x)

    def project(self, theta: Array) -> Array:
        return as_array(theta)

    def sample(self, count: int, *, rng: Rng = None, like: Array | None = None) -> Array:
        return need_scale(self) * normal(rng, (_count(count), 1), _like(like))

    def axes(self, points: int) -> list[np.ndarray]:
        scale = need_scale(self)
        return [np.linspace(-scale, scale, _count(points))]


@dataclass(frozen=True)
class Positive(Domain):
    """The non-negative half-line R+ = [0, inf). Draws spread over decades around a scale.

    Parameters
    ----------
    scale : float, optional
        Median of the draws, whose decimal logarithm is normal with deviation 1; a grid goes from
        ``scale / 100`` to ``100 * scale`` in equal ratios.

    Raises
    ------
    ValueError
        If `scale` is not positive, or if points are asked for and there is no scale.

    Examples
    --------
    >>> Positive(scale=1.0).axes(5)[0].tolist()
    [0.01, 0.1, 1.0, 10.0, 100.0]
    """

    scale: float | None = None

    def __post_init__(self) -> None:
        _check_scale(self.scale)

    @property
    def low(self) -> np.ndarray:
        return np.array([0.0])

    @property
    def high(self) -> np.ndarray:
        return np.array([np.inf])

    def contains(self, theta: Array) -> Array:
        x = _coordinate(theta)
        return (x >= 0) & compat.array_namespace(x).isfinite(x)

    def project(self, theta: Array) -> Array:
        theta = as_array(theta)
        return compat.array_namespace(theta).clip(theta, 0, None)

    def sample(self, count: int, *, rng: Rng = None, like: Array | None = None) -> Array:
        return need_scale(self) * 10 ** normal(rng, (_count(count), 1), _like(like))

    def axes(self, points: int) -> list[np.ndarray]:
        return [need_scale(self) * np.logspace(-2, 2, _count(points))]


@dataclass(frozen=True, init=False)
class Product(Domain):
    """The Cartesian product of domains, coordinates one after the other; products are flattened.

    Parameters
    ----------
    *factors : Domain
        At least one.

    Raises
    ------
    TypeError
        If a factor is not a domain.
    ValueError
        If there is no factor.

    Examples
    --------
    >>> theta_set = Choice(["tanh", "relu"]) * Interval(0, 1) * Positive(1.0)
    >>> theta_set.size
    3
    >>> theta_set.decode([1.0, 0.25, 3.0])
    ('relu', 0.25, 3.0)
    """

    factors: tuple[Domain, ...]

    def __init__(self, *factors: Domain) -> None:
        if not factors:
            raise ValueError("Product needs at least one domain")
        for factor in factors:
            if not isinstance(factor, Domain):
                raise TypeError(f"Product is made of domains such as Interval(0, 1); got {factor!r}")
        flat: list[Domain] = []
        for factor in factors:
            flat.extend(factor.factors if isinstance(factor, Product) else [factor])
        object.__setattr__(self, "factors", tuple(flat))

    @property
    def size(self) -> int:
        return len(self.factors)

    @property
    def low(self) -> np.ndarray:
        return np.concatenate([factor.low for factor in self.factors])

    @property
    def high(self) -> np.ndarray:
        return np.concatenate([factor.high for factor in self.factors])

    def contains(self, theta: Array) -> Array:
        columns = self._columns(theta)
        inside = _stack([f.contains(c) for f, c in zip(self.factors, columns, strict=True)])
        return compat.array_namespace(inside).all(inside, axis=-1)

    def project(self, theta: Array) -> Array:
        columns = self._columns(theta)
        return _stack([f.project(c)[..., 0] for f, c in zip(self.factors, columns, strict=True)])

    def sample(self, count: int, *, rng: Rng = None, like: Array | None = None) -> Array:
        rng = generator(rng)
        return _stack([f.sample(count, rng=rng, like=like)[..., 0] for f in self.factors])

    def axes(self, points: int) -> list[np.ndarray]:
        return [axis for factor in self.factors for axis in factor.axes(points)]

    def decode(self, theta: Array) -> tuple[Any, ...]:
        return tuple(f.decode(theta[p : p + 1])[0] for p, f in enumerate(self.factors))

    def _columns(self, theta: Array) -> list[Array]:
        theta = as_array(theta)
        if theta.ndim == 0 or theta.shape[-1] != self.size:
            raise ValueError(
                f"theta has shape {tuple(theta.shape)} and the domain {self.size} coordinates; "
                f"the last axis of theta must be {self.size} long"
            )
        return [theta[..., p : p + 1] for p in range(self.size)]


def _stack(columns: list[Array]) -> Array:
    return compat.array_namespace(columns[0]).stack(columns, axis=-1)


def _coordinate(theta: Array) -> Array:
    theta = as_array(theta)
    if theta.ndim == 0 or theta.shape[-1] != 1:
        raise ValueError(f"this domain has one coordinate; theta has shape {tuple(theta.shape)}")
    return theta[..., 0]


def _like(like: Array | None) -> Array:
    return np.empty(0) if like is None else like


def _count(count: int) -> int:
    if count < 1:
        raise ValueError(f"the number of points must be at least 1; got {count}")
    return count


def _check_scale(scale: float | None) -> None:
    if scale is not None and not (math.isfinite(scale) and scale > 0):
        raise ValueError(f"scale must be positive and finite, or None; got {scale}")


def check_domain(domain: Any) -> None:
    """Check that something is a domain.

    Raises
    ------
    TypeError
        If it is not.
    """
    instance(domain, "domain", Domain, "Interval(-5, 5) ** 2")  # type: ignore[type-abstract]


def need_scale(domain: Any) -> float:
    """Return the scale of an unbounded domain.

    Raises
    ------
    ValueError
        If it has none.
    """
    if domain.scale is None:
        name = type(domain).__name__
        raise ValueError(
            f"{name}() is unbounded and has no scale, so no points can be drawn from it; "
            f"say how far to look, for instance {name}(scale=1.0)"
        )
    return float(domain.scale)
