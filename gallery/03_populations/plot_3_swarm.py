r"""
A swarm overshoots, turns back and gathers
==========================================

Each arrow is the flight by which a particle came. Look for particles that shoot past
the place where they were drawn to: they have inertia, and come back from the other side
in smaller and smaller arcs. On the way they cross three other valleys, each as deep as
the one where the swarm gathers in the end. See :ref:`particle-swarm`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import particle_swarm, plots
from lecturecode.objectives import Himmelblau

seed = 0  # another seed may gather in another valley

plots.use_style()
g = Himmelblau()
trace = particle_swarm(g, g.domain, population=25, steps=45, scouts=0.05, rng=seed)
animation = plots.animate_population(g, trace, label="particle swarm", log=True)
plots.mark(g.minima, "minimum", ax=plt.gca())
plots.describe(
    plt.gcf(),
    "Animation. Dots with arrows on the contours of a function with four "
    "valleys. At first they fly in all directions, later the arrows become "
    "short and all dots gather in one of the valleys.",
)
plt.show()

# %%
# A typical particle passes the place where the swarm gathers several times, now on one
# side and now on the other. In the end the typical flight is less than a tenth as long
# as the first ones, and the best place found is one of the four minima. (One of the 25
# is a scout that jumps on, and never comes to rest.)

side = np.sign(trace.thetas - trace.theta)  # (46, 25, 2)
passes = (side[1:] != side[:-1]).sum(axis=0)  # (25, 2)
assert np.median(passes) >= 3, (
    f"a typical particle should overshoot several times, not {np.median(passes):.0f}"
)

speed = np.linalg.norm(trace.extras["velocities"], axis=-1)  # (46, 25)
typical = np.median(speed, axis=1)
assert typical[-5:].mean() < 0.1 * typical[1:6].mean(), (
    "the last flights should be less than a tenth as long as the first ones"
)
distance = np.linalg.norm(g.minima - trace.theta, axis=1).min()
assert distance < 0.05, (
    f"the swarm should find a minimum, but its best place is {distance:.2f} away"
)
