r"""
The same budget and another seed give another answer
====================================================

Each method minimizes Rastrigin's function in eight dimensions 25 times, with the same 4040
evaluations each time; only the seed differs. A dot is one run, the bar is the median. Look at the
spread within a column first, and only then at the differences between columns. The zero at the
bottom is the global minimum. See :ref:`populations-no-guarantee`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import evolution_strategy, genetic, particle_swarm, plots
from lecturecode.objectives import Rastrigin

population, steps = 40, 100  # try 100, 40: the same price

plots.use_style()
g = Rastrigin(8)
same = {"population": population, "steps": steps}
found = {}
for seed in range(25):
    runs = {
        "genetic algorithm": genetic(g, g.domain, **same, rng=seed),
        "evolution strategy": evolution_strategy(g, g.domain, **same, rng=seed),
        "particle swarm": particle_swarm(g, g.domain, **same, rng=seed),
    }
    for name, trace in runs.items():
        found.setdefault(name, []).append(trace.value)

figure, ax = plt.subplots(figsize=(7.6, 4.2))
shift = np.random.default_rng(0).uniform(-0.2, 0.2, 25)
for column, (name, values) in enumerate(found.items()):
    ax.plot(column + shift, values, "o", color=plots.COLOURS[name], alpha=0.7)
    middle = 2 * [np.median(values)]
    ax.plot([column - 0.3, column + 0.3], middle, color="#404055", linewidth=3)
ax.set(ylabel=r"lowest $g(\theta)$ found", xticks=range(3), xticklabels=found)
ax.set_ylim(bottom=-0.5)
plots.describe(
    figure,
    "Three columns of 25 dots, the lowest values that a genetic algorithm, an "
    "evolution strategy and a particle swarm found with 25 seeds. In each "
    "column the dots are scattered over several whole numbers.",
)
plt.show()

# %%
# No column is a single point. The dots crowd near whole numbers, which are the heights of
# Rastrigin's local minima: each is a run that ended in one of them.

spread = [max(values) - min(values) for values in found.values()]
assert min(spread) > 1.5
