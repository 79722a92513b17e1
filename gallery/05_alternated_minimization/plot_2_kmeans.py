r"""
k-means takes turns: labels, centers, labels, centers
=====================================================

Each dot is a penguin: the length of its bill and of its flipper, both standardized.
Three penguins that come first in the file serve as centers, a bad start, since all are
of one species. Watch the two kinds of half-step: in one the centers move (a line shows
from where) and no dot changes; in the other some dots change their cluster (they are
ringed) and no center moves. The curve beneath falls in both. See
:doc:`/chapters/05_alternated_minimization`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import kmeans, plots
from lecturecode.alternating import assign, inertia
from lecturecode.datasets import penguins

clusters = 3  # try 3 to 5

plots.use_style()
birds = penguins()
x = birds.x[:, [0, 2]]
x = (x - x.mean(axis=0)) / x.std(axis=0)
trace = kmeans(x, clusters, start=x[:clusters])
names = ("bill length (standardized)", "flipper length (standardized)")
animation = plots.animate_clusters(x, trace, names=names, frames=60)
plots.describe(
    plt.gcf(),
    "Animation. Penguins as dots in three colors and shapes, with a large "
    "marker at each cluster's center. At first the three centers crowd in "
    "one corner; half-step by half-step two of them travel across the "
    "cloud, until each sits amid a group. Beneath, the inertia falls, fast "
    "and then slowly.",
)
plt.show()

# %%
# Of the two blocks one is discrete and has no gradient, and still each is minimized
# exactly: the inertia never rises. In the end no label changes and each center is the
# mean of its cluster, so that neither block alone can do better. Here the clusters are
# nearly the species.

labels = trace.extras["labels"][-1]
centers = trace.theta.reshape(clusters, 2)
means = [x[labels == k].mean(axis=0) for k in range(clusters)]
assert (np.diff(trace.values) <= 0).all(), "the inertia should never rise"
assert trace.converged, "k-means should come to an end"
assert (labels == assign(x, centers)).all(), "in the end no label should change"
assert np.allclose(centers, means), "each center should be the mean of its cluster"
assert np.isclose(trace.value, inertia(x, centers, labels)), (
    "the last value should be the inertia of the last labels and centers"
)

majority = [np.bincount(birds.y[labels == k]).max() for k in range(clusters)]
share = sum(majority) / len(x)
assert share > 0.9, (
    f"nine birds in ten should be of their cluster's main species, not {share:.0%}"
)
