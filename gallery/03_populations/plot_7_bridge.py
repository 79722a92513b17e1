r"""
The first ants decide: of two equal bridges one wins by chance
==============================================================

Two bridges lead from the nest to the food. Each line is one colony of 20 ants, and
shows which share of the scent lies on the upper bridge. On the left the lower bridge is
twice as long, and all colonies forget it. On the right both are equally long. Then a
colony has no reason to choose, and chooses all the same: a bridge with twice the scent
is taken four times as often (:math:`\alpha = 2`) and half of the scent evaporates in
each step, so that the small surplus of the first steps feeds itself. See
:ref:`ants-bridge`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import ant_paths, plots

ants = 20  # with 5, some colonies choose the long way

nest, upper, lower, food = range(4)


def shares(length):
    """The upper bridge's share of the scent, step by step; it has length 1."""
    distances = np.full((4, 4), np.inf)
    for end in (nest, food):
        distances[upper, end] = distances[end, upper] = 1.0 / 2
        distances[lower, end] = distances[end, lower] = length / 2
    colonies = [
        ant_paths(distances, nest, food, population=ants, steps=30, rng=seed)
        for seed in range(40)
    ]
    scent = np.stack([colony.extras["pheromone"][:, nest] for colony in colonies])
    return scent[:, :, upper] / (scent[:, :, upper] + scent[:, :, lower])  # (40, 31)


unequal = shares(length=2.0)
equal = shares(length=1.0)

plots.use_style()
figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.6), sharey=True)
look = {"color": plots.COLOURS["ant colony"], "alpha": 0.4, "linewidth": 1.2}
left.plot(unequal.T, **look)
right.plot(equal.T, **look)
left.set(title="lengths 1 and 2", xlabel="step")
right.set(title="lengths 1 and 1", xlabel="step")
left.set_ylabel("share of the scent\non the upper bridge")
plots.describe(
    figure,
    "Two bundles of 40 curves that start at one half. On the left, where the "
    "upper bridge is shorter, all rise to one. On the right, where both are "
    "equal, about half of them rise to one and the others fall to zero.",
)
plt.show()

# %%
# All colonies take the short bridge. Of two equal ones each wins in part of the
# colonies, and after 30 steps none of them is still undecided.

assert (unequal[:, -1] > 0.99).all(), "all colonies should choose the short bridge"

upper_wins = (equal[:, -1] > 0.99).sum()
lower_wins = (equal[:, -1] < 0.01).sum()
assert upper_wins + lower_wins == 40, (
    "of two equal bridges each colony should choose one, "
    f"but only {upper_wins + lower_wins} of 40 have"
)
assert 5 < upper_wins < 35, (
    f"either bridge should win in part of the colonies, the upper one in {upper_wins}"
)
