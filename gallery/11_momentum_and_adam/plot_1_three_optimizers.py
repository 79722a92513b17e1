r"""
Down the canyon, momentum and Adam outrun gradient descent
==========================================================

Rosenbrock's canyon is banana-shaped, steep across and almost flat along its floor.
Three rules start at the same point, each with a learning rate that suits it. Watch the
first steps and the bend: gradient descent crawls along the floor as soon as it is
there, momentum gathers speed and overshoots the turn, Adam's first step is as long in
one coordinate as in the other. See :ref:`momentum-faster`, :ref:`adam-scale`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import Adam, GradientDescent, Momentum, minimize, plots
from lecturecode.objectives import Rosenbrock

steps = 500  # try 2000: gradient descent is still on its way

plots.use_style()
canyon = Rosenbrock()
rules = {
    "momentum": Momentum(0.001, 0.95),
    "Adam": Adam(0.2),
    "gradient descent": GradientDescent(0.0019),  # drawn last, on top
}


def value_and_gradient(theta):
    return canyon(theta), canyon.gradient(theta)


start = [-1.2, 1.0]
runs = {}
for name, rule in rules.items():
    runs[name] = minimize(value_and_gradient, start, rule, steps=steps)
box = [(-1.7, 1.7), (-0.6, 2.2)]
animation = plots.animate_path(canyon, runs, box, log=True, frames=26)
plots.describe(
    plt.gcf(),
    "Three paths in a curved canyon from the same start on the left. Gradient "
    "descent is still far from the minimum on the right when the film ends; "
    "momentum and Adam have swung around the bend and arrived.",
)
plt.show()

# %%
# After the last step the other two are at least ten times nearer to the minimum
# :math:`(1, 1)`.

away = {name: np.linalg.norm(run.last - [1, 1]) for name, run in runs.items()}
assert away["gradient descent"] > 10 * away["momentum"], (
    f"momentum should end ten times nearer to the minimum than descent: {away}"
)
assert away["gradient descent"] > 10 * away["Adam"], (
    f"Adam should end ten times nearer to the minimum than descent: {away}"
)
