r"""
Units decide whether the loss is a bowl or a trench
===================================================

The same birds, the same lines, the same loss, twice: on the left with flippers in
millimeters and masses in grams, on the right in centimeters beyond a center and in
kilograms. Look for the level lines, and for the scale of the axes. :ref:`In practice
<units-and-centers>` the right-hand picture is what a descent should be given.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import affine_error, fit_affine
from lecturecode.datasets import penguins
from lecturecode.plots import COLOURS, contours, describe, use_style

center = 200  # mm, subtracted from the flipper lengths on the right

birds = penguins()
x_raw = birds["flipper_length_mm"]
y_raw = birds["body_mass_g"]
x = (x_raw - center) / 10  # cm beyond the center
y = y_raw / 1000  # kg


def draw(axes, x, y, *, reach):
    """Draw level lines around the best line; return it and the condition number."""
    g = affine_error(x, y)
    best = fit_affine(x, y)
    box = np.stack([best - reach, best + reach], axis=-1)
    contours(g, box, ax=axes, levels=16, log=True, points=300)
    axes.plot(*best, "o", color=COLOURS["model"], markersize=9)
    return best, np.linalg.cond(g.hessian(best))


use_style()
figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 4.0))
best_raw, condition_raw = draw(left, x_raw, y_raw, reach=[20.0, 4000.0])
best, condition = draw(right, x, y, reach=[1.0, 1.0])
left.set(xlabel="slope a (g/mm)", ylabel="intercept b (g)")
left.set_title("raw: mm and g")
right.set(xlabel="slope a (kg/cm)", ylabel="intercept b (kg)")
right.set_title(f"cm beyond {center / 10:g} cm, and kg")
describe(
    figure,
    "Level lines of the same loss in two systems of units. On the left a "
    "very narrow diagonal trench; on the right nearly round ellipses. "
    "The minimum is marked in both.",
)
plt.show()

# %%
# Raw, the intercept is the mass of a penguin with flippers of length zero, thousands of
# grams below zero. A small change of the slope has to be made up for by a large one of
# the intercept, and along the trench the data hardly tell one line from the next. The
# fitted masses are the same in both units.

print(f"condition number: {condition_raw:.1e} and {condition:.1f}")

assert condition_raw > 1e6, (
    f"the trench should be narrow, condition {condition_raw:.1e}"
)
assert condition < 1e3, f"the bowl should be round, condition {condition:.1e}"

fitted_raw = best_raw[0] * x_raw + best_raw[1]  # g
fitted = best[0] * x + best[1]  # kg
assert np.allclose(fitted_raw / 1000, fitted), (
    "both systems of units should fit the same masses"
)
