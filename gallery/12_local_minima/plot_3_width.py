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

widths = (1, 2, 3, 4, 8, 16, 32)
starts = 50
near = 1.5

rng = np.random.default_rng(0)
x = np.linspace(-1, 1, 40)[:, None]
y = np.sin(6 * x) + 0.2 * rng.normal(size=x.shape)
ends = {}
for neurons in widths:
    network = Network((1, neurons, 1), "tanh")
    g = TotalLoss(network, SquaredError(), x, y)
    theta = network.init(rng, networks=(starts,))
    for rule in (Adam(0.02), Adam(0.002)):
        run = minimize(g.value_and_gradient, theta, rule, steps=1000)
        theta = run.last
    ends[neurons] = g(theta)  # (starts,)

share = {}
for neurons, loss in ends.items():
    share[neurons] = (loss < near * loss.min()).mean()

use_style()
figure, (left, right) = plt.subplots(1, 2, figsize=(8.0, 4.0))
colour = COLOURS["Adam"]
for neurons, loss in ends.items():
    across = neurons * np.exp(rng.uniform(-0.12, 0.12, starts))
    left.plot(across, loss, "o", markersize=4.5, alpha=0.5, color=colour)
right.plot(widths, list(share.values()), "o-", color=colour)
for ax in (left, right):
    ax.set(xscale="log", xlabel="neurons")
    ax.set_xticks(widths, widths)
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

assert share[2] < 0.5, (
    f"with two neurons most should end far above the best, but {share[2]:.0%} are near"
)
for neurons in (16, 32):
    assert share[neurons] > 0.8, (
        f"with {neurons} neurons nearly all should end near the best, "
        f"not {share[neurons]:.0%}"
    )
for neurons in (8, 16, 32):
    assert ends[neurons].max() < ends[2].min(), (
        f"the worst end of {neurons} neurons should be below the best of two"
    )
