r"""
Who knows more about g pays less for an answer
==============================================

Each line is one run on the same valley, the fit of the mass of penguins by two lengths:
how far the best value is above the minimum, against the price paid so far. A value is
charged 1, a gradient 2. Descent and populations plunge, since each digit costs them the
same. Random draws go down along a line: ten times closer costs ten times more. See
:ref:`families-race`.
"""

import matplotlib.pyplot as plt
import numpy as np

import lecturecode as lc
from lecturecode import plots
from lecturecode.datasets import penguins
from lecturecode.domains import Interval
from lecturecode.objectives import MeanSquaredError

seed = 3  # of the populations and the draws

birds = penguins()
columns = ("flipper_length_mm", "bill_length_mm", "body_mass_g")
data = np.column_stack([birds[name] for name in columns])
data = (data - data.mean(axis=0)) / data.std(axis=0)
W = data[:, :2]
y = data[:, 2]
g = MeanSquaredError(W, y)
box = Interval(-2, 2) ** 2
lowest = float(g(lc.least_squares(W, y)))
start = [-1.5, 1.7]

crowd = {"population": 20, "steps": 60, "rng": seed}
runs = {
    "gradient descent": lc.gradient_descent(g, start, 0.5, steps=25),
    "evolution strategy": lc.evolution_strategy(g, box, steps=60, rng=seed),
    "genetic algorithm": lc.genetic(g, box, **crowd),
    "particle swarm": lc.particle_swarm(g, box, **crowd, scouts=0.05),
    "random search": lc.random_search(g, box, 100_000, rng=seed),
}
prices = {name: run.evaluations for name, run in runs.items()}
prices["gradient descent"] = 3 * runs["gradient descent"].evaluations
above = {}  # the best value so far, relative to the minimum
for name, run in runs.items():
    values = run.values.reshape(len(run), -1)  # one column for each member
    best = np.minimum.accumulate(values.min(axis=1))
    above[name] = best / lowest - 1

plots.use_style()
figure, ax = plt.subplots(figsize=(7.2, 4.6))
for name in runs:
    ax.loglog(prices[name], above[name], color=plots.COLOURS[name], label=name)
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
# After 20 steps, a price of 63, descent is closer than a hundred thousand draws. Six
# digits of the minimum cost the populations several times as much, and the draws do not
# find them at all.


def price_of_six_digits(name):
    arrived = above[name] < 1e-6
    return prices[name][arrived].min(initial=10**9)


descent = price_of_six_digits("gradient descent")
assert prices["gradient descent"][20] == 63, "20 steps should have the price 63"
assert above["gradient descent"][20] < above["random search"][-1], (
    "20 steps of descent should come closer than a hundred thousand draws"
)
for name in ("evolution strategy", "genetic algorithm", "particle swarm"):
    price = price_of_six_digits(name)
    assert price > 2 * descent, (
        f"six digits should cost the {name} more than twice {descent}, not {price}"
    )
assert above["random search"][-1] > 1e-6, "the draws should not find six digits"
