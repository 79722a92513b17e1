r"""
The domain of g decides what there is to see
============================================

A function of a choice is a row of dots, of a number a curve, of two numbers a surface (seen from
above), of a choice *and* a number a curve for each choice. Look for what connects neighboring
values: in the first panel nothing does. :ref:`The chapter <domains>` shows the same on real data.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode.domains import Choice, Interval
from lecturecode.objectives import DoubleWell, Himmelblau
from lecturecode.plots import contours, curve, describe, use_style

tilts = [0.0, 0.6, 1.2]

use_style()
well, level = DoubleWell(size=1), DoubleWell(tilt=0.0, size=1)
candidates = np.array([-1.6, -1.2, -0.5, 0.1, 0.6, 0.9, 1.4])[:, None]
mixed = Choice(tilts) * Interval(-1.6, 1.6)


def g_mixed(theta):
    """Take (which tilt, position), shape (..., 2)."""
    tilt = np.array(tilts)[theta[..., 0].astype(int)]
    return level(theta[..., 1:]) + tilt * theta[..., 1]


figure, ((finite, line), (plane, mixture)) = plt.subplots(2, 2, figsize=(7.6, 6.6))
finite.plot(well(candidates), "o", color="#404055", markersize=8)
finite.set(xlabel="number of the candidate", ylabel=r"$g(\theta)$", title="one of seven")
curve(well, Interval(-1.6, 1.6), ax=line).axes.set_title("a number")
contours(Himmelblau(), ax=plane, levels=14, log=True).axes.set_title("two numbers")
which, position = mixed.axes(200)
theta = np.stack(np.meshgrid(which, position, indexing="ij"), axis=-1)  # (3, 200, 2)
values = g_mixed(theta)
for tilt, height, dash in zip(tilts, values, np.resize(["-", "--", "-."], len(tilts)), strict=True):
    (drawn,) = mixture.plot(position, height, dash, label=f"tilt {tilt}")
    mixture.plot(position[height.argmin()], height.min(), "o", color=drawn.get_color())
mixture.set(xlabel="position", ylim=(-2.5, 5), title="one of three, and a number")
mixture.legend(loc="upper center")
describe(
    figure,
    "Four panels: seven dots, a curve with two dips, level lines with four valleys, and three "
    "curves, one for each choice, each with its lowest point marked.",
)
plt.show()

# %%
# No dot is as low as the valley of the curve: a list of candidates can only offer what is on it.
# The lowest point of the mixed function is the lowest of its curves' lowest points.

best = mixed.decode(theta.reshape(-1, 2)[values.argmin()])
print("best of the mixed domain (tilt, position):", best)

assert best[0] == max(tilts, key=abs)
assert well(candidates).min() > well(well.minima).min()
