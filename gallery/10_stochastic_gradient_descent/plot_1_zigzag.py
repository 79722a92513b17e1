r"""
SGD zigzags down the canyon, and with momentum it gets down sooner
==================================================================

A line is fitted to 512 points with inputs that are not standardized, so that the loss is a canyon
with the curvatures 1 and 50. Both walks see four points at a step. Watch how plain SGD is thrown
from wall to wall while it creeps along the floor. With momentum, at half the learning rate, what the
gradients agree on adds up, and the walk gets further. See :ref:`sgd-zigzag`, :ref:`sgd-faster`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import GradientDescent, Momentum, Network, TotalLoss, plots, train
from lecturecode.losses import SquaredError

learning_rate = 0.01  # try 0.007 or 0.015

plots.use_style()
rng = np.random.default_rng(0)
u = rng.standard_normal(512)
x = np.sqrt(12) + np.sqrt(12.5) * (u - u.mean())[:, None] / u.std()
y = 1 + 0.5 * x + rng.standard_normal((512, 1))
line, loss = Network((1, 1)), SquaredError()
canyon = TotalLoss(line, loss, x, y)
curvatures, axes = np.linalg.eigh(canyon.hessian([0.0, 0.0]))
axes = axes * np.sign(axes[0])  # along the floor, across it
zero = np.zeros(2)
bottom = -np.linalg.solve(canyon.hessian(zero), canyon.gradient(zero))
start = bottom + axes @ [-3.0, 0.6]

walks, more = {}, {"epochs": 1, "batch_size": 4, "rng": 0, "theta": start}
rules = GradientDescent(learning_rate), Momentum(learning_rate / 2, 0.8)
for rule in rules:
    run = train(line, loss, x, y, rule, record_every=1, **more)
    name = "gradient descent" if len(walks) == 0 else "momentum"
    walks[name] = run.thetas[:101]
look = {"log": True, "panels": True, "frames": 26}
box = [(-2.6, 2.0), (-0.1, 1.8)]
animation = plots.animate_path(canyon, walks, box, **look)
for ax, name in zip(plt.gcf().axes, ("SGD", "with momentum"), strict=True):
    ax.set(title=name, xlabel="$b$", ylabel="$w$")
plots.describe(
    plt.gcf(),
    "Two walks of a hundred steps in the same long canyon. Plain SGD zigzags "
    "between the walls and ends on the way; with momentum the walk turns "
    "less often and ends near the minimum.",
)
plt.show()

# %%
# After 100 steps the walk with momentum is less than half as far from the minimum along the floor.
# Plain SGD has crossed the floor again and again, and came along it no faster than descent would.

errors = (np.stack(list(walks.values())) - bottom) @ axes
(along, along_2), across = errors[..., 0], errors[0, :, 1]
assert abs(along[-1]) > 2 * abs(along_2[-1])
assert (across[1:] * across[:-1] < 0).sum() > 15
