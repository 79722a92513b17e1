"""Gradients of what was computed: of one result, of a function, and how to forget them."""

from collections.abc import Callable
from typing import Any

import numpy as np

from lecturecode.arrays import Array, ArrayLike, copied
from lecturecode.door import function, instance
from lecturecode.graph.boxes import Node
from lecturecode.graph.reverse import topological_order

__all__ = ["backward", "value_and_gradient", "zero_grad"]


def backward(node: Node) -> None:
    r"""Add the gradient of a scalar node to the ``grad`` of every node that it is made of.

    .. math:: G_{\text{child}} = \sum_{\text{boxes } y \text{ with this child}}
        \Bigl(\frac{\partial y}{\partial\, \text{child}}\Bigr)^{\!T} G_y

    From right to left, so that :math:`G_y` is complete before y passes it on.

    Raises
    ------
    TypeError
        If it is not a node.
    ValueError
        If its value is not a scalar, or if it is made of constants alone.
    """
    instance(node, "node", Node, "Node(1.0)").backward()


def zero_grad(*nodes: Node) -> None:
    """Forget the gradients of nodes and of all that they are made of, as before any backward.

    Raises
    ------
    TypeError
        If one of them is not a node.
    """
    for node in nodes:
        for below in topological_order(node):
            below.grad = None


def value_and_gradient(f: Callable[[Node], Node]) -> Callable[[Any], tuple[Array, Array]]:
    """Return a function of theta that gives f(theta) and its gradient, as ``minimize`` takes it.

    Raises
    ------
    TypeError
        If `f` is no function; later, if it does not return a node.

    Examples
    --------
    >>> value, gradient = value_and_gradient(lambda theta: (theta * theta).sum())([3.0, 4.0])
    >>> float(value), gradient.tolist()
    (25.0, [6.0, 8.0])
    """
    function(f, "f", "a node")

    def both(theta: ArrayLike) -> tuple[Array, Array]:
        node = Node(theta)
        node.value = copied(node.value)
        y = instance(f(node), "what f returns", Node, "(theta * theta).sum()")
        y.backward()
        return y.value, np.zeros_like(node.value) if node.grad is None else node.grad

    return both
