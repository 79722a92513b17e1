r"""
Equally bad lines lie on one ellipse
====================================

Every line through the penguin data is a point (a, b), and its mean squared error g is
the height there. Look for the twelve lines on the left: some are steep, some flat, some
too high, and all have the same error, because their points on the right lie on one
level line of g. :ref:`The chapter <model-fitting>` explains the two pictures.
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
g = affine_error(x, y)
best = fit_affine(x, y)

# g = g(best) + d^T H d / 2, so H^(-1/2) turns a circle into a level line.
eigenvalues, Q = np.linalg.eigh(g.hessian(best))
angle = np.linspace(0, 2 * np.pi, 12, endpoint=False)
circle = np.stack([np.cos(angle), np.sin(angle)], axis=-1)  # (12, 2)
theta = best + (circle * np.sqrt(2 * excess / eigenvalues)) @ Q.T

figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 4.0))
left.plot(20 + x, y, ".", color=COLOURS["data"], alpha=0.4, markersize=5)
levels = g(best) + excess * np.array([0.04, 1, 4, 9])
contours(g, [(-0.5, 1.5), (3.2, 5.2)], ax=right, levels=levels)

ends = np.array([-3.0, 3.4])
colours = plt.colormaps["cividis"](np.linspace(0, 0.9, 12))
for (a, b), colour in zip(theta, colours, strict=True):
    left.plot(20 + ends, a * ends + b, color=colour, linewidth=1.2)
    right.plot(a, b, "o", color=colour, markeredgecolor="white", markersize=9)

a, b = best
left.plot(20 + ends, a * ends + b, color=COLOURS["model"], linewidth=3)
right.plot(a, b, "o", color=COLOURS["model"], markersize=9)

left.set(xlabel="flipper length (cm)", ylabel="body mass (kg)")
left.set_title("twelve lines, and the best")
right.set(xlabel="slope a (kg/cm)", ylabel="b (kg)")
right.set_title("their points")
describe(
    figure,
    "Left: penguin masses against flipper lengths, the best line and twelve "
    "others. Right: the twelve as points on one elliptic level line around "
    "the best point.",
)
plt.show()

# %%
# Neither the slope nor the intercept alone says how bad a line is: it may be too steep,
# or too high, or a little of both. Every point inside the ellipse beats the twelve, its
# center by most.

print(f"losses of the twelve: {g(theta).min():.6f} to {g(theta).max():.6f}")

assert np.allclose(g(theta), g(best) + excess), (
    f"all twelve lines should have the loss {g(best) + excess:.6f}"
)
