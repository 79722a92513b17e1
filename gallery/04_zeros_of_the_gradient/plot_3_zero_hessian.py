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
from lecturecode.plots import METHODS, contours, describe, mark, use_style

radius = 0.1

use_style()
functions = {
    r"$\theta_1^2 + \theta_2^4$": Function(lambda t: t ** [2, 4] @ [1, 1]),
    r"$\theta_1^2 - \theta_2^4$": Function(lambda t: t ** [2, 4] @ [1, -1]),
    r"$\theta_1^2 + \theta_2^3$": Function(lambda t: t ** [2, 3] @ [1, 1]),
}
angle = np.linspace(0, 2 * np.pi, 721)
circle = radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)
line = np.linspace(-1, 1, 201)
section = np.stack([0 * line, line], axis=-1)  # (201, 2)

figure, panels = plt.subplots(2, 2, figsize=(6.4, 6.0))
kinds = []
looks = list(zip(METHODS.values(), ["-", "--", "-."], strict=False))
for k, (name, g) in enumerate(functions.items()):
    ax, (colour, dash) = panels.flat[k], looks[k]
    around = g(circle)  # g is 0 in the middle
    up, down = around.max() > 0, around.min() < 0
    kinds.append("saddle" if up and down else "minimum" if up else "maximum")
    contours(g, [(-1, 1), (-1, 1)], ax=ax, levels=np.linspace(-1, 2, 25))
    mark(np.zeros(2), kinds[-1], ax=ax)
    ax.set(title=f"{name}: {kinds[-1]}", xticks=[-1, 0, 1], yticks=[-1, 0, 1])
    panels[1, 1].plot(line, g(section), dash, color=colour, label=name)
panels[1, 1].set(title=r"along $\theta_1 = 0$")
panels[1, 1].set(xlabel=r"$\theta_2$", ylabel=r"$g(\theta)$")
panels[1, 1].legend()
describe(
    figure,
    "Level lines of three functions with the same Hessian at the origin: "
    "closed rings around it for the first, open lines through it for the "
    "other two. Their sections: a fourth power, its negative, and a cube",
)
plt.show()

# %%
# The only direction that could tell the kinds apart is the one along which the Hessian is zero.

assert kinds == ["minimum", "saddle", "saddle"]
assert classify(np.diag([2.0, 0.0])) == "inconclusive"
