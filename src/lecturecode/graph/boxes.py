r"""Boxes and nodes: what a graph is made of. A box that has run on its children is a node.

The table has one entry for each operation: its forward method, then the gradient of each child. A box
makes nodes, and the operators of a node are boxes; that is why both stand here.
"""

import math
from collections.abc import Callable
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.activations import ACTIVATIONS
from lecturecode.arrays import Array, NotNumbersError, as_array
from lecturecode.door import flag, function, text
from lecturecode.graph.entries import Entries
from lecturecode.graph.reverse import apart, pass_back

MISFITS = (AttributeError, IndexError, RuntimeError, TypeError, ValueError)
"""What NumPy, or a function of one's own, raises about values that do not fit."""


class Box:
    """A step of a computation: ``forward(a, b)`` gives y; ``backward`` has a function for each child.

    Such a function takes ``(G, y, a, b)`` and gives the gradient of its child. Whatever a box copies by
    broadcasting is summed by :func:`backward`, so that these functions need not care. Those of your own
    boxes are handed copies, and may write into them.
    """

    __slots__ = ("backward", "forward", "name")

    def __init__(self, name: str, forward: Callable[..., Any], *backward: Callable[..., Any]) -> None:
        text(name, "name")
        function(forward, "forward", "the values of the children")
        for gradient in backward:
            function(gradient, "backward", "G, y and the values of the children")
        self.name, self.forward, self.backward = name, apart(forward), tuple(map(apart, backward))

    def __call__(self, *children: Any) -> "Node":
        """Run forward on the values of the children, and return the new node of the graph."""
        nodes = [child if type(child) is Node else constant(child, children) for child in children]
        values = [child.value for child in nodes]
        y = Node.__new__(Node)
        try:
            y.value = self.forward(*values)
        except MISFITS as error:
            raise _in_words(self, values, error) from error
        y.box, y.children, y.name, y.grad = self, nodes, "", None
        y.level = 1 + max([child.level for child in nodes])
        fixed = [child.constant for child in nodes]
        y.constant = all(fixed)
        return y

    def __repr__(self) -> str:
        return f"Box({self.name!r})"


class _Ours(Box):
    """A box that the methods of a node make anew for each call, of parts that need no check."""

    __slots__ = ()

    def __init__(self, name: str, forward: Callable[..., Any], backward: Callable[..., Any]) -> None:
        self.name, self.forward, self.backward = name, forward, (backward,)


def _in_words(box: Box, values: list[Array], error: Exception) -> Exception:
    """Return what NumPy says of values that do not fit, with the box and the shapes."""
    shapes = " and ".join(str(np.shape(value)) for value in values)
    kinds = (kind for kind in (ValueError, IndexError) if isinstance(error, kind))
    return next(kinds, TypeError)(f"the box {box.name!r} cannot take values of shape {shapes}: {error}")


# fmt: off
add = Box("+", lambda a, b: a + b,
               lambda G, y, a, b: G,
               lambda G, y, a, b: G)
subtract = Box("-", lambda a, b: a - b,
                    lambda G, y, a, b: G,
                    lambda G, y, a, b: -G)
multiply = Box("*", lambda a, b: a * b,
                    lambda G, y, a, b: G * b,
                    lambda G, y, a, b: G * a)
divide = Box("/", lambda a, b: a / b,
                  lambda G, y, a, b: G / b,
                  lambda G, y, a, b: -G * y / b)
exp = Box("exp", np.exp,
                 lambda G, y, a: G * y)
log = Box("log", np.log,
                 lambda G, y, a: G / a)
tanh = Box("tanh", np.tanh,
                   lambda G, y, a: G * (1 - y * y))
sigmoid = Box("sigmoid", lambda a: ACTIVATIONS["sigmoid"].function(np.asarray(a)),
                         lambda G, y, a: G * (y * (1 - y)))
relu = Box("relu", lambda a: np.maximum(a, 0),
                   lambda G, y, a: np.where(a > 0, G, 0))  # chosen: 0 times an infinite G is NaN
maximum = Box("max", np.maximum,
                     lambda G, y, a, b: _share(G, a, b),
                     lambda G, y, a, b: _share(G, b, a))
power = Box("**", lambda a, b: a**b,
                  lambda G, y, a, b: G * b * a ** (b - (b != 0)),  # 0 for a ** 0, even at a = 0
                  lambda G, y, a, b: G * y * np.log(a + (a == 0)))  # 0 at a = 0
negative = Box("neg", lambda a: -a,
                      lambda G, y, a: -G)
matmul = Box("@", lambda a, b: a @ b,
                  lambda G, y, a, b: G[..., None] * b if b.ndim == 1 else _row(G, a) @ b.mT,
                  lambda G, y, a, b: G[..., None] * a if b.ndim == 1 else _ordered(a, G, b))
transpose = Box("T", lambda a: a.T,
                     lambda G, y, a: G.T)
log_softmax = Box("log softmax", lambda a: _less_its_logsumexp(_shifted(a)),
                                 lambda G, y, a: _back_to_logits(G, y))
# fmt: on


def _bare(function: Any) -> Callable[..., Any]:
    return function.__wrapped__


for _box in (
    add, subtract, multiply, divide, exp, log, tanh, sigmoid, relu, maximum, power, negative, matmul,
    transpose, log_softmax,
):  # fmt: skip
    _box.forward, _box.backward = _bare(_box.forward), tuple(map(_bare, _box.backward))


def _row(u: Array, a: Array) -> Array:
    """Write the left factor `a`, or the product, as a matrix of one row where `a` is a vector."""
    return u[..., None, :] if a.ndim == 1 else u


def _ordered(a: Array, G: Array, b: Array) -> Array:
    """Return a^T G; if b is the transpose of a matrix, as W.T is, so is this, and W's needs no copy."""
    a, G = _row(a, a), _row(G, a)
    transposed = b.mT.flags.c_contiguous  # type: ignore[attr-defined]  # a graph holds NumPy arrays
    return (G.mT @ a).mT if transposed else a.mT @ G


def _share(G: Array, a: Array, b: Array) -> Array:
    """Return what of G belongs to a, of the maximum of a and b: half each where they are equal."""
    return np.where(a < b, 0, np.where(a == b, G / 2, G))


def _shifted(a: Array) -> Array:
    """Return a minus its largest entry, which becomes 0 even where it is infinite."""
    largest = a.max(-1, keepdims=True)
    with np.errstate(invalid="ignore"):
        return np.where(np.isinf(largest) & (a == largest), 0, a - largest)


def _less_its_logsumexp(a: Array) -> Array:
    """Return a - log sum e^a for a largest entry 0, whose 1 is left out, so that no digit is lost."""
    with np.errstate(under="ignore"):  # what is far below the largest is nothing beside it
        e = np.exp(a)
        others = np.where(a == 0, 0, e).sum(-1, keepdims=True) + ((a == 0).sum(-1, keepdims=True) - 1)
        return a - np.log1p(others).astype(a.dtype)


def _back_to_logits(G: Array, y: Array) -> Array:
    """Return G_k (1 - p_k) - p_k (the sum of the other G), where 1 - p keeps its digits."""
    return -G * np.expm1(y) - np.exp(y) * (G.sum(-1, keepdims=True) - G)


def _sum(axis: Any, keepdims: bool) -> Box:
    def copied(G: Array, y: Array, a: Array) -> Array:
        G = G if axis is None or keepdims else np.expand_dims(G, axis)
        return np.broadcast_to(G, a.shape)

    return _Ours("sum", lambda a: a.sum(axis, keepdims=keepdims), copied)


def _reshape(shape: Any) -> Box:
    return _Ours("reshape", lambda a: a.reshape(shape), lambda G, y, a: G.reshape(a.shape))


def _entries(index: Any) -> Box:
    return _Ours("[ ]", lambda a: a[index], lambda G, y, a: Entries(a, index, G))


def _operators(box: Box) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return the methods behind ``a + b`` for a node on the left, and for one on the right."""
    return (lambda a, b: box(a, b)), (lambda b, a: box(a, b))


class Node:
    r"""A box that has run: its value, its children, and, after :func:`backward`, its gradient.

    Parameters
    ----------
    value : array, number or nested list of numbers
        Data or parameters. Integers become float64, and float32 stays float32. A floating-point array is
        not copied: the node is a view of it, and what is written there is seen by what is computed next.
    name : str
        What a drawing calls the node.

    Raises
    ------
    TypeError
        If the value is a PyTorch tensor, complex, or not made of numbers, or the name is no text.

    Notes
    -----
    Operators and the functions of ``lecturecode.graph`` take nodes, arrays and numbers, and give nodes.
    What is not a node is a constant, and no time is spent on its gradient. As in PyTorch, gradients add
    up over several calls of :func:`backward`, until :func:`zero_grad`; unlike there, all nodes keep
    theirs. An array must not be written into between forward and backward.

    Examples
    --------
    >>> from lecturecode.graph import Node, backward
    >>> a = Node([[1, 2], [3, 4]])
    >>> y = (a**2).sum()
    >>> backward(y)
    >>> float(y.value), a.grad.tolist()
    (30.0, [[2.0, 4.0], [6.0, 8.0]])
    """

    __slots__ = ("box", "children", "constant", "grad", "level", "name", "value")
    __array_ufunc__ = None  # array + node is left to the node
    __iter__ = None  # indices alone would make an empty loop of a scalar
    box: Box | None
    value: Any  # an array of NumPy; a float for a constant number
    children: list["Node"]
    grad: Array | None
    level: int  # the longest way from here to a leaf

    def __init__(self, value: Any, name: str = "") -> None:
        if compat.is_torch_array(value) or isinstance(value, Node):
            raise TypeError(
                f"a Node holds numbers or a NumPy array; got a {type(value).__name__}. Nodes and "
                "PyTorch tensors do not mix: use tensor.numpy(), or PyTorch's own autograd for all"
            )
        self.value, self.name, self.grad = as_array(value, "value"), text(name, "name"), None
        self.box, self.children, self.level, self.constant = None, [], 0, False

    __add__, __radd__ = _operators(add)
    __sub__, __rsub__ = _operators(subtract)
    __mul__, __rmul__ = _operators(multiply)
    __truediv__, __rtruediv__ = _operators(divide)
    __pow__, __rpow__ = _operators(power)
    __matmul__, __rmatmul__ = _operators(matmul)

    def __neg__(self) -> "Node":
        return negative(self)

    def __getitem__(self, index: Any) -> "Node":
        return _entries(index)(self)

    def __repr__(self) -> str:
        made = f", {self.box.name!r}" if self.box else ""
        return f"Node({self.value}{made})"

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return np.shape(self.value)

    @property
    def ndim(self) -> int:
        """The number of axes of the value."""
        return np.ndim(self.value)

    @property
    def T(self) -> "Node":  # noqa: N802
        """The node with its axes in reverse order."""
        return transpose(self)

    def reshape(self, *shape: Any) -> "Node":
        """Return the same entries in another shape, given as one tuple or number by number."""
        return _reshape(shape[0] if len(shape) == 1 else shape)(self)

    def sum(self, axis: Any = None, keepdims: bool = False) -> "Node":
        """Return the sum of all entries, or of those along an axis or several."""
        return _sum(axis, flag(keepdims, "keepdims"))(self)

    def mean(self, axis: Any = None, keepdims: bool = False) -> "Node":
        """Return the mean of all entries, or of those along an axis or several."""
        total = self.sum(axis, keepdims)
        count = self.value.size / max(total.value.size, 1)
        if (abs(total.value) == math.inf).any():  # it is the sum that has left the range of the numbers
            return (self / count).sum(axis, keepdims)
        return total / count

    def backward(self) -> None:
        """Give this scalar's gradient to all nodes that it is made of, as :func:`backward` does."""
        if np.ndim(self.value):
            raise ValueError(
                f"backward needs a scalar, since only a number has a gradient; this node has shape "
                f"{self.shape}. Reduce it first, for instance by node.sum() or node.mean()"
            )
        if self.constant:
            raise ValueError("this node is made of constants alone; wrap a parameter: Node(value)")
        with np.errstate(all="ignore"):
            pass_back(self)

    def __bool__(self) -> bool:
        raise TypeError(f"{self!r} is neither true nor false; ask its value, as in: if node.value > 0")

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise NotNumbersError(_NOT_NUMPY.format("NumPy"))

    def __array_function__(self, function: Any, types: Any, args: Any, more: Any) -> Any:
        raise NotNumbersError(_NOT_NUMPY.format(f"numpy.{function.__name__}"))

    @classmethod
    def __torch_function__(cls, function: Any, types: Any, args: Any = (), more: Any = None) -> Any:
        raise TypeError(
            f"{function.__name__} got a PyTorch tensor and a Node, which do not mix: use "
            "tensor.numpy(), or PyTorch's own autograd for all"
        )


_NOT_NUMPY = (
    "{} got a Node, and would lose its graph; use the functions of lecturecode.graph and the methods of "
    "the node, or node.value for its numbers alone"
)


def constant(value: Any, siblings: Any = ()) -> Node:
    """Return what is not a node as one; a float32 sibling stays float32, whatever number it meets."""
    node = Node(value)
    node.constant = True
    if node.value.ndim == 0:
        node.value = float(node.value)
    elif node.value is not value:  # a list, or whole numbers
        like = next((child.value for child in siblings if type(child) is Node), node.value)
        node.value = node.value.astype(np.asarray(like).dtype)
    return node
