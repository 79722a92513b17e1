r"""
A minibatch that is too small wastes the device
===============================================

On a CPU a step of training takes about :math:`t_0 + t_1 n` seconds for a minibatch of
:math:`n` samples, so that a sample costs :math:`t_0/n + t_1`
(:eq:`eq-time-per-sample`). Two networks are timed on whatever device is here. Where is
the bend of each, at :math:`n = t_0/t_1`? The chapter: :ref:`gpu-batch-size`.
"""

from time import perf_counter

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch.nn.functional import cross_entropy

from lecturecode import least_squares, plots
from lecturecode.pytorch import MLP, device

networks = {"narrow": (64, 32, 10), "wide": (784, 512, 10)}  # try others

torch.set_num_threads(1)
there = device()
sizes = 4 ** np.arange(7)


def seconds(widths, n):
    """Time a step of each of some rounds, and return the shortest."""
    module = MLP(widths, "relu").to(there)
    optimizer = torch.optim.Adam(module.parameters())
    x = torch.rand(n, widths[0], device=there)
    y = torch.zeros(n, dtype=int, device=there)
    rounds = 30 if n < 1000 else 10
    best = np.inf
    for _ in range(rounds):
        begin = perf_counter()
        optimizer.zero_grad()
        cross_entropy(module(x), y).backward()
        optimizer.step()
        module.theta[0].item()  # asks for a number: the step is over
        best = min(best, perf_counter() - begin)
    return best


plots.use_style()
figure, ax = plt.subplots(figsize=(7, 4.2))
markers = ["o", "s"]
waste, bends = {}, {}
for (name, widths), marker in zip(networks.items(), markers, strict=True):
    times = np.array([seconds(widths, int(n)) for n in sizes])
    per_sample = times / sizes
    # The least squares of relative errors: each row is divided by its time.
    W = np.stack([np.ones(len(sizes)), sizes], axis=-1) / times[:, None]
    t0, t1 = least_squares(W, np.ones(len(sizes)))
    bends[name] = t0 / t1
    label = f"{name}, bend at {bends[name]:.0f}"
    (line,) = ax.loglog(sizes, 1e6 * (t0 / sizes + t1), label=label)
    ax.loglog(sizes, 1e6 * per_sample, marker, color=line.get_color())
    waste[name] = per_sample[0] / per_sample.min()
ax.set(xlabel="minibatch $n$", ylabel="microseconds per sample")
ax.set_title(f"on: {there.type}")
ax.legend()
plots.describe(
    figure,
    "Time per sample falls with the size of the minibatch, then levels off.",
)
plt.show()

# %%
# Both fall like :math:`1/n` at first. The wide network computes more for each sample,
# while Python asks for the same operations, so that the bend comes at a smaller
# minibatch.

assert min(waste.values()) > 3, (
    f"alone, a sample should take three times as long as in the best minibatch: {waste}"
)
if set(networks) == {"narrow", "wide"}:
    assert bends["wide"] < bends["narrow"], (
        f"the wide network should be busy at a smaller minibatch: {bends}"
    )
