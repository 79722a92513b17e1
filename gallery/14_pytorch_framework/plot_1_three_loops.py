r"""
By hand, by graph and in PyTorch, a fit takes the same steps
============================================================

Two rules fit a network to spirals, each in three ways: with our backpropagation, with
the graph of boxes, and with ``torch.optim``. All start from the same :math:`\theta` and
see the same minibatches. Watch the scale of the differences: they are rounding errors.
See :ref:`pt-read`.
"""

import matplotlib.pyplot as plt
import numpy as np

import lecturecode as lc
from lecturecode import graph, plots, pytorch

epochs = 20  # try 100: rounding errors grow, and stay rounding errors

rng = np.random.default_rng(0)
t = rng.uniform(1, 6, 300)
y = rng.integers(0, 2, 300)
angle = t + np.pi * y
x = np.stack([t * np.cos(angle), t * np.sin(angle)], axis=-1) / 6  # (300, 2)

network = lc.Network((2, 16, 16, 2), "tanh")
loss = lc.CrossEntropy()
first = network.init(0)
task = {"epochs": epochs, "batch_size": 30, "rng": 0, "start": first}


def by_hand(rule):
    run = lc.train(network, loss, x, y, rule, **task)
    return run.values[:-1]  # the last one comes after the last step


def in_torch(rule):
    module = pytorch.MLP.from_network(network, first)
    run = pytorch.train(module, loss, x, y, rule, **task)
    return run.values[:-1].numpy()


def by_graph(rule):
    theta = first
    state = rule.init(first)
    rng = np.random.default_rng(0)
    losses = []
    for _ in range(epochs):
        for batch in lc.minibatches(300, 30, rng=rng):
            node = graph.Node(theta)
            output = graph.dnn(network, node, x[batch])
            value = graph.cross_entropy(output, y[batch])
            graph.backward(value)
            theta, state = rule.step(theta, node.grad, state)
            losses.append(value.value)
    return np.array(losses)


def show_gap(ax, gap, marker, *, colour, label):
    seen = np.where(gap > 0, gap, np.nan)  # zero has no place on a logarithmic axis
    ax.semilogy(seen, marker, markersize=4, color=colour, label=label)


plots.use_style()
figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.8))
largest = {}
for name, rule in {"momentum": lc.Momentum(0.1, 0.9), "Adam": lc.Adam(0.01)}.items():
    colour = plots.COLOURS[name]
    losses = by_hand(rule)
    gap_of_graph = abs(losses - by_graph(rule))
    gap_of_torch = abs(losses - in_torch(rule))
    left.plot(losses, color=colour)
    show_gap(right, gap_of_graph, ".", colour=colour, label=f"graph, {name}")
    show_gap(right, gap_of_torch, "x", colour=colour, label=f"PyTorch, {name}")
    largest[name] = max(gap_of_graph.max(), gap_of_torch.max())
left.set(xlabel="step", ylabel="loss of the minibatch, by hand")
right.set(xlabel="step", ylabel="difference from that", ylim=(1e-18, 1e-10))
right.legend(fontsize=9)
plots.describe(
    figure,
    "Left, noisy falling losses by momentum and by Adam. Right, the differences "
    "of graph and PyTorch: all at about ten to the minus sixteen.",
)
plt.show()

# %%
# Three programs, one run: the losses agree to about fifteen digits.

assert max(largest.values()) < 1e-13, (
    f"all three should differ by rounding errors only, not by {largest}"
)
