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

from lecturecode import Momentum, Network, SquaredError, TotalLoss, minimize
from lecturecode.plots import describe, mark, use_style
from lecturecode.symmetries import reorder_neurons

neurons = 3

use_style()
rng = np.random.default_rng(0)
x = np.linspace(-1, 1, 40)[:, None]
y = np.sin(4 * x) + 0.2 * rng.normal(size=x.shape)
network = Network((1, neurons, 1), "tanh")
g = TotalLoss(network, SquaredError(), x, y)
starts = network.init(rng, networks=(10,))
trace = minimize(g.value_and_gradient, starts, Momentum(0.03, 0.9), steps=3000)
here = trace.theta

orders = list(permutations(range(neurons)))[1:]
twins = [reorder_neurons(network, here, 1, order) for order in orders]
share = np.linspace(0, 1, 101)[:, None, None]
along = g((1 - share) * here + share * np.stack(twins))  # (101, orders)

figure, ax = plt.subplots()
lines = ax.plot(share[:, 0, 0], along)
names = [" ".join(str(k + 1) for k in order) for order in orders]
ax.legend(lines, names, title="order", loc="upper right")
ends = np.array([[0, along[0, 0]], [1, along[-1, 0]]])
mark(ends, "minimum", ax=ax)
ax.set(xlabel="share of the other order", ylabel=r"$g(\theta)$")
ax.set_ylim(0)
describe(
    figure,
    "The loss along straight lines from one minimum to its five other "
    "orders: low at both ends, with a hill in the middle of each line",
)
plt.show()

# %%
# The six are equal to rounding, and each hill is several times as high as
# its two ends. A swap of two neurons is its own inverse, so that its hill is
# symmetric.

assert np.allclose(along[-1], along[0], rtol=1e-10, atol=0), (
    "all orders should have the same loss"
)
assert (along.max(axis=0) > 3 * along[0]).all(), (
    "each hill should be at least three times as high as its two ends"
)

swaps = [np.array_equal(np.argsort(order), order) for order in orders]
assert np.allclose(along[:, swaps], along[::-1, swaps]), (
    "the hill of an order that is its own inverse should be symmetric"
)
