"""By hand, on the graph, in PyTorch: one fit run three times, and compared at every step."""

import numpy as np
import pytest
import torch

from lecturecode import (
    Adam,
    CrossEntropy,
    GradientDescent,
    Momentum,
    Network,
    SquaredError,
    graph,
    minibatches,
    pytorch,
    train,
)
from lecturecode.schedules import inverse_time

RNG = np.random.default_rng(0)
X = RNG.standard_normal((40, 3))
CURVE = np.stack([np.sin(2 * X[:, 0]), X[:, 1] * X[:, 2]], -1)
LABELS = (X[:, 0] * X[:, 1] > 0).astype(int)
EPOCHS, BATCH_SIZE, SEED = 20, 7, 5
STEPS = EPOCHS * 6

CASES = {
    "classes": (Network((3, 8, 5, 2), "relu"), CrossEntropy(), LABELS, graph.cross_entropy),
    "regression": (
        Network((3, 8, 2), "tanh"), SquaredError(), CURVE, lambda a, y: ((a - y) ** 2).sum(-1).mean(),
    ),
}  # fmt: skip
RULES = {"descent": GradientDescent(0.05), "momentum": Momentum(0.02, 0.9), "adam": Adam(0.01)}


def by_hand(network, loss, theta, y, optimizer, **more):
    trace = train(network, loss, X, y, optimizer, start=theta, epochs=EPOCHS, batch_size=BATCH_SIZE,
                  rng=SEED, record_every=1, **more)  # fmt: skip
    return trace.thetas, trace.values


def on_the_graph(network, loss, theta, y, optimizer):
    """The loop of stochastic descent, whose gradient comes from boxes."""
    rng, state = np.random.default_rng(SEED), optimizer.init(theta)
    thetas, values = [theta], []
    for _ in range(EPOCHS):
        for batch in minibatches(len(X), BATCH_SIZE, rng=rng):
            x_i, y_i = X[batch], y[batch]
            f = graph.value_and_gradient(
                lambda theta, x=x_i, y=y_i: loss(graph.dnn(network, theta, x), y)
            )
            value, gradient = f(theta)
            theta, state = optimizer.step(theta, gradient, state)
            values.append(value)
            thetas.append(theta)
    f = graph.value_and_gradient(lambda theta: loss(graph.dnn(network, theta, X), y))
    return np.stack(thetas), np.array([*values, f(theta)[0]])


def in_pytorch(network, loss, theta, y, optimizer, **more):
    module = pytorch.MLP.from_network(network, theta)
    trace = pytorch.train(module, loss, X, y, optimizer, epochs=EPOCHS, batch_size=BATCH_SIZE,
                          rng=SEED, record_every=1, **more)  # fmt: skip
    return trace.thetas.numpy(), trace.values.numpy()


def same(found, expected):
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.shape == theirs.shape
        assert ours.dtype == theirs.dtype == np.float64
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("case", CASES)
def test_by_hand_is_the_graph_is_pytorch_at_every_step(case, rule):
    network, loss, y, on_nodes = CASES[case]
    given = network.init(1), y, RULES[rule]
    hand = by_hand(network, loss, *given)
    boxes = on_the_graph(network, on_nodes, *given)
    framework = in_pytorch(network, loss, *given)
    assert [len(part) for part in hand] == [STEPS + 1] * 2
    same(boxes, hand)
    same(framework, hand)
    same(framework, boxes)
    assert hand[1][-1] < 0.9 * hand[1][0]  # a run that goes somewhere
    assert np.abs(np.diff(hand[0], axis=0)).max(1).min() > 1e-5  # and moves at each step


def test_the_lines_of_a_reader_in_pytorch_are_the_run_by_hand():
    """The loop as a reader types it, with torch.optim and the loss by hand, not the package's."""
    network, loss, y, _ = CASES["classes"]
    theta = network.init(1)
    module = pytorch.MLP.from_network(network, theta)
    optimizer = torch.optim.Adam(module.parameters(), lr=0.01)
    rng, x, y_t = np.random.default_rng(SEED), torch.from_numpy(X), torch.from_numpy(y)
    values, thetas = [], [module.theta]
    for _ in range(EPOCHS):
        for batch in minibatches(len(X), BATCH_SIZE, rng=rng, like=x):
            value = pytorch.cross_entropy(module(x[batch]), y_t[batch])
            optimizer.zero_grad()
            value.backward()
            optimizer.step()
            values.append(value.item())
            thetas.append(module.theta)
    hand = by_hand(network, loss, theta, y, Adam(0.01))
    same((torch.stack(thetas).numpy(), np.array(values)), (hand[0], hand[1][:-1]))


def test_value_and_gradient_of_a_module_steps_as_the_graph_does():
    """The same loop with a third source of gradients: PyTorch's, as a function of a flat theta."""
    network, loss, y, on_nodes = CASES["classes"]
    theta = network.init(1)
    module = pytorch.MLP.from_network(network, theta)
    f = pytorch.value_and_gradient(module, loss, X, y)
    h = graph.value_and_gradient(lambda theta: on_nodes(graph.dnn(network, theta, X), y))
    rule = Momentum(0.05)
    a, b = theta, torch.from_numpy(theta.copy())
    state_a, state_b = rule.init(a), rule.init(b)
    for _ in range(100):
        (value_a, gradient_a), (value_b, gradient_b) = h(a), f(b)
        np.testing.assert_allclose(value_b.numpy(), value_a, rtol=1e-10)
        np.testing.assert_allclose(gradient_b.numpy(), gradient_a, rtol=1e-10, atol=1e-12)
        a, state_a = rule.step(a, gradient_a, state_a)
        b, state_b = rule.step(b, gradient_b, state_b)
        np.testing.assert_allclose(b.numpy(), a, rtol=1e-10, atol=1e-12)


def test_one_schedule_by_hand_and_in_pytorch_is_that_of_the_graph_with_falling_rates():
    network, loss, y, on_nodes = CASES["classes"]
    schedule, theta = inverse_time(0.05, 20), network.init(1)

    class Falling(GradientDescent):
        taken = 0

        def step(self, theta, gradient, state):
            rate = schedule(Falling.taken)
            Falling.taken += 1
            return theta - rate * gradient, state

    boxes = on_the_graph(network, on_nodes, theta, y, Falling(1.0))
    assert Falling.taken == STEPS
    same(boxes, by_hand(network, loss, theta, y, GradientDescent(1.0), schedule=schedule))
    same(boxes, in_pytorch(network, loss, theta, y, GradientDescent(1.0), schedule=schedule))
