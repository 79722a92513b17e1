r"""
Random draws do not pay for a parameter that does not matter
============================================================

Two parameters, 25 evaluations. How far from the minimum does a 5 x 5 grid end, and how
far do 25 random draws, when the second parameter counts for a share between 0 (it does
not matter) and 1 (as much as the first)? Each dot is a mean over a thousand positions
of the minimum. Look where the lines cross. See :ref:`search-one-matters`, and
:cite:t:`bergstra2012`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import plots
from lecturecode.domains import Interval

per_axis = 5  # try 3 or 10

rng = np.random.default_rng(0)
square = Interval(0, 1) ** 2
minima = square.sample(1000, rng=rng)[:, None]  # (1000, 1, 2)
even = np.stack(np.meshgrid(*square.axes(per_axis)), axis=-1).reshape(-1, 2)
drawn = square.sample(1000 * per_axis**2, rng=rng).reshape(1000, per_axis**2, 2)


def miss(points, share):
    """The distance of the best point from the minimum, the mean over all minima."""
    gaps = points - minima  # (1000, points, 2)
    squares = gaps[..., 0] ** 2 + share * gaps[..., 1] ** 2
    return np.sqrt(squares).min(axis=1).mean()


shares = np.linspace(0, 1, 11)
grid = np.array([miss(even, share) for share in shares])
chance = np.array([miss(drawn, share) for share in shares])

plots.use_style()
figure, ax = plt.subplots()
for name, values, style in [
    ("grid search", grid, "s--"),
    ("random search", chance, "o-"),
]:
    color = plots.COLOURS[name]
    ax.plot(shares, values, style, color=color, label=name)
ax.set_xlabel("how much the second parameter counts")
ax.set_ylabel("distance from the minimum")
ax.set_ylim(0)
ax.set_title(f"{per_axis**2} evaluations each")
ax.legend(loc="lower right")
plots.describe(
    figure,
    "Mean distance from the minimum against the weight of the second parameter. "
    "At weight zero random search is several times as close as the grid. The "
    "lines cross at a small weight, and on the right the grid is a little lower.",
)
plt.show()

# %%
# On the left, where one parameter matters, the grid tries each of its five values five
# times. On the right, where both matter alike, its evenness pays, by a little.

assert chance[0] < 0.5 * grid[0], (
    "with one parameter that matters, random search should come twice as close"
)
assert grid[-1] < chance[-1] < 1.3 * grid[-1], (
    "with two that matter alike, the grid should be better, by less than 30 percent"
)
