r"""
A long step carries starts on the rim into another basin
========================================================

Which minimum of Himmelblau's function does a descent reach? Each picture colors 40 000
starts by their end; all of them descend in a single call, as a batch of shape (40000,
2). On the left the step is short and every start ends in the minimum of the region
around it; the regions are nearly the quarters. On the right it is nearly five times as
long. Look at the rim, where the ground is steep: there the first step jumps over the
valley. See :ref:`descent-local-minima`.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import ListedColormap

from lecturecode import gradient_descent, plots
from lecturecode.objectives import Himmelblau

learning_rates = (0.003, 0.0145)  # try (0.001, 0.014), (0.003, 0.02)
pixels = 200

plots.use_style()
g = Himmelblau()
axis = np.linspace(-5, 5, pixels)
starts = np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)


def reached(rate):
    """The number of the minimum that each start ends in; 4 stands for none of them."""
    run = gradient_descent(g, starts, rate, steps=1500, tol=1e-3, record_every=0)
    away = np.linalg.norm(run.last[:, None] - g.minima, axis=-1)  # (40000, 4)
    away = np.where(np.isfinite(away), away, np.inf)
    return np.where(away.min(axis=1) < 1e-2, away.argmin(axis=1), 4)


ends = {rate: reached(rate) for rate in learning_rates}

colours = ListedColormap(["#006aaa", "#e08a4a", "#c9b5f2", "#404000", "white"])
figure, axes = plt.subplots(1, 2, figsize=(8.6, 4.2), sharey=True)
for ax, rate in zip(axes, learning_rates, strict=True):
    ax.imshow(
        ends[rate].reshape(pixels, pixels),
        origin="lower",
        extent=(-5, 5, -5, 5),
        cmap=colours,
        vmin=-0.5,
        vmax=4.5,
    )
    plots.mark(g.minima, "minimum", ax=ax)
    ax.set(title=rf"$\epsilon$ = {rate}", xlabel=r"$\theta_1$")
axes[0].set_ylabel(r"$\theta_2$")
plots.describe(
    figure,
    "Two maps of the starts, colored by the minimum that they reach. On the "
    "left four regions that meet near the middle, one for each minimum. On the "
    "right the same, but along the rim there are strips that belong to another "
    "minimum than the region that they touch.",
)
plt.show()

# %%
# With the short step every start arrives somewhere. With the long one, more than three
# in a hundred end in another place. (Up to about 0.01 it is hardly any. From 0.01495
# on, which is :math:`2/\lambda_{\max}` there, the minimum at the lower left repels:
# white means none of the four.)

short, long = learning_rates
assert (ends[short] < 4).all(), "with the short step every start should arrive"

quarters = np.sign(starts) == np.sign(g.minima[ends[short]])  # (40000, 2)
own = np.mean(quarters.all(axis=1))
assert 0.95 < own < 1, f"nearly all should end in their own quarter, not {own:.1%}"

elsewhere = np.mean(ends[short] != ends[long])
assert elsewhere > 0.03, (
    f"more than 3 % of the starts should end in another place, not {elsewhere:.1%}"
)
