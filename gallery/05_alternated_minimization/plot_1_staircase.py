r"""
Coordinate descent walks down a staircase, in a canyon with tiny steps
======================================================================

Each half-step minimizes over one coordinate and leaves the other where it is, so every path is made
of horizontal and vertical pieces, and each piece ends where it touches a level line. Look at how the
pieces shrink. Where the axes of the bowl are those of the plane, two pieces are enough. In the tilted
bowl they shrink by a constant ratio, and faster in a rounder bowl. In the canyon thousands of them
follow the floor, nearly all too short to be told apart. See
:doc:`/chapters/05_alternated_minimization`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import coordinate_descent, plots
from lecturecode.objectives import Quadratic, Rosenbrock

kappa = 20.0  # how elongated both bowls are; try 2 to 40

plots.use_style()
tilt = np.array([[1.0, -1.0], [1.0, 1.0]]) / np.sqrt(2)  # by 45 degrees
problems = {
    "bowl": (Quadratic([1.0, kappa]), [-1.8, 1.6]),
    "tilted bowl": (Quadratic([1.0, kappa], basis=tilt), [-1.3, -1.9]),
    "canyon": (Rosenbrock(), [-1.2, 1.0]),
}

figure, axes = plt.subplots(1, 3, figsize=(10.2, 4.1))
traces = {}
for ax, (name, (g, start)) in zip(axes, problems.items(), strict=True):
    box = [(-2, 2), (-1, 3) if name == "canyon" else (-2, 2)]
    traces[name] = coordinate_descent(g, start, sweeps=5000)
    plots.staircase(traces[name], g, box, ax=ax, log=name == "canyon")
    ax.set_title(f"{name}: {traces[name].steps} half-steps")
axes[0].legend(loc="lower right")
plots.describe(
    figure,
    "Three sets of level lines. In an upright bowl the path is one "
    "horizontal and one vertical piece. In a tilted bowl it is a staircase "
    "whose steps shrink towards the minimum. In a curved canyon it "
    "follows the floor in steps too small to be seen.",
)
plt.show()

# %%
# In a quadratic bowl of two coordinates a sweep multiplies each coordinate by the squared
# correlation :math:`\rho^2 = H_{12}^2 / (H_{11} H_{22})`, which is zero for the upright bowl. The
# value never rises, in the canyon neither, but thousands of half-steps there gain little each.

for trace in traces.values():
    assert trace.converged
    assert (np.diff(trace.values) <= 0).all()
    assert ((np.diff(trace.thetas, axis=0) != 0).sum(axis=1) <= 1).all()
assert traces["bowl"].thetas[2].tolist() == [0.0, 0.0]
H = problems["tilted bowl"][0].hessian(np.zeros(2))
rho = H[0, 1] / np.sqrt(H[0, 0] * H[1, 1])
every_second = traces["tilted bowl"].thetas[2:14:2, 1]
assert np.allclose(every_second[1:] / every_second[:-1], rho**2)
assert traces["canyon"].steps > 20 * traces["tilted bowl"].steps
