r"""
An evolution strategy gives its ellipse the shape of the valley
===============================================================

Each generation is drawn from one normal distribution; the line is its ellipse at two
deviations. Compare its shape with that of the level lines. It starts as a circle,
becomes long where the valley is long and narrow where it is steep, and shrinks only
then. Nobody told it a slope or a curvature. See :ref:`evolution-strategy` and
:ref:`strategy-covariance`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import evolution_strategy, plots
from lecturecode.domains import Interval
from lecturecode.objectives import Quadratic

population = 12  # try 8 to 30

plots.use_style()
angle = np.radians(30)
Q = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
valley = Quadratic([1.0, 30.0], center=[1.5, -1.0], basis=Q)
box = Interval(-4, 4) ** 2
trace = evolution_strategy(valley, box, population=population, steps=16, rng=4)
animation = plots.animate_population(
    valley, trace, box, label="evolution strategy", log=True, interval=400
)
plots.mark(valley.minima, "minimum", ax=plt.gca())
plots.describe(
    plt.gcf(),
    "Animation. Dots and an ellipse around them on the level lines of a long, "
    "tilted valley. The ellipse starts as a wide circle, becomes long in the "
    "direction of the valley, and shrinks around the minimum.",
)
plt.show()

# %%
# A covariance :math:`C` that is a multiple of :math:`H^{-1}` makes :math:`H C` a
# multiple of the identity, with eigenvalues that are all alike. For the circle of the
# start they differ by the factor 30 of the valley, and at the end by much less.

H = valley.hessian(trace.theta)
C = trace.extras["covariances"]  # (17, 2, 2)
lam = np.linalg.eigvals(H @ C).real  # (17, 2)
ratio = lam.max(axis=1) / lam.min(axis=1)
assert abs(ratio[0] - 30) < 1e-6, (
    f"the circle of the start should have the ratio 30 of the valley, not {ratio[0]}"
)
assert ratio[-5:].mean() < 10, (
    f"the last ellipses should have a ratio below 10, not {ratio[-5:].mean():.1f}"
)
