r"""
The law of the n draws predicts a random search
===============================================

Thin lines: the best value so far of 40 random searches. Thick lines: below which value
are a tenth, a half, nine tenths of them? Dotted: what :eq:`eq-hit-probability`
predicts. The share :math:`q` of points below :math:`v` is measured once, on many draws,
and solved for the :math:`v` that :math:`n` draws reach with the probability 0.1, 0.5 or
0.9. Look whether the dotted lines lie on the thick ones. See :ref:`search-draws`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import plots, random_search
from lecturecode.objectives import Rastrigin

size = 2  # the number of parameters; try 4, where everything takes longer

g = Rastrigin(size)
n = np.arange(1, 1001)
searches = [random_search(g, g.domain, 1000, rng=s).values for s in range(400)]
best_so_far = np.minimum.accumulate(searches, axis=1)  # (400, 1000)
sorted_values = np.sort(g(g.domain.sample(1_000_000, rng=1000)))

plots.use_style()
figure, ax = plt.subplots()
color = plots.COLOURS["random search"]
ax.loglog(n, best_so_far[:40].T, color=color, linewidth=0.4, alpha=0.35)
errors = []
for probability, style in ((0.1, "-."), (0.5, "-"), (0.9, "--")):
    share = 1 - (1 - probability) ** (1 / n)  # from 1 - (1 - q)^n = probability
    predicted = np.quantile(sorted_values, share)
    seen = np.quantile(best_so_far, probability, axis=0)
    errors.append(abs(np.log(seen / predicted))[:300].mean())
    label = f"{probability:.0%} of the searches are below"
    ax.loglog(n, seen, style, color=color, label=label)
    ax.loglog(n, predicted, ":", color="#d45500", linewidth=2.5)
ax.plot([], [], ":", color="#d45500", label="predicted")
ax.set(xlabel="draws n", ylabel="best value so far")
ax.legend()
plots.describe(
    figure,
    "Best value so far against the number of draws, both logarithmic. Forty thin "
    "staircases fall; the dotted predictions for 10, 50 and 90 percent of the "
    "searches lie on the measured lines.",
)
plt.show()

# %%
# They do. The prediction knows nothing of the function but how its values are
# distributed: for random search, nothing else matters.

assert max(errors) < 0.15, (
    f"the prediction should be right within 15 percent, but is off by {max(errors):.0%}"
)
