r"""
Minima attract, maxima and saddles repel
========================================

Descents from nine starts near a minimum, a maximum and a saddle, one of them exactly on it. The
one in the middle never moves, and around it the three surfaces differ: all in, all out, and in
along one axis but out along the other. The reason is the error map :eq:`eq-error-map` in
:ref:`descent-fixed-points`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import gradient_descent, plots
from lecturecode.objectives import Quadratic, Saddle

learning_rate = 0.05  # for the minimum to attract, anything below 1

plots.use_style()
bowl, hill = Quadratic([2.0, 1.0]), Quadratic([-2.0, -1.0])
surfaces = {"minimum": bowl, "maximum": hill, "saddle": Saddle()}
angle = 2 * np.pi * np.arange(8) / 8 + 0.2
ring = np.array([[0, 0], *zip(np.cos(angle), np.sin(angle), strict=True)])
starts = {"minimum": ring, "maximum": 0.15 * ring, "saddle": ring * [1, 0.15]}
figure, axes = plt.subplots(1, 3, figsize=(9.0, 3.5))
thetas, dots = {}, {}
for ax, (kind, g) in zip(axes, surfaces.items(), strict=True):
    plots.contours(g, [(-1.2, 1.2), (-1.2, 1.2)], ax=ax, points=80)
    run = gradient_descent(g, starts[kind], learning_rate, steps=20, tol=0)
    thetas[kind] = run.thetas  # (21, 9, 2)
    ax.plot(*np.moveaxis(run.thetas, -1, 0), color="#404055", linewidth=0.8)
    plots.mark([0.0, 0.0], kind, ax=ax)
    colour = plots.COLOURS["gradient descent"]
    (dots[kind],) = ax.plot([], [], "o", color=colour, zorder=5)
    ax.set(title=kind, aspect="equal")


def draw(step):
    for kind in surfaces:
        dots[kind].set_data(*thetas[kind][step].T)


animation = plots.animate(figure, draw, 21)
plots.describe(
    figure,
    "Nine dots each on three surfaces. Around the minimum they gather at the "
    "center, around the maximum they fly outwards, at the saddle they close in "
    "from the sides and leave up and down; the dot in the middle stays.",
)
plt.show()

# %%
# All shrinks at the minimum, all grows at the maximum; at the saddle, one coordinate does each.

distance = {kind: np.linalg.norm(thetas[kind], axis=-1) for kind in surfaces}
assert all((d[:, 0] == 0).all() for d in distance.values())
assert (distance["minimum"][-1, 1:] < distance["minimum"][0, 1:]).all()
assert (distance["maximum"][-1, 1:] > distance["maximum"][0, 1:]).all()
first, last = abs(thetas["saddle"][[0, -1], 1:])
assert ((last < first) == [True, False]).all()
