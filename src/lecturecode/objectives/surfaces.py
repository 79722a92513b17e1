"""Smooth surfaces with a story: a canyon, a monkey saddle, a double well, four equal basins."""

from dataclasses import dataclass

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, ArrayLike, namespace
from lecturecode.domains import Domain, Interval, Product
from lecturecode.door import real, whole
from lecturecode.objectives.function import Objective, coordinates, pure


@pure
@dataclass(frozen=True)
class Rosenbrock(Objective):
    r"""Rosenbrock's canyon: a curved valley, steep across and almost flat along.

    .. math:: g(\theta) = (1 - \theta_1)^2 + k\,(\theta_2 - \theta_1^2)^2

    The minimum is (1, 1) with value 0, at the flat end of the valley :math:`\theta_2 = \theta_1^2`.
    There the Hessian's eigenvalues are 0.4 and 1001.6 for k = 100: steps short enough for the walls
    are far too short for the floor.

    Parameters
    ----------
    k : float
        Steepness of the walls; 100 in the original paper.

    Raises
    ------
    TypeError, ValueError
        If `k` is not a finite number.

    References
    ----------
    H. H. Rosenbrock, *An automatic method for finding the greatest or least value of a function*,
    The Computer Journal 3 (1960), 175-184.

    Examples
    --------
    >>> float(Rosenbrock()([-1.2, 1.0]))
    24.199999999999996
    """

    k: float = 100.0

    domain = Product(Interval(-2, 2), Interval(-1, 3))

    def __post_init__(self) -> None:
        # As Python's own number: a NumPy number would turn float32 to float64.
        object.__setattr__(self, "k", real(self.k, "k"))

    @property
    def minima(self) -> np.ndarray:
        """The minimum (1, 1), shape (1, 2)."""
        return np.array([[1.0, 1.0]])

    def __call__(self, theta: ArrayLike) -> Array:
        a, b = _two(theta)
        return (1 - a) ** 2 + self.k * (b - a**2) ** 2

    def gradient(self, theta: ArrayLike) -> Array:
        """Return the gradient, shape (..., 2)."""
        a, b = _two(theta)
        return _vector(-2 * (1 - a) - 4 * self.k * a * (b - a**2), 2 * self.k * (b - a**2))

    def hessian(self, theta: ArrayLike) -> Array:
        """Return the Hessian, shape (..., 2, 2)."""
        a, b = _two(theta)
        return _symmetric(2 - 4 * self.k * (b - 3 * a**2), -4 * self.k * a, 2 * self.k + 0 * b)


@pure
@dataclass(frozen=True)
class MonkeySaddle(Objective):
    r"""The monkey saddle: three ways down, three ways up, and a Hessian that says nothing.

    .. math:: g(\theta) = \theta_1^3 - 3\,\theta_1 \theta_2^2

    At the origin the gradient and the whole Hessian are zero, so the second-order test is silent:
    the point is a saddle, but only the third derivatives know.

    References
    ----------
    D. Hilbert & S. Cohn-Vossen, *Geometry and the Imagination* (1952), chapter IV.

    Examples
    --------
    >>> MonkeySaddle().hessian([0.0, 0.0]).tolist()
    [[0.0, -0.0], [-0.0, -0.0]]
    """

    domain = Interval(-1.5, 1.5) ** 2
    minima = np.empty((0, 2))

    def __call__(self, theta: ArrayLike) -> Array:
        a, b = _two(theta)
        return a**3 - 3 * a * b**2

    def gradient(self, theta: ArrayLike) -> Array:
        """Return the gradient, shape (..., 2)."""
        a, b = _two(theta)
        return _vector(3 * a**2 - 3 * b**2, -6 * a * b)

    def hessian(self, theta: ArrayLike) -> Array:
        """Return the Hessian, shape (..., 2, 2)."""
        a, b = _two(theta)
        return _symmetric(6 * a, -6 * b, -6 * a)


@pure
@dataclass(frozen=True)
class DoubleWell(Objective):
    r"""Two wells side by side, one deeper than the other: the plainest spurious local minimum.

    .. math:: g(\theta) = (\theta_1^2 - 1)^2 + s\,\theta_1 + \tfrac12 \sum_{p \ge 2} \theta_p^2

    For :math:`0 < s < 8/(3\sqrt3) \approx 1.54` the left well, near :math:`\theta_1 = -1`, is the global
    minimum, the right one is a local minimum that is not global, and a saddle (a maximum when P = 1)
    lies between them.

    Parameters
    ----------
    tilt : float
        The slope s. Beyond 1.54 in absolute value only one well is left.
    size : int
        Number of coordinates P.

    Raises
    ------
    TypeError, ValueError
        If `tilt` is not a finite number, or `size` not a whole number of at least 1.

    Examples
    --------
    >>> DoubleWell().minima.round(3).tolist()
    [[-1.036, 0.0], [0.96, 0.0]]
    """

    tilt: float = 0.3
    size: int = 2

    def __post_init__(self) -> None:
        object.__setattr__(self, "size", whole(self.size, "size"))
        object.__setattr__(self, "tilt", real(self.tilt, "tilt"))

    @property
    def domain(self) -> Domain:
        """[-1.8, 1.8] in each coordinate."""
        return Interval(-1.8, 1.8) ** self.size

    @property
    def minima(self) -> np.ndarray:
        """The wells, the deepest first, from the roots of the cubic derivative; shape (K, P)."""
        roots = np.roots([4.0, 0.0, -4.0, self.tilt])
        wells = roots[np.abs(roots.imag) < 1e-9].real
        wells = wells[12 * wells**2 - 4 > 0]
        points = np.zeros((len(wells), self.size))
        points[:, 0] = wells
        return points[np.argsort(self(points), kind="stable")]

    def __call__(self, theta: ArrayLike) -> Array:
        theta = coordinates(theta)
        a, rest = theta[..., 0], theta[..., 1:]
        return (a**2 - 1) ** 2 + self.tilt * a + 0.5 * (rest**2).sum(-1)

    def gradient(self, theta: ArrayLike) -> Array:
        """Return the gradient, shape (..., P)."""
        theta = coordinates(theta)
        a = theta[..., :1]
        xp = namespace(theta)
        return xp.concat([4 * a * (a**2 - 1) + self.tilt, theta[..., 1:]], axis=-1)

    def hessian(self, theta: ArrayLike) -> Array:
        """Return the Hessian, shape (..., P, P)."""
        theta = coordinates(theta)
        a = theta[..., :1]
        xp = namespace(theta)
        diagonal = xp.concat([12 * a**2 - 4, 0 * theta[..., 1:] + 1], axis=-1)
        eye = xp.eye(theta.shape[-1], dtype=theta.dtype, device=compat.device(theta))
        return diagonal[..., None] * eye


@pure
@dataclass(frozen=True)
class Himmelblau(Objective):
    r"""Himmelblau's function: four minima of the same value, four saddles, and one maximum.

    .. math:: g(\theta) = (\theta_1^2 + \theta_2 - 11)^2 + (\theta_1 + \theta_2^2 - 7)^2

    Each minimum has value 0. Which of the four a descent ends in depends on where it starts.

    References
    ----------
    D. M. Himmelblau, *Applied Nonlinear Programming* (1972).

    Examples
    --------
    >>> g = Himmelblau()
    >>> bool((abs(g(g.minima)) < 1e-25).all())
    True
    """

    domain = Interval(-5, 5) ** 2

    @property
    def minima(self) -> np.ndarray:
        """The four minima, to the last digit that float64 holds; shape (4, 2)."""
        return np.array(
            [
                [3.0, 2.0],
                [-2.805118086952745, 3.131312518250573],
                [-3.779310253377747, -3.283185991286170],
                [3.584428340330492, -1.848126526964404],
            ]
        )

    def __call__(self, theta: ArrayLike) -> Array:
        a, b = _two(theta)
        return (a**2 + b - 11) ** 2 + (a + b**2 - 7) ** 2

    def gradient(self, theta: ArrayLike) -> Array:
        """Return the gradient, shape (..., 2)."""
        a, b = _two(theta)
        r, s = a**2 + b - 11, a + b**2 - 7
        return _vector(4 * a * r + 2 * s, 2 * r + 4 * b * s)

    def hessian(self, theta: ArrayLike) -> Array:
        """Return the Hessian, shape (..., 2, 2)."""
        a, b = _two(theta)
        return _symmetric(12 * a**2 + 4 * b - 42, 4 * a + 4 * b, 4 * a + 12 * b**2 - 26)


def _two(theta: ArrayLike) -> tuple[Array, Array]:
    theta = coordinates(theta, 2)
    return theta[..., 0], theta[..., 1]


def _vector(*coordinates: Array) -> Array:
    return namespace(coordinates[0]).stack(coordinates, axis=-1)


def _symmetric(aa: Array, ab: Array, bb: Array) -> Array:
    xp = namespace(aa)
    return xp.stack([xp.stack([aa, ab], axis=-1), xp.stack([ab, bb], axis=-1)], axis=-2)
