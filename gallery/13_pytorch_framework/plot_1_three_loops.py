r"""
By hand, by graph and in PyTorch, a fit takes the same steps
============================================================

Two rules fit a network to spirals, each in three ways: with our backpropagation, with the graph of
boxes, and with ``torch.optim``. All start from the same :math:`\theta` and see the same minibatches.
Watch the scale of the differences: they are rounding errors. See :ref:`pt-read`.
"""

import matplotlib.pyplot as plt
import numpy as np

import lecturecode as lc
from lecturecode import graph, plots, pytorch

epochs = 20  # try 100: rounding errors grow, and stay rounding errors
plots.use_style()
rng = np.random.default_rng(0)
t, y = rng.uniform(1, 6, 300), rng.integers(0, 2, 300)
x = (t * np.stack([np.cos(t + np.pi * y), np.sin(t + np.pi * y)])).T / 6
network, loss = lc.Network((2, 16, 16, 2), "tanh"), lc.CrossEntropy()
task = {"epochs": epochs, "batch_size": 30, "rng": 0, "theta": (first := network.init(0))}


def by_graph(rule):
    theta, state, rng = first, rule.init(first), np.random.default_rng(0)
    for _ in range(epochs):
        for batch in lc.minibatches(300, 30, rng=rng):
            a = graph.dnn(network, node := graph.Node(theta), x[batch])
            graph.backward(value := graph.cross_entropy(a, y[batch]))
            theta, state = rule.step(theta, node.grad, state)
            yield value.value


figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.8))
worst, rules = 0.0, {"momentum": lc.Momentum(0.1, 0.9), "Adam": lc.Adam(0.01)}
for name, rule in rules.items():
    module = pytorch.MLP.from_network(network, first)
    by_hand = lc.train(network, loss, x, y, rule, **task).values[:-1]
    in_torch = pytorch.train(module, loss, x, y, rule, **task).values[:-1]
    left.plot(by_hand, color=plots.COLOURS[name])
    ways = {"graph .": list(by_graph(rule)), "PyTorch x": in_torch.numpy()}
    for way, values in ways.items():
        worst = max(worst, (gap := abs(by_hand - values)).max())
        look = {"color": plots.COLOURS[name], "label": f"{way[:-2]}, {name}"}
        right.semilogy(np.where(gap > 0, gap, np.nan), way[-1], ms=4, **look)
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

assert worst < 1e-10
