r"""
A further parameter costs descent nothing, and random search a factor
=====================================================================

The price of the same modest answer on tilted bowls of more and more dimensions, all
with eigenvalues from 1 to 10. A value is charged 1 and a gradient 2. Look at the
shapes: flat for descent, nearly straight for the populations (a power of :math:`P`),
and bending upwards for random draws (an exponential). See :ref:`families-parameters`.
"""

import matplotlib.pyplot as plt
import numpy as np

import lecturecode as lc
from lecturecode import plots
from lecturecode.domains import Interval
from lecturecode.objectives import Quadratic

sizes = (1, 2, 4, 8, 16, 32)
seeds = range(5)


def prices_on_a_bowl(P, seed):
    """The price, by method, of a hundredth of the mean value of g in the cube."""
    rng = np.random.default_rng(seed)
    Q = np.linalg.qr(rng.normal(size=(P, P)))[0]
    g = Quadratic(np.geomspace(1, 10, P), rng.uniform(-1, 1, P), Q)
    cube = Interval(-2, 2) ** P
    level = float(g(cube.sample(1000, rng=0)).mean()) / 100

    def arrived(run):
        return run.value <= level

    start = cube.sample(1, rng=seed)[0]
    descent = lc.gradient_descent(g, start, 2 / 11, steps=99, callback=arrived)
    goal = {"steps": 500, "target": level, "rng": seed}
    runs = {
        "gradient descent": descent,
        "evolution strategy": lc.evolution_strategy(g, cube, **goal),
        "genetic algorithm": lc.genetic(g, cube, population=50, **goal),
        "particle swarm": lc.particle_swarm(
            g, cube, population=50, scouts=0.05, **goal
        ),
    }
    if P <= 4:
        runs["random search"] = lc.random_search(g, cube, 10**5, rng=seed)
    for name, run in runs.items():
        assert run.value <= level, f"the {name} should reach the level at P = {P}"

    prices = {name: run.evaluations[-1] for name, run in runs.items()}
    prices["gradient descent"] = 3 * descent.evaluations[-1]
    if P <= 4:  # up to the first draw that arrived
        below = runs["random search"].values <= level
        prices["random search"] = np.argmax(below) + 1
    return prices


medians = {}
for P in sizes:
    prices = [prices_on_a_bowl(P, seed) for seed in seeds]
    for name in prices[0]:
        medians.setdefault(name, {})[P] = np.median([price[name] for price in prices])

plots.use_style()
figure, ax = plt.subplots(figsize=(7.2, 4.6))
for name, median in medians.items():
    colour = plots.COLOURS[name]
    ax.loglog(
        list(median.keys()), list(median.values()), "o-", color=colour, label=name
    )
ax.set_xticks(sizes, sizes)
ax.set(xlabel="number of parameters P", ylabel="price")
ax.legend(loc="upper left")
plots.describe(
    figure,
    "Price against the number of parameters, 1 to 32, on logarithmic axes. Descent is "
    "nearly flat, between 20 and 40; the three populations rise along nearly straight "
    "lines; random search rises steeply and ends at 4 parameters.",
)
plt.show()

# %%
# Descent pays hardly more for 32 parameters than for one. Random draws pay more than a
# hundred times as much for four.

descent = medians["gradient descent"]
draws = medians["random search"]
assert descent[32] < 2 * descent[1], (
    f"descent should pay about the same for 32 parameters, not {descent[32]:.0f} "
    f"instead of {descent[1]:.0f}"
)
assert draws[4] > 100 * draws[1], (
    f"random draws should pay a hundred times as much for four parameters, "
    f"not {draws[4]:.0f} instead of {draws[1]:.0f}"
)
