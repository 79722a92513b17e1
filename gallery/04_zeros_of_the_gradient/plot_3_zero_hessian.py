r"""
One Hessian belongs to a minimum and to saddles alike
=====================================================

These functions are flat at the origin and have the same Hessian there, :math:`\diag(2, 0)`. They
differ along :math:`\theta_2` alone, by a term of third or fourth order that no second derivative
sees. Look at the level lines in the middle: rings around the minimum, and at the saddles lines that
run away. The fourth panel shows the three along :math:`\theta_1 = 0`. The reasons are in
:ref:`silent-hessian`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import classify
from lecturecode.objectives import Function
from lecturecode.plots import COLOURS, METHODS, contours, describe, mark, use_style

radius = 0.1

use_style()
functions = {
    r"$\theta_1^2 + \theta_2^4$": Function(lambda t: t[..., 0] ** 2 + t[..., 1] ** 4),
    r"$\theta_1^2 - \theta_2^4$": Function(lambda t: t[..., 0] ** 2 - t[..., 1] ** 4),
    r"$\theta_1^2 + \theta_2^3$": Function(lambda t: t[..., 0] ** 2 + t[..., 1] ** 3),
}
angle = np.linspace(0, 2 * np.pi, 721)
circle = radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)  # (721, 2)
line = np.linspace(-1, 1, 201)
section = np.stack([0 * line, line], axis=-1)  # (201, 2)

figure, panels = plt.subplots(2, 2, figsize=(6.4, 6.0))
kinds = []
looks = zip(METHODS.values(), ["-", "--", "-."], strict=False)
for ax, (name, g), (colour, dash) in zip(panels.flat, functions.items(), looks, strict=False):
    around = g(circle) - g(np.zeros(2))
    kinds.append("minimum" if around.min() > 0 else "saddle" if around.max() > 0 else "maximum")
    contours(g, [(-1, 1), (-1, 1)], ax=ax, levels=np.linspace(-1, 2, 25))
    mark(np.zeros(2), kinds[-1], ax=ax)
    ax.set(title=f"{name}: {kinds[-1]}", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    panels[1, 1].plot(line, g(section), dash, color=colour, label=name)
panels[1, 1].axhline(0, color=COLOURS["data"], lw=0.8)
panels[1, 1].set(title=r"along $\theta_1 = 0$", xlabel=r"$\theta_2$", ylabel=r"$g(\theta)$")
panels[1, 1].legend()
describe(
    figure,
    "Level lines of three functions with the same Hessian at the origin, closed rings for the first, "
    "open lines for the other two, and their sections: a fourth power, its negative, and a cube",
)
plt.show()

# %%
# The only direction that could tell the kinds apart is the one along which the Hessian is zero.

assert kinds == ["minimum", "saddle", "saddle"]
assert classify(np.diag([2.0, 0.0])) == "inconclusive"
