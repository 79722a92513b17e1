r"""
SGD zigzags down the canyon; momentum is as fast and calmer
===========================================================

A line is fitted to 512 points with inputs that are not standardized, so that the loss
is a canyon with the curvatures 1 and 50. Both walks see four points at a step, and both
move at the same speed along the floor: momentum multiplies its learning rate by
:math:`1/(1-\alpha) = 5` there. Watch how plain SGD is thrown from wall to wall, and how
momentum swings less often and less far. See :ref:`sgd-zigzag`, :ref:`momentum-faster`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import GradientDescent, Momentum, Network, TotalLoss, plots, train
from lecturecode.losses import SquaredError

learning_rate = 0.025  # try 0.015 or 0.03

rng = np.random.default_rng(0)
u = rng.standard_normal(512)
x = np.sqrt(12) + np.sqrt(12.5) * (u - u.mean())[:, None] / u.std()
y = 1 + 0.5 * x + rng.standard_normal((512, 1))
network = Network((1, 1))
loss = SquaredError()
canyon = TotalLoss(network, loss, x, y)

zero = np.zeros(2)
H = canyon.hessian(zero)
bottom = -np.linalg.solve(H, canyon.gradient(zero))
_, directions = np.linalg.eigh(H)  # columns: along the floor, across it
directions = directions * np.sign(directions[0])
start = bottom + directions @ [-3.0, 0.6]

rules = {
    "gradient descent": GradientDescent(learning_rate),
    "momentum": Momentum(learning_rate / 5, 0.8),
}
how = {"epochs": 1, "batch_size": 4, "rng": 0, "start": start, "record_every": 1}
walks = {}
for name, rule in rules.items():
    run = train(network, loss, x, y, rule, **how)
    walks[name] = run.thetas[:101]

plots.use_style()
box = [(-2.6, 2.0), (-0.1, 1.8)]
animation = plots.animate_path(canyon, walks, box, log=True, panels=True, frames=26)
left, right = plt.gcf().axes
left.set(title="SGD", xlabel="$b$", ylabel="$w$")
right.set(title="with momentum", xlabel="$b$", ylabel="$w$")
plots.describe(
    plt.gcf(),
    "Two walks of a hundred steps in the same long canyon. Plain SGD zigzags "
    "between the walls all the way; with momentum the walk turns less often, "
    "and is less far from the floor.",
)
plt.show()

# %%
# After 100 steps both have come about as near to the minimum along the floor. On the
# way, momentum is little more than half as far from the floor, root mean square.

plain = (walks["gradient descent"] - bottom) @ directions  # (101, 2)
with_momentum = (walks["momentum"] - bottom) @ directions
assert abs(with_momentum[81:, 0].mean() - plain[81:, 0].mean()) < 0.3, (
    "along the floor the two walks should have come about as far"
)
across = plain[:, 1]
crossings = (across[1:] * across[:-1] < 0).sum()
assert crossings > 30, (
    f"plain SGD should cross the floor again and again, not {crossings} times"
)
size, calmer = ((walk[20:, 1] ** 2).mean() ** 0.5 for walk in (plain, with_momentum))
assert calmer < 0.7 * size, (
    f"momentum should be nearer to the floor than {size:.2f}, not {calmer:.2f} away"
)
