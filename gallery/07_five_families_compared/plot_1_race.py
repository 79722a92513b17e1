r"""
Who knows more about g pays less for an answer
==============================================

Each line is one run on the same valley, the fit of the mass of penguins by two lengths: how far the
best value is above the minimum, against the price paid so far. A value is charged 1, a gradient 2.
Descent and populations plunge, since each digit costs them the same. Random draws go down along a
line: ten times closer costs ten times more. See :ref:`families-race`.
"""

import matplotlib.pyplot as plt
import numpy as np

import lecturecode as lc
from lecturecode import plots
from lecturecode.datasets import penguins
from lecturecode.domains import Interval
from lecturecode.objectives import MeanSquaredError

seed = 3  # of the populations and the draws

plots.use_style()
birds = penguins()
columns = ("flipper_length_mm", "bill_length_mm", "body_mass_g")
data = np.column_stack([birds[name] for name in columns])
data = (data - data.mean(axis=0)) / data.std(axis=0)
W, y = data[:, :2], data[:, 2]
g, box = MeanSquaredError(W, y), Interval(-2, 2) ** 2
floor, start = float(g(lc.least_squares(W, y))), [-1.5, 1.7]

crowd = {"population": 20, "steps": 60, "rng": seed}
runs = {
    "gradient descent": lc.gradient_descent(g, start, 0.5, steps=25),
    "evolution strategy": lc.evolution_strategy(g, box, steps=60, rng=seed),
    "genetic algorithm": lc.genetic(g, box, **crowd),
    "particle swarm": lc.particle_swarm(g, box, **crowd),
    "random search": lc.random_search(g, box, 100_000, rng=seed),
}
figure, ax = plt.subplots(figsize=(7.2, 4.6))
for name, run in runs.items():
    lows = run.values if run.values.ndim == 1 else run.values.min(axis=1)
    above = np.minimum.accumulate(lows) / floor - 1
    paid = run.evaluations * (3 if name == "gradient descent" else 1)
    ax.loglog(paid, above, color=plots.COLOURS[name], label=name)
ax.set(xlabel="price", ylabel=r"$g(\theta)/\hat g - 1$", ylim=(1e-8, 30))
ax.legend(loc="lower right")
plots.describe(
    figure,
    "Distance above the minimum against the price, on logarithmic axes. "
    "Descent falls first, then the evolution strategy, the genetic algorithm "
    "and the swarm; random search goes down slowly along a straight line.",
)
plt.show()

# %%
# After 20 steps, a price of 63, descent is closer than a hundred thousand draws.

blind, descent = runs["random search"].value, runs["gradient descent"]
assert descent.values[20] < blind
assert descent.value < (1 + 1e-6) * floor < blind
