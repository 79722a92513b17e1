"""What an objective is, and how to make one from functions of your own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, runtime_checkable

from lecturecode.arrays import Array, ArrayLike, as_array, check_finite, copied, lent
from lecturecode.domains import Domain
from lecturecode.domains.sets import check_domain
from lecturecode.door import function

PURE: set[type] = set()
"""Classes that write into nothing that they are given, and whose answers are new arrays."""

Kind = TypeVar("Kind", bound=type)


def pure(kind: Kind) -> Kind:
    """Count this class, not those made from it, among the pure ones."""
    PURE.add(kind)
    return kind


def reads_only(g: Any) -> bool:
    """Tell whether g is pure, or a method of one that is, and needs no copy of what it is given."""
    return type(getattr(g, "__self__", g)) in PURE


@runtime_checkable
class Objective(Protocol):
    """A function g of theta in R^P that knows its derivatives; leading axes of theta are a batch.

    A class that is made from this one has to say what g, its gradient and its Hessian are;
    :meth:`value_and_gradient` follows.
    """

    def __call__(self, theta: Any) -> Array:
        """Return g(theta), shape (...), for theta of shape (..., P)."""

    def gradient(self, theta: Any) -> Array:
        """Return the gradient of g at theta, shape (..., P)."""

    def hessian(self, theta: Any) -> Array:
        """Return the Hessian of g at theta, shape (..., P, P)."""

    def value_and_gradient(self, theta: Any) -> tuple[Array, Array]:
        """Return g(theta) and the gradient there, shapes (...) and (..., P)."""
        return self(theta), self.gradient(theta)


@dataclass(frozen=True, eq=False)
class Function:
    """An objective made of your own functions.

    Parameters
    ----------
    value : callable
        Takes theta of shape (P,) and returns g(theta); if it also takes (..., P) and returns (...),
        the whole book can plot it.
    gradient, hessian : callable, optional
        Return shapes (..., P) and (..., P, P). What is not given cannot be asked for, and without
        `gradient` there is no ``value_and_gradient(theta)`` either.
    domain : Domain, optional
        Where to look.
    minima : array of shape (K, P), optional
        Known local minima.

    Raises
    ------
    TypeError
        If `value`, `gradient` or `hessian` is not a function, `domain` not a domain, or if `minima` does
        not hold real numbers; later, if ``value_and_gradient`` is called and there is no `gradient`.
    ValueError
        If `minima` has another shape, or holds NaN or infinity.

    Examples
    --------
    >>> import numpy as np
    >>> g = Function(lambda t: (t**4).sum(-1), gradient=lambda t: 4 * t**3)
    >>> g.gradient(np.array([1.0, 2.0]))
    array([ 4., 32.])
    >>> value, gradient = g.value_and_gradient(np.array([1.0, 2.0]))
    >>> float(value), gradient
    (17.0, array([ 4., 32.]))
    """

    value: Callable[[Any], Any]
    gradient: Callable[[Any], Array] | None = None
    hessian: Callable[[Any], Array] | None = None
    domain: Domain | None = None
    minima: Any = None

    def __post_init__(self) -> None:
        hint = "Write it as lambda theta: ..."
        function(self.value, "value", hint=hint)
        for name in ("gradient", "hessian"):
            if getattr(self, name) is not None:
                function(getattr(self, name), name, hint=hint)
        if self.domain is not None:
            check_domain(self.domain)
        if self.minima is not None:
            object.__setattr__(self, "minima", _points(self.minima))

    def __call__(self, theta: Any) -> Array:
        """Return g(theta)."""
        return self.value(theta)

    def value_and_gradient(self, theta: Any) -> tuple[Array, Array]:
        """Return g(theta) and the gradient there, by your own two functions."""
        if self.gradient is None:
            raise TypeError("this g has no gradient; make one by Function(value, gradient=...)")
        return lent(self.value(lent(theta))), self.gradient(theta)


def coordinates(theta: ArrayLike, size: int | None = None) -> Array:
    """Return theta as an array whose last axis has `size` coordinates, or any number but none.

    Raises
    ------
    TypeError
        If theta does not hold real numbers.
    ValueError
        If it has another number of coordinates.
    """
    theta = as_array(theta)
    shape = theta.shape
    if not shape or not shape[-1] or (size is not None and shape[-1] != size):
        wanted = f"{size} coordinates" if size else "one coordinate or more"
        raise ValueError(f"this g has {wanted}; theta has shape {tuple(shape)}")
    return theta


def _points(minima: ArrayLike) -> Array:
    minima = as_array(minima, "minima")
    if minima.ndim != 2:
        raise ValueError(
            f"minima must have shape (K, P), one row for each; got {tuple(minima.shape)}. "
            "A single one is minima[None, :]"
        )
    check_finite(minima, "minima")
    return copied(minima)
