r"""
Himmelblau's function is flat at nine points, and Newton's method finds them all
================================================================================

Newton's method looks for a zero of the gradient, of whatever kind. From each point of a fine grid
it is run until the gradient vanishes; the pixel then takes the color of the kind of point that was
found. Near each point the answer is that point; look at the borders, where a start's nearest flat
point need not be the one that is found. The chapter :doc:`/chapters/04_zeros_of_the_gradient` reads
the nine points.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

from lecturecode import classify, find_stationary_point
from lecturecode.objectives import Himmelblau
from lecturecode.plots import COLOURS, contours, describe, mark, use_style

starts_per_side = 51

use_style()
g = Himmelblau()
axis = np.linspace(-5, 5, starts_per_side)
starts = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
traces = [find_stationary_point(g.gradient, g.hessian, start) for start in starts]
ends = np.array([trace.theta for trace in traces])
kinds = classify(g.hessian(ends))
points = np.unique(ends.round(6) + 0.0, axis=0)
found = classify(g.hessian(points))

names = ["minimum", "maximum", "saddle"]
numbers = np.array([names.index(kind) for kind in kinds]).reshape(starts_per_side, -1)
figure, ax = plt.subplots(figsize=(6.0, 5.4))
contours(g, log=True, levels=14, ax=ax)
paint = ListedColormap([COLOURS[name] for name in names])
ax.imshow(numbers, origin="lower", extent=(-5.1, 5.1, -5.1, 5.1), cmap=paint, alpha=0.35)
for name in names:
    mark(points[found == name], name, ax=ax)
ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
ax.set(xlim=(-5, 5), ylim=(-5, 5))
describe(
    figure,
    "The square from -5 to 5, colored by the kind of stationary point that Newton's method reaches: "
    "large green basins of four minima in the corners, bands of four saddles between them, one basin "
    "of the maximum in the middle, with ragged borders",
)
plt.show()

# %%
# All starts arrive, at four minima, four saddles and one maximum. Minima less saddles plus maxima
# make 1, as they must for a smooth surface over the plane that rises on all sides and has no
# degenerate flat point.

assert all(trace.converged for trace in traces)
counts = {name: int((found == name).sum()) for name in names}
assert counts == {"minimum": 4, "maximum": 1, "saddle": 4}
assert counts["minimum"] - counts["saddle"] + counts["maximum"] == 1
