r"""
Weights that cannot be negative use few images and leave no ghosts
==================================================================

One image of a 6 is rebuilt as a weighted sum of 40 others, drawn at random. Above, the weights may not
be negative; below, they may. The two sums stand next to the image, and to their right the five largest
terms. Gray is ink; orange is ink taken away, drawn four times as strong. Look how the terms below
cancel, and for the ghosts left in their sum. See :doc:`/chapters/05_alternated_minimization`.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, TwoSlopeNorm

import lecturecode as lc
from lecturecode import plots
from lecturecode.datasets import digits

plots.use_style()
rng = np.random.default_rng(0)
images = digits()
target, *others = rng.permutation(len(images))[:41]
y, W = images.x[target], images.x[others].T  # (64,), (64, 40)
trace = lc.nonnegative_least_squares(W, y)
fits = {"weights ≥ 0": trace.theta, "any weights": lc.least_squares(W, y)}

ink = LinearSegmentedColormap.from_list("ink", ["#d55e00", "white", "black"])
figure, axes = plt.subplots(2, 7, figsize=(9.6, 3.6))
for line, (name, theta) in zip(axes, fits.items(), strict=True):
    panels = {"image": y, f"{name}:\nsum": W @ theta}
    for p in np.argsort(-abs(theta))[:5]:
        title = rf"{theta[p]:+.2f} $\times$ {images.y[others[p]]}"
        panels[title] = W[:, p] * theta[p]
    for ax, (title, picture) in zip(line, panels.items(), strict=True):
        norm = TwoSlopeNorm(0, vmin=-4, vmax=16)
        ax.imshow(picture.reshape(8, 8), cmap=ink, norm=norm)
        ax.set(xticks=[], yticks=[], title=title)
plots.describe(
    figure,
    "Two rows of small images. Above, a 6, its sum with weights that are "
    "not negative, without any orange, and five terms, fainter images of 6 "
    "and 0. Below, the same 6, a sum with faint orange spots, and five "
    "terms, some black and some orange, of various digits.",
)
plt.show()

# %%
# With free weights the error is smaller, as it has to be, but about half of the weights are negative and
# the sum has pixels with less than no ink. With the constraint six images are enough, mostly of a 6.
# That no better non-negative weights exist is certified by the Karush-Kuhn-Tucker conditions: the slope
# is zero along each weight in use, and not negative along the others.

theta, free = fits.values()
slopes = W.T @ (W @ theta - y)
assert lc.kkt_violation(W, y, theta) < 1e-12
assert (slopes[theta == 0] > 0).all()
assert np.allclose(slopes[theta > 0], 0, atol=1e-8)
assert ((theta > 0).sum(), round((free < 0).mean(), 1)) == (6, 0.5)
assert (W @ theta).min() >= 0 > -1 > (W @ free).min()
assert ((W @ free - y) ** 2).mean() < trace.value
