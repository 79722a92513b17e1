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

decay, noise = 1e-3, 0.5
use_style()
rng = np.random.default_rng(0)
x = np.linspace(-1, 1, 40)[:, None]
y = np.sin(4 * x) + 0.2 * rng.normal(size=x.shape)
figure, axes = plt.subplots(1, 2, figsize=(7.6, 4.0), sharey=True)
found = {}
for ax, neurons in zip(axes, (2, 4), strict=True):
    network = Network((1, neurons, 1), "tanh")
    total = TotalLoss(network, SquaredError(), x, y)
    g = Function(
        lambda t, L=total: L(t) + decay * (t**2).sum(-1),
        lambda t, L=total: L.gradient(t) + 2 * decay * t,
        lambda t, L=total: L.hessian(t) + 2 * decay * np.eye(t.shape[-1]),
    )
    first = network.init(rng, networks=(10,))
    path = gradient_descent(g, first, 0.1, steps=1000).thetas[::200]
    starts = (path + noise * rng.normal(size=path.shape)).reshape(60, -1)
    ends = [find_stationary_point(g.gradient, g.hessian, s) for s in starts]
    flat = np.stack([end.theta for end in ends if end.converged])
    loss, lam = g(flat), np.linalg.eigvalsh(g.hessian(flat))
    index = (lam < 0).sum(axis=1)
    assert abs(lam).min() > 1e-5
    found[neurons] = loss, index
    height = index + rng.uniform(-0.15, 0.15, len(index))
    for kind, some in (("saddle", index > 0), ("minimum", index == 0)):
        look = {"color": COLOURS[kind], "alpha": 0.6, "label": kind}
        ax.plot(loss[some], height[some], KINDS[kind], ls="none", **look)
    ax.set(title=f"{neurons} neurons", xlabel=r"$g(\theta)$")
axes[0].set(ylabel="negative eigenvalues", yticks=range(5))
axes[0].legend(loc="upper left")
describe(figure, "For two networks the index rises with the loss, in steps")
plt.show()

# %%
# All that were found above 0.1 are saddles, and on the whole the index grows
# with the loss. Many are twins, and the high ones are smaller networks.

loss, index = np.hstack(list(found.values()))
assert len(loss) > 80
assert (index[loss > 0.1] > 0).all()
assert all(np.corrcoef(*pair)[0, 1] > 0.7 for pair in found.values())
