r"""
A gradient costs a few losses, however many parameters there are
================================================================

Central differences take 2P evaluations of the loss, a pair for each parameter.
Backpropagation takes one pass forward and one backward, with two matrix products where
forward there is one: :math:`W^{i\,T} G_{a^i}` and :math:`G_{a^i} x^{i-1\,T}`. Only the
first layer needs no :math:`G_{x^0}`. So it takes the products of two to three losses,
and the clock also sees what is done entry by entry. See
:doc:`/chapters/09_backpropagation`.
"""

from itertools import pairwise
from time import process_time  # others may compute, too

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import Backprop, Network, SquaredError, TotalLoss, plots

depths = (1, 2, 4, 8, 16, 32, 64, 128)  # hidden layers of 32 neurons


def differences(g, theta, h=1e-5):
    axes = np.eye(theta.size)
    return [(g(theta + h * e) - g(theta - h * e)) / (2 * h) for e in axes]


def seconds(job, *arguments, calls):
    begin = process_time()
    for _ in range(calls):
        job(*arguments)
    return (process_time() - begin) / calls


rng = np.random.default_rng(0)
x = rng.normal(size=(128, 10))
y = rng.normal(size=(128, 1))
cost = {}  # of backpropagation, in losses, by the number of parameters
slow = {}  # of differences
counted = {}  # products of matrices, in those of a loss
for depth in depths:
    network = Network((10, *[32] * depth, 1), "relu")
    products = [n * m for n, m in pairwise(network.widths)]
    counted[network.size] = 3 - products[0] / sum(products)
    theta = network.init(rng)
    g = TotalLoss(network, SquaredError(), x, y)
    gradient = Backprop(network, SquaredError())
    calls = max(1, 64 // depth)
    for_losses = []
    for_gradients = []
    for _ in range(5):
        for_losses.append(seconds(g, theta, calls=calls))
        for_gradients.append(seconds(gradient, theta, x, y, calls=calls))
    cost[network.size] = min(for_gradients) / min(for_losses)
    if depth <= 4:
        for_differences = seconds(differences, g, theta, calls=1)
        slow[network.size] = for_differences / min(for_losses)

plots.use_style()
figure, ax = plt.subplots()
P = np.array(list(cost))
ax.loglog(P, 2 * P, ":", color="#d45500", label="2P")
ax.loglog(slow.keys(), slow.values(), "s", color="#d45500", label="differences")
ax.loglog(P, cost.values(), "o-", color="#006aaa", label="backpropagation")
ax.loglog(P, counted.values(), "k--", lw=1, label="its products, counted")
ax.set(xlabel="parameters P", ylabel="cost: gradient / loss")
ax.legend()
plots.describe(
    figure,
    "Cost of a gradient in losses, against P: differences rise along "
    "the line 2P to some ten thousand; backpropagation stays level, near the two "
    "to three that are counted.",
)
plt.show()

# %%
# From 385 parameters to more than a hundred thousand the cost stays at a few losses.
# The products alone, counted, cost between 2 and 3.
# Differences cost hundreds of losses even for the smallest network.

assert all(2 < count < 3 for count in counted.values()), (
    "a gradient should take the products of two to three losses"
)
assert min(cost.values()) > 1, "a gradient should cost more than a loss"
assert max(cost.values()) < 8, (
    f"a gradient should cost a few losses, not {max(cost.values()):.1f}"
)
for size, losses in slow.items():
    assert size < losses < 8 * size, (
        f"differences should cost about {2 * size} losses, not {losses:.0f}"
    )
