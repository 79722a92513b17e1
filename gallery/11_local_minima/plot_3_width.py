r"""
Wide networks end close together, and low
=========================================

Fifty random starts of one network descend side by side, for each of seven
widths, and each dot is where one of them ends. There is no weight decay
here. Look at the spread of the dots for each width, and at their level. The
section :ref:`minima-low` of the chapter certifies bad minima.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import Adam, Network, SquaredError, TotalLoss, minimize
from lecturecode.plots import COLOURS, describe, use_style

starts, steps, near = 50, 1000, 1.5

use_style()
rng = np.random.default_rng(0)
x = np.linspace(-1, 1, 40)[:, None]
y = np.sin(6 * x) + 0.2 * rng.normal(size=x.shape)
ends = {}
for neurons in (1, 2, 3, 4, 8, 16, 32):
    network = Network((1, neurons, 1), "tanh")
    g = TotalLoss(network, SquaredError(), x, y)
    theta = network.init(rng, networks=(starts,))
    for rule in (Adam(0.02), Adam(0.002)):
        run = minimize(g.value_and_gradient, theta, rule, steps=steps)
        theta = run.last
    ends[neurons] = g(theta)

share = {n: float((v < near * v.min()).mean()) for n, v in ends.items()}
figure, (left, right) = plt.subplots(1, 2, figsize=(8.0, 4.0))
for n, loss in ends.items():
    across = n * np.exp(rng.uniform(-0.12, 0.12, starts))
    left.plot(across, loss, "o", ms=4.5, alpha=0.5, color=COLOURS["Adam"])
right.plot(list(share), list(share.values()), "o-", color=COLOURS["Adam"])
for ax in (left, right):
    ax.set(xscale="log", xlabel="neurons")
    ax.set_xticks(list(ends), list(ends))
    ax.minorticks_off()
left.set(yscale="log", title="final loss of each start")
right.set(ylim=(0, 1.05), title=f"share within {near} times the best")
describe(
    figure,
    "Left, final losses of fifty starts for widths 1 to 32: far apart for "
    "two neurons, low and close for wide networks. Right, the share near "
    "the best of their width dips at two neurons and then rises towards one",
)
plt.show()

# %%
# One neuron cannot follow the wave, and all its starts fail alike. With two
# most end far above the best. From sixteen on nearly all are good. The dots
# are where descents stopped; the minima below them can only be lower.

assert share[2] < 0.5
assert min(share[16], share[32]) > 0.8
assert max(ends[n].max() for n in (8, 16, 32)) < ends[2].min()
