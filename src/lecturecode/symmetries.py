r"""Many thetas, one function: changes of theta that leave the network, and so the loss, as they are.

Layer i has the incoming weights :math:`W^i, b^i` and the outgoing weights :math:`W^{i+1}`. What is
changed in the first and undone in the second nobody sees from outside.
"""

from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, ArrayLike, as_array, namespace, on_host
from lecturecode.door import instance, integers, real, whole
from lecturecode.network import Network

__all__ = ["flip_neuron", "reorder_neurons", "rescale_neuron"]

HOMOGENEOUS = ("relu", "leaky relu", "identity")
"""sigma(beta a) = beta sigma(a) for beta > 0."""
ODD = ("tanh", "identity")
"""sigma(-a) = -sigma(a)."""


def reorder_neurons(network: Network, theta: ArrayLike, layer: int, order: ArrayLike) -> Array:
    r"""Put the neurons of a hidden layer in another order.

    .. math:: b^i_k \leftarrow b^i_{o_k}, \qquad W^i_{k,\cdot} \leftarrow W^i_{o_k,\cdot}, \qquad
        W^{i+1}_{\cdot,k} \leftarrow W^{i+1}_{\cdot,o_k}

    A layer of N neurons has N! orders; K such layers have :math:`N!^K`.

    Parameters
    ----------
    network : Network
        Of P parameters.
    theta : array of shape (..., P)
        The parameters.
    layer : int
        The number i of the hidden layer, from 1 to L - 1.
    order : sequence of N_i ints
        Which neuron comes first, second and so on: the numbers 0 to N_i - 1.

    Returns
    -------
    array of shape (..., P)
        A theta of the same function.

    Raises
    ------
    ValueError
        If there is no such hidden layer, or `order` is not an order of its neurons.

    Examples
    --------
    >>> network, theta = Network((1, 2, 1)), [1.0, 2.0, 3.0, 4.0, 0.0, 5.0, 6.0]
    >>> reorder_neurons(network, theta, 1, [1, 0]).tolist()
    [2.0, 1.0, 4.0, 3.0, 0.0, 6.0, 5.0]
    """
    theta, (b, W), (_, V) = _around(network, theta, layer)
    N = b.shape[-1]
    numbers = on_host(integers(order, "order", 0, N - 1, hint=f"Layer {layer} has {N} neurons"))
    if numbers.ndim != 1 or sorted(numbers.tolist()) != list(range(N)):
        raise ValueError(
            f"order must hold the numbers 0 to {N - 1} once each, for the neurons of layer {layer}; "
            f"got {numbers.tolist()}"
        )
    numbers = namespace(theta).asarray(numbers, device=compat.device(theta))
    reorder(b, W, V, numbers)
    return theta


@np.errstate(all="ignore")
def rescale_neuron(network: Network, theta: ArrayLike, layer: int, neuron: int, beta: float) -> Array:
    r"""Multiply all that a neuron takes in by beta, and divide all that it gives out.

    .. math:: b^i_k \leftarrow \beta b^i_k, \qquad W^i_{k,\cdot} \leftarrow \beta W^i_{k,\cdot}, \qquad
        W^{i+1}_{\cdot,k} \leftarrow W^{i+1}_{\cdot,k} / \beta

    Parameters
    ----------
    network : Network
        Whose hidden activation satisfies :math:`\sigma(\beta a) = \beta\sigma(a)`: "relu", "leaky relu"
        or "identity".
    theta : array of shape (..., P)
        The parameters.
    layer : int
        The number i of the hidden layer, from 1 to L - 1.
    neuron : int
        The number k of the neuron, from 0.
    beta : float
        A positive factor. A negative one would turn the ReLU's flat side to the front.

    Returns
    -------
    array of shape (..., P)
        A theta of the same function.

    Raises
    ------
    TypeError
        If `beta` is not a number.
    ValueError
        If there is no such neuron, `beta` is not positive and finite, or takes a weight out of the range
        of the numbers, or the activation has not this symmetry.

    References
    ----------
    Goodfellow, Bengio & Courville, *Deep Learning* (2016), section 8.2.2.

    Examples
    --------
    >>> network, theta = Network((1, 1, 1), "relu"), [1.0, 2.0, 0.0, 6.0]
    >>> rescale_neuron(network, theta, 1, 0, 2.0).tolist()
    [2.0, 4.0, 0.0, 3.0]
    """
    theta, (b, W), (_, V) = _around(network, theta, layer)
    if network.activation not in HOMOGENEOUS:
        raise ValueError(
            f"scaling changes a network of {network.activation} neurons; it leaves those of "
            f"{', '.join(HOMOGENEOUS)} as they are"
        )
    beta = real(beta, "beta", "(0, inf)")
    N = b.shape[-1]
    k = whole(neuron, "neuron", 0, N - 1, f"Layer {layer} has {N} neurons")
    xp, before = namespace(theta), namespace(theta).asarray(theta, copy=True)
    rescale(b, W, V, k, beta)
    lost = xp.isfinite(before) & (~xp.isfinite(theta) | ((theta == 0) & (before != 0)))
    if bool(xp.any(lost)):
        raise ValueError(f"beta = {beta:g} takes weights out of the range of {theta.dtype}")
    return theta


def flip_neuron(network: Network, theta: ArrayLike, layer: int, neuron: int) -> Array:
    r"""Change the sign of all that a neuron takes in, and of all that it gives out.

    .. math:: b^i_k \leftarrow -b^i_k, \qquad W^i_{k,\cdot} \leftarrow -W^i_{k,\cdot}, \qquad
        W^{i+1}_{\cdot,k} \leftarrow -W^{i+1}_{\cdot,k}

    A layer of N neurons has :math:`2^N` choices of signs.

    Parameters
    ----------
    network : Network
        Whose hidden activation is odd, :math:`\sigma(-a) = -\sigma(a)`: "tanh" or "identity".
    theta : array of shape (..., P)
        The parameters.
    layer : int
        The number i of the hidden layer, from 1 to L - 1.
    neuron : int
        The number k of the neuron, from 0.

    Returns
    -------
    array of shape (..., P)
        A theta of the same function.

    Raises
    ------
    ValueError
        If there is no such neuron, or the activation is not odd.

    References
    ----------
    Hecht-Nielsen, On the algebraic structure of feedforward network weight spaces, in *Advanced Neural
    Computers* (1990).

    Examples
    --------
    >>> network, theta = Network((1, 1, 1), "tanh"), [1.0, 2.0, 0.0, 6.0]
    >>> flip_neuron(network, theta, 1, 0).tolist()
    [-1.0, -2.0, 0.0, -6.0]
    """
    theta, (b, W), (_, V) = _around(network, theta, layer)
    if network.activation not in ODD:
        raise ValueError(
            f"a change of signs changes a network of {network.activation} neurons; it leaves those of "
            f"{', '.join(ODD)} as they are"
        )
    N = b.shape[-1]
    k = whole(neuron, "neuron", 0, N - 1, f"Layer {layer} has {N} neurons")
    flip(b, W, V, k)
    return theta


def reorder(b: Array, W: Array, V: Array, o: Array) -> None:
    """Put the neurons of a layer in the order o, in place."""
    b[...] = b[..., o]
    W[...] = W[..., o, :]
    V[...] = V[..., o]


def rescale(b: Array, W: Array, V: Array, k: int, beta: float) -> None:
    """Multiply what neuron k takes in by beta and divide what it gives out, in place."""
    b[..., k] *= beta
    W[..., k, :] *= beta
    V[..., k] /= beta


def flip(b: Array, W: Array, V: Array, k: int) -> None:
    """Change the signs of what neuron k takes in and of what it gives out, in place."""
    b[..., k] *= -1
    W[..., k, :] *= -1
    V[..., k] *= -1


def _around(network: Network, theta: ArrayLike, layer: int) -> tuple[Array, Any, Any]:
    """Return a copy of theta, and the views of it before and behind the neurons of a layer."""
    instance(network, "network", Network, "Network((2, 16, 1))")
    theta = as_array(theta)
    theta = namespace(theta).asarray(theta, copy=True)
    layers = network.unpack(theta)
    if len(layers) == 1:
        raise ValueError(f"a network of widths {network.widths} has no hidden layer")
    layer = whole(layer, "layer", 1, len(layers) - 1, "It is the number of a hidden layer")
    return theta, layers[layer - 1], layers[layer]
