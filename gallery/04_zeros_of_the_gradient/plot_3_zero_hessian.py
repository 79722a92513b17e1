r"""
One Hessian belongs to a minimum and to saddles alike
=====================================================

These functions are flat at the origin and have the same Hessian there, :math:`\diag(2,
0)`. They differ along :math:`\theta_2` alone, by a term of third or fourth order that
no second derivative sees. Look at the level lines in the middle: rings around the
minimum, and at the saddles lines that run away. The fourth panel shows the three along
:math:`\theta_1 = 0`. The reasons are in :ref:`silent-hessian`.
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
circle = radius * np.stack([np.cos(angle), np.sin(angle)], axis=-1)  # (721, 2)
line = np.linspace(-1, 1, 201)
section = np.stack([0 * line, line], axis=-1)  # (201, 2)


def kind_at_origin(g):
    """What the values on a small circle tell; g is 0 in the middle."""
    around = g(circle)
    if around.min() >= 0:
        return "minimum"
    if around.max() <= 0:
        return "maximum"
    return "saddle"


kinds = {name: kind_at_origin(g) for name, g in functions.items()}

figure, panels = plt.subplots(2, 2, figsize=(6.4, 6.0))
*maps, sections = panels.flat
for ax, (name, g) in zip(maps, functions.items(), strict=True):
    contours(g, [(-1, 1), (-1, 1)], ax=ax, levels=np.linspace(-1, 2, 25))
    mark(np.zeros(2), kinds[name], ax=ax)
    ax.set(title=f"{name}: {kinds[name]}", xticks=[-1, 0, 1], yticks=[-1, 0, 1])

colours = list(METHODS.values())[:3]
styles = ["-", "--", "-."]
for (name, g), colour, style in zip(functions.items(), colours, styles, strict=True):
    sections.plot(line, g(section), style, color=colour, label=name)
sections.set_title(r"along $\theta_1 = 0$")
sections.set(xlabel=r"$\theta_2$", ylabel=r"$g(\theta)$")
sections.legend()
describe(
    figure,
    "Level lines of three functions with the same Hessian at the origin: "
    "closed rings around it for the first, open lines through it for the "
    "other two. Their sections: a fourth power, its negative, and a cube",
)
plt.show()

# %%
# The only direction that could tell the kinds apart is the one along which the Hessian
# is zero.

assert list(kinds.values()) == ["minimum", "saddle", "saddle"], (
    f"the values around should show a minimum and two saddles, not {kinds}"
)
assert classify(np.diag([2.0, 0.0])) == "inconclusive", (
    "the Hessian should not tell the kinds apart"
)
