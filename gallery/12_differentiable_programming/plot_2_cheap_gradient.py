r"""
A gradient in reverse costs a few runs of the program, whatever P is
====================================================================

The same gradient in three ways, timed in runs of the program, a network of four layers. One-sided
differences move one parameter at a time: :math:`P + 1` runs. Forward mode, written out below, carries
a slope s along: exact, but one slope a run. Reverse mode walks the graph back. See :ref:`dp-cost`.
"""

from functools import partial
from timeit import repeat

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import plots
from lecturecode.graph import Node, backward, tanh

widths = (4, 8, 16, 32, 64, 128, 256)  # of all four layers


def program(Ws, x, tanh=np.tanh):
    for W in Ws:
        x = tanh(x @ W)
    return (x * x).sum()


def with_slope(Ws, directions, x):  # forward mode
    s = 0 * x
    for W, d in zip(Ws, directions, strict=True):
        x, s = np.tanh(x @ W), s @ W + x @ d
        s = (1 - x * x) * s
    return (2 * x * s).sum()


plots.use_style()
rng, P, cost = np.random.default_rng(0), 4 * np.square(widths), []
for n in widths:
    x, Ws, d = rng.normal(size=(100, n)), *rng.normal(size=(2, 4, n, n)) / np.sqrt(n)
    both = partial(lambda nodes, x: backward(program(nodes, x, tanh)), [*map(Node, Ws)], x)
    jobs = partial(program, Ws, x), partial(with_slope, Ws, d, x), both
    run, forward, reverse = (min(repeat(job, number=1, repeat=25)) for job in jobs)
    cost.append((4 * n * n + 1, 4 * n * n * forward / run, reverse / run))
differences, forward, reverse = np.transpose(cost)
plt.gca().set_prop_cycle(color=["#d45500", "#404055", "#006aaa"])
plt.loglog(P, differences, "s:", P, forward, "v--", P, reverse, "o-")
plt.legend(["differences", "forward mode", "reverse mode"])
plt.gca().set(xlabel="parameters P", ylabel="time of the gradient, in runs")
text = "Cost against P, logarithmic: two lines rise with P, that of reverse mode does not."
plots.describe(plt.gcf(), text)
plt.show()

# %%
# Up to 262 144 parameters reverse mode costs a few runs. (On small arrays, at the left, the fixed
# price of each box counts.) The two others pay for every parameter.

assert (reverse < P[0]).all()  # fewer runs than the smallest network has parameters
backward(program(nodes := [*map(Node, Ws)], x, tanh))
along = sum((node.grad * way).sum() for node, way in zip(nodes, d, strict=True))
assert np.isclose(with_slope(Ws, d, x), along, rtol=1e-8)  # one slope, in both modes
