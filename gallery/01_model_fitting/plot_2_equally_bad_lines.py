r"""
Equally bad lines lie on one ellipse
====================================

Every line through the penguin data is a point (a, b), and its mean squared error g is the height
there. Look for the twelve lines on the left: some are steep, some flat, some too high, and all
have the same error, because their points on the right lie on one level line of g. :ref:`The
chapter <model-fitting>` explains the two pictures.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import affine_error, fit_affine
from lecturecode.datasets import penguins
from lecturecode.plots import COLOURS, contours, describe, use_style

excess = 0.25  # kg^2 above the best loss

use_style()
birds = penguins()
x = (birds["flipper_length_mm"] - 200) / 10  # cm beyond 20 cm
y = birds["body_mass_g"] / 1000  # kg
g, best = affine_error(x, y), fit_affine(x, y)

# g = g(best) + d^T H d / 2, so a circle becomes a level line by the inverse root of H.
eigenvalues, Q = np.linalg.eigh(g.hessian(best))
angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)  # (12, 2)
theta = best + (circle * np.sqrt(2 * excess / eigenvalues)) @ Q.T

figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 4.0))
left.plot(20 + x, y, ".", color=COLOURS["data"], alpha=0.4, markersize=5)
ends = np.array([-3.0, 3.4])
contours(g, [(-0.5, 1.5), (3.2, 5.2)], ax=right, levels=g(best) + excess * np.array([0.04, 1, 4, 9]))
for (a, b), colour in zip(theta, plt.colormaps["cividis"](np.linspace(0, 0.9, 12)), strict=True):
    left.plot(20 + ends, a * ends + b, color=colour, linewidth=1.2)
    right.plot(a, b, "o", color=colour, markeredgecolor="white", markersize=9)
left.plot(20 + ends, best[0] * ends + best[1], color=COLOURS["model"], linewidth=3)
right.plot(*best, "o", color=COLOURS["model"], markersize=9)
left.set(xlabel="flipper length (cm)", ylabel="body mass (kg)", title="twelve lines, and the best")
right.set(xlabel="slope a (kg/cm)", ylabel="intercept b (kg)", title="their points")
describe(
    figure,
    "Left: penguin masses against flipper lengths with twelve lines of different slopes and heights "
    "around the best one. Right: the twelve as points on one elliptic level line around the best point.",
)
plt.show()

# %%
# No single number of a line says how bad it is: a line may be too steep, or too high, or a little
# of both. Only the center of the ellipses beats them all.

print("losses of the twelve:", g(theta).round(6))

assert np.allclose(g(theta), g(best) + excess)
