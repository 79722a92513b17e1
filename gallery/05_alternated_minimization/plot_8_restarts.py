r"""
Where k-means ends depends on where it starts
=============================================

Six clusters of penguins, from 300 starts at six random birds and from 300 drawn by
k-means++, which prefers birds far from those it has. Each run converges. Look how wide
the histogram of the ends is, and how alike for both kinds of start. See
:doc:`/chapters/05_alternated_minimization`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import kmeans, kmeans_start, plots
from lecturecode.datasets import penguins

K = 6  # clusters
starts = 300  # of each kind

rng = np.random.default_rng(0)
x = penguins().x[:, [0, 2]]
x = (x - x.mean(axis=0)) / x.std(axis=0)
random_starts = [x[rng.choice(len(x), K, replace=False)] for _ in range(starts)]
plus_starts = [kmeans_start(x, K, rng=rng) for _ in range(starts)]
random_runs = [kmeans(x, K, start=start) for start in random_starts]
plus_runs = [kmeans(x, K, start=start) for start in plus_starts]

random_ends = np.array([run.value for run in random_runs])
plus_ends = np.array([run.value for run in plus_runs])
runs = random_runs + plus_runs
best_run = min(runs, key=lambda run: run.value)
worst_run = max(runs, key=lambda run: run.value)
best = best_run.value
worst = worst_run.value


def draw(run, ax, title):
    labels = run.extras["labels"][-1]
    plots.clusters(x, labels, run.theta.reshape(K, 2), ax=ax)
    ax.set(xticks=[], yticks=[], title=title)


plots.use_style()
figure, axes = plt.subplot_mosaic("ab;ac", figsize=(9.4, 4.6), width_ratios=[1.7, 1])
axes["a"].hist(
    [random_ends, plus_ends],
    bins=np.linspace(best, worst, 25),
    label=["random", "k-means++"],
    color=["#8da2b5", "#5b1fb0"],
)
axes["a"].set(xlabel="inertia at the end", ylabel="number of runs")
axes["a"].legend(title="start")
draw(best_run, axes["b"], f"best: {best:.1f}")
draw(worst_run, axes["c"], f"worst: {worst:.1f}")
plots.describe(
    figure,
    "The inertia at the end of 600 runs, from 78 to 112; for both kinds of "
    "start most are at the left end. Beside it the best result, six groups "
    "that share the cloud, and the worst.",
)
plt.show()

# %%
# All these ends are minima over labels and over centers alone, and one or two in a
# hundred are the lowest. If a share :math:`q` of the starts ends within one percent of
# it, :math:`\log 0.01 / \log(1 - q)` starts include such a one with 99 percent
# probability: some ten, of either kind. k-means++ begins at a lower inertia and saves
# steps, but it is no remedy for bad ends.

assert all(run.converged for run in runs), "each run should converge"
assert worst > 1.2 * best, (
    f"the worst end should be far above the best, {worst:.1f} and {best:.1f}"
)
for ends in (random_ends, plus_ends):
    q = (ends < 1.01 * best).mean()
    enough = np.log(0.01) / np.log(1 - q)
    assert 5 < enough < 15, f"some ten starts should be enough, not {enough:.0f}"
    lowest = (ends < 1.0001 * best).mean()
    assert 0 < lowest < 0.04, (
        f"one or two runs in a hundred should reach the lowest end, not {lowest:.1%}"
    )

random_first = np.mean([run.values[0] for run in random_runs])
plus_first = np.mean([run.values[0] for run in plus_runs])
assert plus_first < 0.85 * random_first, "k-means++ should begin at a lower inertia"
random_steps = np.mean([run.steps for run in random_runs])
plus_steps = np.mean([run.steps for run in plus_runs])
assert plus_steps < random_steps, "k-means++ should save steps"
