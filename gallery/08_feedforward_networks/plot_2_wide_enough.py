r"""
A hidden layer bends at most once for each of its neurons
=========================================================

Networks with one hidden layer of 1, 3 and 30 ReLU neurons are fitted to the same wave,
without noise. A ReLU neuron is a straight line with one kink, so that a sum of
:math:`n` of them has at most :math:`n + 1` straight pieces. Look for the kinks, marked
by dots. Wide networks can come as near as you like to any continuous curve on an
interval: :ref:`why-nonlinear`.
"""

import matplotlib.pyplot as plt
import numpy as np

import lecturecode as lc
from lecturecode import plots

widths = (1, 3, 30)  # neurons in the hidden layer
starts = 20  # descents side by side; the best one is drawn

plots.use_style()
x = np.linspace(-2, 2, 161)[:, None]
y = np.sin(2 * x) + x / 2
figure, axes = plt.subplots(1, len(widths), figsize=(9.0, 3.4), sharey=True)
losses = []
for ax, n in zip(axes, widths, strict=True):
    network = lc.Network((1, n, 1), "relu")
    g = lc.TotalLoss(network, lc.SquaredError(), x, y)
    theta = network.init(0, networks=(starts,))
    trace = lc.minimize(g.value_and_gradient, theta, lc.Adam(0.02), steps=1000)
    losses.append(trace.value)

    hidden, _ = network.unpack(trace.theta)
    b, W = hidden
    kinks = -b / W[:, 0]  # where the pre-activation of a neuron is zero
    kinks = kinks[abs(kinks) < 2][:, None]
    prediction = network.predict(trace.theta, x)
    height = network.predict(trace.theta, kinks)
    ax.plot(x, y, color=plots.COLOURS["data"], linestyle="--", label="wave")
    ax.plot(x, prediction, color=plots.COLOURS["model"], label="network")
    ax.plot(kinks, height, "o", color=plots.COLOURS["model"], markersize=5)
    ax.set(xlabel="$x$", title=f"n = {n}: loss {trace.value:.2g}")

    slope = np.diff(prediction[:, 0])
    straight = np.isclose(slope[1:], slope[:-1], rtol=0, atol=1e-9)
    bent = abs(x[1:-1] - kinks.T).min(axis=1) < x[1] - x[0]  # next to a kink
    assert (straight | bent).all(), (
        "the network should be straight except at the kinks of its neurons"
    )
axes[0].set_ylabel("$y$")
axes[0].legend()
plots.describe(
    figure,
    "Three panels with the same dashed wave and the fit of a network. One "
    "neuron gives a line with a single kink, three give a coarse zigzag "
    "that has the wave's turns, thirty cannot be told from the wave.",
)
plt.show()

# %%
# One kink cannot follow two turns. Three neurons get the shape, thirty the curve
# itself. Whether that is wise for noisy samples is another question:
# :ref:`risk-measured`.

assert losses[0] > 5 * losses[1], (
    f"three neurons should have a fifth of the loss of one, {losses}"
)
assert losses[1] > 5 * losses[2], (
    f"thirty neurons should have a fifth of the loss of three, {losses}"
)
