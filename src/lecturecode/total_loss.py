"""The total loss: network, loss and training set as one function g of theta."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, ArrayLike, as_array, check_finite, detached, namespace, same_kind
from lecturecode.backpropagation import Backprop, check_parts, checked_samples
from lecturecode.losses import Loss, apart
from lecturecode.network import Network

__all__ = ["TotalLoss"]

AT_ONCE = 2**22
"""Numbers in a layer at once: data that need more are gone through in parts."""


@dataclass(frozen=True, eq=False, repr=False)
class TotalLoss:
    r"""The total loss of a network on a training set, as a function g of theta.

    .. math:: g(\theta) = L(\mathrm{dnn}_\theta, T) = \frac{1}{T} \sum_{t=1}^T
        l\bigl(\mathrm{dnn}_\theta(x_t), y_t\bigr)

    All searches, populations and descents of the package take it. Data may be large, and are not copied:
    do not write into x or y as long as g is used.

    Parameters
    ----------
    network : Network
        Of P parameters.
    loss : Loss
        The loss l.
    x : array of shape (T, N_0)
        The samples, in whose library, dtype and device theta is expected.
    y : array of shape (T, N_L), or (T,) class numbers
        Their targets.

    Raises
    ------
    TypeError, ValueError
        If x or y does not fit the network or the loss, is not finite, or is empty.

    Examples
    --------
    >>> from lecturecode import Network, SquaredError
    >>> g = TotalLoss(Network((1, 1)), SquaredError(), [[3.0], [1.0]], [[5.0], [0.0]])
    >>> float(g([0.0, 2.0])), g.gradient([0.0, 2.0]).tolist()
    (2.5, [3.0, 5.0])
    >>> g.hessian([0.0, 2.0]).round(6).tolist()
    [[2.0, 4.0], [4.0, 10.0]]
    """

    network: Network
    loss: Loss
    x: Any  # whatever becomes an array; then the array
    y: Any

    def __post_init__(self) -> None:
        check_parts(self.network, self.loss)
        x = detached(as_array(self.x, "x"))
        check_finite(x, "x")
        start = namespace(x).zeros((self.network.size,), dtype=x.dtype, device=compat.device(x))
        _, x, y = checked_samples(self.network, self.loss, start, x, self.y)
        if y.dtype == x.dtype:
            check_finite(y, "y")
        object.__setattr__(self, "x", x)
        object.__setattr__(self, "y", y)

    def __repr__(self) -> str:
        return f"TotalLoss({self.network}, {self.loss}, {self.x.shape[0]} samples)"

    @np.errstate(all="ignore")
    def __call__(self, theta: ArrayLike) -> Array:
        """Return g at theta of shape (..., P): shape (...)."""
        theta, total = same_kind(theta, self.x), 0
        for part in self._parts(theta):
            prediction = self.network.predict(theta, self.x[part, ...])
            total = total + apart(self.loss)(prediction, self.y[part, ...]).sum(-1)
        return total / self.x.shape[0]

    def gradient(self, theta: ArrayLike) -> Array:
        """Return the gradient, shape (..., P), by backpropagation."""
        return self.value_and_gradient(theta)[1]

    @np.errstate(all="ignore")
    def value_and_gradient(self, theta: ArrayLike) -> tuple[Array, Array]:
        """Return both, in one pass forward and one backward."""
        theta = detached(same_kind(theta, self.x))
        backprop, (T, _) = Backprop(self.network, self.loss), self.x.shape
        value: Any = 0
        gradient: Any = 0
        for part in self._parts(theta):
            x, y = self.x[part, ...], self.y[part, ...]
            one, slope = backprop(theta, x, y)
            share = x.shape[0] / T
            value, gradient = value + share * one, gradient + share * slope
        return value, gradient

    def _parts(self, theta: Array) -> Iterator[slice]:
        """Divide the samples into parts, so that what the layers make of one fits into memory."""
        numbers = max(self.network.widths) * math.prod(theta.shape[:-1])
        rows = max(1, AT_ONCE // max(numbers, 1))
        T = self.x.shape[0]
        return (slice(first, min(first + rows, T)) for first in range(0, T, rows))

    @np.errstate(all="ignore")
    def hessian(self, theta: ArrayLike) -> Array:
        r"""Return the Hessian, shape (..., P, P), from central differences of the gradient.

        Exact up to about :math:`u^{2/3}`, u being the precision of the numbers; not where a ReLU has its
        kink. It costs 2 P gradients, all in one call.
        """
        theta = same_kind(theta, self.x)
        self.network.unpack(theta)  # says what is wrong with its shape
        xp, P = namespace(theta), self.network.size
        eps = float(xp.finfo(theta.dtype).eps)
        h = eps ** (1 / 3)
        moves = h * xp.eye(P, dtype=theta.dtype, device=compat.device(theta))
        up, down = theta[..., None, :] + moves, theta[..., None, :] - moves
        both = self.gradient(xp.concat([up, down], axis=-2))
        H = (both[..., :P, :] - both[..., P:, :]) / (2 * h)
        return (H + xp.matrix_transpose(H)) / 2
