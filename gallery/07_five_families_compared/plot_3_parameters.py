r"""
A further parameter costs descent nothing, and random search a factor
=====================================================================

The price of the same modest answer on tilted bowls of more and more dimensions, all with
eigenvalues from 1 to 10. A value is charged 1 and a gradient 2. Look at the shapes: flat for
descent, straight for the populations (a power of :math:`P`), and upwards without end for random
draws (an exponential). See :ref:`families-parameters`.
"""

import matplotlib.pyplot as plt
import numpy as np

import lecturecode as lc
from lecturecode import plots
from lecturecode.domains import Interval
from lecturecode.objectives import Quadratic

sizes, seeds = (1, 2, 4, 8, 16, 32), range(5)
plots.use_style()
prices = {}
for P in sizes:
    cube = Interval(-2, 2) ** P
    for s in seeds:
        rng = np.random.default_rng(s)
        Q = np.linalg.qr(rng.normal(size=(P, P)))[0]
        g = Quadratic(np.geomspace(1, 10, P), rng.uniform(-1, 1, P), Q)
        level = float(g(cube.sample(1000, rng=0)).mean()) / 100
        goal, start = {"target": level, "rng": s}, cube.sample(1, rng=s)[0]
        stop = {"callback": lambda run, low=level: run.value <= low}
        crowd = {"population": 50, "steps": 500} | goal
        down = lc.gradient_descent(g, start, 2 / 11, steps=99, **stop)
        runs = {
            "gradient descent": down,
            "evolution strategy": lc.evolution_strategy(g, cube, steps=500, **goal),
            "genetic algorithm": lc.genetic(g, cube, **crowd),
            "particle swarm": lc.particle_swarm(g, cube, **crowd),
        }
        if P <= 4:
            runs["random search"] = lc.random_search(g, cube, 10**5, rng=s)
        for name, run in runs.items():
            assert run.value <= level
            paid = run.evaluations[-1] * (3 if run is down else 1)
            if name == "random search":  # up to the first that arrived
                paid = int(np.argmax(run.values <= level)) + 1
            prices.setdefault(name, {}).setdefault(P, []).append(paid)

figure, ax = plt.subplots(figsize=(7.2, 4.6))
for name, line in prices.items():
    middle, colour = [np.median(v) for v in line.values()], plots.COLOURS[name]
    ax.loglog(list(line), middle, "o-", color=colour, label=name)
ax.set_xticks(sizes, sizes)
ax.set(xlabel="number of parameters P", ylabel="price")
ax.legend(loc="upper left")
plots.describe(figure, "Price: descent flat, crowds rising, draws soaring.")
plt.show()

down, blind = prices["gradient descent"], prices["random search"]
assert np.median(down[32]) < 2 * np.median(down[1])
assert np.median(blind[4]) > 100 * np.median(blind[1])
