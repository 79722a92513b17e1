r"""
Units decide whether the loss is a bowl or a trench
===================================================

The same birds, the same lines, the same loss, twice: on the left with flippers in millimeters and
masses in grams, on the right in centimeters beyond a center and in kilograms. Look for the level
lines, and for the scale of the axes. :ref:`In practice <units-and-centers>` the right-hand
picture is what a descent should be given.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import affine_error, fit_affine
from lecturecode.datasets import penguins
from lecturecode.plots import COLOURS, contours, describe, use_style

center = 200  # mm, subtracted from the flipper lengths on the right

use_style()
birds = penguins()
flipper, mass = birds["flipper_length_mm"], birds["body_mass_g"]
raw = flipper, mass, [20.0, 4000.0], "mm", "g"
ours = (flipper - center) / 10, mass / 1000, [1.0, 1.0], "cm", "kg"
figure, panels = plt.subplots(1, 2, figsize=(7.6, 4.0))
condition, fitted = [], []
for axes, case in zip(panels, (raw, ours), strict=True):
    x, y, reach, length, weight = case
    g, best = affine_error(x, y), fit_affine(x, y)
    box = np.stack([best - reach, best + reach], axis=-1)
    contours(g, box, ax=axes, levels=16, log=True, points=300)
    axes.plot(*best, "o", color=COLOURS["model"], markersize=9)
    axes.set_xlabel(f"slope a ({weight}/{length})")
    axes.set_ylabel(f"intercept b ({weight})")
    condition.append(np.linalg.cond(g.hessian(best)))
    fitted.append(best[0] * x + best[1])
panels[0].set_title("raw: mm and g")
panels[1].set_title(f"cm beyond {center / 10:g} cm, and kg")
describe(
    figure,
    "Level lines of the same loss in two systems of units. On the left a "
    "very narrow diagonal trench; on the right nearly round ellipses. "
    "The minimum is marked in both.",
)
plt.show()

# %%
# Raw, the intercept is the mass of a penguin with flippers of length zero, thousands of grams
# below zero. A small change of the slope has to be made up for by a large one of the intercept,
# and along the trench the data hardly tell one line from the next. The fitted masses are the same
# in both units.

print(f"condition number: {condition[0]:.1e} and {condition[1]:.1f}")

assert condition[0] > 1e6 > 1e3 > condition[1]
assert np.allclose(fitted[0] / 1000, fitted[1])
