r"""
Along a curve of equal loss the gradient changes its size
=========================================================

Multiply all that a ReLU neuron takes in by :math:`\beta > 0` and divide all
that it gives out: the network computes the same. So a curve of equal loss
runs through each :math:`\theta`. The left picture follows it in the plane of
one incoming and one outgoing weight; on the right stand three numbers along
it. Look for the one that does not change. See :ref:`minima-rescaling`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import Network, SquaredError, TotalLoss, rescale_neuron
from lecturecode.plots import COLOURS, contours, describe, use_style

rng = np.random.default_rng(0)
network = Network((2, 3, 1), "relu")
x = rng.normal(size=(200, 2))
y = np.sin(2 * x[:, :1]) + x[:, 1:]
g = TotalLoss(network, SquaredError(), x, y)
theta = abs(network.init(rng))
into = 3  # the place of W^1_{11} in theta; W^1_{12} follows
out = 10  # the place of W^2_{11}

beta = np.geomspace(0.05, 20, 81)
curve = np.stack([rescale_neuron(network, theta, 1, 0, b) for b in beta])
size = np.linalg.norm(g.gradient(curve), axis=-1)
sharpest = np.linalg.eigvalsh(g.hessian(curve))[:, -1]


def slice_of_g(pair):
    moved = np.tile(theta, (*pair.shape[:-1], 1))
    moved[..., into : into + 2] *= pair[..., :1] / theta[into]
    moved[..., out] = pair[..., 1]
    return g(moved)


use_style()
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 4.0))
contours(slice_of_g, [(0.05, 4), (0.05, 4)], ax=left, levels=16)
look = {"color": COLOURS["model"], "linewidth": 2.5}
left.plot(curve[:, into], curve[:, out], label="the same function", **look)
left.legend(loc="upper right")
left.set(xlim=(0.05, 4), ylim=(0.05, 4))
left.set(xlabel="incoming weight", ylabel="outgoing weight")

right.loglog(beta, g(curve), label=r"$g$")
right.loglog(beta, size, "--", label=r"$\Vert\nabla g\Vert$")
right.loglog(beta, sharpest, ":", label=r"$\lambda_{\max}(H)$")
right.set_xlabel(r"$\beta$")
right.legend()
describe(
    figure,
    "left a hyperbola along a level line of the loss, right the loss "
    "constant, gradient and largest eigenvalue rising to both ends",
)
plt.show()

# %%
# The loss is the same to rounding. The gradient is several times as long at
# the ends, and the largest eigenvalue more than ten times as large, so that a
# bowl of this curvature would need a learning rate less than a tenth as large.

assert np.ptp(g(curve)) < 1e-12 * g(theta), "along the curve the loss should not change"
assert min(size[0], size[-1]) > 3 * size.min(), (
    "at both ends the gradient should be several times as long"
)
assert min(sharpest[0], sharpest[-1]) > 10 * sharpest.min(), (
    "at both ends the largest eigenvalue should be ten times as large"
)
