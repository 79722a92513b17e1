"""Networks on nodes: their equation and a loss, with no backward pass written for either."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lecturecode.arrays import ArrayLike
from lecturecode.door import instance
from lecturecode.door import labels as class_numbers
from lecturecode.graph.boxes import Node, constant, log_softmax, relu, sigmoid, tanh
from lecturecode.network import Network

__all__ = ["ACTIVATIONS", "cross_entropy", "dnn"]

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "sigmoid": sigmoid,
    "tanh": tanh,
    "relu": relu,
    "identity": lambda a: a,
}


def dnn(network: Network, theta: Node, x: Any) -> Node:
    """Return the outputs of a network for the samples x, (T, N_0): its equation, run on nodes.

    Raises
    ------
    TypeError
        If the first argument is no network.
    ValueError
        If theta or x does not fit the network, or if an activation has no box here.
    """
    instance(network, "network", Network, "Network((2, 16, 1))")
    if not set(network.activations) <= set(ACTIVATIONS):
        raise ValueError(f"there are boxes for {', '.join(ACTIVATIONS)}; got {network.activations}")
    theta = theta if type(theta) is Node else constant(theta)
    for (b, W), sigma in zip(network.windows(theta), network.activations, strict=True):
        x = ACTIVATIONS[sigma](x @ W.T + b)
    return x


def cross_entropy(a: Node, labels: ArrayLike) -> Node:
    """Return the mean of -log softmax(a) at the labels: outputs (T, N), class numbers (T,).

    Raises
    ------
    TypeError, ValueError
        If `a` has another shape, the labels are not class numbers, or not as many as its rows.
    """
    a = a if type(a) is Node else constant(a)
    if a.ndim != 2:
        raise ValueError(f"outputs must have shape (T, N); got {a.shape}")
    classes = a.shape[-1]
    y = class_numbers(labels, "labels", classes, a.value, f"There are {classes} outputs")
    if a.shape[:-1] != y.shape:
        raise ValueError(f"outputs {a.shape} need one label per row; got labels {y.shape}")
    return -log_softmax(a)[np.arange(len(y)), y].mean()
