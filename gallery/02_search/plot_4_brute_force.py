r"""
Brute force sees the one candidate that all others hide
=======================================================

A bakery has four flours, three ovens and five resting times. The loss of a loaf is smooth, with one
exception: a single combination happens to be excellent. Look at the right end of the curve. Random
search needs several times as many evaluations as there are loaves to be nearly sure, and brute force,
which tries each loaf once, is. See :ref:`search-small-sets`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import brute_force, plots, random_search
from lecturecode.domains import Choice

secret = (3, 0, 4)  # try any other combination of numbers of options

flours = Choice(["wheat", "rye", "spelt", "oat"])
ovens = Choice(["gas", "stone", "steam"])
loaves = flours * ovens * Choice([1, 2, 4, 8, 16])
C = 4 * 3 * 5


def g(theta):
    smooth = (theta**2).sum(-1) + 1.0
    return np.where((theta == np.array(secret)).all(-1), 0.0, smooth)


everything = brute_force(g, loaves)
rng = np.random.default_rng(0)
draws, found = np.arange(1, 5 * C), np.zeros(5 * C - 1)
for _ in range(1000):
    values = random_search(g, loaves, 5 * C - 1, rng=rng).values
    found += np.minimum.accumulate(values) == everything.value
found /= 1000
law = 1 - (1 - 1 / C) ** draws

plots.use_style()
figure, ax = plt.subplots()
color, ink = plots.COLOURS["random search"], plots.COLOURS["data"]
ax.plot(draws, found, color=color, label="random search, 1000 seeds")
ax.plot(draws, law, ":", color="#d45500", label=r"$1 - (1 - 1/C)^n$")
ax.step([0, C, 5 * C], [0, 1, 1], "--", where="post", c=ink, label="brute force")
ax.set(xlabel="evaluations of g", ylabel="probability that the best was found")
ax.legend(loc="lower right")
plots.describe(
    figure,
    "Probability of having found the best of 60 candidates against evaluations. "
    "Brute force steps from 0 to 1 at 60; random search is at 0.63 there.",
)
plt.show()

# %%
# After as many draws as there are loaves, random search has missed the best one in more than a third
# of the cases. A method that follows the smooth part goes to another corner and never finds it.

assert tuple(everything.theta) == secret
assert everything.evaluations[-1] == C
assert abs(found - law).max() < 4 * 0.5 / 1000**0.5
