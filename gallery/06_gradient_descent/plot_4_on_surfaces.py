r"""
Where a descent ends depends on where it starts
===============================================

Twelve descents on Himmelblau's function, started on a circle. All of them go down, and
they end in four different minima. Look at neighbors that part: between them runs the
border of two basins, and on it sits a saddle. See :ref:`descent-local-minima`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import gradient_descent, plots
from lecturecode.objectives import Himmelblau

learning_rate = 0.002  # try 0.0005 or 0.01

plots.use_style()
g = Himmelblau()
angle = 2 * np.pi * np.arange(12) / 12
circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
starts = 1.5 * circle + [-0.27, -0.92]  # (12, 2), around the maximum
together = gradient_descent(g, starts, learning_rate, steps=3000)
paths = {f"start {m}": together.thetas[:121, m] for m in range(12)}

animation = plots.animate_path(g, paths, log=True, frames=31)
figure = plt.gcf()
ax = figure.axes[0]
ax.get_legend().remove()
for line in ax.lines:
    line.set_color(plots.COLOURS["gradient descent"])
plots.mark(g.minima, "minimum", ax=ax)
plots.describe(
    figure,
    "Level lines of Himmelblau's function. Twelve paths start on a small "
    "circle around the maximum in the middle and run apart, towards four "
    "minima.",
)
plt.show()

# %%
# Each descent ends in a minimum, and each of the four minima is reached.

away = np.linalg.norm(together.last[:, None] - g.minima, axis=-1)  # (12, 4)
assert away.min(axis=1).max() < 1e-6, "each descent should end in a minimum"

reached = set(away.argmin(axis=1).tolist())
assert reached == {0, 1, 2, 3}, f"all four minima should be reached, not only {reached}"
