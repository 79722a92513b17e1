r"""
Powell's example circles round a cube while its value settles
=============================================================

:cite:t:`powell1973` minimizes :math:`-\theta_1\theta_2 - \theta_2\theta_3 -
\theta_3\theta_1 + \sum_p \max(|\theta_p| - 1, 0)^2`, whose gradient is continuous, one
coordinate at a time. There is no minimum: along (t, t, t) it falls for ever. Yet the
path nears six vertices of a cube in turn, and begins again. The value settles; the
gradient does not vanish. See :doc:`/chapters/05_alternated_minimization`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import alternate, plots


def powell(t):
    outside = np.maximum(abs(t) - 1, 0)
    return (t @ t - t.sum() ** 2) / 2 + outside @ outside


def gradient(t):
    return t - t.sum() + 2 * np.sign(t) * np.maximum(abs(t) - 1, 0)


def along(p):
    """The exact minimizer over theta_p, as a function of the other two."""

    def minimizer(t):
        others = t.sum() - t[p]
        return np.copysign(1 + abs(others) / 2, others)

    return minimizer


plots.use_style()
e = 1 / 2
start = [-1 - e, 1 + e / 2, -1 - e / 4]
blocks = [along(p) for p in range(3)]
trace = alternate(powell, blocks, start, sweeps=8, tol=0)
slopes = np.array([np.linalg.norm(gradient(t)) for t in trace.thetas])

figure = plt.figure(figsize=(9.0, 4.2))
colour = plots.COLOURS["alternated minimization"]
cube = figure.add_subplot(121, projection="3d")
cube.plot(*trace.thetas.T, "o-", color=colour, markerfacecolor="white", markevery=[0])
cube.set_box_aspect(None, zoom=0.82)
cube.set(xlabel=r"$\theta_1$", ylabel=r"$\theta_2$", zlabel=r"$\theta_3$")
cube.set(xticks=[-1, 1], yticks=[-1, 1], zticks=[-1, 1])
ax = figure.add_subplot(122)
ax.plot(trace.values, color=colour, label="value of g")
ax.plot(slopes, "--", color="#404055", label="norm of its gradient")
ax.set(xlabel="half-step", ylim=(0, None))
ax.legend()
plots.describe(
    figure,
    "Left, a path round six edges of a cube, again and again. Right, the "
    "value falls to 1 while the norm of the gradient stays at 2.",
)
plt.show()

# %%
# Each half-step ends half as far outside the cube as the one before. At the six limits
# the minimizer is not unique: two coordinates cancel, and g is constant in the third
# from -1 to 1.

half_steps = np.arange(24)
excess = abs(trace.thetas[half_steps + 1, half_steps % 3]) - 1
assert np.allclose(excess, e / 8 / 2.0**half_steps, rtol=1e-6), (
    "each half-step should end half as far outside the cube as the one before"
)
vertices = {tuple(signs) for signs in np.sign(trace.thetas)}
assert len(vertices) == 6, f"the path should go round six vertices, not {len(vertices)}"

assert powell(np.full(3, 9.0)) == 3 - 6 * 9.0, "along (t, t, t) g should fall for ever"
assert np.isclose(trace.values[-1], 1, atol=1e-5), (
    f"the value should settle at 1, not at {trace.values[-1]}"
)
assert np.isclose(slopes[-1], 2, atol=1e-5), (
    f"the norm of the gradient should stay at 2, not at {slopes[-1]}"
)
