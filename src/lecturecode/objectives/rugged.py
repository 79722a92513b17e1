"""Rugged landscapes: a great many local minima around one global one."""

import math
from dataclasses import dataclass

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, ArrayLike, namespace
from lecturecode.domains import Domain, Interval
from lecturecode.door import whole
from lecturecode.objectives.function import Objective, coordinates, pure


@pure
@dataclass(frozen=True)
class Rastrigin(Objective):
    r"""Rastrigin's function: a bowl with a ripple, and a local minimum near every integer point.

    .. math:: g(\theta) = 10 P + \sum_{p=1}^P \bigl(\theta_p^2 - 10 \cos 2\pi\theta_p\bigr)

    The global minimum is the origin, with value 0. In the usual box there are 11 local minima per
    coordinate, hence :math:`11^P` in all.

    Parameters
    ----------
    size : int
        Number of coordinates P.

    Raises
    ------
    ValueError
        If `size` is not a whole number of at least 1.

    References
    ----------
    L. A. Rastrigin, *Systems of Extremal Control* (1974); for P > 2: H. Muehlenbein, M. Schomisch &
    J. Born, *The parallel genetic algorithm as function optimizer*, Parallel Computing 17 (1991).

    Examples
    --------
    >>> g = Rastrigin()
    >>> float(g([0.0, 0.0])), round(float(g([1.0, 0.0])), 12)
    (0.0, 1.0)
    """

    size: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", whole(self.size, "size"))

    @property
    def domain(self) -> Domain:
        """[-5.12, 5.12] in each coordinate."""
        return Interval(-5.12, 5.12) ** self.size

    @property
    def minima(self) -> np.ndarray:
        """The global minimum, shape (1, P)."""
        return np.zeros((1, self.size))

    def __call__(self, theta: ArrayLike) -> Array:
        theta = coordinates(theta)
        xp = namespace(theta)
        return (theta**2 + 10 * (1 - xp.cos(2 * math.pi * theta))).sum(-1)

    def gradient(self, theta: ArrayLike) -> Array:
        r"""Return :math:`2\theta_p + 20\pi \sin 2\pi\theta_p`, shape (..., P)."""
        theta = coordinates(theta)
        xp = namespace(theta)
        return 2 * theta + 20 * math.pi * xp.sin(2 * math.pi * theta)

    def hessian(self, theta: ArrayLike) -> Array:
        """Return the diagonal Hessian, shape (..., P, P)."""
        theta = coordinates(theta)
        xp = namespace(theta)
        diagonal = 2 + 40 * math.pi**2 * xp.cos(2 * math.pi * theta)
        return diagonal[..., None] * _eye(theta)


@pure
@dataclass(frozen=True)
class Ackley(Objective):
    r"""Ackley's function: a nearly flat, pitted plain with a sharp funnel in the middle.

    .. math:: g(\theta) = 20 \Bigl(1 - e^{-0.2 \sqrt{\frac1P \sum_p \theta_p^2}}\Bigr)
        + e - e^{\frac1P \sum_p \cos 2\pi\theta_p}

    The global minimum is the origin, with value 0. Far away the slope of the plain tells nothing
    about the funnel, and the pits catch a descent with short steps.

    Parameters
    ----------
    size : int
        Number of coordinates P.

    Raises
    ------
    ValueError
        If `size` is not a whole number of at least 1.

    Notes
    -----
    At the origin g has a kink, like the tip of a cone. The gradient returned there is 0, the
    subgradient of least norm, and the Hessian is NaN.

    References
    ----------
    D. H. Ackley, *A Connectionist Machine for Genetic Hillclimbing* (1987); the form for any P is in
    T. Baeck, *Evolutionary Algorithms in Theory and Practice* (1996).

    Examples
    --------
    >>> g = Ackley()
    >>> round(float(g([0.0, 0.0])), 12), round(float(g([1.0, 1.0])), 6)
    (0.0, 3.625385)
    """

    size: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", whole(self.size, "size"))

    @property
    def domain(self) -> Domain:
        """[-32.768, 32.768] in each coordinate."""
        return Interval(-32.768, 32.768) ** self.size

    @property
    def minima(self) -> np.ndarray:
        """The global minimum, shape (1, P)."""
        return np.zeros((1, self.size))

    def __call__(self, theta: ArrayLike) -> Array:
        theta = coordinates(theta)
        xp = namespace(theta)
        r = ((theta**2).sum(-1) / theta.shape[-1]) ** 0.5
        ripple = xp.cos(2 * math.pi * theta).sum(-1) / theta.shape[-1]
        return -20 * xp.expm1(-0.2 * r) - math.e * xp.expm1(ripple - 1)

    def gradient(self, theta: ArrayLike) -> Array:
        """Return the gradient, shape (..., P); 0 at the origin."""
        theta = coordinates(theta)
        P = theta.shape[-1]
        xp = namespace(theta)
        r = ((theta**2).sum(-1) / P)[..., None] ** 0.5
        safe = xp.where(r > 0, r, xp.ones_like(r))
        ripple = xp.cos(2 * math.pi * theta).sum(-1)[..., None] / P
        cone = 4 * xp.exp(-0.2 * r) * theta / (P * safe)
        return cone + 2 * math.pi / P * xp.exp(ripple) * xp.sin(2 * math.pi * theta)

    def hessian(self, theta: ArrayLike) -> Array:
        """Return the Hessian, shape (..., P, P); NaN at the origin."""
        theta = coordinates(theta)
        P = theta.shape[-1]
        xp = namespace(theta)
        outer = theta[..., :, None] * theta[..., None, :]
        r = ((theta**2).sum(-1) / P)[..., None, None] ** 0.5
        r = xp.where(r > 0, r, xp.full_like(r, xp.nan))
        eye = _eye(theta)
        sin = xp.sin(2 * math.pi * theta)
        cos = xp.cos(2 * math.pi * theta)
        bump = xp.exp(cos.sum(-1) / P)[..., None, None]
        cone = 4 / P * xp.exp(-0.2 * r) * (eye / r - outer * (0.2 / r**2 + 1 / r**3) / P)
        across = -((2 * math.pi / P) ** 2) * sin[..., :, None] * sin[..., None, :]
        return cone + bump * (across + 4 * math.pi**2 / P * cos[..., None] * eye)


def _eye(theta: Array) -> Array:
    xp = namespace(theta)
    return xp.eye(theta.shape[-1], dtype=theta.dtype, device=compat.device(theta))
