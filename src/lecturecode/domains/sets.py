"""The sets that theta may come from: finite, integer, real, positive, intervals, products of these."""

import math
import operator
from abc import ABC, abstractmethod
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from functools import cache
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import (
    Array,
    ArrayLike,
    as_array,
    check_there,
    detached,
    on_host,
    same_kind,
)
from lecturecode.door import arrays, came, instance, real, whole
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
    def contains(self, theta: ArrayLike) -> Array:
        """Tell which points of `theta`, shape (..., P), lie in the domain; shape (...)."""

    @abstractmethod
    def project(self, theta: ArrayLike) -> Array:
        """Move each point of `theta`, shape (..., P), to the nearest point of the domain."""

    @abstractmethod
    def sample(self, count: int, *, rng: Rng = None, like: Array | None = None) -> Array:
        """Draw `count` points, shape (count, P), as arrays like `like` (float64 arrays if None)."""

    @abstractmethod
    def axes(self, points: int) -> list[np.ndarray]:
        """List, for each of the P coordinates, the values of a grid with `points` values an axis."""

    def decode(self, theta: ArrayLike) -> tuple[Any, ...]:
        """Read one point of shape (P,) as values: options for choices, ints for integers, or floats."""
        (number,) = _point(theta, 1)
        if not math.isfinite(number):
            raise ValueError(f"theta must be finite, so that it can be read; got {number}")
        return (number,)

    def encode(self, values: Sequence[Any], *, like: Array | None = None) -> Array:
        """Write what :meth:`decode` reads, a tuple of P values, as a point, shape (P,), like `like`."""
        factors = factors_of(self)
        if not isinstance(values, tuple | list) or len(values) != len(factors):
            raise ValueError(
                f"values must be a tuple with one entry for each of {len(factors)} coordinate(s), as "
                f"decode gives it; got {came(values)}"
            )
        named = [(f"values[{p}]", factor) for p, factor in enumerate(factors)]
        numbers = [f._number(v, name) for (name, f), v in zip(named, values, strict=True)]
        like = _like(like, self)
        check_there(like, "like")
        xp = compat.array_namespace(like)
        theta = xp.asarray(numbers, dtype=like.dtype, device=compat.device(like))
        for p, (name, factor) in enumerate(named):
            if not bool(factor.contains(theta[p : p + 1])):
                raise ValueError(f"{name} must lie in {factor}; got {came(values[p])}")
        return theta

    def _number(self, value: Any, name: str) -> float:
        """Return the coordinate that stands for one value."""
        return real(value, name)

    def __mul__(self, other: "Domain") -> "Product":
        return Product(self, other)

    def __pow__(self, copies: int) -> "Product":
        hint = "A domain to the power 2 is the product of two copies"
        return Product(*[self] * whole(copies, "copies", hint=hint))


@dataclass(frozen=True)
class Choice(Domain):
    """A finite set of C options; theta is the number of one of them, from 0 to C - 1.

    Parameters
    ----------
    options : sequence
        The elements, of any type, as a list, tuple, range, array, or the letters of a text;
        :meth:`decode` gives them back.

    Raises
    ------
    TypeError
        If the options are not in a sequence: a set has no order.
    ValueError
        If there are no options, if :meth:`decode` meets a number that belongs to none, or
        :meth:`encode` a value that is none of them.

    Examples
    --------
    >>> activation = Choice(["tanh", "relu"])
    >>> activation.decode([1.0]), activation.encode(("relu",))
    (('relu',), array([1.]))
    """

    options: Sequence[Any]

    def __post_init__(self) -> None:
        array = isinstance(self.options, np.ndarray) and self.options.ndim > 0
        if not (array or isinstance(self.options, Sequence)):
            raise TypeError(
                f"options must be a sequence, such as a list; got {type(self.options).__name__}. "
                "list(...) makes one of a set or a generator"
            )
        if len(self.options) == 0:
            raise ValueError("Choice needs at least one option; got options that are empty")
        object.__setattr__(self, "options", copy(self.options))  # a list may change later

    @property
    def low(self) -> np.ndarray:
        return np.array([0.0])

    @property
    def high(self) -> np.ndarray:
        return np.array([len(self.options) - 1.0])

    def contains(self, theta: ArrayLike) -> Array:
        index = _coordinate(theta, self)
        xp = compat.array_namespace(index)
        return (index >= 0) & (index <= len(self.options) - 1) & (index == xp.round(index))

    def project(self, theta: ArrayLike) -> Array:
        theta = _column(theta, self)
        return compat.array_namespace(theta).round(theta).clip(0, len(self.options) - 1)

    def sample(self, count: int, *, rng: Rng = None, like: Array | None = None) -> Array:
        draws = uniform(rng, (whole(count, "count"), 1), _like(like, self))
        xp = compat.array_namespace(draws)
        return xp.clip(xp.floor(draws * len(self.options)), 0, len(self.options) - 1)

    def axes(self, points: int) -> list[np.ndarray]:
        whole(points, "points")
        return [np.arange(len(self.options), dtype=float)]  # a finite set is tried whole

    def decode(self, theta: ArrayLike) -> tuple[Any, ...]:
        (number,) = _point(theta, 1)
        if number not in range(len(self.options)):
            raise ValueError(
                f"there is no option {number:g}; the options are numbered 0 to {len(self.options) - 1}. "
                "project(theta) moves theta to the nearest one"
            )
        return (self.options[int(number)],)

    def _number(self, value: Any, name: str) -> float:
        for same in (operator.is_, _equal):  # True is not 1, where both are options
            for number, option in enumerate(self.options):
                if same(option, value):
                    return float(number)
        raise ValueError(f"{name} must be one of the options {came(self.options)}; got {came(value)}")


@dataclass(frozen=True, init=False, repr=False)
class Integers(Domain):
    """The whole numbers from `low` to `high`, in their order, both included: a number of layers.

    Unlike the options of a :class:`Choice`, whole numbers have neighbors, and a search may go from one
    to the next.

    Parameters
    ----------
    low, high : int
        The smallest and the largest of them.

    Raises
    ------
    ValueError
        If they are not whole numbers that float64 tells apart, up to 2^53, or not in order, or if
        :meth:`decode` meets a number that is none of them.

    Examples
    --------
    >>> layers = Integers(1, 9)
    >>> layers.project(np.array([[2.6], [40.0]])).tolist(), layers.axes(3)[0].tolist()
    ([[3.0], [9.0]], [1.0, 5.0, 9.0])
    >>> layers.decode([3.0])
    (3,)
    """

    first: int
    last: int

    def __init__(self, low: int, high: int) -> None:
        exact = 2**53  # beyond, float64 leaves numbers out
        first, last = whole(low, "low", -exact, exact), whole(high, "high", -exact, exact)
        if first > last:
            raise ValueError(f"Integers needs low <= high; got low={low}, high={high}. Swap them")
        object.__setattr__(self, "first", first)
        object.__setattr__(self, "last", last)

    def __repr__(self) -> str:
        return f"Integers({self.first}, {self.last})"

    @property
    def count(self) -> int:
        """How many there are."""
        return self.last - self.first + 1

    @property
    def low(self) -> np.ndarray:
        return np.array([float(self.first)])

    @property
    def high(self) -> np.ndarray:
        return np.array([float(self.last)])

    def contains(self, theta: ArrayLike) -> Array:
        x = _coordinate(theta, self)
        return (x >= self.first) & (x <= self.last) & (x == compat.array_namespace(x).round(x))

    def project(self, theta: ArrayLike) -> Array:
        theta = _column(theta, self)
        return compat.array_namespace(theta).round(theta).clip(self.first, self.last)

    def sample(self, count: int, *, rng: Rng = None, like: Array | None = None) -> Array:
        draws = uniform(rng, (whole(count, "count"), 1), _like(like, self))
        xp = compat.array_namespace(draws)
        return xp.clip(xp.floor(self.first + self.count * draws), self.first, self.last)

    def axes(self, points: int) -> list[np.ndarray]:
        # More than 1 apart, so that no two of them become the same number.
        return [np.round(np.linspace(self.first, self.last, min(whole(points, "points"), self.count)))]

    def decode(self, theta: ArrayLike) -> tuple[Any, ...]:
        (number,) = _point(theta, 1)
        if not (number.is_integer() and self.first <= number <= self.last):
            raise ValueError(
                f"{number:g} is none of the whole numbers from {self.first} to {self.last}. "
                "project(theta) moves theta to the nearest one"
            )
        return (int(number),)

    def _number(self, value: Any, name: str) -> float:
        return float(whole(value, name, self.first, self.last))


@dataclass(frozen=True)
class Interval(Domain):
    """The closed interval [a, b], the ends included.

    Parameters
    ----------
    a, b : float
        The finite ends, a < b.

    Raises
    ------
    TypeError
        If an end is not a number.
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
        hint = "Real is for an unbounded coordinate"
        _set_ends(self, real(self.a, "a", hint=hint), real(self.b, "b", hint=hint))

    @property
    def low(self) -> np.ndarray:
        return np.array([self.a])

    @property
    def high(self) -> np.ndarray:
        return np.array([self.b])

    def contains(self, theta: ArrayLike) -> Array:
        x = _coordinate(theta, self)
        return (x >= self.a) & (x <= self.b)

    def project(self, theta: ArrayLike) -> Array:
        return _column(theta, self).clip(self.a, self.b)

    def sample(self, count: int, *, rng: Rng = None, like: Array | None = None) -> Array:
        like = _like(like, self)
        draws = uniform(rng, (whole(count, "count"), 1), like)
        k = 0.5 if self.b - self.a > _largest(like) else 1.0  # the width may be beyond all numbers
        a, b = k * self.a, k * self.b
        return ((a + (b - a) * draws) / k).clip(self.a, self.b)

    def axes(self, points: int) -> list[np.ndarray]:
        return [_evenly(self.a, self.b, whole(points, "points"))]


@dataclass(frozen=True)
class LogInterval(Domain):
    r"""The interval [a, b] of positive numbers, seen by their logarithms: a learning rate.

    Draws and grids are even in :math:`\log\theta`, so that each factor of 10 gets the same share.

    Parameters
    ----------
    a, b : float
        The ends, 0 < a < b.

    Raises
    ------
    TypeError
        If an end is not a number.
    ValueError
        If the ends are not positive and finite, or not in increasing order.

    Examples
    --------
    >>> LogInterval(1e-3, 10.0).axes(5)[0].tolist()
    [0.001, 0.01, 0.1, 1.0, 10.0]
    """

    a: float
    b: float

    def __post_init__(self) -> None:
        hint = "Interval may hold 0, Positive has no upper end"
        _set_ends(self, *(real(x, name, "(0, inf)", hint) for x, name in ((self.a, "a"), (self.b, "b"))))

    @property
    def low(self) -> np.ndarray:
        return np.array([self.a])

    @property
    def high(self) -> np.ndarray:
        return np.array([self.b])

    def contains(self, theta: ArrayLike) -> Array:
        x = _coordinate(theta, self)
        return (x >= self.a) & (x <= self.b)

    def project(self, theta: ArrayLike) -> Array:
        return _column(theta, self).clip(self.a, self.b)

    def sample(self, count: int, *, rng: Rng = None, like: Array | None = None) -> Array:
        draws = uniform(rng, (whole(count, "count"), 1), _like(like, self))
        start, end = math.log(self.a), math.log(self.b)
        with np.errstate(over="ignore"):  # the exponential may round up, beyond the largest number
            return self.project(compat.array_namespace(draws).exp(start + (end - start) * draws))

    def axes(self, points: int) -> list[np.ndarray]:
        with np.errstate(over="ignore"):  # a power of 10 may round up, beyond the largest number
            return [np.geomspace(self.a, self.b, whole(points, "points")).clip(self.a, self.b)]


@dataclass(frozen=True)
class Real(Domain):
    """The real line R. Drawing from it needs a scale: draws are normal with that deviation.

    Parameters
    ----------
    scale : float, optional
        Standard deviation of the draws, and half the width of a grid.

    Raises
    ------
    TypeError
        If `scale` is not a number.
    ValueError
        If `scale` is not positive and finite, or if points are asked for and there is no scale.

    Examples
    --------
    >>> Real(scale=2.0).axes(3)
    [array([-2.,  0.,  2.])]
    """

    scale: float | None = None

    def __post_init__(self) -> None:
        _set_scale(self)

    @property
    def low(self) -> np.ndarray:
        return np.array([-np.inf])

    @property
    def high(self) -> np.ndarray:
        return np.array([np.inf])

    def contains(self, theta: ArrayLike) -> Array:
        x = _coordinate(theta, self)
        return compat.array_namespace(x).isfinite(x)

    def project(self, theta: ArrayLike) -> Array:
        theta = _column(theta, self)
        return theta.clip(-_largest(theta), _largest(theta))

    def sample(self, count: int, *, rng: Rng = None, like: Array | None = None) -> Array:
        scale = need_scale(self)
        draws = normal(rng, (whole(count, "count"), 1), _like(like, self))
        with np.errstate(over="ignore"):
            return self.project(scale * draws)

    def axes(self, points: int) -> list[np.ndarray]:
        scale = need_scale(self)
        return [_evenly(-scale, scale, whole(points, "points"))]


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
    TypeError
        If `scale` is not a number.
    ValueError
        If `scale` is not positive and finite, or if points are asked for and there is no scale.

    Examples
    --------
    >>> Positive(scale=1.0).axes(5)[0].tolist()
    [0.01, 0.1, 1.0, 10.0, 100.0]
    """

    scale: float | None = None

    def __post_init__(self) -> None:
        _set_scale(self)

    @property
    def low(self) -> np.ndarray:
        return np.array([0.0])

    @property
    def high(self) -> np.ndarray:
        return np.array([np.inf])

    def contains(self, theta: ArrayLike) -> Array:
        x = _coordinate(theta, self)
        return (x >= 0) & compat.array_namespace(x).isfinite(x)

    def project(self, theta: ArrayLike) -> Array:
        theta = _column(theta, self)
        return theta.clip(0, _largest(theta))

    def sample(self, count: int, *, rng: Rng = None, like: Array | None = None) -> Array:
        scale = need_scale(self)
        draws = normal(rng, (whole(count, "count"), 1), _like(like, self))
        with np.errstate(over="ignore"):
            return self.project(scale * 10**draws)

    def axes(self, points: int) -> list[np.ndarray]:
        scale, count = need_scale(self), whole(points, "points")
        with np.errstate(over="ignore"):
            return [(scale * np.logspace(-2, 2, count)).clip(max=np.finfo(float).max)]


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
    >>> theta_set.encode(("relu", 0.25, 3.0))
    array([1.  , 0.25, 3.  ])
    """

    factors: tuple[Domain, ...]

    def __init__(self, *factors: Domain) -> None:
        if not factors:
            raise ValueError("Product needs at least one domain")
        for factor in factors:
            instance(factor, "a factor", Domain, "Interval(0, 1)")  # type: ignore[type-abstract]
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

    def contains(self, theta: ArrayLike) -> Array:
        columns = self._columns(theta)
        inside = _stack([f.contains(c) for f, c in zip(self.factors, columns, strict=True)])
        return compat.array_namespace(inside).all(inside, axis=-1)

    def project(self, theta: ArrayLike) -> Array:
        columns = self._columns(theta)
        return _stack([f.project(c)[..., 0] for f, c in zip(self.factors, columns, strict=True)])

    def sample(self, count: int, *, rng: Rng = None, like: Array | None = None) -> Array:
        rng = generator(rng)
        return _stack([f.sample(count, rng=rng, like=like)[..., 0] for f in self.factors])

    def axes(self, points: int) -> list[np.ndarray]:
        return [axis for factor in self.factors for axis in factor.axes(points)]

    def decode(self, theta: ArrayLike) -> tuple[Any, ...]:
        theta = as_array(theta)
        _check_point(theta, self.size)
        return tuple(f.decode(theta[p : p + 1])[0] for p, f in enumerate(self.factors))

    def _columns(self, theta: ArrayLike) -> list[Array]:
        theta = as_array(theta)
        if theta.ndim == 0 or theta.shape[-1] != self.size:
            raise ValueError(
                f"theta has shape {tuple(theta.shape)} and the domain {self.size} coordinates; "
                f"the last axis of theta must be {self.size} long"
            )
        return [theta[..., p : p + 1] for p in range(self.size)]


def _stack(columns: list[Array]) -> Array:
    return compat.array_namespace(columns[0]).stack(columns, axis=-1)


def _column(theta: ArrayLike, domain: Domain) -> Array:
    theta = as_array(theta)
    check_fits(domain, theta)
    if theta.ndim == 0 or theta.shape[-1] != 1:
        raise ValueError(
            f"this domain has one coordinate; theta must have shape (..., 1), got {tuple(theta.shape)}"
        )
    return theta


def _coordinate(theta: ArrayLike, domain: Domain) -> Array:
    return _column(theta, domain)[..., 0]


def _point(theta: ArrayLike, size: int) -> list[float]:
    """Return the coordinates of one point."""
    theta = as_array(theta)
    _check_point(theta, size)
    return (theta if type(theta) is np.ndarray else on_host(theta)).tolist()


def _check_point(theta: Array, size: int) -> None:
    if theta.shape != (size,):
        raise ValueError(
            f"theta must be one point of shape ({size},) to be decoded; got {tuple(theta.shape)}"
        )


def _like(like: Array | None, domain: Domain) -> Array:
    """Return an array like which the points of a domain shall be."""
    if like is None:
        return np.empty(0)
    like = as_array(like, "like")
    check_fits(domain, like)
    return like


def check_fits(domain: Domain, like: Array) -> None:
    """Check that a dtype has numbers for the ends or the scale of a domain, and for all its integers.

    Raises
    ------
    ValueError
        If it has not: float32 ends at 3e38, and does not tell integers apart beyond 2^24.
    """
    largest, eps, normal = _limits(compat.array_namespace(like), like.dtype)
    exact = 2 / eps
    for factor in factors_of(domain):
        counted = isinstance(factor, Choice | Integers)
        ends = [*factor.low, *factor.high, getattr(factor, "scale", None) or 0.0]
        for end in (abs(float(end)) for end in ends if math.isfinite(end)):
            few = normal if isinstance(factor, LogInterval) else normal * eps  # 10^x rounds below it
            if end > (exact if counted else largest) or 0 < end < few:
                name = type(factor).__name__ if isinstance(factor, Choice) else factor
                raise ValueError(
                    f"{name} has numbers that {like.dtype} does not hold to all digits, such as "
                    f"{end:g}; take float64, or a smaller domain"
                )


def _evenly(a: float, b: float, count: int) -> np.ndarray:
    """Return numbers from a to b at equal distances, also where b - a is beyond all numbers."""
    k = 0.5 if math.isinf(b - a) else 1.0
    return np.linspace(k * a, k * b, count) / k


@cache
def _limits(xp: Any, dtype: Any) -> tuple[float, float, float]:
    """Return the largest number, the distance from 1 to the next, and the smallest with all digits."""
    numbers = xp.finfo(dtype)
    return float(numbers.max), float(numbers.eps), float(numbers.smallest_normal)


def _largest(array: Array) -> float:
    return _limits(compat.array_namespace(array), array.dtype)[0]


def _equal(option: Any, value: Any) -> bool:
    try:
        return bool(option == value)
    except Exception:  # arrays answer entry by entry
        return np.array_equal(option, value)


def _set_ends(domain: Any, a: float, b: float) -> None:
    """Keep the ends as Python numbers: they leave float32 arrays as they are, NumPy ones would not."""
    if not a < b:
        raise ValueError(f"{type(domain).__name__} needs ends a < b; got a={a:g}, b={b:g}. Swap them")
    object.__setattr__(domain, "a", a)
    object.__setattr__(domain, "b", b)


def _set_scale(domain: Any) -> None:
    if domain.scale is not None:
        hint = "It may be left out where no points are drawn"
        object.__setattr__(domain, "scale", real(domain.scale, "scale", "(0, inf)", hint))


def factors_of(domain: Domain) -> tuple[Domain, ...]:
    """Return the factors of a product, and of any other domain itself alone."""
    return domain.factors if isinstance(domain, Product) else (domain,)


def check_domain(domain: Any) -> None:
    """Check that something is a domain.

    Raises
    ------
    TypeError
        If it is not.
    """
    several = isinstance(domain, tuple | list | dict)
    hint = "The domains of several parameters are multiplied: Integers(1, 9) * Real(1.0)"
    instance(domain, "domain", Domain, "Interval(-5, 5) ** 2", hint if several else "")  # type: ignore[type-abstract]


def check_points(start: Any, domain: Domain, like: Array, most: int) -> Array:
    """Return the points to begin with, shape (N, P), as arrays like `like`; N is 0 if there are none.

    Raises
    ------
    TypeError
        If they are of another library than `like`.
    ValueError
        If they are of another shape than (P,) or (N, P), more than `most`, or not in the domain.
    """
    P = domain.size
    if start is None:
        return compat.array_namespace(like).empty((0, P), dtype=like.dtype, device=compat.device(like))
    given = same_kind(detached(start), like, "start", "the points of the search")
    xp, points = arrays({"start": f"{P} | N {P}"}, start=given)
    points = xp.reshape(points, (-1, P))
    if points.shape[0] > most:
        raise ValueError(f"start has {points.shape[0]} points, and there is room for {most}")
    outside = ~domain.contains(points)
    if bool(outside.any()):
        first = on_host(points)[on_host(outside)][0]
        raise ValueError(
            f"start must lie in the domain, and {first} does not; domain.project moves it there"
        )
    return points


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
