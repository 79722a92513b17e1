r"""
A hidden layer bends at most once for each of its neurons
=========================================================

Networks with one hidden layer of 1, 3 and 30 ReLU neurons are fitted to the same wave, without
noise. A ReLU neuron is a straight line with one kink, so that a sum of :math:`n` of them has at most
:math:`n + 1` straight pieces. Look for the kinks, marked by dots. Wide networks can come as near as
you like to any continuous curve on an interval: :ref:`why-nonlinear`.
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
    rule = lc.Adam(0.02)
    trace = lc.minimize(g.value_and_gradient, theta, rule, steps=1000)
    losses.append(trace.value)

    (b, W), _ = network.unpack(trace.theta)
    kinks = -b / W[:, 0]  # where the pre-activation of a neuron is zero
    kinks = kinks[abs(kinks) < 2][:, None]
    assert len(kinks) <= n
    ax.plot(x, y, color=plots.COLOURS["data"], linestyle="--", label="wave")
    prediction = network.predict(trace.theta, x)
    ax.plot(x, prediction, color=plots.COLOURS["model"], label="network")
    height = network.predict(trace.theta, kinks)
    ax.plot(kinks, height, "o", color=plots.COLOURS["model"], markersize=5)
    ax.set(xlabel="$x$", title=f"n = {n}: loss {trace.value:.2g}")
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
# One kink cannot follow two turns. Three neurons get the shape, thirty the curve itself. Whether
# that is wise for noisy samples is another question: :ref:`risk-measured`.

assert losses[0] > 5 * losses[1] > 25 * losses[2]
