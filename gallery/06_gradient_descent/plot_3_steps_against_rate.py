r"""
The best learning rate stands close to the cliff
================================================

How many steps does a descent need until it is flat? Each dot is a run on the bowl with curvatures
1 and ``condition_number``. Look at the two sides of the curve: a rate that is half the best one
costs twice the steps, a rate ten percent above it may never arrive. The theory is
:eq:`eq-best-rate` in :ref:`descent-learning-rate`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import gradient_descent, plots
from lecturecode.objectives import Quadratic

condition_number = 10.0  # try 2.0 or 100.0

plots.use_style()
bowl = Quadratic([1.0, condition_number])
limit, best = 2 / condition_number, 2 / (1 + condition_number)
below = np.geomspace(best / 20, 0.97 * best, 30)
rates = np.append(below, np.linspace(best, 0.05 * best + 0.95 * limit, 15))
start, budget = [1.0, 1.0], int(1000 * condition_number)
runs = [gradient_descent(bowl, start, rate, steps=budget) for rate in rates]
steps = np.array([run.steps for run in runs])

figure, ax = plt.subplots()
colour = plots.COLOURS["gradient descent"]
ax.loglog(rates, steps, "o-", color=colour, markersize=5)
label = r"best, $2/(\lambda_{\min}+\lambda_{\max})$"
ax.axvline(best, color="#00704f", linestyle="--", label=label)
label = r"limit, $2/\lambda_{\max}$"
ax.axvline(limit, color="#b02020", linestyle=":", label=label)
ax.set(xlabel=r"learning rate $\epsilon$", ylabel="steps until flat")
ax.legend()
plots.describe(
    figure,
    "Steps until flat against the learning rate, both on logarithmic axes: a "
    "straight line falls to the best rate, and right behind it the count rises "
    "steeply towards the limit.",
)
plt.show()

# %%
# On the left the count is inversely proportional to the learning rate; the lowest dot stands at
# the best rate.

assert all(run.converged for run in runs)
assert abs(rates[steps.argmin()] / best - 1) < 0.05
slope = np.diff(np.log(steps[:10:9])) / np.diff(np.log(rates[:10:9]))
assert abs(slope + 1) < 0.1
