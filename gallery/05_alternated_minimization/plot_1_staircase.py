r"""
Coordinate descent walks down a staircase, in a canyon with tiny steps
======================================================================

Each half-step minimizes over one coordinate and leaves the other where it is, so every
path is made of horizontal and vertical pieces, and each piece ends where it touches a
level line. Look at how the pieces shrink. Where the axes of the bowl are those of the
plane, two pieces are enough. In the tilted bowl they shrink by a constant ratio, and
faster in a rounder bowl. In the canyon thousands of them follow the floor, nearly all
too short to be told apart. See :doc:`/chapters/05_alternated_minimization`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import coordinate_descent, plots
from lecturecode.objectives import Quadratic, Rosenbrock

kappa = 20.0  # how elongated both bowls are; try 2 to 40

tilt = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)  # by 45 degrees
bowl = Quadratic([1.0, kappa])
tilted = Quadratic([1.0, kappa], basis=tilt)
canyon = Rosenbrock()

in_bowl = coordinate_descent(bowl, [-1.8, 1.6], sweeps=5000)
in_tilted = coordinate_descent(tilted, [-1.3, -1.9], sweeps=5000)
in_canyon = coordinate_descent(canyon, [-1.2, 1.0], sweeps=5000)

plots.use_style()
figure, (left, middle, right) = plt.subplots(1, 3, figsize=(10.2, 4.1))
square = [(-2, 2), (-2, 2)]
plots.staircase(in_bowl, bowl, square, ax=left)
plots.staircase(in_tilted, tilted, square, ax=middle)
plots.staircase(in_canyon, canyon, [(-2, 2), (-1, 3)], ax=right, log=True)
left.set_title(f"bowl: {in_bowl.steps} half-steps")
middle.set_title(f"tilted bowl: {in_tilted.steps} half-steps")
right.set_title(f"canyon: {in_canyon.steps} half-steps")
left.legend(loc="lower right")
plots.describe(
    figure,
    "Three sets of level lines. In an upright bowl the path is one "
    "horizontal and one vertical piece. In a tilted bowl it is a staircase "
    "whose steps shrink towards the minimum. In a curved canyon it "
    "follows the floor in steps too small to be seen.",
)
plt.show()

# %%
# In a quadratic bowl of two coordinates every sweep from the second one on multiplies
# both coordinates by :math:`H_{12}^2 / (H_{11} H_{22})`, which is zero for the upright
# bowl. The value never rises, in the canyon neither, but thousands of half-steps there
# gain little each.

for trace in (in_bowl, in_tilted, in_canyon):
    assert trace.converged, "each of the three should arrive"
    assert (np.diff(trace.values) <= 0).all(), "the value should never rise"
    moved = np.diff(trace.thetas, axis=0) != 0  # (steps, 2)
    assert (moved.sum(axis=1) <= 1).all(), "a half-step should move one coordinate"

assert in_bowl.thetas[2].tolist() == [0.0, 0.0], (
    f"two half-steps should be enough in the bowl, but end in {in_bowl.thetas[2]}"
)

H = tilted.hessian(np.zeros(2))
factor = H[0, 1] ** 2 / (H[0, 0] * H[1, 1])
after_sweeps = in_tilted.thetas[2:14:2]  # (6, 2)
ratios = after_sweeps[1:] / after_sweeps[:-1]
assert np.allclose(ratios, factor), (
    f"a sweep should multiply both coordinates by {factor:.4f}, not by {ratios}"
)
assert in_canyon.steps > 20 * in_tilted.steps, (
    "the canyon should take twenty times the half-steps of the tilted bowl"
)
