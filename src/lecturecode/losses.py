r"""What a prediction costs: the loss of one sample, and its gradient, where backpropagation starts.

A loss is l(prediction, y); the total loss of a training set is the mean of it over the samples. Both
losses here take whole minibatches, and predictions of several networks at once in leading axes.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, ArrayLike, as_array, copied, lent, namespace, same_kind
from lecturecode.door import labels, protocol, whole

__all__ = ["CrossEntropy", "Loss", "SquaredError"]


class Loss(Protocol):
    """What backpropagation asks of a loss."""

    def __call__(self, prediction: Array, y: Array) -> Array:
        """Return the loss of each sample: predictions (..., T, N) give (..., T)."""

    def with_gradient(self, prediction: Array, y: Array) -> tuple[Array, Array]:
        """Return the losses, and their gradients with respect to the predictions, (..., T, N)."""

    def targets(self, y: ArrayLike, outputs: int, like: Array) -> Array:
        """Return the targets of T samples, checked, as what the other two functions take."""


@dataclass(frozen=True)
class SquaredError:
    r"""The L2 loss: the squared distance between prediction and target.

    .. math:: l(\hat y, y) = \lVert \hat y - y \rVert_2^2, \qquad
        \nabla_{\hat y}\, l = 2 (\hat y - y)

    Notes
    -----
    Summed over the N outputs, as in the lecture. ``torch.nn.MSELoss`` takes the mean over samples and
    outputs: N times less.

    Examples
    --------
    >>> import numpy as np
    >>> SquaredError()(np.array([[3.0, 4.0]]), np.array([[0.0, 0.0]]))
    array([25.])
    """

    def __call__(self, prediction: Array, y: Array) -> Array:
        """Return the loss of each sample, shape (..., T)."""
        r = _residual(prediction, y)
        return (r * r).sum(-1)

    def with_gradient(self, prediction: Array, y: Array) -> tuple[Array, Array]:
        """Return losses (..., T) and gradients (..., T, N)."""
        r = _residual(prediction, y)
        return (r * r).sum(-1), 2 * r

    def targets(self, y: ArrayLike, outputs: int, like: Array) -> Array:
        """Return targets of shape (T, outputs) as an array like `like`.

        Raises
        ------
        TypeError
            If y holds words, or is of another library or dtype than `like`.
        ValueError
            If y has another shape.
        """
        outputs = whole(outputs, "outputs")
        y = same_kind(y, as_array(like, "like"), "y", "x")
        if y.ndim != 2 or y.shape[1] != outputs:
            row = "; add an axis: y[:, None]" if outputs == 1 else "; class numbers are for CrossEntropy"
            hint = row if y.ndim == 1 else ""
            raise ValueError(
                f"SquaredError needs targets of shape (T, {outputs}), one row per sample and one column "
                f"per output; got {tuple(y.shape)}{hint}"
            )
        return y


@dataclass(frozen=True)
class CrossEntropy:
    r"""The loss of a classifier: minus the logarithm of the probability that it gave to the right class.

    .. math:: l(a, y) = -\log p_y, \qquad p_k = \frac{e^{a_k}}{\sum_j e^{a_j}}, \qquad
        \nabla_a\, l = p - e_y

    The softmax p belongs to the loss: the network's outputs are the a, of any sign and size. Here
    :math:`e_y` is the unit vector of class y.

    Notes
    -----
    The largest output is subtracted first, which leaves p as it is and keeps exponentials from
    overflowing. It is ``torch.nn.CrossEntropyLoss`` before its mean.

    What the other classes have, :math:`R = \sum_{k \ne y} e^{a_k}`, is summed by itself, so that
    :math:`1 - p_y` and the loss keep their digits where p_y comes close to 1.

    Examples
    --------
    >>> import numpy as np
    >>> CrossEntropy()(np.zeros((1, 4)), np.array([2])).round(4)
    array([1.3863])
    """

    def __call__(self, prediction: Array, y: Array) -> Array:
        """Return the loss of each sample, shape (..., T), in nats."""
        xp, a = namespace(prediction), _shifted(prediction)
        classes = xp.arange(a.shape[-1], device=compat.device(y))
        own = a[..., _samples(y), y]
        others = (xp.exp(a) * (classes != y[:, None])).sum(-1)
        return xp.log1p(others + xp.expm1(own)) - own

    def with_gradient(self, prediction: Array, y: Array) -> tuple[Array, Array]:
        """Return losses (..., T) and gradients (..., T, N)."""
        xp, samples = namespace(prediction), _samples(y)
        a = _shifted(prediction)
        own = a[..., samples, y]
        gradient = xp.exp(a)
        gradient[..., samples, y] = 0
        others = gradient.sum(-1)
        rest = others + xp.expm1(own)  # the sum of all exponentials, without the 1 of the largest
        total = 1 + rest
        gradient /= total[..., None]  # p
        gradient[..., samples, y] = -others / total  # p - 1
        return xp.log1p(rest) - own, gradient

    def targets(self, y: ArrayLike, outputs: int, like: Array) -> Array:
        """Return class numbers of shape (T,) as integers on the device of `like`.

        Raises
        ------
        TypeError
            If y has another dtype than integers, or is an array where `like` is a tensor or the reverse.
        ValueError
            If y has another shape, is on another device, or has a label that is not in 0..outputs - 1,
            or if there is one output only, whose probability is always 1.
        """
        outputs = whole(outputs, "outputs")
        if outputs == 1:
            raise ValueError(
                "CrossEntropy needs an output for each class, at least 2; the network has 1. For two "
                "classes give it 2 outputs"
            )
        hint = f"The network has {outputs} outputs"
        return labels(y, "y", outputs, as_array(like, "like"), hint)


@dataclass(frozen=True, eq=False)
class Apart:
    """A loss of the user's: it may write into what it is handed, or return one array each time."""

    loss: Loss

    def __call__(self, prediction: Array, y: Array) -> Array:
        """Return the loss of each sample."""
        return copied(self.loss(copied(prediction), copied(y)))

    def with_gradient(self, prediction: Array, y: Array) -> tuple[Array, Array]:
        """Return losses and gradients, into which the caller may write."""
        losses, gradients = self.loss.with_gradient(copied(prediction), copied(y))
        return copied(losses), copied(gradients)

    def targets(self, y: Any, outputs: int, like: Array) -> Array:
        """Return the targets as the loss takes them, in memory of their own."""
        return copied(self.loss.targets(lent(y), outputs, copied(like)))


PURE = (SquaredError, CrossEntropy)
"""Those that write into nothing that they are given, and return new arrays."""


def apart(loss: Loss) -> Loss:
    """Return a loss that leaves alone what it is handed."""
    return loss if type(loss) in PURE else Apart(loss)


def check_loss(loss: Any) -> Loss:
    """Return a loss, once it is known to have what backpropagation asks of it.

    Raises
    ------
    TypeError
        If it has not, as a word or a function has not, or if it is a class instead of an instance.
    """
    such_as = "CrossEntropy() for class numbers, SquaredError() for all else"
    return protocol(loss, "loss", ("with_gradient", "targets"), such_as)


def _residual(prediction: Array, y: Array) -> Array:
    if prediction.shape[-2:] != y.shape:  # broadcasting (T, 1) against (T,) would give (T, T)
        raise ValueError(
            f"SquaredError needs equal shapes: prediction {tuple(prediction.shape)}, target "
            f"{tuple(y.shape)}; add an axis to the target"
        )
    return prediction - y


def _shifted(a: Array) -> Array:
    """Return a minus its largest entry, which becomes 0 even where it is infinite."""
    a = a.clip(max=_largest(namespace(a), a.dtype))
    if isinstance(a, np.ndarray):
        return a - a.max(-1, keepdims=True)
    return a - namespace(a).max(a, axis=-1, keepdims=True)


@cache
def _largest(xp: Any, dtype: Any) -> float:
    """Return the largest number of a dtype; asked for at every step."""
    return float(xp.finfo(dtype).max)


def _samples(y: Array) -> Array:
    """Return the numbers of the samples; beside them y is an index, and -1 would be the last class."""
    if isinstance(y, np.ndarray):
        if y.min() < 0:
            raise ValueError(f"y must hold class numbers from 0 on; got {int(y.min())}")
        return np.arange(len(y))
    return namespace(y).arange(y.shape[0], device=compat.device(y))
