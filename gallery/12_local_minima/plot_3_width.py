r"""
Two neurons often get stuck, sixteen seldom
===========================================

Random starts of a narrow and of a wide network descend side by side on a
wave with noise, with a little weight decay. Each curve is what one of them
computes in the end, dashed if its loss is more than twice the lowest. Look
for the shape of the dashed ones. The section :ref:`minima-low` of the chapter
counts them for more widths and draws of the noise.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import Adam, Network, SquaredError, TotalLoss, minimize
from lecturecode.objectives import Function
from lecturecode.plots import COLOURS, describe, use_style

starts = 50
decay = 3e-4

rng = np.random.default_rng(1)
x = np.linspace(-1, 1, 40)[:, None]
y = np.sin(6 * x) + 0.2 * rng.normal(size=x.shape)


def with_decay(network):
    """The total loss plus decay times the squared norm of theta."""
    total = TotalLoss(network, SquaredError(), x, y)
    return Function(
        lambda theta: total(theta) + decay * (theta**2).sum(-1),
        gradient=lambda theta: total.gradient(theta) + 2 * decay * theta,
    )


use_style()
figure, axes = plt.subplots(1, 2, figsize=(8.0, 3.8), sharey=True)
fine = np.linspace(-1, 1, 201)[:, None]
losses, curves = {}, {}
for ax, neurons in zip(axes, (2, 16), strict=True):
    network = Network((1, neurons, 1), "tanh")
    g = with_decay(network)
    theta = network.init(rng, networks=(starts,))
    for rule, steps in ((Adam(0.03), 800), (Adam(0.003), 400)):
        theta = minimize(g, theta, rule, steps=steps, record_every=0).last
    losses[neurons] = g(theta)
    curves[neurons] = network.predict(theta, fine)[..., 0]  # (starts, 201)
    best = losses[neurons] < 2 * losses[neurons].min()
    ax.plot(x, y, "o", color=COLOURS["data"], markersize=4, alpha=0.6)
    ax.plot(fine, curves[neurons][best].T, color=COLOURS["minimum"], linewidth=1.5)
    ax.plot(fine, curves[neurons][~best].T, "--", color=COLOURS["saddle"])
    ax.set(title=f"{neurons} neurons", xlabel="$x$")
axes[0].set(ylabel="$y$")
describe(
    figure,
    "Dots along a wave. Left, the curves of networks with two neurons: some "
    "follow the wave, and many dashed ones miss a part of it. Right, the curves "
    "of networks with sixteen neurons, which follow the wave, but for at most "
    "a few dashed straight lines",
)
plt.show()

# %%
# With two neurons many descents miss a part of the wave. With sixteen at most a
# few end high up, and what those compute is a straight line. All others of the
# wide network are better than the best of the narrow one.

stuck = {n: loss > 2 * loss.min() for n, loss in losses.items()}
for n, high in stuck.items():
    print(f"{high.sum()} of {starts} descents with {n} neurons end high up")
assert stuck[2].sum() > 10, "many of the narrow networks should end high up"
assert stuck[16].sum() < stuck[2].sum() / 3, "few of the wide ones should"
line = np.hstack([fine**0, fine])
high = curves[16][stuck[16]].T  # (201, stuck)
nearest = line @ np.linalg.lstsq(line, high, rcond=None)[0]
assert (abs(high - nearest) < 0.03).all(), "those should compute a straight line"
assert losses[16][~stuck[16]].max() < losses[2].min(), (
    "all other wide networks should be better than the best narrow one"
)
