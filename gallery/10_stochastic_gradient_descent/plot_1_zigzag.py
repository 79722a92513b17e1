r"""
SGD zigzags down the canyon, and with momentum it gets down sooner
==================================================================

A line is fitted to 512 points with inputs that are not standardized, so that the loss
is a canyon with the curvatures 1 and 50. Both walks see four points at a step. Watch
how plain SGD is thrown from wall to wall while it creeps along the floor. With
momentum, at half the learning rate, what the gradients agree on adds up, and the walk
gets further. See :ref:`sgd-zigzag`, :ref:`momentum-faster`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import GradientDescent, Momentum, Network, TotalLoss, plots, train
from lecturecode.losses import SquaredError

learning_rate = 0.01  # try 0.007 or 0.015

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
    "momentum": Momentum(learning_rate / 2, 0.8),
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
    "between the walls and ends on the way; with momentum the walk turns "
    "less often and ends near the minimum.",
)
plt.show()

# %%
# After 100 steps the walk with momentum is less than half as far from the minimum along
# the floor. Plain SGD has crossed the floor again and again, and came along it no
# faster than descent would.

plain = (walks["gradient descent"] - bottom) @ directions  # (101, 2)
with_momentum = (walks["momentum"] - bottom) @ directions
assert abs(with_momentum[-1, 0]) < abs(plain[-1, 0]) / 2, (
    "along the floor momentum should end less than half as far from the minimum"
)
across = plain[:, 1]
crossings = (across[1:] * across[:-1] < 0).sum()
assert crossings > 15, (
    f"plain SGD should cross the floor again and again, not {crossings} times"
)
