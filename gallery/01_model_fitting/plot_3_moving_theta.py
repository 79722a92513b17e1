r"""
A point that moves over the loss is a line that turns on the data
=================================================================

The point travels over the level lines of the loss to the minimum; the line is the model
of the same moment. Look for steps across many level lines: there the line comes visibly
closer to the birds. :ref:`The chapter <model-fitting>` explains the two pictures. The
path, a spiral, is made up; how to find one is the subject of the rest of the book.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import affine_error, fit_affine
from lecturecode.datasets import penguins
from lecturecode.plots import COLOURS, animate, contours, describe, use_style

frames = 25

use_style()
birds = penguins()
x = (birds["flipper_length_mm"] - 200) / 10  # cm beyond 20 cm
y = birds["body_mass_g"] / 1000  # kg
g = affine_error(x, y)
best = fit_affine(x, y)

# a spiral into the minimum
way = np.linspace(0, 1, frames)[:, None]
turning = np.hstack([np.cos(9 * way), np.sin(9 * way)])  # (frames, 2)
theta = best + 0.9 * (1 - way) * turning

figure, (left, right) = plt.subplots(1, 2, figsize=(7.6, 4.0))
left.plot(20 + x, y, ".", color=COLOURS["data"], alpha=0.4, markersize=5)
ends = np.array([-3.0, 3.4])
(line,) = left.plot([], [], color=COLOURS["model"], linewidth=3)
left.set(xlabel="flipper length (cm)", ylabel="body mass (kg)", ylim=(2, 7))

levels = [0.16, 0.3, 0.6, 1, 1.5, 2, 3, 4]
contours(g, [(-0.5, 1.5), (3.1, 5.2)], ax=right, levels=levels)
(trail,) = right.plot([], [], color=COLOURS["model"], linewidth=1.2)
(dot,) = right.plot([], [], "o", color=COLOURS["model"], markersize=11)
right.set(xlabel="slope a (kg/cm)", ylabel="intercept b (kg)")


def draw(i):
    a, b = theta[i]
    line.set_data(20 + ends, a * ends + b)
    trail.set_data(theta[: i + 1, 0], theta[: i + 1, 1])
    dot.set_data([a], [b])
    figure.suptitle(f"loss {g(theta[i]):.3f} kg²")


animation = animate(figure, draw, frames, interval=250)
describe(
    figure,
    "Animation. Left: a line turns until it runs through the middle of the "
    "penguins. Right: its point spirals over level lines to the minimum.",
)
plt.show()

# %%
# The last line is the line of best fit, and no moment of the journey was better.

assert np.allclose(theta[-1], best), "the path should end in the minimum"
assert g(theta).argmin() == frames - 1, (
    f"the last frame should be the best one, but frame {g(theta).argmin()} is"
)
