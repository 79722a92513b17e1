r"""
Brute force sees the one candidate that all others hide
=======================================================

A bakery has four flours, three ovens and five resting times. The loss of a loaf is
smooth, with one exception: a single combination happens to be excellent. Look at the
right end of the curve. Random search needs several times as many evaluations as there
are loaves to be nearly sure, and brute force, which tries each loaf once, is. See
:ref:`search-small-sets`.
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


searches = 1000
rng = np.random.default_rng(0)
everything = brute_force(g, loaves)
n = np.arange(1, 5 * C)
found = np.zeros(len(n))
for _ in range(searches):
    values = random_search(g, loaves, len(n), rng=rng).values
    found += np.minimum.accumulate(values) == everything.value
found /= searches
law = 1 - (1 - 1 / C) ** n

plots.use_style()
figure, ax = plt.subplots()
color = plots.COLOURS["random search"]
ink = plots.COLOURS["data"]
ax.plot(n, found, color=color, label=f"random search, {searches} seeds")
ax.plot(n, law, ":", color="#d45500", label=r"$1 - (1 - 1/C)^n$")
ax.step([0, C, 5 * C], [0, 1, 1], "--", where="post", color=ink, label="brute force")
ax.set(xlabel="evaluations of g", ylabel="probability that the best was found")
ax.legend(loc="lower right")
plots.describe(
    figure,
    "Probability of having found the best of 60 candidates against evaluations. "
    "Brute force steps from 0 to 1 at 60; random search is at 0.63 there.",
)
plt.show()

# %%
# After as many draws as there are loaves, random search has missed the best one in more
# than a third of the cases. A method that follows the smooth part goes to another
# corner and never finds it.

assert tuple(everything.theta) == secret, (
    f"brute force should find {secret}, not {tuple(everything.theta)}"
)
assert everything.evaluations[-1] == C, f"brute force should take {C} evaluations"
deviation = abs(found - law).max()
assert deviation < 4 * 0.5 / searches**0.5, (
    f"random search should follow the law, but is off by {deviation:.3f}"
)
