r"""
The gradient crosses the level lines at right angles
====================================================

The arrows are gradients of Himmelblau's function, of which :ref:`the chapter
<jacobian-and-convention>` says two things: along a level line g does not change, so the
gradient :eq:`eq-gradient` has no part along it, and no direction rises faster. Look for
arrows that are tilted against their line, and for the points where the arrows vanish.
Both axes have the same scale here; with unequal scales right angles would not look
right.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode.objectives import Himmelblau
from lecturecode.plots import contours, describe, mark, use_style

arrows_per_axis = 13

use_style()
g = Himmelblau()
axis = np.linspace(-4.5, 4.5, arrows_per_axis)
theta = np.stack(np.meshgrid(axis, axis), axis=-1)  # (13, 13, 2)
gradient = g.gradient(theta)
length = np.linalg.norm(gradient, axis=-1, keepdims=True)
arrow = gradient / np.sqrt(length)  # steep places would hide the others

figure, axes = plt.subplots(figsize=(6.0, 5.6))
contours(g, [(-5, 5), (-5, 5)], ax=axes, levels=14, log=True)
feet = theta.reshape(-1, 2)
arrows = arrow.reshape(-1, 2)
axes.quiver(*feet.T, *arrows.T, angles="xy", color="#006aaa", width=0.004)
mark(g.minima, "minimum", ax=axes)
axes.set(aspect="equal", title="Gradients (square root of their length)")
axes.legend(loc="lower right")
describe(
    figure,
    "Level lines of a surface with four valleys and a field of arrows. "
    "Every arrow is perpendicular to the level line through its foot "
    "and points uphill.",
)
plt.show()

# %%
# No arrow leans to either side. They get shorter towards the four minima, and also
# towards the hilltop and the passes between the valleys: there, too, the gradient is
# zero and has no direction.
#
# To measure the angle, take a step along the level line, the arrow turned by a quarter,
# and see how much g changes. A step of the same length along the arrow changes it by
# the length of the gradient.

step = 1e-5
uphill = gradient / length
along = np.stack([-uphill[..., 1], uphill[..., 0]], axis=-1)
rise = (g(theta + step * uphill) - g(theta - step * uphill)) / (2 * step)
drift = (g(theta + step * along) - g(theta - step * along)) / (2 * step)
largest = np.max(abs(drift) / length[..., 0])
print(f"change along the level line: at most {largest:.0e} of the gradient")

assert np.allclose(rise, length[..., 0], rtol=1e-5), (
    "along the arrow g should change by the length of the gradient"
)
assert largest < 1e-5, (
    f"the change along a level line should be 0, not {largest:.0e} of the gradient"
)
