r"""
Powell's example circles round a cube while its value settles
=============================================================

:cite:t:`powell1973` minimizes :math:`-\theta_1\theta_2 - \theta_2\theta_3 - \theta_3\theta_1 +
\sum_p \max(|\theta_p| - 1, 0)^2`, whose gradient is continuous, one coordinate at a time. There is no
minimum: along (t, t, t) it falls for ever. Yet the path nears six vertices of a cube in turn, and begins
again. The value settles; the gradient does not vanish. See :doc:`/chapters/05_alternated_minimization`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import alternate, plots


def powell(t):
    outside = np.maximum(abs(t) - 1, 0)
    return (t @ t - t.sum() ** 2) / 2 + outside @ outside


def gradient(t):
    return t - t.sum() + 2 * np.sign(t) * np.maximum(abs(t) - 1, 0)


def along(p):  # the exact minimizer over theta_p; s is the sum of the others
    return lambda t: np.copysign(1 + abs(s := t.sum() - t[p]) / 2, s)


plots.use_style()
start = [-1.5, 1.25, -1.125]  # (-1 - e, 1 + e/2, -1 - e/4), e = 1/2
trace = alternate(powell, list(map(along, range(3))), start, sweeps=8, tol=0)
slopes = np.array([np.linalg.norm(gradient(t)) for t in trace.thetas])
figure = plt.figure(figsize=(9.0, 4.2))
cube, ax = figure.add_subplot(121, projection="3d"), figure.add_subplot(122)
colour = plots.COLOURS["alternated minimization"]
cube.plot(*trace.thetas.T, "o-", color=colour, mfc="white", markevery=[0])
cube.set_box_aspect(None, zoom=0.82)
for p, s in enumerate("xyz", start=1):
    cube.set(**{f"{s}label": rf"$\theta_{p}$", f"{s}ticks": [-1, 1]})
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
# Each half-step ends half as far outside the cube as the one before. At the six limits the minimizer
# is not unique: two coordinates cancel, and g is constant in the third from -1 to 1.

excess = np.abs(trace.thetas[np.arange(1, 25), np.arange(24) % 3]) - 1
assert np.allclose(excess, 1 / 16 / 2.0 ** np.arange(24), rtol=1e-6)
assert len({tuple(signs) for signs in np.sign(trace.thetas)}) == 6
assert powell(np.full(3, 9.0)) == 3 - 6 * 9.0
assert np.allclose([trace.values[-1], slopes[-1]], [1, 2], atol=1e-5)
