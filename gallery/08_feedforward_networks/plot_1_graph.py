r"""
A deep network is a graph that data cross once, from left to right
==================================================================

Four layers between three inputs and two outputs, as in :eq:`eq-four-layers`. Each
circle but the inputs is a neuron, each line between circles a weight: orange where it
is positive, blue where it is negative, wide where it is large. Change ``widths`` and
draw your own; the chapter is :ref:`network-graph`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import Network, plots

widths = (3, 5, 4, 3, 2)  # inputs, then the neurons of each layer

plots.use_style()
network = Network(widths)
theta = network.init(np.random.default_rng(0))

figure, ax = plt.subplots(figsize=(1.4 * (len(widths) + 1), 4.2))
drawn = plots.network_graph(network, ax, theta=theta)
ax.set_title(f"P = {network.size} parameters")
neurons = ", ".join(str(n) for n in widths[1:])
plots.describe(
    figure,
    f"A graph with {widths[0]} circles on the left, the inputs, and columns "
    f"of {neurons} circles, the neurons of each layer. Colored lines join "
    "each circle to all those of the next column. At the right end stands "
    "the loss, into which the target goes too.",
)
plt.show()

# %%
# Every circle but the inputs has a bias and one line from each circle of the column
# before. Their number is :math:`P = \sum_i N_i (N_{i-1} + 1)`, equation
# :eq:`eq-network-size`. All of them together are one flat vector, in which the layers
# are windows.

count = 0
for i, (b, W) in enumerate(network.unpack(theta)):
    assert b.shape == (widths[i + 1],), "each neuron should have a bias"
    assert W.shape == (widths[i + 1], widths[i]), (
        "each neuron should have a line from each circle of the column before"
    )
    assert np.shares_memory(W, theta), "a layer should be a window on theta"
    count += widths[i + 1] * (widths[i] + 1)
assert count == network.size == theta.size, (
    f"the layers should have {network.size} parameters together, not {count}"
)
