r"""
Random draws do not pay for a parameter that does not matter
============================================================

Two parameters, 25 evaluations. How far from the minimum does a 5 x 5 grid end, and how
far do 25 random draws, when the second parameter counts for a share between 0 (it does
not matter) and 1 (as much as the first)? Each dot is a mean over many positions of the
minimum. Look where the lines cross. See :ref:`search-one-matters`, and
:cite:t:`bergstra2012`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import grid_search, plots, random_search
from lecturecode.domains import Interval

per_axis = 5  # try 3 or 10

rng = np.random.default_rng(0)
square = Interval(0, 1) ** 2
centers = rng.uniform(size=(400, 2))
shares = np.linspace(0, 1, 11)
grid = np.empty((len(shares), len(centers)))
chance = np.empty((len(shares), len(centers)))
for i, share in enumerate(shares):
    weights = np.array([1.0, share])
    for j, center in enumerate(centers):

        def distance(theta, weights=weights, center=center):
            return np.sqrt((weights * (theta - center) ** 2).sum(-1))

        grid[i, j] = grid_search(distance, square, per_axis).value
        chance[i, j] = random_search(distance, square, per_axis**2, rng=j).value

plots.use_style()
figure, ax = plt.subplots()
for name, values, style in [
    ("grid search", grid, "s--"),
    ("random search", chance, "o-"),
]:
    color = plots.COLOURS[name]
    ax.plot(shares, values.mean(axis=1), style, color=color, label=name)
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

distance_of_grid = grid.mean(axis=1)
distance_of_chance = chance.mean(axis=1)
assert distance_of_chance[0] < 0.5 * distance_of_grid[0], (
    "with one parameter that matters, random search should come twice as close"
)
assert distance_of_grid[-1] < distance_of_chance[-1] < 1.3 * distance_of_grid[-1], (
    "with two that matter alike, the grid should be better, by less than 30 percent"
)
