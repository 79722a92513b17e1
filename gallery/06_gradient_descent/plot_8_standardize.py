r"""
Standardizing the input turns a canyon into a round bowl
========================================================

The mean squared error of a line through the penguins (flipper length to body mass), as
a function of slope and intercept. In millimeters the level lines are so elongated that
they look like parallel lines; with standardized flippers they are circles, and a single
step of gradient descent arrives. See :ref:`descent-standardize`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import affine_error, gradient_descent, plots
from lecturecode.datasets import penguins

birds = penguins()
x_raw = birds["flipper_length_mm"]
x = (x_raw - x_raw.mean()) / x_raw.std()
y = birds["body_mass_g"] / 1000  # kg


def descend(ax, x, *, offset, reach):
    """Draw a descent from the minimum plus offset; return it and kappa."""
    g = affine_error(x, y)
    best = g.minima[0]
    low, high = np.linalg.eigvalsh(g.hessian(best))
    trace = gradient_descent(g, best + np.array(offset), 1 / high, steps=300)
    box = np.stack([best - reach, best + reach], axis=-1)
    plots.contours(g, box, ax=ax)
    plots.path(trace, ax=ax, label="gradient descent")
    plots.mark(best, "minimum", ax=ax)
    return trace, high / low


plots.use_style()
figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 4.0))
raw, kappa_raw = descend(left, x_raw, offset=[0.022, 2.5], reach=[0.03, 5.0])
trace, kappa = descend(right, x, offset=[-3.0, -2.0], reach=[4.0, 4.0])
left.set_title(rf"millimeters: $\kappa$ = {kappa_raw:.3g}")
left.set(xlabel="slope (kg/mm)", ylabel="intercept (kg)", aspect="auto")
right.set_title(rf"standardized: $\kappa$ = {kappa:.3g}")
right.set(xlabel="slope (kg)", ylabel="intercept (kg)", aspect="equal")
plots.describe(
    figure,
    "Left, level lines in millimeters look like parallel lines, and 300 "
    "steps end on the floor between them, far from the minimum. Right, with "
    "standardized inputs they are circles, and one step ends in the minimum.",
)
plt.show()

# %%
# On the left the descent falls to the floor of the valley and then creeps along it: it
# would take millions of steps. On the right the first step arrives.

assert kappa_raw > 1e6, f"in millimeters kappa should be huge, not {kappa_raw:.3g}"
assert not raw.converged, "in millimeters 300 steps should not be enough"
assert abs(kappa - 1) < 1e-6, f"standardized, kappa should be 1, not {kappa}"
assert trace.steps == 1, f"standardized, one step should be enough, not {trace.steps}"
