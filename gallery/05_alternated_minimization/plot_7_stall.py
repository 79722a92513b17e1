r"""
A kink that is not along an axis stops coordinate descent anywhere on it
========================================================================

Twice the same convex function, with its minimum at the origin and two kinks. Left, it
is :math:`|\theta_1 + \theta_2| + 3|\theta_1 - \theta_2|`: the kinks lie on the
diagonals, and four coordinate descents each reach one in a single half-step and stay
there. Right, it is seen in turned coordinates, as :math:`|\theta_1| + 3|\theta_2|`: the
kinks lie on the axes, and each descent is at the minimum after two half-steps. See
:doc:`/chapters/05_alternated_minimization`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import coordinate_descent, plots


def diagonal(t):
    return abs(t[..., 0] + t[..., 1]) + 3 * abs(t[..., 0] - t[..., 1])


def upright(t):
    return abs(t[..., 0]) + 3 * abs(t[..., 1])


plots.use_style()
starts = [[1.7, 1.1], [-1.6, 0.6], [1.4, -0.7], [-0.4, -1.4]]
figure, axes = plt.subplots(1, 2, figsize=(9.0, 4.3))
traces = {}
for ax, g in zip(axes, (diagonal, upright), strict=True):
    traces[g] = [coordinate_descent(g, t, sweeps=50) for t in starts]
    plots.contours(g, [(-2, 2), (-2, 2)], ax=ax)
    for trace in traces[g]:
        lines = plots.staircase(trace, ax=ax)
    plots.mark([0.0, 0.0], "minimum", ax=ax)
    ax.set(title=f"kinks {g.__name__}", aspect="equal")
axes[1].legend(handles=lines, loc="upper left")
plots.describe(
    figure,
    "Level lines shaped as long diamonds. Left they are tilted, and four "
    "paths of one horizontal piece end on the diagonal, each where it met "
    "it, away from the minimum. Right they are upright, and four paths of "
    "two pieces all end at the minimum.",
)
plt.show()

# %%
# On the diagonal no axis leads down, although the diagonal itself does: the value has
# converged, to a number that depends on the start. This is why the lasso may have its
# kinks: they are along the axes.

steps = 0.1 * np.array([[1, 0], [-1, 0], [0, 1], [0, -1]])
for trace in traces[diagonal]:
    theta = trace.theta
    assert trace.converged, "each path should come to rest"
    assert abs(theta[0] - theta[1]) < 1e-6, "each path should end on the diagonal"
    assert (diagonal(theta + steps) > diagonal(theta)).all(), (
        "no step along an axis should lead down"
    )
    assert diagonal(0.9 * theta) < diagonal(theta) - 0.1, (
        "the diagonal should lead down"
    )

values = {round(trace.value, 3) for trace in traces[diagonal]}
assert len(values) == 4, f"the four paths should end at four values, not at {values}"

for trace in traces[upright]:
    assert trace.converged, "each path should come to rest"
    assert trace.value < 1e-6, "with upright kinks each path should reach the minimum"
