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

from lecturecode import classify, gradient_descent, plots
from lecturecode.objectives import Quadratic, Saddle

learning_rate = 0.05  # for the minimum to attract, anything below 1

plots.use_style()
surfaces = {"minimum": Quadratic([2.0, 1.0]), "maximum": Quadratic([-2.0, -1.0]), "saddle": Saddle()}
angle = 2 * np.pi * np.arange(8) / 8 + 0.2
ring = np.stack([np.cos(angle), np.sin(angle)], axis=-1)
starts = {"minimum": [1, 1], "maximum": [0.15, 0.15], "saddle": [1, 0.15]}  # half-axes of the ring
figure, axes = plt.subplots(1, 3, figsize=(9.0, 3.5), layout="constrained")
thetas, dots = {}, {}
for ax, (kind, g) in zip(axes, surfaces.items(), strict=True):
    plots.contours(g, [(-1.2, 1.2), (-1.2, 1.2)], ax=ax, points=80)
    start = np.vstack([[0.0, 0.0], np.array(starts[kind]) * ring])  # (9, 2)
    thetas[kind] = gradient_descent(g, start, learning_rate, steps=20, tol=0).thetas  # (21, 9, 2)
    ax.plot(thetas[kind][:, :, 0], thetas[kind][:, :, 1], color="#404055", linewidth=0.8)
    plots.mark([0.0, 0.0], kind, ax=ax)
    (dots[kind],) = ax.plot([], [], "o", color=plots.COLOURS["gradient descent"], zorder=5)
    ax.set(title=kind, aspect="equal")


def draw(step):
    for kind in surfaces:
        dots[kind].set_data(*thetas[kind][step].T)
    return list(dots.values())


animation = plots.animate(figure, draw, 21)
plots.describe(
    figure,
    "Nine dots each on three surfaces. Around the minimum they gather at the center, around "
    "the maximum they fly outwards, at the saddle they close in from the sides and leave up "
    "and down; the dot in the middle stays.",
)
plt.show()

# %%
# The distance of every start but the middle one shrinks at the minimum and grows at the maximum.

distance = {kind: np.linalg.norm(thetas[kind], axis=-1) for kind in surfaces}
assert all((d[:, 0] == 0).all() for d in distance.values())
assert (distance["minimum"][-1, 1:] < distance["minimum"][0, 1:]).all()
assert (distance["maximum"][-1, 1:] > distance["maximum"][0, 1:]).all()
assert classify(surfaces["saddle"].hessian([0.0, 0.0])) == "saddle"
