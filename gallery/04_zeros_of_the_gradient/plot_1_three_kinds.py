r"""
A nudged marble tells the three kinds apart
===========================================

A bowl, a hill and a saddle are all flat at the origin, so a marble put there exactly
would rest. Here one starts on the wall of the bowl, one beside the summit, one beside
the ridge that leads down to the saddle. Where each goes, the signs of the Hessian's
eigenvalues foretell (:ref:`three-kinds`).
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import classify, gradient_descent
from lecturecode.objectives import Quadratic, Saddle
from lecturecode.plots import COLOURS, animate, describe, surface, use_style

learning_rate = 0.08  # below 0.04, 30 steps hardly leave the saddle

surfaces = {
    "minimum": Quadratic([2.0, 2.0]),
    "maximum": Quadratic([-2.0, -2.0]),
    "saddle": Saddle(),
}
starts = {
    "minimum": [1.2, -0.9],
    "maximum": [0.014, 0.006],
    "saddle": [1.3, -0.02],
}
traces = {
    kind: gradient_descent(g, starts[kind], learning_rate, steps=30)
    for kind, g in surfaces.items()
}

use_style()
figure, panels = plt.subplots(1, 3, figsize=(7.2, 3.2), subplot_kw={"projection": "3d"})
balls = {}
for ax, (kind, g) in zip(panels, surfaces.items(), strict=True):
    surface(g, [(-1.5, 1.5), (-1.5, 1.5)], ax=ax, levels=8, points=22)
    ax.set(title=kind, zlabel="", xticks=[0], yticks=[0], zticks=[])
    ax.computed_zorder = False
    (balls[kind],) = ax.plot([], [], [], "o-", color=COLOURS[kind], zorder=9)
    balls[kind].set(markevery=[-1], markersize=9)


def draw(i):
    for ax, (kind, g) in zip(panels, surfaces.items(), strict=True):
        track = traces[kind].thetas[: i + 1]
        balls[kind].set_data_3d(track[:, 0], track[:, 1], g(track) + 0.1)
        ax.view_init(elev=30, azim=-70 + 1.2 * i)


animation = animate(figure, draw, range(0, 31, 2), interval=280)
describe(
    figure,
    "Marbles on three turning surfaces: in the bowl one ends at the bottom, on "
    "the hill one rolls off, on the saddle one comes near and leaves sideways",
)
plt.show()

# %%
# Only in the bowl does the distance to the flat point shrink to the end. The saddle
# plays both parts: along :math:`\theta_1` the marble is drawn in, along
# :math:`\theta_2` it is pushed out.

for kind, g in surfaces.items():
    foretold = classify(g.hessian(np.zeros(2)))
    assert foretold == kind, (
        f"the eigenvalues should foretell a {kind}, not a {foretold}"
    )

    away = np.linalg.norm(traces[kind].thetas, axis=1)
    closer = away[-1] < away[-2]
    assert closer == (kind == "minimum"), (
        f"only in the bowl should the last step lead closer; at the {kind}: {closer}"
    )

change = np.diff(abs(traces["saddle"].thetas), axis=0)  # (30, 2)
assert (change[:, 0] < 0).all(), "along the first axis the saddle should draw in"
assert (change[:, 1] > 0).all(), "along the second axis the saddle should push out"
