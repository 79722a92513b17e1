r"""
On terraces descent stands still and a swarm walks down
=======================================================

The same valleys, cut into terraces: :math:`g` is rounded down to multiples of 5. On
each terrace the gradient is zero, so that every descent stops where it starts, and
reports that it has converged. A swarm only compares values, and a lower terrace is
lower. See :ref:`populations-general`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import gradient_descent, particle_swarm, plots
from lecturecode.objectives import Function, Himmelblau

height = 5.0  # of a terrace; try 1 to 10

plots.use_style()
smooth = Himmelblau()


def rounded(theta):
    return height * np.floor(smooth(theta) / height)


g = Function(rounded, gradient=np.zeros_like, domain=smooth.domain)
rng = np.random.default_rng(0)
starts = rng.uniform(-5, 5, (20, 2))
descents = gradient_descent(g, starts, 0.01, steps=1000)
swarm = particle_swarm(g, g.domain, population=20, steps=30, scouts=0.05, rng=0)


def draw(ax, first, last, *, label):
    """Draw where the points started, pale, and where they are in the end."""
    plots.contours(g, ax=ax, levels=np.arange(-0.5, 40, 2) * height, points=400)
    plots.members(first, ax=ax, label=label).set(alpha=0.4, markersize=11)
    plots.members(last, ax=ax, label=label)
    bottom = (rounded(last) == 0).sum()
    ax.set_title(f"{label}: {bottom} of 20 at the bottom")


figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 4.2), sharey=True)
draw(left, starts, descents.last, label="gradient descent")
draw(right, swarm.thetas[0], swarm.last, label="particle swarm")
right.set_ylabel("")
plots.describe(
    figure,
    "Two maps of a terraced landscape with 20 pale dots where 20 points "
    "started. On the left each has a dark dot in its middle: descent has not "
    "moved. On the right the dark dots of a swarm crowd on a lowest terrace.",
)
plt.show()

# %%
# No descent took a single step. The swarm reached the lowest terrace, and most of its
# particles are there in the end.

assert descents.converged, "each descent should report that it has converged"
assert descents.steps == 0, (
    f"no descent should move, but they took {descents.steps} steps"
)

at_first = (rounded(swarm.thetas[0]) == 0).sum()
at_last = (rounded(swarm.last) == 0).sum()
assert at_first < 5 < 10 < at_last, (
    f"most particles should reach the lowest terrace: {at_first}, then {at_last} of 20"
)
