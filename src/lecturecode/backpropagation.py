r"""Backpropagation: the gradient of the total loss, layer by layer from the last to the first.

With :math:`G_u` for the gradient of one sample's loss with respect to u, the layers are walked through
from right to left, and each asks only for what stands to its right.
"""

from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.activations import ACTIVATIONS, Activation
from lecturecode.arrays import Array, ArrayLike, as_array, detached, namespace, same_kind
from lecturecode.door import instance
from lecturecode.losses import Loss, apart, check_loss
from lecturecode.network import Layers, Network

__all__ = ["Backprop", "backprop", "backprop_by_hand", "sample_gradients"]


@np.errstate(all="ignore")
def backprop(
    network: Network, loss: Loss, theta: ArrayLike, x: ArrayLike, y: ArrayLike
) -> tuple[Array, Array]:
    r"""Return the mean loss of a minibatch and its gradient with respect to theta.

    .. math::
        G_{a^i} &= \sigma_i'(a^i) * G_{x^i}, \qquad G_{x^{i-1}} = W^{i\,T} G_{a^i} \\
        G_{b^i} &= G_{a^i}, \qquad G_{W^i} = G_{a^i}\, x^{i-1\,T}

    Parameters
    ----------
    network : Network
        Of L layers and P parameters.
    loss : Loss
        :class:`lecturecode.SquaredError` or :class:`lecturecode.CrossEntropy`.
    theta : array of shape (..., P)
        The parameters; leading axes are several networks.
    x : array of shape (T, N_0)
        The samples.
    y : array of shape (T, N_L), or (T,) class numbers
        Their targets, as the loss takes them.

    Returns
    -------
    value : array of shape (...)
        The mean of the losses.
    gradient : array of shape (..., P)
        Its gradient, in the order of theta.

    Raises
    ------
    TypeError, ValueError
        If the arrays do not fit the network, the loss or each other, or have no samples.

    Notes
    -----
    The mean is over the samples of this minibatch, :math:`1/|T_i|`. To call it many times, make a
    :class:`Backprop`, which keeps its buffers.

    Examples
    --------
    >>> from lecturecode import Network, SquaredError
    >>> value, gradient = backprop(Network((1, 1)), SquaredError(), [0.0, 2.0], [[3.0]], [[5.0]])
    >>> float(value), gradient.tolist()
    (1.0, [2.0, 6.0])
    """
    theta, x, y = checked_samples(network, loss, theta, x, y)
    return Backprop(network, loss)(theta, x, y)


class Backprop:
    """Backpropagation for one network and loss, with buffers that are kept from call to call.

    Parameters
    ----------
    network : Network
        Of P parameters.
    loss : Loss
        The loss of a sample.

    Raises
    ------
    TypeError
        If one of them is something else.

    Notes
    -----
    Calls are not checked; :func:`backprop` does that. The gradient that a call returns is overwritten
    by the next call. The views of the weights are kept, too, as long as theta is the same array.

    A call may ask for a multiple of the gradient: ``times`` multiplies :math:`G_{x^L}`, which has T
    times N_L numbers where the gradient has P, and everything after it is linear.

    Examples
    --------
    >>> import numpy as np
    >>> from lecturecode import Network, SquaredError
    >>> step = Backprop(Network((1, 1)), SquaredError())
    >>> value, gradient = step(np.array([0.0, 2.0]), np.array([[3.0]]), np.array([[5.0]]))
    >>> gradient.tolist()
    [2.0, 6.0]
    """

    def __init__(self, network: Network, loss: Loss) -> None:
        check_parts(network, loss)
        self.network, self.loss = network, apart(loss)
        self.sigmas = [ACTIVATIONS[name] for name in network.activations]
        self.buffers: dict[Any, Array] = {}
        self.views: dict[str, tuple[Array, Any]] = {}

    def __call__(self, theta: Array, x: Array, y: Array, times: float = 1.0) -> tuple[Array, Array]:
        """Return the mean loss, shape (...), and its gradient, (..., P), for checked arrays."""
        xp, layers = namespace(theta), self._unpacked("theta", theta)
        lead, samples = theta.shape[:-1], x.shape[0]
        xs = [xp.broadcast_to(x, (*lead, *x.shape)) if lead else x]
        for i, (b, W) in enumerate(layers):
            a = self._buffer(("x", i), (*lead, samples, W.shape[-2]), theta)
            xp.matmul(xs[-1], W.mT, out=a)
            a += b[..., None, :]
            xs.append(self.sigmas[i].function(a, out=a))

        losses, G = self.loss.with_gradient(xs[-1], y)  # G_{x^L}, (..., T, N_L)
        G /= samples
        if times != 1.0:
            G *= times
        gradient = self._buffer("gradient", theta.shape, theta)
        gradients = self._unpacked("gradient", gradient)
        for i in reversed(range(len(layers))):
            G_b, G_W = gradients[i]
            G *= self.sigmas[i].derivative(xs[i + 1])  # G_{a^i}
            xp.sum(G, axis=-2, out=G_b)
            xp.matmul(G.mT, xs[i], out=G_W)
            if i:
                before = self._buffer(("G", i), xs[i].shape, theta)
                G = xp.matmul(G, layers[i][1], out=before)  # G_{x^{i-1}}
        return losses.sum(-1) / samples, gradient

    def _unpacked(self, name: str, theta: Array) -> Any:
        if name not in self.views or self.views[name][0] is not theta:
            self.views[name] = theta, self.network.unpack(theta)
        return self.views[name][1]

    def _buffer(self, name: Any, shape: tuple[int, ...], like: Array) -> Array:
        found = self.buffers.get(name)
        if (
            found is None
            or found.shape != shape
            or (found.dtype, found.device) != (like.dtype, like.device)
        ):
            found = namespace(like).empty(shape, dtype=like.dtype, device=like.device)
            self.buffers[name] = found
        return found


@np.errstate(all="ignore")
def sample_gradients(
    network: Network, loss: Loss, theta: ArrayLike, x: ArrayLike, y: ArrayLike
) -> tuple[Array, Array]:
    """Return loss and gradient of each sample by itself; :func:`backprop` returns their means.

    Parameters
    ----------
    network, loss
        As for :func:`backprop`.
    theta : array of shape (P,)
        The parameters of one network.
    x, y
        As for :func:`backprop`.

    Returns
    -------
    values : array of shape (T,)
        The losses.
    gradients : array of shape (T, P)
        Their gradients.

    Raises
    ------
    TypeError, ValueError
        As for :func:`backprop`, and if theta has leading axes.

    Examples
    --------
    >>> from lecturecode import Network, SquaredError
    >>> x, y = [[3.0], [1.0]], [[5.0], [0.0]]
    >>> values, gradients = sample_gradients(Network((1, 1)), SquaredError(), [0.0, 2.0], x, y)
    >>> gradients.tolist()
    [[2.0, 6.0], [4.0, 4.0]]
    """
    theta, x, y = checked_samples(network, loss, theta, x, y)
    if theta.ndim != 1:
        raise ValueError(f"theta must have shape (P,); got {tuple(theta.shape)}")
    xp, layers = namespace(theta), network.unpack(theta)
    _, xs = network.forward(theta, x)
    values, G = apart(loss).with_gradient(xs[-1], y)
    gradients = xp.empty((x.shape[0], network.size), dtype=theta.dtype, device=compat.device(theta))
    parts = network.unpack(gradients)
    for i in reversed(range(len(layers))):
        G_b, G_W = parts[i]
        G *= ACTIVATIONS[network.activations[i]].derivative(xs[i + 1])
        G_b[...] = G
        xp.multiply(G[:, :, None], xs[i][:, None, :], out=G_W)
        if i:
            G = G @ layers[i][1]
    return values, gradients


@np.errstate(all="ignore")
def backprop_by_hand(
    network: Network, loss: Loss, theta: ArrayLike, x: ArrayLike, y: ArrayLike
) -> tuple[Array, Array, dict[str, Array]]:
    r"""Backpropagate one sample through four layers, one line for each equation of the lecture.

    Parameters
    ----------
    network : Network
        Of four layers.
    loss : Loss
        The loss l.
    theta : array of shape (P,)
        The parameters :math:`b^1, W^1, \dots, b^4, W^4`.
    x : array of shape (N_0,)
        The sample.
    y : array of shape (N_4,), or a class number
        Its target.

    Returns
    -------
    value : array of shape ()
        The loss r.
    gradient : array of shape (P,)
        :math:`G_\theta`.
    G : dict of str to array
        Every gradient by its name: "x4", "a4", "b4", "W4", "x3" and so on to "x0".

    Raises
    ------
    TypeError, ValueError
        As for :func:`backprop`, and if the network has not four layers, or if there are several samples
        or thetas.

    Examples
    --------
    >>> from lecturecode import Network, SquaredError
    >>> network = Network((1, 1, 1, 1, 1), "identity")
    >>> theta = [0.0, 2.0] * 4
    >>> value, gradient, G = backprop_by_hand(network, SquaredError(), theta, [1.0], [15.0])
    >>> float(value), G["x4"].tolist(), G["x0"].tolist(), G["W1"].tolist()
    (1.0, [2.0], [32.0], [[16.0]])
    """
    check_parts(network, loss)
    if network.depth != 4:
        raise ValueError(f"the network of the lecture has 4 layers; this one has {network.depth}")
    theta = as_array(theta)
    x = same_kind(x, theta, "x", "theta")
    if theta.ndim != 1 or x.ndim != 1:
        raise ValueError(
            f"one theta and one sample are taken by hand, of shapes ({network.size},) and "
            f"({network.widths[0]},); got {tuple(theta.shape)} and {tuple(x.shape)}"
        )
    theta, x, y = checked_samples(network, loss, theta, x[None, :], _one(y))
    layers, sigmas = network.unpack(theta), [ACTIVATIONS[name] for name in network.activations]
    xs = forward_by_hand(layers, sigmas, x[0, :])
    r, G_x4 = (u[0, ...] for u in apart(loss).with_gradient(xs[4][None, :], y))
    G = backward_by_hand(layers, sigmas, xs, G_x4)
    parts = [G[name] for name in ("b1", "W1", "b2", "W2", "b3", "W3", "b4", "W4")]
    gradient = namespace(theta).concat([part.reshape((-1,)) for part in parts])
    return r, gradient, G


def forward_by_hand(layers: Layers, sigmas: list[Activation], x0: Array) -> tuple[Array, ...]:
    """Run one sample through four layers, and keep what each of them makes of it."""
    (b1, W1), (b2, W2), (b3, W3), (b4, W4) = layers
    s1, s2, s3, s4 = sigmas
    x1 = s1.function(W1 @ x0 + b1)
    x2 = s2.function(W2 @ x1 + b2)
    x3 = s3.function(W3 @ x2 + b3)
    x4 = s4.function(W4 @ x3 + b4)
    return x0, x1, x2, x3, x4


def backward_by_hand(
    layers: Layers, sigmas: list[Activation], xs: tuple[Array, ...], G_x4: Array
) -> dict[str, Array]:
    """Return the gradients of four layers, from the last one to the first."""
    (_, W1), (_, W2), (_, W3), (_, W4) = layers
    s1, s2, s3, s4 = sigmas
    x0, x1, x2, x3, x4 = xs

    G_a4 = s4.derivative(x4) * G_x4
    G_b4 = G_a4
    G_W4 = G_a4[:, None] * x3[None, :]
    G_x3 = W4.T @ G_a4

    G_a3 = s3.derivative(x3) * G_x3
    G_b3 = G_a3
    G_W3 = G_a3[:, None] * x2[None, :]
    G_x2 = W3.T @ G_a3

    G_a2 = s2.derivative(x2) * G_x2
    G_b2 = G_a2
    G_W2 = G_a2[:, None] * x1[None, :]
    G_x1 = W2.T @ G_a2

    G_a1 = s1.derivative(x1) * G_x1
    G_b1 = G_a1
    G_W1 = G_a1[:, None] * x0[None, :]
    G_x0 = W1.T @ G_a1

    fourth = {"x4": G_x4, "a4": G_a4, "b4": G_b4, "W4": G_W4}
    third = {"x3": G_x3, "a3": G_a3, "b3": G_b3, "W3": G_W3}
    second = {"x2": G_x2, "a2": G_a2, "b2": G_b2, "W2": G_W2}
    first = {"x1": G_x1, "a1": G_a1, "b1": G_b1, "W1": G_W1}
    return fourth | third | second | first | {"x0": G_x0}


def check_parts(network: Network, loss: Loss) -> None:
    """Check a network and a loss.

    Raises
    ------
    TypeError
        If one of them is something else.
    """
    instance(network, "network", Network, "Network((2, 16, 1))")
    check_loss(loss)


def checked_samples(
    network: Network, loss: Loss, theta: ArrayLike, x: ArrayLike, y: ArrayLike
) -> tuple[Array, Array, Array]:
    """Return theta, x and y, without graphs, as arrays of one kind that fit the network and the loss.

    Raises
    ------
    TypeError, ValueError
        If they do not.
    """
    check_parts(network, loss)
    theta = as_array(theta)
    if theta.ndim == 0 or theta.shape[-1] != network.size:
        network.unpack(theta)  # says what is wrong
    x = detached(network.samples(x, theta))
    y = detached(apart(loss).targets(y, network.widths[-1], theta))
    if not 0 < x.shape[0] == y.shape[0]:
        raise ValueError(
            f"x and y must have the same number of samples, at least 1; got {x.shape[0]} and "
            f"{y.shape[0]}"
        )
    return detached(theta), detached(x), y


def _one(y: Any) -> Any:
    """Return one target as the targets of one sample."""
    return y[None, ...] if compat.is_array_api_obj(y) else [y]
