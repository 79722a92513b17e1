r"""
EM bends its ellipses to the data, in turns with the shares
===========================================================

The same penguins as for k-means, now as draws from a mixture of three Gaussians. Each
ellipse surrounds 86 percent of one of them. All three start as equal circles around
three of the penguins. In an M-step the ellipses move and the colors rest; in an E-step
the colors change: a penguin between two ellipses belongs to both, and has a mixture of
their colors. Beneath is the one function :math:`F` that both kinds of half-step
minimize. See :doc:`/chapters/05_alternated_minimization`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import Mixture, gaussian_mixture, kmeans_start, plots
from lecturecode.datasets import penguins

K = 3  # components; try 2 or 4

plots.use_style()
birds = penguins()
x = birds.x[:, [0, 2]]
x = (x - x.mean(axis=0)) / x.std(axis=0)
means = kmeans_start(x, K, rng=5)
start = Mixture(np.full(K, 1 / K), means, np.tile(np.eye(2), (K, 1, 1)))
trace = gaussian_mixture(x, K, start=start, tol=1e-4)
names = ("bill length (standardized)", "flipper length (standardized)")
animation = plots.animate_mixture(x, trace, names=names, frames=60)
plots.describe(
    plt.gcf(),
    "Animation. Penguins as dots and three ellipses. They begin as three "
    "equal circles that overlap, and most dots have mixed colors; then the "
    "ellipses part, tilt and narrow, each around one group, and the "
    "colors become pure except where two ellipses meet. Beneath, F falls.",
)
plt.show()

# %%
# :math:`F` falls in every half-step. After an E-step it is the negative log-likelihood
# per penguin, after an M-step it lies above it, and the E-step closes the gap. At the
# end most shares are nearly zero or one, and those of a few penguins on the border are
# not.

assert trace.converged, "EM should come to an end"
assert (np.diff(trace.values) <= 1e-12).all(), "F should fall in every half-step"

fit = Mixture.unpack(trace.theta, K)  # after an E-step
assert np.isclose(trace.values[-1], -fit.log_density(x).mean()), (
    "after an E-step F should be the negative log-likelihood"
)
after_m = Mixture.unpack(trace.thetas[1], K)
assert trace.values[1] > -after_m.log_density(x).mean() + 1e-3, (
    "after an M-step F should lie above the negative log-likelihood"
)

largest = fit.responsibilities(x).max(axis=1)
pure = (largest > 0.9).mean()
assert 0.8 < pure < 1, (
    f"most penguins should belong to one ellipse, a few to two, but {pure:.0%} are pure"
)
