r"""
The first ants decide: of two equal bridges one wins by chance
==============================================================

Two bridges lead from the nest to the food. Each line is one colony of 20 ants, and shows which
share of the scent lies on the upper bridge. On the left the lower bridge is twice as long, and all
colonies forget it. On the right both are equally long. Then a colony has no reason to choose, and
chooses all the same: the small surplus of the first steps feeds itself. See :ref:`ants-bridge`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import ant_paths, plots

ants = 20  # with 5, some colonies choose the long way

plots.use_style()
shares = {}
for lower in (2.0, 1.0):
    distances = np.full((4, 4), np.inf)  # nest 0, bridges 1 and 2, food 3
    for place, length in ((1, 1.0), (2, lower)):
        for end in (0, 3):
            distances[place, end] = distances[end, place] = length / 2
    same = {"ants": ants, "steps": 30}
    colonies = [ant_paths(distances, 0, 3, **same, rng=s) for s in range(40)]
    scent = np.stack([trace.extras["pheromone"][:, 0] for trace in colonies])
    shares[lower] = scent[:, :, 1] / (scent[:, :, 1] + scent[:, :, 2])  # (40, 31)

figure, axes = plt.subplots(1, 2, figsize=(8.4, 3.6), sharey=True)
for ax, (lower, share) in zip(axes, shares.items(), strict=True):
    ax.plot(share.T, color=plots.COLOURS["ant colony"], alpha=0.4, linewidth=1.2)
    ax.set(title=f"lengths 1 and {lower:.0f}", xlabel="step")
axes[0].set_ylabel("share of the scent\non the upper bridge")
plots.describe(
    figure,
    "Two bundles of 40 curves that start at one half. On the left, where the "
    "upper bridge is shorter, all rise to one. On the right, where both are "
    "equal, about half of them rise to one and the others fall to zero.",
)
plt.show()

# %%
# All colonies take the short bridge. Of two equal ones each wins in part of the colonies, and
# after 30 steps none of them is still undecided.

assert (shares[2.0][:, -1] > 0.99).all()
end = shares[1.0][:, -1]
assert 5 < (end > 0.99).sum() < 35
assert ((end > 0.99) | (end < 0.01)).all()
