r"""A multilayer perceptron as an ``nn.Module``, its loss written by hand, and the device it runs on.

A module holds its parameters, in contrast to :class:`lecturecode.Network`, which is handed them; and it
has a forward method only, since autograd records what that does.
"""

from typing import Any

import torch
from torch import Tensor, nn

from lecturecode.activations import LEAK
from lecturecode.arrays import ArrayLike
from lecturecode.door import came
from lecturecode.network import Network
from lecturecode.pytorch.theta import as_tensor, get_theta, set_theta

__all__ = ["MLP", "cross_entropy", "device"]

LAYERS: dict[str, Any] = {
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "relu": nn.ReLU,
    "leaky relu": lambda: nn.LeakyReLU(LEAK),
    "softplus": lambda: nn.Softplus(threshold=40),  # the identity above; from 20 on float64 would notice
    "identity": nn.Identity,
}
"""PyTorch's activations, by the names of :mod:`lecturecode.activations`."""


class MLP(nn.Module):
    r"""A feedforward network: Linear layers with an activation after each.

    Parameters
    ----------
    widths : tuple of int
        The number of inputs, the number of neurons of each layer, and last the number of outputs.
        ``MLP((100, 50, 10), "relu")`` is the two-layer network of the lecture: Linear, ReLU, Linear.
    activation : str
        Of all layers but the last: one of those of :class:`lecturecode.Network`, with the same default.
    output : str
        Of the last layer.

    Raises
    ------
    TypeError, ValueError
        As for :class:`lecturecode.Network`.

    Notes
    -----
    It starts as PyTorch's Linear layers do: weights and biases uniform on
    :math:`\pm 1/\sqrt{N_{i-1}}`, from the generator that ``torch.manual_seed`` sets.

    Examples
    --------
    >>> import torch
    >>> module = MLP((100, 50, 10), "relu")
    >>> module(torch.zeros(32, 100)).shape
    torch.Size([32, 10])
    """

    def __init__(
        self, widths: tuple[int, ...], activation: str = "tanh", output: str = "identity"
    ) -> None:
        super().__init__()
        self.network = Network(widths, activation, output)
        sizes, names = self.network.widths, self.network.activations
        layers: list[nn.Module] = []
        for m, n, name in zip(sizes[:-1], sizes[1:], names, strict=True):
            layers.append(nn.Linear(m, n))
            if name != "identity":
                layers.append(LAYERS[name]())
        self.layers = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Return the outputs for the samples x, (T, N_0): shape (T, N_L)."""
        return self.layers(x)

    @classmethod
    def from_network(cls, network: Network, theta: ArrayLike) -> "MLP":
        """Return the module that computes what ``network.predict(theta, x)`` does.

        Parameters
        ----------
        network : lecturecode.Network
            Of P parameters.
        theta : array of shape (P,)
            They are copied; the module has their dtype and is on their device.

        Returns
        -------
        MLP

        Raises
        ------
        TypeError
            If `network` is no Network, or theta does not hold real numbers.
        ValueError
            If theta does not fit it.
        """
        if not isinstance(network, Network):
            raise TypeError(f"network must be a lecturecode.Network; got {type(network).__name__}")
        theta = as_tensor(theta, "theta")
        if not theta.is_floating_point():
            theta = theta.to(torch.get_default_dtype())
        with torch.random.fork_rng(devices=[]):  # its start is not wanted, and draws from the caller's
            module = cls(network.widths, network.activation, network.output).to(theta)
        set_theta(module, theta)
        return module

    @property
    def theta(self) -> Tensor:
        """A copy of all parameters, (P,), in the order of :class:`lecturecode.Network`."""
        return get_theta(self)


def cross_entropy(outputs: Tensor, labels: Tensor) -> Tensor:
    r"""Return the mean cross-entropy of a minibatch, written by hand in three lines.

    .. math:: \log p_k = a_k - \log \sum_j e^{a_j}, \qquad
        L = -\frac{1}{|T_i|} \sum_{t \in T_i} \log p_{y_t}(a_t)

    Parameters
    ----------
    outputs : tensor of shape (batch_size, K)
        The network's outputs :math:`a`, of any sign and size.
    labels : tensor of shape (batch_size,)
        The class numbers :math:`y`, integers.

    Returns
    -------
    tensor of shape ()
        The loss, to which autograd knows the way back.

    Raises
    ------
    TypeError
        If one of the two is no tensor, or if the labels are not integers.
    ValueError
        If the shapes do not fit, or, on the CPU, if a label belongs to no column: as an index, -1 would
        be the last class.

    Notes
    -----
    The index of the samples is ``range(batch_size)``, made on the device. The same value as
    ``torch.nn.functional.cross_entropy``, and the same gradient.

    Examples
    --------
    >>> import torch
    >>> cross_entropy(torch.zeros(2, 4), torch.tensor([3, 0]))
    tensor(1.3863)
    """
    labels = class_numbers(outputs, labels)
    batch_size = outputs.shape[0]
    samples = torch.arange(batch_size, device=outputs.device)  # range(batch_size)

    log_p = outputs - torch.logsumexp(outputs, dim=1, keepdim=True)
    picked = log_p[samples, labels]
    return -picked.sum() / batch_size


def class_numbers(outputs: Tensor, labels: Tensor) -> Tensor:
    """Check that labels are class numbers, one for each row of the outputs; return them as int64.

    Raises
    ------
    TypeError
        If they are not integers, or if one of the two is no tensor.
    ValueError
        If the shapes do not fit, or if a label belongs to no column.
    """
    for name, value in (("outputs", outputs), ("labels", labels)):
        if not isinstance(value, Tensor):
            raise TypeError(f"{name} must be a tensor; got {came(value)}. Give torch.tensor({name})")
    if labels.is_floating_point() or labels.is_complex() or labels.dtype is torch.bool:
        raise TypeError(
            f"labels must be class numbers, integers from 0 on; got dtype {labels.dtype}. Convert them, "
            "as by labels.long()"
        )
    if outputs.ndim != 2 or labels.shape != outputs.shape[:1]:
        raise ValueError(
            "outputs must have shape (batch_size, K) and labels (batch_size,), one class number for "
            f"each row; got {tuple(outputs.shape)} and {tuple(labels.shape)}"
        )
    labels = labels.long()  # as an index, uint8 would be a mask
    if labels.device.type == "cpu" and labels.numel():  # a GPU would have to wait for the answer
        _check_range(labels, outputs.shape[1])
    return labels


def _check_range(labels: Tensor, classes: int) -> None:
    low, high = torch.aminmax(labels)
    try:
        wrong = bool(low < 0) or bool(high >= classes)
    except RuntimeError:  # below vmap nobody can look at numbers
        return
    if wrong:
        raise ValueError(
            f"labels must hold class numbers from 0 to {classes - 1}, as the outputs have {classes} "
            f"columns; got {int(low)}..{int(high)}"
        )


def device(name: str | torch.device | None = None) -> torch.device:
    """Return the device to compute on: CUDA where there is one, or the one that is asked for.

    Parameters
    ----------
    name : str, optional
        For instance "cpu", "cuda" or "cuda:1"; whichever is fastest here if not given.

    Returns
    -------
    torch.device
        What ``module.to`` and ``tensor.to`` take.

    Raises
    ------
    ValueError
        If a CUDA device is asked for that is not there, or there is no device of that name.

    Examples
    --------
    >>> device("cpu")
    device(type='cpu')
    """
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        found = torch.device(name)
    except (RuntimeError, TypeError) as error:
        raise ValueError(f'no device is called {came(name)}; there are "cpu" and "cuda"') from error
    if found.type == "cuda":
        count = torch.cuda.device_count() if torch.cuda.is_available() else 0
        if not (found.index or 0) < count:
            built = "" if torch.version.cuda else f" (torch {torch.__version__} is built without it)"
            there = (
                f"there are {count}, from cuda:0" if count else f"PyTorch finds no CUDA device{built}"
            )
            raise ValueError(
                f'{found} was asked for, and {there}. To run on the CPU, ask for device("cpu"), or for '
                "device(), which takes CUDA only where it is"
            )
    return found
