r"""
Standardizing the input turns a canyon into a round bowl
========================================================

The mean squared error of a line through the penguins (flipper length to body mass), as a function
of slope and intercept. In millimeters the level lines are so elongated that they look like
parallel lines; with standardized flippers they are circles, and a single step of gradient descent
arrives. See :ref:`descent-standardize`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import affine_error, gradient_descent, plots
from lecturecode.datasets import penguins

plots.use_style()
birds = penguins()
x, y = birds["flipper_length_mm"], birds["body_mass_g"] / 1000  # mm, kg
inputs = {"millimeters": x, "standardized": (x - x.mean()) / x.std()}

figure, axes = plt.subplots(1, 2, figsize=(8.6, 4.0))
kappas, traces = {}, {}
for ax, (name, data) in zip(axes, inputs.items(), strict=True):
    g = affine_error(data, y)
    low, high = np.linalg.eigvalsh(g.hessian(g.minima[0]))
    kappas[name] = high / low
    best, long = g.minima[0], name == "millimeters"
    start = best + np.array([0.022, 2.5] if long else [-3.0, -2.0])
    traces[name] = gradient_descent(g, start, 1 / high, steps=300)
    width = [0.03, 5.0] if long else [4.0, 4.0]
    plots.contours(g, np.stack([best - width, best + width], axis=-1), ax=ax)
    plots.path(traces[name], ax=ax, label="gradient descent")
    plots.mark(best, "minimum", ax=ax)
    ax.set_title(rf"{name}: $\kappa$ = {kappas[name]:.3g}")
    unit = "kg/mm" if long else "kg"
    ax.set(xlabel=f"slope ({unit})", ylabel="intercept (kg)")
    ax.set_aspect("auto" if long else "equal")
plots.describe(
    figure,
    "Left, level lines in millimeters look like parallel lines, and 300 "
    "steps end on the floor between them, far from the minimum. Right, with "
    "standardized inputs they are circles, and one step ends in the minimum.",
)
plt.show()

# %%
# On the left the descent falls to the floor of the valley and then creeps along it: it would take
# millions of steps. On the right the first step arrives.

assert kappas["millimeters"] > 1e6
assert abs(kappas["standardized"] - 1) < 1e-6
assert traces["standardized"].steps == 1
assert not traces["millimeters"].converged
