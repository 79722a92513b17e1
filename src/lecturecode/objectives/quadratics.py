"""Quadratics: bowls, hills, saddles, and the mean squared error of a linear model.

Near a stationary point every smooth g looks like one of these, which is why their eigenvalues explain
most of what a descent does.
"""

from dataclasses import dataclass

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, ArrayLike, copied, namespace, on_host, same_kind
from lecturecode.domains import Domain, Interval, Real
from lecturecode.door import arrays
from lecturecode.objectives.function import Objective, coordinates, pure

DESIGN = {"W": "design_matrix(x) makes one from inputs x"}
"""What to do when something else comes in the place of a design matrix."""


@pure
class Quadratic(Objective):
    r"""A bowl of given eigenvalues; a hill or a saddle when some of them are negative.

    .. math:: g(\theta) = \tfrac12 (\theta - c)^\T H (\theta - c),
        \qquad H = Q \operatorname{diag}(\lambda_1, \dots, \lambda_P)\, Q^\T.

    The gradient is :math:`H(\theta - c)` and the Hessian :math:`H` is the same everywhere. The level
    lines are ellipses with axes along the columns of Q and lengths proportional to
    :math:`1/\sqrt{\lambda_p}`: a large eigenvalue is a steep, narrow direction. Gradient descent on g
    is stable for learning rates below :math:`2/\lambda_{\max}` and fastest at
    :math:`2/(\lambda_{\min} + \lambda_{\max})`.

    Parameters
    ----------
    eigenvalues : array of shape (P,)
        :math:`\lambda_1, \dots, \lambda_P`, of any sign.
    center : array of shape (P,), optional
        The stationary point c; the origin if not given.
    basis : array of shape (P, P), optional
        Orthogonal matrix Q whose columns are the eigenvectors; the identity if not given.

    Raises
    ------
    ValueError
        If shapes do not match, if a number is NaN or infinite, or if `basis` is not orthogonal.
    TypeError
        If the arguments are complex, of different dtypes, or NumPy arrays beside tensors.

    References
    ----------
    Nocedal & Wright, *Numerical Optimization*, 2nd ed. (2006), section 2.1.

    Examples
    --------
    >>> g = Quadratic([1.0, 4.0])
    >>> float(g([2.0, 1.0])), g.gradient([2.0, 1.0]).tolist()
    (4.0, [2.0, 4.0])
    """

    def __init__(
        self, eigenvalues: ArrayLike, center: ArrayLike | None = None, basis: ArrayLike | None = None
    ) -> None:
        parts = {"eigenvalues": eigenvalues, "center": center, "basis": basis}
        given = {name: part for name, part in parts.items() if part is not None or name == "eigenvalues"}
        xp, lam, *others = arrays({"eigenvalues": "P", "center": "P", "basis": "P P"}, **given)
        found = dict(zip(list(given)[1:], others, strict=True))
        size = lam.shape[0]
        like = {"dtype": lam.dtype, "device": compat.device(lam)}
        center = found["center"] if "center" in found else xp.zeros(size, **like)
        Q = found["basis"] if "basis" in found else xp.eye(size, **like)
        if float(xp.max(xp.abs(Q.T @ Q - xp.eye(size, **like)))) > xp.finfo(lam.dtype).eps ** 0.5:
            raise ValueError(
                "basis must be orthogonal, basis.T @ basis = I; numpy.linalg.qr(A)[0] makes one"
            )
        self.eigenvalues = copied(lam)
        self.center = copied(center)
        self.H = (Q * lam) @ Q.T
        self.domain: Domain = Real(2.0) ** size

    @property
    def minima(self) -> np.ndarray:
        """The centre if all eigenvalues are positive, otherwise none; shape (K, P)."""
        center = on_host(self.center)[None].copy()
        return center if bool((self.eigenvalues > 0).all()) else center[:0]

    def __call__(self, theta: ArrayLike) -> Array:
        d = _fitting(theta, self.H) - self.center
        return 0.5 * (d * (d @ self.H)).sum(-1)

    def gradient(self, theta: ArrayLike) -> Array:
        r"""Return :math:`H (\theta - c)`, shape (..., P)."""
        return (_fitting(theta, self.H) - self.center) @ self.H

    def hessian(self, theta: ArrayLike) -> Array:
        """Return H for every point, shape (..., P, P)."""
        return _everywhere(self.H, _fitting(theta, self.H))


@pure
@dataclass(frozen=True)
class Saddle(Objective):
    r"""The plainest saddle: up along the first axis, down along the second.

    .. math:: g(\theta) = \theta_1^2 - \theta_2^2, \qquad
        \nabla g = (2\theta_1, -2\theta_2)^\T, \qquad H = \operatorname{diag}(2, -2).

    The origin is the only stationary point. Descent started exactly on the axis
    :math:`\theta_2 = 0` runs into it and stays; from anywhere else it leaves, and g has no lower bound.

    References
    ----------
    Nocedal & Wright, *Numerical Optimization*, 2nd ed. (2006), section 2.1.

    Examples
    --------
    >>> Saddle().hessian([0.0, 0.0]).tolist()
    [[2.0, 0.0], [0.0, -2.0]]
    """

    domain = Interval(-1.5, 1.5) ** 2
    minima = np.empty((0, 2))

    def __call__(self, theta: ArrayLike) -> Array:
        theta = coordinates(theta, 2)
        return theta[..., 0] ** 2 - theta[..., 1] ** 2

    def gradient(self, theta: ArrayLike) -> Array:
        r"""Return :math:`(2\theta_1, -2\theta_2)`, shape (..., 2)."""
        theta = coordinates(theta, 2)
        xp = namespace(theta)
        return xp.stack([2 * theta[..., 0], -2 * theta[..., 1]], axis=-1)

    def hessian(self, theta: ArrayLike) -> Array:
        """Return diag(2, -2) for every point, shape (..., 2, 2)."""
        theta = coordinates(theta, 2)
        xp = namespace(theta)
        H = xp.asarray([[2.0, 0.0], [0.0, -2.0]], dtype=theta.dtype, device=compat.device(theta))
        return _everywhere(H, theta)


@pure
class MeanSquaredError(Objective):
    r"""The mean squared error of a linear model on data: least squares seen as a function of theta.

    .. math:: g(\theta) = \frac1T \lVert W\theta - y \rVert_2^2, \qquad
        \nabla g = \frac2T W^\T (W\theta - y), \qquad H = \frac2T W^\T W.

    With a design matrix whose rows are :math:`w_t^\T = (x_t, 1)` this is the loss of the affine model
    :math:`f_\theta(x) = a x + b`; :func:`lecturecode.affine_error` builds it from x and y.
    Data may be large, and are not copied: do not write into W or y as long as g is used.

    Parameters
    ----------
    W : array of shape (T, P)
        One row for each of the T samples.
    y : array of shape (T,)
        The targets.

    Raises
    ------
    ValueError, TypeError
        If shapes do not match, or if the data are empty, not finite, complex or of mixed kinds.

    Notes
    -----
    The slide drops the 1/T from the gradient. The zero of the gradient stays where it is, but a
    learning rate tuned for one is wrong by the factor T for the other.

    Examples
    --------
    >>> g = MeanSquaredError([[0.0, 1.0], [1.0, 1.0]], [1.0, 3.0])
    >>> float(g([2.0, 1.0])), float(g([0.0, 0.0]))
    (0.0, 5.0)
    """

    def __init__(self, W: ArrayLike, y: ArrayLike) -> None:
        _, self.W, self.y = arrays({"W": "T P", "y": "T"}, DESIGN, W=W, y=y)
        self.domain: Domain = Real(1.0) ** self.W.shape[1]

    @property
    def minima(self) -> np.ndarray:
        """The minimizer, by NumPy's ``lstsq``; of least norm where there are many; shape (1, P)."""
        return np.linalg.lstsq(on_host(self.W), on_host(self.y))[0][None]

    def residual(self, theta: ArrayLike) -> Array:
        r"""Return :math:`W\theta - y`, shape (..., T)."""
        return _fitting(theta, self.W) @ self.W.T - self.y

    def __call__(self, theta: ArrayLike) -> Array:
        return (self.residual(theta) ** 2).sum(-1) / self.y.shape[0]

    def gradient(self, theta: ArrayLike) -> Array:
        r"""Return :math:`(2/T)\, W^\T (W\theta - y)`, shape (..., P)."""
        return (2 / self.y.shape[0]) * (self.residual(theta) @ self.W)

    def hessian(self, theta: ArrayLike) -> Array:
        r"""Return :math:`(2/T)\, W^\T W` for every point, shape (..., P, P)."""
        H = (2 / self.y.shape[0]) * (self.W.T @ self.W)
        return _everywhere(H, _fitting(theta, H))


def _everywhere(H: Array, theta: Array) -> Array:
    """Return the matrix H for every point of theta, (..., P, P), in memory into which one may write."""
    shape = (*theta.shape[:-1], *H.shape)
    matrices = namespace(H).empty(shape, dtype=H.dtype, device=compat.device(H))
    matrices[...] = H
    return matrices


def _fitting(theta: ArrayLike, matrix: Array) -> Array:
    """Return theta as an array of the kind of `matrix`, one coordinate for each of its columns."""
    return coordinates(same_kind(theta, matrix), matrix.shape[1])
