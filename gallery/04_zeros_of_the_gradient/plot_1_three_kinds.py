r"""
A nudged marble tells the three kinds apart
===========================================

A bowl, a hill and a saddle are all flat at the origin, so a marble put there exactly would rest.
Here one starts on the wall of the bowl, one beside the summit, one beside the ridge that leads down
to the saddle. Where each goes, the signs of the Hessian's eigenvalues foretell (:ref:`three-kinds`).
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import classify, gradient_descent
from lecturecode.objectives import Quadratic, Saddle
from lecturecode.plots import COLOURS, animate, describe, surface, use_style

learning_rate = 0.08  # below 0.04, 30 steps hardly leave the saddle

use_style()
marbles = {
    "minimum": (Quadratic([2.0, 2.0]), [1.2, -0.9]),
    "maximum": (Quadratic([-2.0, -2.0]), [0.014, 0.006]),
    "saddle": (Saddle(), [1.3, -0.02]),
}
figure, panels = plt.subplots(1, 3, subplot_kw={"projection": "3d"})
figure.set_size_inches(7.2, 3.2)
traces, balls = {}, {}
for ax, (kind, (g, start)) in zip(panels, marbles.items(), strict=True):
    traces[kind] = gradient_descent(g, start, learning_rate, steps=30)
    surface(g, [(-1.5, 1.5)] * 2, ax=ax, levels=8, points=22)
    ax.set(title=kind, zlabel="", xticks=[0], yticks=[0], zticks=[])
    ax.computed_zorder = False
    (balls[kind],) = ax.plot([], [], [], "o-", color=COLOURS[kind], zorder=9)
    balls[kind].set(markevery=[-1], markersize=9)


def draw(i):
    for ax, kind in zip(panels, marbles, strict=True):
        track = traces[kind].thetas[: i + 1]
        balls[kind].set_data_3d(*track.T, marbles[kind][0](track) + 0.1)
        ax.view_init(elev=30, azim=-70 + 1.2 * i)


animation = animate(figure, draw, 31, interval=140)
describe(
    figure,
    "Marbles on three turning surfaces: in the bowl one ends at the bottom, on "
    "the hill one rolls off, on the saddle one comes near and leaves sideways",
)
plt.show()

# %%
# Only in the bowl does the distance to the flat point shrink to the end. The saddle plays both parts:
# along :math:`\theta_1` the marble is drawn in, along :math:`\theta_2` it is pushed out.

for kind, (g, _) in marbles.items():
    away = np.linalg.norm(traces[kind].thetas, axis=1)
    assert (away[-1] < away[-2]) == (kind == "minimum")
    assert classify(g.hessian(np.zeros(2))) == kind
assert (np.diff(abs(traces["saddle"].thetas), axis=0) * [-1, 1] > 0).all()
