r"""
The pseudo-inverse picks the shortest point of a whole valley
=============================================================

All inputs are equal, so many lines fit equally well: every one that passes through the mean of y at
this x. Among parameters :math:`(a, b)` these lines form a valley with a level floor. Look for the
right angle: the solution of least norm stands where the perpendicular from the origin meets the
floor. See :ref:`many-minimizers`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import affine_error, gradient_descent, least_squares
from lecturecode.plots import COLOURS, contours, describe, path, use_style

x, y = np.array([2.0, 2.0, 2.0]), np.array([1.0, 2.0, 3.0])
start = [1.6, 2.2]

use_style()
g = affine_error(x, y)
shortest = least_squares(g.W, y)
along = np.array([1.0, -x[0]])  # W @ along = 0: the direction of the floor
floor = shortest + np.linspace(-2, 2, 41)[:, None] * along  # (41, 2)
learning_rate = 1 / np.linalg.eigvalsh(g.hessian(shortest)).max() / 4
starts = {"gradient descent": [0.0, 0.0], None: start}

figure, ax = plt.subplots(figsize=(6.0, 5.2))
contours(g, [(-1.2, 2.4), (-1.6, 2.8)], ax=ax, levels=16, log=True)
ax.plot(*floor.T, color=COLOURS["minimum"], label="minimizers")
ax.plot(*np.stack([0 * shortest, shortest]).T, "--", color="#404055", lw=1.2)
star = {"color": COLOURS["minimum"], "ms": 17, "mec": "white", "zorder": 5}
ax.plot(*shortest, "*", **star, label=r"$W^+ y$")
ends = []
for label, s in starts.items():
    trace = gradient_descent(g, s, learning_rate, steps=200)
    path(trace, ax=ax, label=label, colour=COLOURS["gradient descent"])
    ends.append(trace.theta)
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
# The formula with the inverse has no answer here, its matrix being singular. Gradient descent has one
# for each start: it never moves along the floor, so from the origin it finds :math:`W^+ y`, and from
# elsewhere the minimizer nearest to its start.

assert np.ptp(g(floor)) < 1e-12
assert abs(shortest @ along) < 1e-12  # the right angle
assert np.allclose(ends[0], shortest, atol=1e-6)
assert np.isclose((ends[1] - start) @ along, 0, atol=1e-6)
assert not np.allclose(ends[1], shortest, atol=0.1)
assert np.linalg.matrix_rank(g.W.T @ g.W) == 1  # of 2: no inverse
