r"""
Breeding: children appear on the lines and corners between their parents
========================================================================

A child takes each coordinate from one parent, from the other, or from between them.
Watch where new dots appear: in the rectangles that two good members span, often exactly
above, below or beside a parent. Now and then a mutation jumps out along one axis. The
four valleys are equally deep, and one family after the other dies out until a single
valley is left. See :ref:`genetic-algorithm`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import genetic, plots
from lecturecode.objectives import Himmelblau

tournament = 3  # with 2 it takes longer until one family is left

plots.use_style()
g = Himmelblau()
trace = genetic(g, g.domain, population=40, steps=20, tournament=tournament, rng=0)
animation = plots.animate_population(
    g, trace, g.domain, label="genetic algorithm", log=True, interval=500
)
plots.mark(g.minima, "minimum", ax=plt.gca())
plots.describe(
    plt.gcf(),
    "Animation. Forty dots on the contours of a function with four valleys. "
    "First they are everywhere, then in the valleys only, and at the end "
    "nearly all of them are in one of the four.",
)
plt.show()

# %%
# Each generation is forty new points, and none is tried twice: the best so far lives on
# among the parents, without being evaluated again. In the end nearly all members belong
# to one valley, although all four are equally deep.

tried = np.unique(trace.thetas.reshape(-1, 2), axis=0)
assert len(tried) == trace.evaluations[-1], "no point should be tried twice"

distances = np.linalg.norm(trace.last[:, None] - g.minima, axis=-1)  # (40, 4)
members = np.bincount(distances.argmin(axis=1), minlength=4)  # of each valley
assert members.max() >= 30, (
    f"at least 30 members should be in one valley in the end, but there are {members}"
)
