r"""
Ants forget the long roads
==========================

Twenty cities, twenty ants. The width of a line is the pheromone between two cities. At
first all roads smell alike. Then the roads on short tours are scented again and again,
while the scent of all others evaporates. Look for the moment when two rival roads are
equally wide: one of them wins. See :ref:`ant-colony`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import ant_colony, plots

evaporation = 0.1  # try 0.05 to 0.3: a larger one decides sooner, with less care

plots.use_style()
rng = np.random.default_rng(0)
cities = rng.uniform(0, 10, (20, 2))  # km
distances = np.linalg.norm(cities[:, None] - cities, axis=-1)
trace = ant_colony(distances, population=20, steps=59, evaporation=evaporation, rng=0)
title = "step {step}: shortest tour so far {value:.2f} km"
animation = plots.animate_trails(cities, trace, title=title)
plots.describe(
    plt.gcf(),
    "Animation. Twenty cities joined by lines, all of the same width at first. "
    "Step by step most lines fade, and in the end one round trip is left.",
)
plt.show()

# %%
# What is left is a tour: each city has two roads with strong scent. It is at least a
# tenth shorter than the best of the twenty tours that were made before there was any
# scent to follow.

tau = trace.extras["pheromone"][-1]  # (20, 20)
strong = (tau > 0.5 * tau.max()).sum(axis=1)  # roads of each city
assert np.mean(strong == 2) >= 0.7, (
    f"most cities should have two roads with strong scent, but they have {strong}"
)
assert trace.value < 0.9 * trace.values[0].min(), (
    "the best tour should be a tenth shorter than the best of the first twenty"
)
