r"""
Where k-means ends depends on where it starts
=============================================

Six clusters of penguins, from 600 starts at six random birds and from 600 drawn by k-means++, which
prefers birds far from those it has. Each run converges. Look how wide the histogram of the ends is, and
how alike for both kinds of start. See :doc:`/chapters/05_alternated_minimization`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import kmeans, kmeans_start, plots
from lecturecode.datasets import penguins

K = 6
plots.use_style()
rng = np.random.default_rng(0)
x = penguins().x[:, [0, 2]]
x = (x - x.mean(axis=0)) / x.std(axis=0)
some = [x[rng.choice(len(x), K, replace=False)] for _ in range(600)]
spread = [kmeans_start(x, K, rng=rng) for _ in range(600)]
runs = [kmeans(x, K, centers=start) for start in some + spread]
table = [(run.value, run.values[0], run.steps) for run in runs]
ends, first, steps = np.reshape(np.transpose(table), (3, 2, 600))
best = ends.min()

figure = plt.figure(figsize=(9.4, 4.6))
grid = figure.add_gridspec(2, 2, width_ratios=[1.7, 1])
ax, bins = figure.add_subplot(grid[:, 0]), np.linspace(best, ends.max(), 25)
look = {"label": ["random", "k-means++"], "color": ["#8da2b5", "#5b1fb0"]}
ax.hist(ends.T, bins, **look)
ax.set(xlabel="inertia at the end", ylabel="number of runs")
ax.legend(title="start")
for row, i in enumerate([ends.argmin(), ends.argmax()]):
    run, small = runs[i], figure.add_subplot(grid[row, 1])
    labels, centers = run.extras["labels"][-1], run.theta.reshape(K, 2)
    plots.clusters(x, labels, centers, ax=small)
    title = f"{('best', 'worst')[row]}: {run.value:.1f}"
    small.set(xticks=[], yticks=[], title=title)
plots.describe(
    figure,
    "The inertia at the end of 1200 runs, from 78 to 113; for both kinds of "
    "start most are at the left end. Beside it the best result, six groups "
    "that share the cloud, and the worst.",
)
plt.show()

# %%
# All these ends are minima over labels and over centers alone, and one or two in a hundred are the
# lowest. If a share :math:`q` of the starts ends within one percent of it, :math:`\log 0.01 /
# \log(1 - q)` starts include such a one with 99 percent probability: some ten, of either kind.
# k-means++ begins at a lower inertia and saves steps, but it is no remedy for bad ends.

q = (ends < 1.01 * best).mean(axis=1)
assert all(run.converged for run in runs)
assert np.allclose(np.log(0.01) / np.log(1 - q), 10, atol=5)
assert first[1].mean() < 0.85 * first[0].mean()
assert steps[1].mean() < steps[0].mean()
assert (ends < 1.0001 * best).mean() < 0.04 < ends.max() / best - 1.2
