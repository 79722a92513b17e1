"""A mixture of Gaussians: its density as a logarithm, and its parameters as one flat theta."""

import math
from dataclasses import dataclass

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, ArrayLike, as_array, detached, on_host, says_singular
from lecturecode.door import arrays, instance, whole

__all__ = ["Mixture"]


@dataclass(frozen=True, eq=False)
class Mixture:
    r"""A mixture of K Gaussians in D dimensions.

    .. math:: p(x) = \sum_{k=1}^K \pi_k\, \mathcal{N}(x; \mu_k, \Sigma_k)

    Attributes
    ----------
    weights : array of shape (K,)
        The :math:`\pi_k`, not negative, with sum 1.
    means : array of shape (K, D)
        The :math:`\mu_k`, in the units of the data.
    covariances : array of shape (K, D, D)
        The :math:`\Sigma_k`, whole matrices, whatever the shape of the model.

    Examples
    --------
    >>> import numpy as np
    >>> one = Mixture(np.ones(1), np.zeros((1, 1)), np.ones((1, 1, 1)))
    >>> one.log_density([[0.0]]).round(4)
    array([-0.9189])
    """

    weights: Array
    means: Array
    covariances: Array

    @np.errstate(all="ignore")
    def log_joint(self, x: ArrayLike) -> Array:
        """Return log of weight times density for each component and sample of `x`, (T, D); (K, T)."""
        mixture, x = self._checked(x)
        with np.errstate(over="ignore"):  # far away it is minus infinity
            return log_joint(mixture, x.T)

    @np.errstate(all="ignore")
    def log_density(self, x: ArrayLike) -> Array:
        """Return the log of the density at each sample of `x`, shape (T, D); shape (T,)."""
        return log_sum_exp(self.log_joint(x))

    @np.errstate(all="ignore")
    def responsibilities(self, x: ArrayLike) -> Array:
        """Return the share of each component in each sample of `x`, shape (T, D); shape (T, K)."""
        mixture, x = self._checked(x)
        xp, joint = compat.array_namespace(x), self.log_joint(x)
        total = log_sum_exp(joint)
        far = total == -math.inf  # too far from all components for a logarithm of their densities
        q = xp.exp(joint - xp.where(far, xp.zeros_like(total), total))
        return (xp.where(far, nearest(mixture, x.T), q) if bool(xp.any(far)) else q).T

    def _checked(self, x: ArrayLike) -> tuple["Mixture", Array]:
        """Return the mixture and samples of shape (T, D), once they are known to go together."""
        shapes = {"weights": "K", "means": "K D", "covariances": "K D D", "x": "T D"}
        parts = {"weights": self.weights, "means": self.means, "covariances": self.covariances}
        _, *checked, samples = arrays(shapes, **parts, x=x)
        mixture = Mixture(*checked)
        check_density(mixture)
        if any(getattr(one, "requires_grad", False) for one in (*parts.values(), x)):
            return self, as_array(x, "x")  # with the graphs that autograd has recorded
        return mixture, samples

    @property
    def theta(self) -> Array:
        """All parameters as one flat vector: weights, means, covariances; shape (K (1 + D + D D),)."""
        xp = compat.array_namespace(self.weights)
        parts = (self.weights, self.means, self.covariances)
        return xp.concat([xp.reshape(part, (-1,)) for part in parts])

    @classmethod
    def unpack(cls, theta: Array, components: int) -> "Mixture":
        """Take a flat theta of `components` Gaussians apart again."""
        theta, K = as_array(theta), whole(components, "components")
        size = math.prod(theta.shape)
        D = (math.isqrt(1 + 4 * max(size // max(K, 1) - 1, 0)) - 1) // 2  # D + D^2 = size / K - 1
        if theta.ndim != 1 or D < 1 or size != K * (1 + D + D * D):
            raise ValueError(
                f"theta has {size} entries in shape {tuple(theta.shape)}; {K} components have "
                "K (1 + D + D^2) in shape (P,), for some D >= 1"
            )
        means, covariances = theta[K : K + K * D], theta[K + K * D :]
        return cls(theta[:K], means.reshape(K, D), covariances.reshape(K, D, D))


def check_start(x: Array, K: int, start: Mixture) -> Mixture:
    """Check that a mixture has K components that fit the samples.

    Raises
    ------
    TypeError
        If it is no mixture, or if its arrays are not of the kind of the samples.
    ValueError
        If a shape is wrong, a weight is negative, their sum is not 1, or a covariance is not symmetric
        or has a negative variance in some direction. Singular ones are widened by the fit.
    """
    instance(start, "start", Mixture, "Mixture(weights, means, covariances)")
    D = x.shape[1]
    shapes = {"weights": f"{K}", "means": f"{K} {D}", "covariances": f"{K} {D} {D}"}
    _, _, *parts = arrays(
        {"x": "T D", **{f"start.{name}": shape for name, shape in shapes.items()}},
        x=x,
        **{f"start.{name}": detached(getattr(start, name)) for name in shapes},
    )
    mixture = Mixture(*parts)
    check_numbers(mixture, " of start")
    xp, S = compat.array_namespace(x), mixture.covariances
    variances = xp.linalg.eigvalsh(S)  # ascending
    rounding = D * float(xp.finfo(x.dtype).eps) * xp.max(xp.abs(variances), axis=-1)
    if bool((variances[:, 0] < -10 * rounding).any()):
        raise ValueError("the covariances of start must be positive definite, or singular at most")
    return mixture


def check_density(mixture: Mixture) -> None:
    """Check that the numbers of a mixture make a density.

    Raises
    ------
    ValueError
        If a weight is negative, if their sum is not 1, or if a covariance is not symmetric or not
        positive definite.
    """
    check_numbers(mixture)
    _triangles(detached(mixture.covariances))


def check_numbers(mixture: Mixture, of: str = "") -> None:
    """Check the weights of a mixture, and that its covariances are symmetric.

    Raises
    ------
    ValueError
        If a weight is negative, if their sum is not 1, or if a covariance is not symmetric.
    """
    xp, S = compat.array_namespace(mixture.weights), detached(mixture.covariances)
    weights = detached(mixture.weights)
    if bool((weights < 0).any()) or abs(float(weights.sum()) - 1) > 1e-3:
        raise ValueError(
            f"the weights{of} must not be negative and must have the sum 1; got {on_host(weights)}"
        )
    largest = xp.max(xp.abs(S), axis=-1, keepdims=True)
    scale = xp.where(largest > 0, largest, xp.ones_like(largest))
    scale = scale**0.5 * xp.matrix_transpose(scale) ** 0.5
    apart = xp.abs(S / scale - xp.matrix_transpose(S / scale))
    if bool((apart > 1e-3).any()):
        raise ValueError(f"the covariances{of} must be symmetric; covariances.mT differs from them")


Buffers = tuple[Array, Array]
"""Two arrays of shape (K, D, T) to write differences into, made once."""


def buffers_for(K: int, xT: Array) -> Buffers:
    """Return the buffers for K components and xT of shape (D, T)."""
    xp = compat.array_namespace(xT)
    return tuple(xp.empty((K, *xT.shape), dtype=xT.dtype, device=compat.device(xT)) for _ in range(2))


def log_joint(mixture: Mixture, xT: Array, buffers: Buffers | None = None) -> Array:
    r"""Return log pi_k N(x_t; mu_k, Sigma_k), shape (K, T), through Sigma = L L^T.

    With :math:`z = L^{-1}(x - \mu)` it is
    :math:`\log\pi - \tfrac12\lVert z\rVert^2 - \sum_d \log L_{dd} - \tfrac{D}{2}\log 2\pi`.
    """
    xp = compat.array_namespace(xT)
    inverse, log_peak = whitening(mixture)
    if buffers is None:
        z = inverse @ (xT[None, :, :] - mixture.means[:, :, None])  # (K, D, T)
        squares = z * z  # autograd needs z
    else:
        apart, squares = (buffer[..., : xT.shape[1]] for buffer in buffers)
        xp.subtract(xT[None, :, :], mixture.means[:, :, None], out=apart)
        xp.matmul(inverse, apart, out=squares)
        squares *= squares
    return log_peak[:, None] - squares.sum(1) / 2


def whitening(mixture: Mixture) -> tuple[Array, Array]:
    """Return the inverse of each L, (K, D, D), and log(weight times density) at each mean, (K,)."""
    xp = compat.array_namespace(mixture.means)
    L = _triangles(mixture.covariances)  # (K, D, D)
    D = L.shape[1]
    diagonal = (L * identity(mixture.means.T)).sum(-1)
    tiny = float(xp.finfo(L.dtype).tiny)
    height = D / 2 * math.log(2 * math.pi)
    return xp.linalg.inv(L), xp.log(mixture.weights + tiny) - xp.log(diagonal).sum(1) - height


def nearest(mixture: Mixture, xT: Array) -> Array:
    r"""Return the shares of samples that are far from all components: 1 for the nearest one; (K, T).

    What sets a component apart from the first,
    :math:`\lVert z_k \rVert^2 - \lVert z_1 \rVert^2 = (z_k - z_1)^T (z_k + z_1)`, loses no digit as the
    product. The sample is the unit of length, so that products are numbers.
    """
    xp = compat.array_namespace(xT)
    unit = xp.max(xp.abs(xT), axis=0)
    x = xT / unit
    A = xp.linalg.inv(xp.linalg.cholesky(mixture.covariances))
    c = A @ mixture.means[:, :, None]
    apart = (A - A[:1]) @ x - (c - c[:1]) / unit
    both = (A + A[:1]) @ x - (c + c[:1]) / unit
    distances = (apart * both).sum(1)
    q = xp.astype(distances == xp.min(distances, axis=0), xT.dtype)
    return q / q.sum(0)


def _triangles(covariances: Array) -> Array:
    """Return the L with Sigma = L L^T.

    Raises
    ------
    ValueError
        If there is none, be it that an error says so or a NaN.
    """
    xp = compat.array_namespace(covariances)
    try:
        L = xp.linalg.cholesky(covariances)
    except Exception as error:
        if not says_singular(error):
            raise
        L = covariances * math.nan
    if not bool(xp.isfinite(L).all()):
        raise ValueError(
            "covariances must be positive definite, and one of them is not, to rounding; "
            "add a little to its diagonal, or measure x in another unit"
        )
    return L


def log_sum_exp(joint: Array) -> Array:
    """Return log sum_k exp(joint_kt), shape (T,), without overflow and underflow."""
    xp = compat.array_namespace(joint)
    largest = xp.max(joint, axis=0)
    shift = xp.where(xp.isinf(largest), xp.zeros_like(largest), largest)
    with np.errstate(divide="ignore"):
        return shift + xp.log(xp.exp(joint - shift).sum(0))


def identity(xT: Array) -> Array:
    """Return the identity of D rows, for xT of shape (D, T)."""
    xp = compat.array_namespace(xT)
    return xp.eye(xT.shape[0], dtype=xT.dtype, device=compat.device(xT))
