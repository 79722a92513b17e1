r"""
The stationary points found at a high loss are saddles
======================================================

Newton's method ends at flat points of any kind. It is started along
descents, shaken by noise, for 2 and 4 tanh neurons with weight decay. Each
mark is a flat point: to the right its loss, upwards its index, the number of
negative eigenvalues. Triangles are minima. See :ref:`minima-saddles`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import Network, SquaredError, TotalLoss, gradient_descent
from lecturecode.objectives import Function
from lecturecode.plots import COLOURS, KINDS, describe, use_style
from lecturecode.stationary import find_stationary_point

decay = 1e-3
noise = 0.5

rng = np.random.default_rng(0)
x = np.linspace(-1, 1, 40)[:, None]
y = np.sin(4 * x) + 0.2 * rng.normal(size=x.shape)


def with_decay(total):
    """The total loss plus decay times the squared norm of theta."""

    def value(theta):
        return total(theta) + decay * (theta**2).sum(-1)

    def gradient(theta):
        return total.gradient(theta) + 2 * decay * theta

    def hessian(theta):
        return total.hessian(theta) + 2 * decay * np.eye(theta.shape[-1])

    return Function(value, gradient, hessian)


use_style()
figure, axes = plt.subplots(1, 2, figsize=(7.6, 4.0), sharey=True)
losses = {}
indices = {}
for ax, neurons in zip(axes, (2, 4), strict=True):
    network = Network((1, neurons, 1), "tanh")
    g = with_decay(TotalLoss(network, SquaredError(), x, y))
    first = network.init(rng, networks=(10,))
    descents = gradient_descent(g, first, 0.1, steps=1000).thetas[::200]
    starts = descents + noise * rng.normal(size=descents.shape)
    starts = starts.reshape(60, network.size)
    ends = [find_stationary_point(g.gradient, g.hessian, start) for start in starts]
    flat = np.stack([end.theta for end in ends if end.converged])

    loss = g(flat)
    lam = np.linalg.eigvalsh(g.hessian(flat))
    assert abs(lam).min() > 1e-5, "no eigenvalue should be zero: the signs are certain"
    index = (lam < 0).sum(axis=1)
    losses[neurons] = loss
    indices[neurons] = index

    height = index + rng.uniform(-0.15, 0.15, len(index))
    for kind, chosen in (("saddle", index > 0), ("minimum", index == 0)):
        ax.plot(
            loss[chosen],
            height[chosen],
            KINDS[kind],
            linestyle="none",
            color=COLOURS[kind],
            alpha=0.6,
            label=kind,
        )
    ax.set(title=f"{neurons} neurons", xlabel=r"$g(\theta)$")
axes[0].set(ylabel="negative eigenvalues", yticks=range(5))
axes[0].legend(loc="upper left")
describe(figure, "For two networks the index rises with the loss, in steps")
plt.show()

# %%
# All that were found above 0.1 are saddles, and on the whole the index grows
# with the loss. The many points of each network have only a few different
# heights; the chapter tells why they stand in steps.

count = sum(len(loss) for loss in losses.values())
assert count > 80, f"most of the 120 searches should end at a flat point, not {count}"
for neurons, loss in losses.items():
    index = indices[neurons]
    assert (index[loss > 0.1] > 0).all(), "all flat points above 0.1 should be saddles"
    heights = np.unique(loss.round(5))
    assert len(heights) < len(loss) / 3, "many flat points should share their height"
    correlation = np.corrcoef(loss, index)[0, 1]
    assert correlation > 0.7, (
        f"the index should grow with the loss, correlation {correlation:.2f}"
    )
