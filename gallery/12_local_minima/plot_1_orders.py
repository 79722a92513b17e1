r"""
Two orders of the same neurons are two minima with a hill between them
======================================================================

Three tanh neurons can be named in :math:`3! = 6` orders. All six are the
same function, so that a minimum has five twins. Walk to each of them along a
straight line: the two ends are equally low. Look at what lies between, where
each point is a mixture of two networks that are equally good. The chapter
:doc:`/chapters/12_local_minima` counts the orders of larger networks.
"""

from itertools import permutations

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import Network, SquaredError, TotalLoss, gradient_descent
from lecturecode.objectives import Function
from lecturecode.plots import describe, mark, use_style
from lecturecode.stationary import classify, find_stationary_point
from lecturecode.symmetries import reorder_neurons

neurons = 3
decay = 1e-3  # without it the fit improves for ever, and there is no minimum

use_style()
rng = np.random.default_rng(0)
x = np.linspace(-1, 1, 40)[:, None]
y = np.sin(4 * x) + 0.2 * rng.normal(size=x.shape)
network = Network((1, neurons, 1), "tanh")
loss = TotalLoss(network, SquaredError(), x, y)
g = Function(
    lambda theta: loss(theta) + decay * (theta**2).sum(-1),
    gradient=lambda theta: loss.gradient(theta) + 2 * decay * theta,
    hessian=lambda theta: loss.hessian(theta) + 2 * decay * np.eye(network.size),
)
starts = network.init(rng, networks=(10,))
trace = gradient_descent(g, starts, 0.2, steps=2000, record_every=0)
here = find_stationary_point(g.gradient, g.hessian, trace.theta).theta

orders = list(permutations(range(neurons)))[1:]
twins = [reorder_neurons(network, here, 1, order) for order in orders]
share = np.linspace(0, 1, 101)[:, None, None]
along = g((1 - share) * here + share * np.stack(twins))  # (101, orders)

figure, ax = plt.subplots()
styles = ["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))]
for order, values, style in zip(orders, along.T, styles, strict=True):
    name = " ".join(str(k + 1) for k in order)
    ax.plot(share[:, 0, 0], values, linestyle=style, label=name)
ends = np.array([[0, along[0, 0]], [1, along[-1, 0]]])
mark(ends, "minimum", ax=ax)
ax.legend(title="order", loc="upper right")
ax.set(xlabel="share of the other order", ylabel=r"$g(\theta)$")
ax.set_ylim(0, 1.45 * along.max())
describe(
    figure,
    "The loss along straight lines from one minimum to its five other "
    "orders: low at both ends, with a hill in between on each line",
)
plt.show()

# %%
# The place is a minimum, with positive eigenvalues only, and so are its twins.
# The six are equal to rounding, and each hill is more than five times as high
# as its two ends. A swap of two neurons is its own inverse, so that its hill is
# symmetric.

assert classify(g.hessian(here)) == "minimum", "the descents should lead to a minimum"
assert all(classify(g.hessian(twin)) == "minimum" for twin in twins), (
    "each other order should be a minimum as well"
)
assert np.allclose(along[-1], along[0], rtol=1e-10, atol=0), (
    "all orders should have the same loss"
)
assert (along.max(axis=0) > 5 * along[0]).all(), (
    "each hill should be more than five times as high as its two ends"
)

swaps = [np.array_equal(np.argsort(order), order) for order in orders]
assert np.allclose(along[:, swaps], along[::-1, swaps]), (
    "the hill of an order that is its own inverse should be symmetric"
)
