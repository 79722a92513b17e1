r"""
A swarm overshoots, turns back and gathers
==========================================

Each arrow is the flight by which a particle came. Look for particles that shoot past the place
where they were drawn to: they have inertia, and come back from the other side in smaller and
smaller arcs. On the way they cross three other valleys, each as deep as the one where the swarm
gathers in the end. See :ref:`particle-swarm`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import particle_swarm, plots
from lecturecode.objectives import Himmelblau

seed = 0  # another seed may gather in another valley

plots.use_style()
g = Himmelblau()
trace = particle_swarm(g, g.domain, population=25, steps=45, rng=seed)
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
# In the end the typical flight is less than a tenth as long as the first ones, and the best place
# found is one of the four minima. (One of the 25 is a scout that jumps on, and never comes to rest.)

speed = np.median(np.linalg.norm(trace.extras["velocities"], axis=-1), axis=1)
assert speed[-5:].mean() < 0.1 * speed[1:6].mean()
assert np.linalg.norm(g.minima - trace.theta, axis=1).min() < 0.05
