r"""A deep feedforward network: affine maps and activations in turn, all its parameters one flat theta.

The weights are views into theta, so that whatever minimizes a function of theta can fit a network.
Leading axes of theta are a population of networks, evaluated in one call.
"""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.activations import ACTIVATIONS
from lecturecode.arrays import Array, ArrayLike, as_array, namespace, same_kind
from lecturecode.door import came, choice, whole
from lecturecode.randomness import Rng, generator, normal, uniform

__all__ = ["Network"]

Layers = list[tuple[Array, Array]]


@dataclass(frozen=True)
class Network:
    r"""A feedforward network with the given widths.

    .. math:: a^i = W^i x^{i-1} + b^i, \qquad x^i = \sigma_i(a^i), \qquad x^0 = x,
        \qquad \mathrm{dnn}_\theta(x) = x^L

    Samples are rows here, so that the first line reads ``x @ W.T + b`` for a whole minibatch.

    Parameters
    ----------
    widths : tuple of int
        The number of inputs, the number of neurons of each layer, and last the number of outputs.
    activation : str
        :math:`\sigma` of all layers but the last: "sigmoid", "tanh", "relu", "leaky relu", "softplus"
        or "identity".
    output : str
        :math:`\sigma` of the last layer. With :class:`lecturecode.CrossEntropy` it is "identity", since
        that loss has the softmax in it.

    Raises
    ------
    TypeError
        If the widths are no sequence.
    ValueError
        If there are fewer than two widths, one is no integer of at least 1, or an activation is unknown.

    Examples
    --------
    >>> network = Network((2, 3, 1))
    >>> network.size
    13
    >>> theta = network.init(0)
    >>> [(b.shape, W.shape) for b, W in network.unpack(theta)]
    [((3,), (3, 2)), ((1,), (1, 3))]
    >>> network.predict(theta, [[0.0, 0.0], [1.0, 2.0]]).shape
    (2, 1)
    """

    widths: tuple[int, ...]
    activation: str = "tanh"
    output: str = "identity"

    def __post_init__(self) -> None:
        object.__setattr__(self, "widths", _widths(self.widths))
        choice(self.activation, "activation", tuple(ACTIVATIONS))
        choice(self.output, "output", tuple(ACTIVATIONS))

    @property
    def depth(self) -> int:
        """Number of layers L; the inputs are none."""
        return len(self.widths) - 1

    @property
    def size(self) -> int:
        """Number of parameters P, the sum of the N_i (N_{i-1} + 1)."""
        return sum(n * (m + 1) for m, n in pairwise(self.widths))

    @property
    def activations(self) -> tuple[str, ...]:
        """The name of the activation of each layer."""
        return (self.activation,) * (self.depth - 1) + (self.output,)

    def init(self, rng: Rng = None, *, networks: int | tuple[int, ...] = (), like: Any = None) -> Array:
        r"""Draw a start: biases zero, weights as wide as keeps signals from fading or exploding.

        .. math:: W \sim U\Bigl(\pm\sqrt{\tfrac{6}{N_{i-1} + N_i}}\Bigr) \text{ (Glorot)}, \\
            W \sim \mathcal N\Bigl(0, \tfrac{2}{N_{i-1}}\Bigr) \text{ (He, before a ReLU)}

        Parameters
        ----------
        rng : None, int, numpy.random.Generator or torch.Generator
            Where chance comes from.
        networks : int or tuple of int
            Leading axes: how many networks to draw.
        like : array, optional
            An array of the wanted library, dtype and device; float64 NumPy if not given.

        Returns
        -------
        array of shape (..., P)
            A theta.

        Raises
        ------
        TypeError
            If `like` is no array of real numbers, or `rng` does not go with it.
        ValueError
            If `networks` holds anything but integers of at least 0.

        References
        ----------
        Glorot & Bengio, Understanding the difficulty of training deep feedforward neural networks,
        *AISTATS* (2010), equation 16. He, Zhang, Ren & Sun, Delving deep into rectifiers, *ICCV*
        (2015), equation 10.
        """
        rng, like = generator(rng), np.empty(0) if like is None else as_array(like, "like")
        several = networks if isinstance(networks, tuple | list) else (networks,)
        lead = tuple(whole(n, "networks", 0) for n in several)
        parts: list[Array] = []
        for m, n, sigma in zip(self.widths, self.widths[1:], self.activations, strict=False):
            parts.append(namespace(like).zeros((*lead, n), dtype=like.dtype, device=compat.device(like)))
            if "relu" in sigma:
                parts.append(normal(rng, (*lead, n * m), like) * math.sqrt(2 / m))
            else:
                parts.append((2 * uniform(rng, (*lead, n * m), like) - 1) * math.sqrt(6 / (m + n)))
        return namespace(like).concat(parts, axis=-1)

    def unpack(self, theta: ArrayLike) -> Layers:
        """Return (b, W) of each layer as views into theta: shapes (..., N_i) and (..., N_i, N_{i-1}).

        Raises
        ------
        TypeError
            If theta does not hold real numbers.
        ValueError
            If the last axis of theta does not have P entries; the message says how they are made up.
        """
        return self.windows(as_array(theta))

    def windows(self, theta: Any) -> Layers:
        """Return what :meth:`unpack` does, for whatever can be cut: an array, or the node of a graph."""
        if theta.ndim == 0 or theta.shape[-1] != self.size:
            raise ValueError(_wrong_size(self, theta))
        return cut_into_layers(theta, self.widths)

    @np.errstate(all="ignore")
    def forward(self, theta: ArrayLike, x: ArrayLike) -> tuple[list[Array], list[Array]]:
        r"""Return what the forward pass computes: the pre-activations :math:`a^i` and the :math:`x^i`.

        Parameters
        ----------
        theta : array of shape (..., P)
            The parameters.
        x : array of shape (T, N_0)
            The samples, one per row.

        Returns
        -------
        pre_activations : list of L arrays of shape (..., T, N_i)
            The :math:`a^1, \dots, a^L`.
        activations : list of L + 1 arrays
            The :math:`x^0, x^1, \dots, x^L`; the first is `x`, of shape (T, N_0).

        Raises
        ------
        TypeError, ValueError
            If the arrays are of different kinds, or theta or x does not fit the network.
        """
        theta = as_array(theta)
        x = self.samples(x, theta)
        return run_layers(self.windows(theta), self.activations, x)

    @np.errstate(all="ignore")
    def predict(self, theta: ArrayLike, x: ArrayLike) -> Array:
        """Return the outputs for the samples x, (T, N_0): shape (..., T, N_L).

        Autograd and ``torch.func`` can differentiate this, and :meth:`forward`, where theta is a tensor.

        Raises
        ------
        TypeError, ValueError
            As for :meth:`forward`.
        """
        theta = as_array(theta)
        x = self.samples(x, theta)
        for (b, W), sigma in zip(self.windows(theta), self.activations, strict=True):
            x = x @ W.mT
            x += b[..., None, :]
            x = ACTIVATIONS[sigma].function(x, out=x if isinstance(x, np.ndarray) else None)
        return x

    def samples(self, x: ArrayLike, like: Array) -> Array:
        """Return samples of shape (T, N_0) as an array like `like`.

        Raises
        ------
        ValueError
            If x has another shape.
        """
        x = same_kind(x, like, "x", "theta")
        if x.ndim != 2 or x.shape[1] != self.widths[0]:
            hint = ". A single sample is x[None, :]" if x.ndim == 1 else ""
            raise ValueError(
                f"x must have shape (T, {self.widths[0]}), one row per sample, for a network of widths "
                f"{self.widths}; got {tuple(x.shape)}{hint}"
            )
        return x


def cut_into_layers(theta: Array, widths: tuple[int, ...]) -> Layers:
    """Return (b, W) of each layer: windows of theta, in which nothing is copied."""
    layers, lead, end = [], theta.shape[:-1], 0
    for m, n in pairwise(widths):
        b = theta[..., end : end + n]
        W = theta[..., end + n : end + n + n * m].reshape((*lead, n, m))
        layers.append((b, W))
        end += n * (m + 1)
    return layers


def run_layers(
    layers: Layers, activations: tuple[str, ...], x: Array
) -> tuple[list[Array], list[Array]]:
    """Return the pre-activations a^1 to a^L and the x^0 to x^L; samples are rows."""
    xs, pre_activations = [x], []
    for (b, W), sigma in zip(layers, activations, strict=True):
        a = xs[-1] @ W.mT + b[..., None, :]
        pre_activations.append(a)
        xs.append(ACTIVATIONS[sigma].function(a))
    return pre_activations, xs


def _widths(widths: Any) -> tuple[int, ...]:
    given = widths.tolist() if isinstance(widths, np.ndarray) else widths
    if not isinstance(given, tuple | list):
        raise TypeError(f"widths must be a tuple of integers, such as (2, 16, 1); got {came(widths)}")
    real = any(isinstance(n, float) for n in given)
    hint = "A theta of a search holds reals; domain.decode(theta) makes integers of them" if real else ""
    found = tuple(whole(n, f"widths[{i}]", hint=hint) for i, n in enumerate(given))
    if len(found) < 2:
        raise ValueError(
            f"widths must name at least the inputs and the outputs, such as (2, 16, 1); got {found}"
        )
    return found


def _wrong_size(network: Network, theta: Array) -> str:
    pairs = pairwise(network.widths)
    sizes = " + ".join(f"{n} ({m} + 1)" for m, n in pairs)
    return (
        f"theta must have {network.size} entries along its last axis for widths {network.widths}: "
        f"{sizes} = {network.size}, each layer's biases and then its weights row by row; got shape "
        f"{tuple(theta.shape)}"
    )
