r"""
A gradient costs about three losses, however many parameters there are
======================================================================

Central differences take 2P evaluations of the loss, a pair for each parameter. Backpropagation takes
one pass forward and one backward, with two matrix products where forward there is one:
:math:`W^{i\,T} G_{a^i}` and :math:`G_{a^i} x^{i-1\,T}`. See :doc:`/chapters/09_backpropagation`.
"""

from functools import partial
from time import process_time  # others may compute, too
from timeit import timeit

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import Backprop, Network, SquaredError, TotalLoss, plots

depths = (1, 2, 4, 8, 16, 32, 64, 128)  # hidden layers of 32 neurons


def differences(g, t, h=1e-5):
    return [(g(t + h * e) - g(t - h * e)) / (2 * h) for e in np.eye(t.size)]


plots.use_style()
rng = np.random.default_rng(0)
x, y = rng.normal(size=(128, 10)), rng.normal(size=(128, 1))
P, cost, slow = [], [], {}
for depth in depths:
    network = Network((10, *(32,) * depth, 1), "relu")
    theta, calls = network.init(rng), max(1, 64 // depth)
    g = TotalLoss(network, SquaredError(), x, y)
    step = Backprop(network, SquaredError())
    jobs = partial(g, theta), partial(step, theta, x, y)
    how = {"timer": process_time, "number": calls}
    times = [timeit(job, **how) for job in jobs * 5]
    loss, gradient = np.reshape(times, (5, 2)).min(axis=0) / calls
    P, cost = [*P, network.size], [*cost, gradient / loss]
    if depth <= 4:
        how["number"] = 1
        slow[P[-1]] = timeit(partial(differences, g, theta), **how) / loss

ax = plt.subplots()[1]
ax.loglog(P, [2 * size for size in P], ":", color="#d45500", label="2P")
ax.loglog(slow.keys(), slow.values(), "s", c="#d45500", label="differences")
ax.loglog(P, cost, "o-", color="#006aaa", label="backpropagation")
ax.set(xlabel="parameters P", ylabel="cost: gradient / loss")
ax.legend()
text = """Cost of a gradient in losses, against P: differences rise along
the line 2P to some ten thousand; backpropagation stays level at about three."""
plots.describe(ax.figure, text)
plt.show()

# %%
# From 385 parameters to more than a hundred thousand the cost stays at a few losses. Differences
# cost hundreds of losses even for the smallest network.

assert 1 < min(cost) <= max(cost) < 8
assert all(P < times < 8 * P for P, times in slow.items())
