"""The graph: gradients against central differences, PyTorch and backprop; and what it must survive."""

import gc

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lecturecode import Adam, CrossEntropy, Network, SquaredError, backprop, gradient_descent, minimize
from lecturecode import graph as g
from lecturecode.graph import Node, backward, topological_order, value_and_gradient, zero_grad

RNG = np.random.default_rng(0)
A = RNG.standard_normal((3, 4))
B = RNG.standard_normal((3, 4))
P = RNG.uniform(0.5, 2.0, (3, 4))  # positive, and away from zero
Q = RNG.uniform(0.5, 2.0, (3, 4))


def norm(value, like):
    """Return a matrix of weights, so that the gradient that comes in differs from entry to entry."""
    return np.linspace(-1.0, 2.0, np.size(value)).reshape(np.shape(value)).astype(like)


def by_graph(function, *arrays):
    nodes = [Node(array) for array in arrays]
    y = function(*nodes)
    backward((y * norm(y.value, y.value.dtype)).sum())
    return y.value, [node.grad for node in nodes]


def by_torch(function, *arrays):
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    y = function(*tensors)
    (y * torch.tensor(norm(y.detach().numpy(), y.detach().numpy().dtype))).sum().backward()
    return y.detach().numpy(), [tensor.grad.numpy() for tensor in tensors]


def by_differences(function, *arrays, h=1e-6):
    """Return the gradients by central differences, one entry after the other."""
    weights = norm(function(*map(Node, arrays)).value, float)

    def value(*moved):
        return float((function(*map(Node, moved)).value * weights).sum())

    found = []
    for k, array in enumerate(arrays):
        slope = np.zeros(np.shape(array))
        for index in np.ndindex(slope.shape):
            step = np.zeros(slope.shape)
            step[index] = h
            up, down = ([*arrays[:k], array + sign * step, *arrays[k + 1 :]] for sign in (1, -1))
            slope[index] = (value(*up) - value(*down)) / (2 * h)
        found.append(slope)
    return found


def agree(ours, theirs, tol=1e-10):
    (value, gradients), (other, others) = ours, theirs
    np.testing.assert_allclose(value, other, rtol=tol, atol=tol)
    assert len(gradients) == len(others)
    for gradient, wanted in zip(gradients, others, strict=True):
        assert np.shape(gradient) == np.shape(wanted)
        np.testing.assert_allclose(gradient, wanted, rtol=tol, atol=tol)


ONE = {
    "neg": (lambda a: -a, lambda a: -a, A),
    "exp": (g.exp, torch.exp, A),
    "log": (g.log, torch.log, P),
    "tanh": (g.tanh, torch.tanh, A),
    "sigmoid": (g.sigmoid, torch.sigmoid, A),
    "relu": (g.relu, torch.relu, A),
    "log softmax": (g.log_softmax, lambda a: torch.log_softmax(a, -1), A),
    "square": (lambda a: a**2, lambda a: a**2, A),
    "cube root": (lambda a: a ** (1 / 3), lambda a: a ** (1 / 3), P),
    "inverse": (lambda a: a**-1, lambda a: a**-1, P),
    "to the zeroth": (lambda a: a**0 * a, lambda a: a**0 * a, A),
    "number to the node": (lambda a: 3.0**a, lambda a: 3.0**a, A),
    "number minus node": (lambda a: 2 - a, lambda a: 2 - a, A),
    "number over node": (lambda a: 2 / a, lambda a: 2 / a, P),
    "number plus node": (lambda a: 2 + a * 3, lambda a: 2 + a * 3, A),
    "sum": (lambda a: a.sum(), lambda a: a.sum(), A),
    "sum of columns": (lambda a: a.sum(0), lambda a: a.sum(0), A),
    "sum, kept": (lambda a: a / a.sum(-1, keepdims=True), lambda a: a / a.sum(-1, keepdim=True), P),
    "sum of two axes": (lambda a: a[None].sum((0, -1)), lambda a: a[None].sum((0, -1)), A),
    "sum, all kept": (lambda a: a * a.sum(keepdims=True), lambda a: a * a.sum(), A),
    "mean": (lambda a: a.mean(), lambda a: a.mean(), A),
    "mean of rows": (lambda a: a.mean(1), lambda a: a.mean(1), A),
    "transposed": (lambda a: a.T @ a, lambda a: a.T @ a, A),
    "reshaped": (lambda a: a.reshape((2, 6)), lambda a: a.reshape(2, 6), A),
    "reshaped, -1": (lambda a: a.reshape(-1), lambda a: a.reshape(-1), A),
    "row": (lambda a: a[1], lambda a: a[1], A),
    "entry": (lambda a: a[1, -1], lambda a: a[1, -1], A),
    "slices": (lambda a: a[::2, None, 1:], lambda a: a[::2, None, 1:], A),
    "ellipsis": (lambda a: a[..., 1], lambda a: a[..., 1], A),
    "rows twice": (lambda a: a[[0, 2, 0]], lambda a: a[[0, 2, 0]], A),
    "entries by arrays": (
        lambda a: a[np.array([0, 1, 1]), np.array([3, 2, 2])],
        lambda a: a[np.array([0, 1, 1]), np.array([3, 2, 2])],
        A,
    ),
    "mask": (lambda a: a[A > 0], lambda a: a[torch.tensor(A > 0)], A),
}

TWO = {
    "+": (lambda a, b: a + b, lambda a, b: a + b),
    "-": (lambda a, b: a - b, lambda a, b: a - b),
    "*": (lambda a, b: a * b, lambda a, b: a * b),
    "/": (lambda a, b: a / b, lambda a, b: a / b),
    "**": (lambda a, b: a**b, lambda a, b: a**b),
    "maximum": (g.maximum, torch.maximum),
}

SHAPES = [
    ((), ()), ((3,), ()), ((), (2, 3)), ((2, 3), (3,)), ((3,), (2, 3)), ((2, 1), (1, 3)),
    ((2, 3), (2, 1)), ((4, 1, 3), (2, 1)), ((1,), (1, 1, 1)), ((2, 3), (2, 3)), ((1, 3), (2, 3)),
]  # fmt: skip

PRODUCTS = [
    ((3,), (3,)), ((2, 3), (3,)), ((3,), (3, 2)), ((2, 3), (3, 4)), ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)), ((5, 2, 3), (3,)), ((3,), (5, 3, 4)), ((5, 1, 2, 3), (6, 3, 4)),
]  # fmt: skip


@pytest.mark.parametrize("name", ONE)
def test_gradients_of_one_child(name):
    ours, theirs, array = ONE[name]
    found = by_graph(ours, array)
    agree(found, by_torch(theirs, array))
    np.testing.assert_allclose(found[1][0], by_differences(ours, array)[0], rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("shapes", SHAPES, ids=str)
@pytest.mark.parametrize("name", TWO)
def test_gradients_of_two_children_that_are_broadcast(name, shapes):
    ours, theirs = TWO[name]
    arrays = [np.random.default_rng(k).uniform(0.5, 2.0, shape) for k, shape in enumerate(shapes)]
    found = by_graph(ours, *arrays)
    agree(found, by_torch(theirs, *arrays))
    for gradient, wanted in zip(found[1], by_differences(ours, *arrays), strict=True):
        np.testing.assert_allclose(gradient, wanted, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("shapes", PRODUCTS, ids=str)
def test_gradients_of_matrix_products(shapes):
    arrays = [np.random.default_rng(k).standard_normal(shape) for k, shape in enumerate(shapes)]
    found = by_graph(lambda a, b: a @ b, *arrays)
    agree(found, by_torch(lambda a, b: a @ b, *arrays))
    for gradient, wanted in zip(found[1], by_differences(lambda a, b: a @ b, *arrays), strict=True):
        np.testing.assert_allclose(gradient, wanted, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("name", TWO)
def test_an_array_or_a_number_on_either_side_is_a_constant(name):
    ours, _ = TWO[name]
    for left, right in (
        (Node(P), Q),
        (Q, Node(P)),
        (Node(P), 1.5),
        (1.5, Node(P)),
        (Node(P), [1, 2, 3, 4]),
    ):
        y = ours(left, right)
        assert type(y) is Node
        backward(y.sum())
        node, k = (left, 0) if type(left) is Node else (right, 1)
        full = [Node(part.value if type(part) is Node else part) for part in (left, right)]
        backward(ours(*full).sum())
        np.testing.assert_array_equal(node.grad, full[k].grad)
        assert y.children[1 - k].grad is None
    assert type(A @ Node(B.T)) is Node
    assert type(np.float64(2) * Node(A)) is Node


# --- at corners -----------------------------------------------------------------------------------


def test_where_a_function_has_a_corner_or_an_edge_it_does_as_pytorch():
    zeros = np.array([0.0, 0.0, 1.0, -2.0])
    agree(by_graph(g.relu, zeros), by_torch(torch.relu, zeros))
    equal = np.array([0.0, 3.0, 1.0, -2.0])
    agree(by_graph(g.maximum, zeros, equal), by_torch(torch.maximum, zeros, equal))
    for exponent in (0, 1, 2, 3.0):
        agree(by_graph(lambda a: a**exponent, zeros), by_torch(lambda a: a**exponent, zeros))  # noqa: B023
    base, exponent = np.array([0.0, 0.0, 2.0]), np.array([0.0, 2.0, 0.0])
    agree(by_graph(lambda a, b: a**b, base, exponent), by_torch(lambda a, b: a**b, base, exponent))


def test_large_numbers_do_not_overflow():
    far = np.array([-1000.0, 0.0, 1000.0])
    agree(by_graph(g.sigmoid, far), by_torch(torch.sigmoid, far))
    agree(by_graph(g.log_softmax, far), by_torch(lambda a: torch.log_softmax(a, -1), far))


# --- the graph ------------------------------------------------------------------------------------


def test_the_example_of_the_lecture():
    a = Node([[1, 2], [3, 4]])
    np.testing.assert_array_equal((a**2).value, [[1, 4], [9, 16]])
    y = (a**2).sum()
    y.backward()
    assert y.value == 30
    np.testing.assert_array_equal(a.grad, 2 * a.value)


def test_forward_runs_when_the_expression_does_and_backward_for_each_child():
    a, b = Node(3.0), Node(4.0)
    y = a * b
    assert y.children == [a, b]
    assert y.box.forward(3.0, 4.0) == y.value == 12
    assert [gradient(10.0, y.value, 3.0, 4.0) for gradient in y.box.backward] == [40.0, 30.0]


def test_a_node_used_twice_gets_the_sum():
    a = Node(3.0)
    backward(a * a * a + a)
    assert a.grad == 28
    b = Node(A)
    c = b.sum()
    backward((b * c).sum() + c)
    np.testing.assert_allclose(b.grad, np.full((3, 4), 2 * A.sum() + 1), rtol=1e-12)


def expression(a, b, lib):
    c = lib.tanh(a @ b.T)
    return (c * c + c / (1 + a.sum())).sum()


def test_backward_twice_adds_up_as_in_pytorch_until_zero_grad():
    nodes = [Node(A), Node(B)]
    tensors = [torch.tensor(A, requires_grad=True), torch.tensor(B, requires_grad=True)]
    y, z = expression(*nodes, g), expression(*tensors, torch)
    backward(y)
    once = [node.grad.copy() for node in topological_order(y) if not node.constant]
    z.backward(retain_graph=True)
    for times in (2, 3):
        backward(y)
        z.backward(retain_graph=True)
        for node, tensor in zip(nodes, tensors, strict=True):
            np.testing.assert_allclose(node.grad, tensor.grad, rtol=1e-12, atol=1e-12)
        found = [node.grad for node in topological_order(y) if not node.constant]
        for gradient, first in zip(found, once, strict=True):  # those in between, too
            np.testing.assert_allclose(gradient, times * first, rtol=1e-12)
    zero_grad(y)
    assert all(node.grad is None for node in topological_order(y))
    backward(y)
    found = [node.grad for node in topological_order(y) if not node.constant]
    for gradient, first in zip(found, once, strict=True):
        np.testing.assert_array_equal(gradient, first)


def test_two_results_of_one_node_add_up():
    a = Node(2.0)
    b = a * a
    backward(3 * b)
    backward(b + a)
    assert a.grad == 12 + 4 + 1
    assert b.grad == 4


def test_gradients_are_arrays_of_their_own():
    a, b = Node(A), Node(B)
    backward((a + b).sum())
    a.grad *= 2  # not a read-only view, and not the array of b
    np.testing.assert_array_equal(b.grad, np.ones((3, 4)))
    kept = b.grad
    backward((a + b).sum())
    np.testing.assert_array_equal(kept, np.ones((3, 4)))


def test_a_constant_costs_no_gradient_and_stops_none():
    calls = []
    box = g.Box("spy", lambda a, b: a * b, lambda G, y, a, b: G * b, lambda *_: calls.append(1))
    a = Node(2.0)
    backward(box(a, 5.0) * g.exp(0.0))
    assert a.grad == 5
    assert not calls


def test_a_box_of_ones_own():
    sine = g.Box("sin", np.sin, lambda G, y, a: G * np.cos(a))
    agree(by_graph(sine, A), by_torch(torch.sin, A))


def test_children_come_before_their_parents():
    a = Node(1.0)
    b = a + 1
    c = a * b
    d = (c + b) * a
    order = topological_order(d)
    assert len(order) == len(set(order)) == 6  # with the constant 1
    assert order[-1] is d
    for place, node in enumerate(order):
        assert all(order.index(child) < place for child in node.children)


def test_a_leaf_may_be_made_after_the_boxes_that_it_meets():
    old = Node(2.0) * 3
    late = Node(1.0)
    y = (old * late + late) * old
    backward(y)
    assert (late.grad, old.grad) == (6 * 7, 2 * 6 + 1)


def living_nodes():
    gc.collect()
    return sum(type(thing) is Node for thing in gc.get_objects())


@pytest.mark.slow
def test_a_chain_100000_deep_runs_forward_backward_and_is_freed():
    before = living_nodes()
    a = y = Node(1.0)
    for _ in range(100_000):
        y = y * 1.00001
    backward(y)
    np.testing.assert_allclose(a.grad, 1.00001**100_000, rtol=1e-9)
    assert "Node(2.71" in repr(y)
    assert living_nodes() > before + 200_000
    zero_grad(y)
    assert a.grad is None
    del y
    assert living_nodes() == before + 1


def test_a_lattice_with_2_to_the_200_paths_is_walked_once():
    a = y = Node(1.0)
    for _ in range(200):
        y = (y + y) * 0.5
    backward(y)
    assert a.grad == 1


STEPS = [
    lambda a, b, lib: a + b,
    lambda a, b, lib: a - b,
    lambda a, b, lib: 0.5 * a * b,
    lambda a, b, lib: a / (1 + b * b),
    lambda a, b, lib: lib.tanh(a),
    lambda a, b, lib: lib.exp(-(a**2)),
    lambda a, b, lib: lib.maximum(a, 0.3 * b + 0.1),
    lambda a, b, lib: lib.sigmoid(a).sum() + b,
]


@given(
    st.lists(
        st.tuples(st.integers(0, 7), st.integers(0, 99), st.integers(0, 99)), min_size=1, max_size=25
    )
)
@settings(max_examples=150, deadline=None)
def test_random_graphs_give_the_gradients_of_pytorch(steps):
    arrays = [np.float64(0.7), A[0], A, P[:, :1]]

    def build(leaves, lib):
        nodes = list(leaves)
        for what, i, j in steps:
            y = STEPS[what](nodes[i % len(nodes)], nodes[j % len(nodes)], lib)
            nodes.append(lib.tanh(y))  # stays of moderate size
        return sum(node.sum() for node in nodes)

    leaves, tensors = [Node(a) for a in arrays], [torch.tensor(a, requires_grad=True) for a in arrays]
    y, z = build(leaves, g), build(tensors, torch)
    backward(y)
    z.backward()
    agree((y.value, [n.grad for n in leaves]), (z.item(), [t.grad.numpy() for t in tensors]))


# Parts of an array of shape (3, 4) that broadcast to it again; some take an entry twice.
PARTS = [
    0, (1, -1), (slice(None), slice(1, 2)), (..., slice(-1, None)), (None, 2), slice(0, 1),
    ([0, 2, 0],), ([2, 0, 2], [1, 1, 1], None), (slice(None), [3, 3, 0, 1]),
]  # fmt: skip
JOINS = [lambda a, b: a + b, lambda a, b: b - a, lambda a, b: 0.5 * a * b, lambda a, b: a]
choice = st.integers(0, 99)


@given(st.lists(st.tuples(choice, choice, choice, choice), min_size=1, max_size=20))
@settings(max_examples=150, deadline=None)
def test_random_graphs_of_shared_nodes_and_slices_give_the_gradients_of_pytorch(steps):
    def build(leaves, lib):
        nodes = list(leaves)
        for how, part, i, j in steps:
            a, b = nodes[i % len(nodes)], nodes[j % len(nodes)]
            joined = JOINS[how % len(JOINS)](a[PARTS[part % len(PARTS)]], b)
            nodes += [joined + b, lib.tanh(joined + a)]  # `joined` and `a` are used again
        return nodes, sum(node.sum() for node in nodes)

    leaves, tensors = [Node(A), Node(B)], [torch.tensor(a, requires_grad=True) for a in (A, B)]
    (nodes, y), (others, z) = build(leaves, g), build(tensors, torch)
    for tensor in others:
        tensor.retain_grad()
    for _ in range(2):  # the second time, gradients add up
        backward(y)
        z.backward(retain_graph=True)
        agree((y.value, [n.grad for n in nodes]), (z.item(), [t.grad.numpy() for t in others]))
        for tensor in others[len(leaves) :]:
            tensor.grad = tensor.grad.clone()  # PyTorch may hand out one array several times


@pytest.mark.parametrize("late", [False, True], ids=["slice first", "sum first"])
def test_a_slice_writes_into_no_gradient_of_another_node(late):
    a, b = Node(A), Node(B)
    c, d = a * 1.0, b * 1.0
    total = c + d  # hands the same array to both
    row = c[1]
    y = total.sum() + row.sum() if late else row.sum() + total.sum()
    order = topological_order(y)
    assert (order.index(total) > order.index(row)) == late
    backward(y)
    ones, rows = np.ones((3, 4)), np.array([[1.0], [2.0], [1.0]]) * np.ones(4)
    for node, wanted in ((c, rows), (a, rows), (d, ones), (b, ones), (total, ones)):
        np.testing.assert_array_equal(node.grad, wanted)


@pytest.mark.parametrize("lead", [(), (3,)])
def test_the_gradient_of_a_transposed_matrix_needs_no_copy_on_its_way_to_the_matrix(lead):
    rng = np.random.default_rng(0)
    a, W, G = (rng.standard_normal((*lead, *shape)) for shape in ((5, 4), (6, 4), (5, 6)))
    of_transposed = g.matmul.backward[1](G, a @ W.mT, a, W.mT)
    of_matrix = g.matmul.backward[1](G, a @ W.mT, a, W.mT.copy())
    assert of_transposed.mT.flags.c_contiguous
    assert of_matrix.flags.c_contiguous
    np.testing.assert_allclose(of_transposed, of_matrix, rtol=1e-13, atol=1e-15)


def test_many_slices_of_one_array_need_one_array_of_its_size(monkeypatch):
    made, zeros_like = [], np.zeros_like
    monkeypatch.setattr(np, "zeros_like", lambda a: made.append(np.shape(a)) or zeros_like(a))
    theta = Node(np.arange(1000.0))
    backward(sum(theta[k] * theta[k + 1] for k in range(100)))
    assert made.count((1000,)) == 1
    wanted = np.r_[1.0, 2 * np.arange(1, 100), 99, np.zeros(899)]
    np.testing.assert_array_equal(theta.grad, wanted)


# --- dtypes ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in ONE if name != "mask"])
def test_float32_stays_float32(name):
    ours, theirs, array = ONE[name]
    value, (gradient,) = by_graph(ours, array.astype(np.float32))
    assert value.dtype == gradient.dtype == np.float32
    agree((value, [gradient]), by_torch(theirs, array.astype(np.float32)), 1e-4)


@pytest.mark.parametrize("name", TWO)
def test_float32_stays_float32_with_two_children_and_with_numbers(name):
    ours, theirs = TWO[name]
    p, q = P.astype(np.float32), Q[0].astype(np.float32)
    found = by_graph(ours, p, q)
    assert {a.dtype for a in (found[0], *found[1])} == {np.dtype(np.float32)}
    agree(found, by_torch(theirs, p, q), 1e-4)
    for number in (2, 1.5, np.float64(1.5), [1, 2, 1, 1.5], np.array([1, 2, 3, 4]), q):
        value, (gradient,) = by_graph(lambda a: ours(a, number), p)  # noqa: B023
        assert value.dtype == gradient.dtype == np.float32


def test_a_gradient_has_the_dtype_of_its_node():
    a, b = Node(A.astype(np.float32)), Node(B)
    backward((a * b).sum())
    assert (a.grad.dtype, b.grad.dtype) == (np.float32, np.float64)
    assert Node([1, 2]).value.dtype == np.float64


# --- networks -------------------------------------------------------------------------------------


@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu", "identity"])
def test_a_network_with_cross_entropy_has_the_gradient_of_backprop(activation):
    network = Network((4, 6, 5, 3), activation)
    rng = np.random.default_rng(1)
    theta, x, y = network.init(rng), rng.standard_normal((20, 4)), rng.integers(0, 3, 20)
    found = value_and_gradient(lambda theta: g.cross_entropy(g.dnn(network, theta, x), y))(theta)
    value, gradient = backprop(network, CrossEntropy(), theta, x, y)
    np.testing.assert_allclose(found[0], value, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found[1], gradient, rtol=1e-12, atol=1e-12)


def test_a_network_with_squared_error_has_the_gradient_of_backprop():
    network = Network((4, 6, 2), "sigmoid", "tanh")
    theta, x, y = network.init(2), A, B[:, :2]

    def loss(theta):
        return ((g.dnn(network, theta, x) - y) ** 2).sum(-1).mean()

    value, gradient = value_and_gradient(loss)(theta)
    wanted = backprop(network, SquaredError(), theta, x, y)
    np.testing.assert_allclose(value, wanted[0], rtol=1e-12)
    np.testing.assert_allclose(gradient, wanted[1], rtol=1e-12, atol=1e-12)


def test_cross_entropy_is_that_of_pytorch():
    labels = np.array([3, 0, 3])
    ours = by_graph(lambda a: g.cross_entropy(a, labels), 100 * A)
    theirs = by_torch(lambda a: torch.nn.functional.cross_entropy(a, torch.tensor(labels)), 100 * A)
    agree(ours, theirs)


def test_minimize_fits_with_a_graph():
    def f(theta):
        return ((theta - [3.0, -1.0]) ** 2).sum() + 1

    trace = minimize(value_and_gradient(f), [0.0, 0.0], Adam(0.1), steps=500, tol=1e-8)
    np.testing.assert_allclose(trace.theta, [3, -1], atol=1e-4)
    np.testing.assert_allclose(trace.value, 1, atol=1e-7)

    class ByGraph:
        def __call__(self, theta):
            return value_and_gradient(f)(theta)[0]

        def gradient(self, theta):
            return value_and_gradient(f)(theta)[1]

    np.testing.assert_allclose(
        gradient_descent(ByGraph(), [0.0, 0.0], 0.4, steps=60).theta, [3, -1], atol=1e-6
    )


def test_value_and_gradient_starts_afresh_at_every_call():
    both = value_and_gradient(lambda theta: (theta**2).sum())
    first, second = both([1.0, 2.0]), both([1.0, 2.0])
    np.testing.assert_array_equal(first[1], second[1])
    value, gradient = both(np.array([1.0, 2.0], dtype=np.float32))
    assert value.dtype == gradient.dtype == np.float32


# --- bad input ------------------------------------------------------------------------------------


@pytest.mark.parametrize("shape", [(3,), (1,), (2, 2)])
def test_backward_on_more_than_a_number_is_refused(shape):
    with pytest.raises(ValueError, match=r"needs a scalar.*shape \(.*node\.sum\(\) or node\.mean\(\)"):
        backward(Node(np.ones(shape)) * 2)


def test_backward_on_constants_or_on_no_node_is_refused():
    with pytest.raises(ValueError, match=r"constants alone; wrap a parameter: Node\(value\)"):
        backward(g.exp(1.0))
    with pytest.raises(TypeError, match=r"node must be a Node, such as Node\(1\.0\); got float"):
        backward(2.0)
    with pytest.raises(TypeError, match=r"what f returns must be a Node, such as .*; got ndarray"):
        value_and_gradient(lambda theta: np.ones(()))([1.0])


MIXED = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "**": lambda a, b: a**b,
    "@": lambda a, b: a @ b,
    "maximum": g.maximum,
}


@pytest.mark.parametrize("name", MIXED)
def test_nodes_and_tensors_do_not_mix(name):
    node, tensor = Node(np.ones((2, 2))), torch.ones((2, 2), dtype=torch.float64)
    for left, right in ((node, tensor), (tensor, node)):
        with pytest.raises(TypeError, match="do not mix: use"):
            MIXED[name](left, right)


def test_functions_of_pytorch_and_numpy_refuse_nodes():
    node = Node(np.ones(2))
    with pytest.raises(TypeError, match=r"exp got a PyTorch tensor and a Node|do not mix"):
        torch.exp(node)
    with pytest.raises(TypeError, match=r"add got a PyTorch tensor and a Node"):
        torch.add(torch.ones(2), node)
    with pytest.raises(TypeError, match="ufunc"):
        np.exp(node)
    with pytest.raises(TypeError, match="not mix"):
        Node(torch.ones(2))
    with pytest.raises(TypeError, match="a Node holds numbers or a NumPy array; got a Node"):
        Node(node)


@pytest.mark.parametrize("value", ["abc", None, 1j, [[1], [1, 2]], object()])
def test_a_node_of_no_numbers_is_refused(value):
    with pytest.raises(TypeError, match="value"):
        Node(value)
    with pytest.raises(TypeError, match="value"):
        Node(1.0) + value


def test_shapes_that_do_not_fit_are_refused_at_the_line_that_runs_them():
    with pytest.raises(
        ValueError, match=r"box '\+' cannot take .* shape \(3,\) and \(4,\): .*broadcast"
    ):
        Node(np.ones(3)) + Node(np.ones(4))
    with pytest.raises(ValueError, match=r"box '@' cannot take .*\(2, 3\) and \(2, 3\): matmul"):
        Node(np.ones((2, 3))) @ Node(np.ones((2, 3)))
    with pytest.raises(ValueError, match=r"box 'sum' cannot take .*\(3,\): axis 1 is out of bounds"):
        Node(np.ones(3)).sum(axis=1)
    with pytest.raises(IndexError, match=r"box '\[ \]' cannot take .*\(3,\): index 3 is out of bounds"):
        Node(np.ones(3))[3]
    with pytest.raises(TypeError, match=r"box 'log softmax' cannot take values of shape \(\): "):
        g.log_softmax(1.0)
    with pytest.raises(TypeError, match="not iterable"):
        list(Node(3.0))


def test_what_is_no_box_no_node_and_no_function_is_refused():
    for parts, match in (
        ((3, np.sin, np.cos), "name must be text; got 3"),
        (("f", 3, np.cos), "forward must be a function of the values of the children; got int"),
        (("f", np.sin, 3), "backward must be a function of G, y and the values of the children; got i"),
        (("f", Node, np.cos), "forward is the class Node"),
    ):
        with pytest.raises(TypeError, match=match):
            g.Box(*parts)
    with pytest.raises(TypeError, match="name must be text; got 3"):
        Node(1.0, 3)
    for take in (g.zero_grad, g.topological_order):
        with pytest.raises(TypeError, match=r"node must be a Node, such as Node\(1\.0\); got float"):
            take(1.0)
    with pytest.raises(TypeError, match="f must be a function of a node; got Node"):
        value_and_gradient(Node(1.0))
    for reduced in (Node(np.ones(3)).sum, Node(np.ones(3)).mean):
        with pytest.raises(TypeError, match="keepdims must be True or False; got 1"):
            reduced(keepdims=1)


def test_a_box_says_what_its_forward_method_raises():
    def forward(a):
        raise RuntimeError("no numbers today")

    with pytest.raises(TypeError, match=r"box 'f' cannot take .*: no numbers today") as caught:
        g.Box("f", forward)(1.0)
    assert isinstance(caught.value.__cause__, RuntimeError)


def test_networks_and_labels_that_do_not_fit_are_refused():
    with pytest.raises(TypeError, match="network must be a Network, such as"):
        g.dnn((2, 3), Node(np.ones(9)), np.ones((1, 2)))
    network = Network((2, 3), "tanh", "softplus")
    with pytest.raises(ValueError, match="there are boxes for sigmoid, tanh, relu, identity"):
        g.dnn(network, Node(network.init(0)), np.ones((1, 2)))
    with pytest.raises(ValueError, match="theta must have 9 entries"):
        g.dnn(Network((2, 3)), Node(np.ones(8)), np.ones((1, 2)))
    with pytest.raises(ValueError, match=r"labels must hold class .*from 0 to 3; got 0\.\.4"):
        g.cross_entropy(Node(A), [0, 1, 4])
    with pytest.raises(TypeError, match="class numbers"):
        g.cross_entropy(Node(A), [0.0, 1.0, 2.0])
    with pytest.raises(ValueError, match=r"outputs \(3, 4\) need one label per row; got labels \(2,\)"):
        g.cross_entropy(Node(A), [0, 1])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@np.errstate(over="ignore")  # of the sum, which NumPy would warn of
def test_a_mean_is_held_where_the_sum_is_not(dtype):
    large = np.finfo(dtype).max / 2
    a = Node(np.array([[large, large / 2], [large, large / 2], [large, -large]], dtype=dtype))
    for axis, right in ((None, large / 2), (0, [large, 0]), (1, [0.75 * large] * 2 + [0])):
        found = a.mean(axis)
        assert found.value.dtype == dtype
        size = 4 * np.finfo(dtype).eps * large
        np.testing.assert_allclose(found.value.astype(float), right, rtol=0, atol=size)
    y = a.mean()
    y.backward()
    np.testing.assert_allclose(a.grad, np.full((3, 2), 1 / 6), rtol=4 * np.finfo(dtype).eps)
    assert np.isinf(Node(np.array([np.inf, 1.0], dtype=dtype)).mean().value)
