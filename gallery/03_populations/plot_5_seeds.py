r"""
The same budget and another seed give another answer
====================================================

Each method minimizes Rastrigin's function in eight dimensions 25 times, with the same
4040 evaluations each time; only the seed differs. A dot is one run, the bar is the
median. Look at the spread within a column first, and only then at the differences
between columns. The zero at the bottom is the global minimum. See
:ref:`populations-no-guarantee`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import evolution_strategy, genetic, particle_swarm, plots
from lecturecode.objectives import Rastrigin

budget = {"population": 40, "steps": 100}  # try 100 and 40: the same price
seeds = range(25)

g = Rastrigin(8)
methods = {
    "genetic algorithm": genetic,
    "evolution strategy": evolution_strategy,
    "particle swarm": particle_swarm,
}
found, thetas = {}, {}
for name, minimize in methods.items():
    runs = [minimize(g, g.domain, **budget, rng=seed) for seed in seeds]
    found[name] = [run.value for run in runs]
    thetas[name] = [run.theta for run in runs]

plots.use_style()
figure, ax = plt.subplots(figsize=(7.6, 4.2))
rng = np.random.default_rng(0)
shift = rng.uniform(-0.2, 0.2, len(seeds))
for column, (name, values) in enumerate(found.items()):
    ax.plot(column + shift, values, "o", color=plots.COLOURS[name], alpha=0.7)
    median = np.median(values)
    ax.plot(
        [column - 0.3, column + 0.3], [median, median], color="#404055", linewidth=3
    )
ax.set_xticks(range(3), labels=found)
ax.set_ylabel(r"lowest $g(\theta)$ found")
ax.set_ylim(bottom=-0.5)
plots.describe(
    figure,
    "Three columns of 25 dots, the lowest values that a genetic algorithm, an "
    "evolution strategy and a particle swarm found with 25 seeds. In each "
    "column the dots are scattered over several whole numbers.",
)
plt.show()

# %%
# No column is a single point. The dots of the first two columns lie near whole
# numbers, the heights of Rastrigin's local minima: most of these runs ended near one of
# them, where the slope is small. Most swarms have not yet come to rest.

spread = {name: max(values) - min(values) for name, values in found.items()}
assert min(spread.values()) > 1.5, (
    f"the runs of each method should be scattered, but their spreads are {spread}"
)

rested = {}
for name, ends in thetas.items():
    slopes = np.linalg.norm(g.gradient(np.stack(ends)), axis=-1)  # (25,)
    rested[name] = (slopes < 2).sum()
assert min(rested["genetic algorithm"], rested["evolution strategy"]) >= 15, (
    f"most runs of these two should end near a local minimum, but {rested} did"
)
assert rested["particle swarm"] <= 10, (
    f"most swarms should still be on their way, but {rested} runs have ended"
)
