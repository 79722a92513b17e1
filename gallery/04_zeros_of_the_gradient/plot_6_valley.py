r"""
The pseudo-inverse picks the shortest point of a whole valley
=============================================================

All inputs are equal, so many lines fit equally well: every one that passes through the
mean of y at this x. Among parameters :math:`(a, b)` these lines form a valley with a
level floor. Look for the right angle: the solution of least norm stands where the
perpendicular from the origin meets the floor. See :ref:`many-minimizers`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import affine_error, gradient_descent, least_squares
from lecturecode.plots import COLOURS, contours, describe, path, use_style

x = np.array([2.0, 2.0, 2.0])
y = np.array([1.0, 2.0, 3.0])
start = [1.6, 2.2]

g = affine_error(x, y)
shortest = least_squares(g.W, y)
along = np.array([1.0, -x[0]])  # W @ along = 0: the direction of the floor
floor = shortest + np.linspace(-2, 2, 41)[:, None] * along  # (41, 2)
learning_rate = 1 / np.linalg.eigvalsh(g.hessian(shortest)).max() / 4
from_origin = gradient_descent(g, [0.0, 0.0], learning_rate, steps=200)
from_start = gradient_descent(g, start, learning_rate, steps=200)

use_style()
figure, ax = plt.subplots(figsize=(6.0, 5.2))
contours(g, [(-1.2, 2.4), (-1.6, 2.8)], ax=ax, levels=16, log=True)
ax.plot(*floor.T, color=COLOURS["minimum"], label="minimizers")
a, b = shortest
ax.plot([0, a], [0, b], "--", color="#404055", linewidth=1.2)
ax.plot(
    a,
    b,
    "*",
    color=COLOURS["minimum"],
    markersize=17,
    markeredgecolor="white",
    zorder=5,
    label=r"$W^+ y$",
)
colour = COLOURS["gradient descent"]
path(from_origin, ax=ax, label="gradient descent", colour=colour)
path(from_start, ax=ax, colour=colour)
ax.set(xlabel="slope a", ylabel="intercept b", aspect="equal")
ax.set_title("mean squared error when all x are equal")
ax.legend(loc="lower left")
describe(
    figure,
    "A straight valley with a line of minimizers; a star marks the one "
    "nearest to the origin; a descent from the origin ends in the star, one from "
    "elsewhere ends at another point of the line",
)
plt.show()

# %%
# The formula with the inverse has no answer here, its matrix being singular. Gradient
# descent has one for each start: it never moves along the floor, so from the origin it
# finds :math:`W^+ y`, and from elsewhere the minimizer nearest to its start.

assert np.ptp(g(floor)) < 1e-12, "the floor of the valley should be level"
assert abs(shortest @ along) < 1e-12, (
    "the perpendicular from the origin should meet the floor at a right angle"
)
assert np.linalg.matrix_rank(g.W.T @ g.W) == 1, "the matrix should have no inverse"

assert np.allclose(from_origin.theta, shortest, atol=1e-6), (
    f"the descent from the origin should end in {shortest}, not in {from_origin.theta}"
)
moved = from_start.theta - start
assert np.isclose(moved @ along, 0, atol=1e-6), (
    "a descent should not move along the floor"
)
assert not np.allclose(from_start.theta, shortest, atol=0.1), (
    "the descent from elsewhere should end at another minimizer"
)
