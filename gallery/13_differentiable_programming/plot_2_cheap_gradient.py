r"""
A gradient in reverse costs a few runs of the program, whatever P is
====================================================================

The same gradient in three ways, timed in runs of the program, a network of four layers.
One-sided differences move one parameter at a time: :math:`P + 1` runs. Forward mode,
written out below, carries a slope s along: exact, but one slope a run. Reverse mode
walks the graph back. See :ref:`dp-cost`.
"""

from functools import partial
from timeit import timeit

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import plots
from lecturecode.graph import Node, backward, tanh

widths = (4, 8, 16, 32, 64, 128, 256)  # of all four layers


def program(Ws, x, tanh=np.tanh):
    for W in Ws:
        x = tanh(x @ W)
    return (x * x).sum()


def forward_mode(Ws, directions, x):
    """The slope of the program along the directions, carried along as s."""
    s = np.zeros_like(x)
    for W, d in zip(Ws, directions, strict=True):
        slope = s @ W + x @ d
        x = np.tanh(x @ W)
        s = (1 - x * x) * slope
    return (2 * x * s).sum()


def reverse_mode(Ws, x):
    """The gradient of the program, one array for each W."""
    nodes = [Node(W) for W in Ws]
    backward(program(nodes, x, tanh))
    return [node.grad for node in nodes]


def shortest(*jobs):
    """The shortest time of each job. They take turns: a busy machine slows down all."""
    return np.min([[timeit(job, number=1) for job in jobs] for _ in range(25)], axis=0)


rng = np.random.default_rng(0)
P = []
differences = []
forward = []
reverse = []
for n in widths:
    x = rng.normal(size=(100, n))
    Ws = rng.normal(size=(4, n, n)) / np.sqrt(n)
    directions = rng.normal(size=(4, n, n)) / np.sqrt(n)
    run, one_slope, all_slopes = shortest(
        partial(program, Ws, x),
        partial(forward_mode, Ws, directions, x),
        partial(reverse_mode, Ws, x),
    )
    P.append(Ws.size)
    differences.append(Ws.size + 1)
    forward.append(Ws.size * one_slope / run)
    reverse.append(all_slopes / run)

plots.use_style()
figure, ax = plt.subplots()
ax.loglog(P, differences, "s:", color="#d45500", label="differences")
ax.loglog(P, forward, "v--", color="#404055", label="forward mode")
ax.loglog(P, reverse, "o-", color="#006aaa", label="reverse mode")
ax.set(xlabel="parameters P", ylabel="time of the gradient, in runs")
ax.legend()
plots.describe(
    figure,
    "Cost against P, logarithmic: two lines rise with P, "
    "that of reverse mode does not.",
)
plt.show()

# %%
# From 64 to 262 144 parameters reverse mode costs fewer runs than the *smallest*
# network has parameters. On small arrays, at the left, the fixed price of each box
# counts; on large ones, at the right, it is a few runs, since a product of matrices
# has two products on its way back. The two others pay for every parameter.

assert (P[0], P[-1]) == (64, 262_144), "these should be the parameters of the networks"
assert max(reverse) < P[0], (
    "reverse mode should cost fewer runs than the smallest network has parameters, "
    f"not {max(reverse):.0f}"
)
assert reverse[-1] < 10, (
    f"on large arrays reverse mode should cost a few runs, not {reverse[-1]:.0f}"
)
assert forward[-1] > P[-1], (
    "forward mode should cost at least a run for every parameter"
)

gradient = np.stack(reverse_mode(Ws, x))
along = (gradient * directions).sum()
assert np.isclose(forward_mode(Ws, directions, x), along, rtol=1e-8), (
    "both modes should find the same slope along the directions"
)
