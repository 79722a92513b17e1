r"""
Minima attract, maxima and saddles repel
========================================

Descents from nine starts near a minimum, a maximum and a saddle, one of them exactly on
it. The one in the middle never moves, and around it the three surfaces differ: all in,
all out, and in along one axis but out along the other. The reason is the error map
:eq:`eq-error-map` in :ref:`descent-fixed-points`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import gradient_descent, plots
from lecturecode.objectives import Quadratic, Saddle

learning_rate = 0.05  # for the minimum to attract, anything below 1

surfaces = {
    "minimum": Quadratic([2.0, 1.0]),
    "maximum": Quadratic([-2.0, -1.0]),
    "saddle": Saddle(),
}
angle = 2 * np.pi * np.arange(8) / 8 + 0.2
ring = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
ring = np.vstack([[0.0, 0.0], ring])  # (9, 2), the first in the middle
starts = {"minimum": ring, "maximum": 0.15 * ring, "saddle": ring * [1, 0.15]}
thetas = {}
for kind, g in surfaces.items():
    run = gradient_descent(g, starts[kind], learning_rate, steps=20, tol=0)
    thetas[kind] = run.thetas  # (21, 9, 2)

plots.use_style()
figure, axes = plt.subplots(1, 3, figsize=(9.0, 3.5))
colour = plots.COLOURS["gradient descent"]
dots = {}
for ax, (kind, g) in zip(axes, surfaces.items(), strict=True):
    plots.contours(g, [(-1.2, 1.2), (-1.2, 1.2)], ax=ax, points=80)
    path = thetas[kind]
    ax.plot(path[..., 0], path[..., 1], color="#404055", linewidth=0.8)
    plots.mark([0.0, 0.0], kind, ax=ax)
    (dots[kind],) = ax.plot([], [], "o", color=colour, zorder=5)
    ax.set(title=kind, aspect="equal")


def draw(step):
    for kind in surfaces:
        dots[kind].set_data(*thetas[kind][step].T)


animation = plots.animate(figure, draw, range(0, 21, 2), interval=240)
plots.describe(
    figure,
    "Nine dots each on three surfaces. Around the minimum they gather at the "
    "center, around the maximum they fly outwards, at the saddle they close in "
    "from the sides and leave up and down; the dot in the middle stays.",
)
plt.show()

# %%
# All shrinks at the minimum, all grows at the maximum; at the saddle, one coordinate
# does each.

for kind, path in thetas.items():
    assert (path[:, 0] == 0).all(), f"the dot on the {kind} should never move"

first = {kind: path[0, 1:] for kind, path in thetas.items()}  # (8, 2)
last = {kind: path[-1, 1:] for kind, path in thetas.items()}
assert (abs(last["minimum"]) < abs(first["minimum"])).all(), (
    "at the minimum both coordinates should shrink"
)
assert (abs(last["maximum"]) > abs(first["maximum"])).all(), (
    "at the maximum both coordinates should grow"
)
shrinks = abs(last["saddle"]) < abs(first["saddle"])
assert shrinks[:, 0].all(), "at the saddle the first coordinate should shrink"
assert not shrinks[:, 1].any(), "at the saddle the second coordinate should grow"
