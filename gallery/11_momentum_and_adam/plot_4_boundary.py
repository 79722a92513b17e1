r"""
A decision boundary bends until it parts two moons
==================================================

A network with two inputs and two outputs is fitted to 300 points of two classes. The
pale color of a place tells which output is the larger one there, and the dark line
between them is the decision boundary. No straight line parts these points. Look at when
the boundary begins to bend: a straight cut is found within a few steps, and the way
from there takes most of the time. See :doc:`/chapters/11_momentum_and_adam`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import Adam, CrossEntropy, Network, plots, train

learning_rate = 0.01  # try 0.1; 0.003 needs twice the epochs
activation = "tanh"  # with "relu" the boundary has corners

plots.use_style()
rng = np.random.default_rng(0)
angle = rng.uniform(0, np.pi, 300)
y = np.arange(300) % 2
x = np.column_stack([np.cos(angle), np.sin(angle)])
x[y == 1] = [1.0, 0.4] - x[y == 1]  # the second moon, upside down
x += rng.normal(scale=0.12, size=x.shape)

network = Network((2, 16, 16, 2), activation)
how = {"epochs": 20, "batch_size": 30, "record_every": 5, "rng": 0}
trace = train(network, CrossEntropy(), x, y, Adam(learning_rate), **how)
names = ("upper moon", "lower moon")
animation = plots.animate_boundary(network, trace, x, y, classes=names, frames=24)
plots.describe(
    plt.gcf(),
    "Animation. Two crescents of points that reach into each other, and a "
    "line between two regions. The line begins anywhere, soon cuts right "
    "through between them, and then bends into an S that parts them.",
)
plt.show()

# %%
# A network without a hidden layer draws straight lines only, and is right for nine
# points in ten. The large one cuts nearly as well after a few steps; the bend takes it
# most of the other steps.


def share_right(network, theta):
    return np.mean(network.predict(theta, x).argmax(axis=-1) == y)


straight = Network((2, 2))
line = train(straight, CrossEntropy(), x, y, Adam(0.1), **how)
by_line = share_right(straight, line.theta)
by_network = np.array([share_right(network, theta) for theta in trace.thetas])
cut = 5 * np.argmax(by_network >= 0.84)  # every fifth step is recorded
bent = 5 * np.argmax(by_network >= 0.98)
print(f"line {by_line:.0%}, 84 % after {cut} steps, 98 % after {bent}")

assert by_line < 0.93, (
    f"no straight line should part the moons, but {by_line:.0%} are right"
)
assert by_network[-1] > 0.98, (
    f"the bent boundary should part them, but only {by_network[-1]:.0%} are right"
)
assert 2 * cut <= bent, (
    f"the bend should take most of the steps, the cut {cut} of {bent}"
)
