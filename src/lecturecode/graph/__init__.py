r"""Differentiable programming: running an expression builds its graph, walking back gives its gradient.

The graph is made of boxes. Each has a forward method, called from left to right, which makes its value y
of those of its children. Each has a backward method, called from right to left, which makes of
:math:`G_y`, the gradient of the result with respect to y, that with respect to each child.

There are boxes for ``+ - * / ** @``, for exp, log, tanh, sigmoid, relu, maximum and log_softmax, and
behind the methods sum, mean, reshape, T and ``[ ]`` of a node.
"""

from lecturecode.graph.boxes import (
    Box,
    Node,
    add,
    divide,
    exp,
    log,
    log_softmax,
    matmul,
    maximum,
    multiply,
    negative,
    power,
    relu,
    sigmoid,
    subtract,
    tanh,
    transpose,
)
from lecturecode.graph.entries import Entries
from lecturecode.graph.gradients import backward, value_and_gradient, zero_grad
from lecturecode.graph.networks import ACTIVATIONS, cross_entropy, dnn
from lecturecode.graph.reverse import topological_order

__all__ = [
    "ACTIVATIONS", "Box", "Entries", "Node", "add", "backward", "cross_entropy", "divide", "dnn", "exp",
    "log", "log_softmax", "matmul", "maximum", "multiply", "negative", "power", "relu", "sigmoid",
    "subtract", "tanh", "topological_order", "transpose", "value_and_gradient", "zero_grad",
]  # fmt: skip
