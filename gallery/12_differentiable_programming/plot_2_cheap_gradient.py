r"""
A gradient in reverse costs a few runs of the program, whatever P is
====================================================================

The same gradient in three ways, measured in runs of the program, a network of four layers. One-sided
differences move one parameter at a time: P + 1 runs. Forward mode, written out below, carries a slope
along; exact, but one slope a run. Reverse mode walks the graph back: look at its line. :ref:`dp-cost`.
"""

from functools import partial
from time import process_time
from timeit import repeat

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import plots
from lecturecode.graph import Node, backward, tanh

seconds = partial(repeat, number=1, repeat=15, timer=process_time)
widths = (4, 8, 16, 32, 64, 128, 256)  # of all four layers


def program(Ws, x, tanh=np.tanh):
    for W in Ws:
        x = tanh(x @ W)
    return (x * x).sum()


def both(nodes, x):
    backward(program(nodes, x, tanh))


def with_slope(Ws, directions, x):  # forward mode: s is the slope of x
    s = 0 * x
    for W, d in zip(Ws, directions, strict=True):
        x, s = np.tanh(x @ W), s @ W + x @ d
        s = (1 - x * x) * s
    return (2 * x * s).sum()


plots.use_style()
rng, P, cost = np.random.default_rng(0), 4 * np.square(widths), []
for n in widths:
    x, Ws, d = rng.normal(size=(100, n)), *rng.normal(size=(2, 4, n, n)) / np.sqrt(n)
    jobs = partial(program, Ws, x), partial(with_slope, Ws, d, x), partial(both, [*map(Node, Ws)], x)
    run, forward, reverse = (min(seconds(job)) for job in jobs)
    cost.append((4 * n * n + 1, 4 * n * n * forward / run, reverse / run))
for ways, look in zip(np.transpose(cost), ("s:#d45500", "v--#404055", "o-#006aaa"), strict=True):
    plt.loglog(P, ways, look[:-7], color=look[-7:])
plt.legend(["differences", "forward mode", "reverse mode"])
plt.gca().set(xlabel="parameters P", ylabel="gradient / program")
plots.describe(plt.gcf(), "Cost against P, logarithmic: two lines rise with P, reverse mode is level.")
plt.show()

# %%
# From 64 to 262 144 parameters reverse mode costs a few runs, most where the arrays are small and the
# fixed price of each box counts. The others cost P times as much as they do for one parameter.

assert max(ways) < 30 < P[0]  # reverse mode, in runs of the program
