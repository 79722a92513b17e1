r"""
The domain of g decides what there is to see
============================================

A function of a choice is a row of dots, of a number a curve, of two numbers a surface
(seen from above), of a choice *and* a number a curve for each choice. Look for what
connects neighboring values: in the first panel nothing does. :ref:`The chapter
<domains>` shows the same on real data.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode.domains import Choice, Interval
from lecturecode.objectives import DoubleWell, Himmelblau
from lecturecode.plots import contours, curve, describe, use_style

use_style()
tilts = [0.0, 0.6, 1.2]
styles = ["-", "--", "-."]
well = DoubleWell(size=1)
level = DoubleWell(tilt=0.0, size=1)
candidates = np.array([-1.6, -1.2, -0.5, 0.1, 0.6, 0.9, 1.4])[:, None]
mixed = Choice(tilts) * Interval(-1.6, 1.6)


def g_mixed(theta):  # (which tilt, position), shape (..., 2)
    tilt = np.array(tilts)[theta[..., 0].astype(int)]
    return level(theta[..., 1:]) + tilt * theta[..., 1]


figure, ((dots, line), (plane, mixture)) = plt.subplots(2, 2, figsize=(7, 7))
dots.plot(well(candidates), "o", color="#404055")
dots.set(xlabel="number of the candidate", ylabel=r"$g(\theta)$")
curve(well, Interval(-1.6, 1.6), ax=line)
contours(Himmelblau(), ax=plane, levels=14, log=True)

which, position = mixed.axes(200)
theta = np.stack(np.meshgrid(which, position, indexing="ij"), axis=-1)  # (3, 200, 2)
values = g_mixed(theta)  # (3, 200)
for i in range(len(tilts)):
    lowest = values[i].argmin()
    label = f"tilt {tilts[i]}"
    (drawn,) = mixture.plot(position, values[i], styles[i], label=label)
    colour = drawn.get_color()
    mixture.plot(position[lowest], values[i, lowest], "o", color=colour)
mixture.set(xlabel="position", ylabel=r"$g(\theta)$", ylim=(-2.5, 5))
mixture.legend(loc="upper center")

titles = ["one of seven", "a number", "two numbers", "a choice and a number"]
for axes, title in zip(figure.axes, titles, strict=True):
    axes.set_title(title)
describe(
    figure,
    "Four panels: seven dots, a curve with two dips, level lines with four "
    "valleys, and three curves, each with its lowest point marked.",
)
plt.show()

# %%
# No dot is as low as the valley of the curve: a list of candidates can only offer what
# is on it. The lowest point of the mixed function is the lowest of its curves' lowest
# points.

best = mixed.decode(theta.reshape(-1, 2)[values.argmin()])
print("best of the mixed domain (tilt, position):", best)

assert best[0] == max(tilts, key=abs), (
    f"the most tilted curve should have the lowest point, not that with tilt {best[0]}"
)
assert well(candidates).min() > well(well.minima).min(), (
    "no candidate of the list should be as low as the valley of the curve"
)
