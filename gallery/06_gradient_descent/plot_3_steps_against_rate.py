r"""
The best learning rate stands close to the cliff
================================================

How many steps does a descent need until it is flat? Each dot is a run on the bowl with
curvatures 1 and ``condition_number``. Look at the two sides of the curve: a rate that
is half the best one costs twice the steps, a rate ten percent above it may never
arrive. The theory is :eq:`eq-best-rate` in :ref:`descent-learning-rate`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import gradient_descent, plots
from lecturecode.objectives import Quadratic

condition_number = 10.0  # try 2.0 or 100.0

plots.use_style()
bowl = Quadratic([1.0, condition_number])
best = 2 / (1 + condition_number)
limit = 2 / condition_number
below = np.geomspace(best / 20, 0.97 * best, 30)
above = np.linspace(best, 0.05 * best + 0.95 * limit, 15)
rates = np.append(below, above)
budget = int(1000 * condition_number)
runs = [gradient_descent(bowl, [1.0, 1.0], rate, steps=budget) for rate in rates]
steps = np.array([run.steps for run in runs])

figure, ax = plt.subplots()
colour = plots.COLOURS["gradient descent"]
ax.loglog(rates, steps, "o-", color=colour, markersize=5)
ax.axvline(
    best,
    color="#00704f",
    linestyle="--",
    label=r"best, $2/(\lambda_{\min}+\lambda_{\max})$",
)
ax.axvline(limit, color="#b02020", linestyle=":", label=r"limit, $2/\lambda_{\max}$")
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
# On the left the count is inversely proportional to the learning rate; the lowest dot
# stands at the best rate.

assert all(run.converged for run in runs), "each rate below the limit should arrive"

quickest = rates[steps.argmin()]
assert abs(quickest / best - 1) < 0.05, (
    f"the quickest rate should be {best:.4f}, not {quickest:.4f}"
)
slope = np.log(steps[9] / steps[0]) / np.log(rates[9] / rates[0])
assert abs(slope + 1) < 0.1, (
    f"on the left the line should fall with slope -1, not {slope:.2f}"
)
