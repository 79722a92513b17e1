"""The computation graph and its peers: the same expressions, and equal values and gradients.

A network runs on one flat theta, which all cut into biases and weights by the same slices. The
expression of scalars is one graph of arrays here; micrograd makes a graph of its own for every pair.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from contest import Answer, Case, Problem

BATCH = 64
WIDTHS = (64, 64, 32, 10)
WIDE = (784, 128, 64, 10)
PAIRS = 10_000
OPERATIONS = 16  # of one `expression`, as it is written


def digit_problem() -> Problem:
    return network_problem(WIDTHS)


def image_problem() -> Problem:
    return network_problem(WIDE)


def network_problem(widths: tuple[int, ...]) -> Problem:
    from lecturecode import Network

    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((BATCH, widths[0])), rng.integers(0, 10, BATCH)
    return {"network": Network(widths), "theta": Network(widths).init(rng), "x": x, "y": y}


def network_lecturecode(problem: Problem) -> Callable[[], Answer]:
    from lecturecode.graph import cross_entropy, dnn, value_and_gradient

    network, x, y = problem["network"], problem["x"], problem["y"]
    step = value_and_gradient(lambda theta: cross_entropy(dnn(network, theta, x), y))
    return lambda: (np.append(*step(problem["theta"])[::-1]), 1)


def network_autograd(problem: Problem) -> Callable[[], Answer]:
    import autograd.numpy as anp
    from autograd import value_and_grad
    from autograd.scipy.special import logsumexp

    def loss(theta: Any) -> Any:
        *hidden, (b, W) = problem["network"].windows(theta)
        x = problem["x"]
        for bias, weights in hidden:
            x = anp.tanh(anp.dot(x, weights.T) + bias)
        a = anp.dot(x, W.T) + b
        log_softmax = a - logsumexp(a, axis=-1, keepdims=True)
        return -anp.mean(log_softmax[np.arange(BATCH), problem["y"]])

    step = value_and_grad(loss)
    return lambda: (np.append(*step(problem["theta"])[::-1]), 1)


def network_torch(problem: Problem) -> Callable[[], Answer]:
    import torch

    x, y = torch.from_numpy(problem["x"]), torch.from_numpy(problem["y"])

    def run() -> Answer:
        theta = torch.tensor(problem["theta"], requires_grad=True)
        *hidden, (b, W) = problem["network"].windows(theta)
        a = x
        for bias, weights in hidden:
            a = torch.tanh(a @ weights.T + bias)
        loss = torch.nn.functional.cross_entropy(a @ W.T + b, y)
        loss.backward()
        return np.append(theta.grad.numpy(), loss.item()), 1

    return run


def network_backprop(problem: Problem) -> Callable[[], Answer]:
    """Time backpropagation by hand, which makes no graph: a floor."""
    from lecturecode import Backprop, CrossEntropy

    step = Backprop(problem["network"], CrossEntropy())

    def run() -> Answer:
        value, gradient = step(problem["theta"], problem["x"], problem["y"])
        return np.append(gradient, value), 1

    return run


def scalar_problem() -> Problem:
    rng = np.random.default_rng(0)
    return {"a": rng.standard_normal(PAIRS), "b": rng.standard_normal(PAIRS)}


def expression(a: Any, b: Any, relu: Callable[[Any], Any]) -> Any:
    """Return an expression of the operations that micrograd has."""
    c = a * b + b**3
    d = relu(c - a) + 2 * c
    e = d - relu(b + a)
    return e**2 / 2 + 10 / (e * e + 1)


def scalars_lecturecode(problem: Problem) -> Callable[[], Answer]:
    from lecturecode.graph import Node, backward, relu

    def run() -> Answer:
        a, b = Node(problem["a"]), Node(problem["b"])
        y = expression(a, b, relu)
        backward(y.sum())
        return np.stack([y.value, a.grad, b.grad]), OPERATIONS * PAIRS

    return run


def scalars_micrograd(problem: Problem) -> Callable[[], Answer]:
    from micrograd.engine import Value

    def run() -> Answer:
        found = []
        for left, right in zip(problem["a"].tolist(), problem["b"].tolist(), strict=True):
            a, b = Value(left), Value(right)
            y = expression(a, b, Value.relu)
            y.backward()
            found.append((y.data, a.grad, b.grad))
        return np.array(found).T, OPERATIONS * PAIRS

    return run


def network_case(
    title: str, problem: Callable[[], Problem], repeats: int, limits: dict[str, float]
) -> Case:
    contestants = {
        "lecturecode.graph": network_lecturecode,
        "HIPS autograd": network_autograd,
        "PyTorch autograd (CPU)": network_torch,
        "lecturecode.Backprop (floor)": network_backprop,
    }
    return Case(
        title=title,
        unit="value and gradient",
        problem=problem,
        contestants=contestants,
        tolerance=1e-12,
        goal="at most so much of the time of HIPS autograd, and of PyTorch where arrays are large",
        repeats=dict.fromkeys(contestants, repeats),
        limits=limits,
    )


GRAPH_CASES = {
    "graph": network_case(
        "graph, network 64-64-32-10, cross-entropy, batch of 64",
        digit_problem,
        300,
        {"HIPS autograd": 1.0},
    ),
    "graph_wide": network_case(
        "graph, network 784-128-64-10, cross-entropy, batch of 64",
        image_problem,
        50,
        {"HIPS autograd": 0.8, "PyTorch autograd (CPU)": 1.2},
    ),
    "graph_scalars": Case(
        title=f"graph, one expression of {OPERATIONS} operations on {PAIRS} pairs of numbers",
        unit="scalar operation",
        problem=scalar_problem,
        contestants={
            "lecturecode.graph, arrays": scalars_lecturecode,
            "micrograd, a graph for each pair": scalars_micrograd,
        },
        tolerance=1e-10,
        goal="at most 1/100 of micrograd's time for a scalar operation, forward and backward",
        repeats={"lecturecode.graph, arrays": 50},
        limits={"micrograd, a graph for each pair": 1 / 100},
    ),
}
