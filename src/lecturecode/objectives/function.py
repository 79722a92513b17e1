"""What an objective is, and how to make one from functions of your own."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from lecturecode.arrays import Array
from lecturecode.domains import Domain


@runtime_checkable
class Objective(Protocol):
    """A function g of theta in R^P that knows its derivatives; leading axes of theta are a batch."""

    def __call__(self, theta: Array) -> Array:
        """Return g(theta), shape (...), for theta of shape (..., P)."""

    def gradient(self, theta: Array) -> Array:
        """Return the gradient of g at theta, shape (..., P)."""

    def hessian(self, theta: Array) -> Array:
        """Return the Hessian of g at theta, shape (..., P, P)."""


@dataclass(frozen=True)
class Function:
    """An objective made of your own functions.

    Parameters
    ----------
    value : callable
        Takes theta of shape (P,) and returns g(theta); if it also takes (..., P) and returns (...),
        the whole book can plot it.
    gradient, hessian : callable, optional
        Return shapes (..., P) and (..., P, P). What is not given cannot be asked for.
    domain : Domain, optional
        Where to look.
    minima : array of shape (K, P), optional
        Known local minima.

    Raises
    ------
    TypeError
        If `value`, `gradient` or `hessian` is not callable.

    Examples
    --------
    >>> import numpy as np
    >>> g = Function(lambda t: (t**4).sum(-1), gradient=lambda t: 4 * t**3)
    >>> g.gradient(np.array([1.0, 2.0]))
    array([ 4., 32.])
    """

    value: Callable[[Array], Array]
    gradient: Callable[[Array], Array] | None = None
    hessian: Callable[[Array], Array] | None = None
    domain: Domain | None = None
    minima: Any = None

    def __post_init__(self) -> None:
        for name in ("value", "gradient", "hessian"):
            part = getattr(self, name)
            if not callable(part) and not (part is None and name != "value"):
                raise TypeError(
                    f"{name} must be a function of theta; got {type(part).__name__}. "
                    "Write it as lambda theta: ..."
                )

    def __call__(self, theta: Array) -> Array:
        """Return g(theta)."""
        return self.value(theta)
