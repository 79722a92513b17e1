r"""
Himmelblau's function is flat at nine points, and Newton's method finds them all
================================================================================

Newton's method looks for a zero of the gradient, of whatever kind. From each point of a
fine grid it is run until the gradient vanishes; the pixel then takes the color of the
kind that was found. Close to a flat point the search ends there. Look at the ragged
borders: from some starts it passes the nearest one by. The chapter
:doc:`/chapters/04_zeros_of_the_gradient` reads the nine points.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

from lecturecode import classify, find_stationary_point
from lecturecode.objectives import Himmelblau
from lecturecode.plots import COLOURS, contours, describe, mark, use_style

starts_per_side = 35  # try 71

use_style()
g = Himmelblau()
axis = np.linspace(-5, 5, starts_per_side)
starts = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
traces = [find_stationary_point(g.gradient, g.hessian, s) for s in starts]
ends = np.array([trace.theta for trace in traces])
kinds = classify(g.hessian(ends))
points = np.unique(ends.round(6) + 0.0, axis=0)  # + 0.0 turns -0 into 0
found = classify(g.hessian(points))

names = ["minimum", "maximum", "saddle"]
numbers = np.array([names.index(kind) for kind in kinds])
square = numbers.reshape(starts_per_side, starts_per_side)
paint = ListedColormap([COLOURS[name] for name in names])

figure, ax = plt.subplots(figsize=(6.0, 5.4))
contours(g, log=True, levels=14, ax=ax)
ax.pcolormesh(axis, axis, square, cmap=paint, alpha=0.35, rasterized=True)
for name in names:
    mark(points[found == name], name, ax=ax)
ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
ax.set(xlim=(-5, 5), ylim=(-5, 5))
describe(
    figure,
    "A square colored by the kind of stationary point that is reached: "
    "large basins of four minima in the corners, bands of four saddles "
    "between them, one basin of the maximum in the middle, with ragged borders",
)
plt.show()

# %%
# All starts arrive, at four minima, four saddles and one maximum. Those within 0.4 of a
# flat point end at it; of the others, one in six ends at a point that is not the
# nearest.

assert all(trace.converged for trace in traces), "all starts should arrive"

counts = {name: int((found == name).sum()) for name in names}
assert counts == {"minimum": 4, "maximum": 1, "saddle": 4}, (
    f"there should be four minima, one maximum and four saddles, not {counts}"
)

away = np.linalg.norm(starts[:, None] - points, axis=2)  # (starts, 9)
nearest = points[away.argmin(axis=1)]
elsewhere = np.linalg.norm(ends - nearest, axis=1) > 1e-3
close = away.min(axis=1) < 0.4
assert not elsewhere[close].any(), (
    "a start within 0.4 of a flat point should end at that point"
)
share = elsewhere[~close].mean()
assert 0.1 < share < 0.25, (
    f"about one in six of the others should pass the nearest point by, not {share:.0%}"
)
