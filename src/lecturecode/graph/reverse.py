r"""From right to left: the order of the nodes, and the gradients that come back through the boxes.

A box can pass its gradient on once it is complete, that is, after all boxes that use it. So the way back
is the order in which children come before their parents, reversed.
"""

from collections.abc import Callable
from functools import wraps
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import numpy as np

from lecturecode.arrays import Array
from lecturecode.graph.entries import Entries

if TYPE_CHECKING:  # a node calls this module
    from lecturecode.graph.boxes import Node

__all__ = ["add_to", "apart", "pass_back", "topological_order"]


def topological_order(node: "Node") -> list["Node"]:
    """Return all nodes that a node is made of, each after its children; itself comes last.

    A box stands one level above its highest child, so it is enough to find them and sort by level.
    """
    _check_node(node)
    found, waiting = {node: None}, [node]
    while waiting:
        for child in waiting.pop().children:
            if child not in found:
                found[child] = None
                waiting.append(child)
    return sorted(found, key=attrgetter("level"))


def _check_node(node: object) -> None:
    if not hasattr(node, "children"):
        raise TypeError(f"node must be a Node, such as Node(1.0); got {type(node).__name__}")


def pass_back(result: "Node") -> None:
    """Visit the nodes from the result to the leaves; each box adds to the gradients of its children."""
    G_of: dict[Node, Array | Entries] = {result: np.ones_like(result.value)}
    order = [y for y in topological_order(result) if not y.constant]
    for y in reversed(order):
        G = _complete(G_of.pop(y), y)
        y.grad = G if y.grad is None else y.grad + G
        values = [child.value for child in y.children]
        for child, gradient in zip(y.children, y.box.backward if y.box else (), strict=True):
            if not child.constant:
                add_to(G_of, child, gradient(G, y.value, *values))


def apart(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that sees copies of arrays, and whose answer is copied, whoever wrote it."""

    @wraps(function)
    def on_copies(*given: Any) -> Any:
        return _own(function(*map(_own, given)))

    return on_copies


def _own(value: Any) -> Any:
    return value.copy("K") if isinstance(value, np.ndarray) else value


def add_to(G_of: dict["Node", Array | Entries], child: "Node", gradient: Array | Entries) -> None:
    """Add the gradient that comes back through one box to those that came through others."""
    gradient = _fitted(gradient, child.value)
    G_of[child] = G_of[child] + gradient if child in G_of else gradient


def _complete(G: Array | Entries, y: "Node") -> Array:
    """Return a finished sum as an array; that of a leaf is shared with no other node."""
    if isinstance(G, Entries):
        return G.whole()
    return G if y.box else G + 0


def _fitted(G: Array | Entries, value: Array) -> Array | Entries:
    """Sum a gradient along the axes that broadcasting has copied, and give it the value's dtype."""
    if isinstance(G, Entries):
        return G
    if G.shape != value.shape:
        G = G.sum(tuple(range(G.ndim - value.ndim)))
        G = G.sum(tuple(i for i, n in enumerate(value.shape) if n < G.shape[i]), keepdims=True)
    # a graph holds NumPy arrays
    return G if G.dtype == value.dtype else G.astype(value.dtype)  # type: ignore[attr-defined]
