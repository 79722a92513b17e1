r"""
A nudged marble tells the three kinds apart
===========================================

A bowl, a hill and a saddle are all flat at the origin, so a marble put there exactly would rest on
each. Here each marble is put a little beside it and follows the gradient downhill. Watch where it
goes: the Hessian's eigenvalues, positive, negative or one of each, foretell it (:eq:`eq-hessian-kind`).
The pictures without motion are in :doc:`/chapters/04_zeros_of_the_gradient`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import classify, gradient_descent
from lecturecode.objectives import Quadratic, Saddle
from lecturecode.plots import COLOURS, animate, describe, surface, use_style

learning_rate = 0.08  # below 0.04, 30 steps are too few to see the saddle left

use_style()
marbles = {
    "minimum": (Quadratic([2.0, 2.0]), [1.2, -0.9]),
    "maximum": (Quadratic([-2.0, -2.0]), [0.014, 0.006]),
    "saddle": (Saddle(), [1.3, -0.02]),
}
traces = {kind: gradient_descent(*marble, learning_rate, steps=30) for kind, marble in marbles.items()}

figure, panels = plt.subplots(1, 3, figsize=(7.2, 3.2), subplot_kw={"projection": "3d"})
balls = {}
for ax, (kind, (g, _)) in zip(panels, marbles.items(), strict=True):
    surface(g, [(-1.5, 1.5)] * 2, ax=ax, levels=8, points=22)
    ax.set(title=kind, zlabel="", xticks=[0], yticks=[0], zticks=[])
    ax.computed_zorder = False
    (balls[kind],) = ax.plot([], [], [], "o-", color=COLOURS[kind], markevery=[-1], ms=9, zorder=9)


def draw(i):
    for ax, kind in zip(panels, marbles, strict=True):
        track = traces[kind].thetas[: i + 1]
        balls[kind].set_data_3d(*track.T, marbles[kind][0](track) + 0.1)
        ax.view_init(elev=30, azim=-70 + 1.2 * i)


animation = animate(figure, draw, 31, interval=140)
describe(
    figure,
    "Marbles on three turning surfaces: in the bowl the marble ends at the bottom, on the hill it "
    "rolls off, on the saddle it first comes towards the middle and then leaves sideways",
)
plt.show()

# %%
# Only in the bowl does the distance to the flat point shrink to the end. The saddle plays both parts:
# along :math:`\theta_1` the marble is drawn in, along :math:`\theta_2` it is pushed out.

distance = {kind: np.linalg.norm(trace.thetas, axis=1) for kind, trace in traces.items()}
leaves = {kind: bool(d[-1] > d[-2]) for kind, d in distance.items()}
assert leaves == {"minimum": False, "maximum": True, "saddle": True}
assert all(classify(g.hessian(start)) == kind for kind, (g, start) in marbles.items())
