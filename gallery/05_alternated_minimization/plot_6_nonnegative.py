r"""
Weights that cannot be negative use few images and leave no ghosts
==================================================================

One image of a 6 is rebuilt as a weighted sum of 40 others, drawn at random. Above, the
weights may not be negative; below, they may. The two sums stand next to the image, and
to their right the five largest terms. Gray is ink; orange is ink taken away, drawn four
times as strong. Look how the terms below cancel, and for the ghosts left in their sum.
See :doc:`/chapters/05_alternated_minimization`.
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
drawn = rng.permutation(len(images))[:41]
target = drawn[0]
others = drawn[1:]
y = images.x[target]  # (64,)
W = images.x[others].T  # (64, 40)
trace = lc.nonnegative_least_squares(W, y)
theta = trace.theta
free = lc.least_squares(W, y)

ink = LinearSegmentedColormap.from_list("ink", ["#d55e00", "white", "black"])


def show(ax, picture, title):
    norm = TwoSlopeNorm(0, vmin=-4, vmax=16)
    ax.imshow(picture.reshape(8, 8), cmap=ink, norm=norm)
    ax.set(xticks=[], yticks=[], title=title)


def show_row(axes, weights, name):
    """The image, its weighted sum, and the five largest terms."""
    show(axes[0], y, "image")
    show(axes[1], W @ weights, f"{name}:\nsum")
    largest = np.argsort(-abs(weights))[:5]
    for ax, p in zip(axes[2:], largest, strict=True):
        digit = images.y[others[p]]
        show(ax, W[:, p] * weights[p], rf"{weights[p]:+.2f} $\times$ {digit}")


figure, (above, below) = plt.subplots(2, 7, figsize=(9.6, 3.6))
show_row(above, theta, "weights ≥ 0")
show_row(below, free, "any weights")
plots.describe(
    figure,
    "Two rows of small images. Above, a 6, its sum with weights that are "
    "not negative, without any orange, and five terms, fainter images of 6 "
    "and 0. Below, the same 6, a sum with faint orange spots, and five "
    "terms, some black and some orange, of various digits.",
)
plt.show()

# %%
# With free weights the error is smaller, as it has to be, but about half of the weights
# are negative and the sum has pixels with less than no ink. With the constraint six
# images are enough, mostly of a 6. That no better non-negative weights exist is
# certified by the Karush-Kuhn-Tucker conditions: the slope is zero along each weight in
# use, and not negative along the others.

slopes = W.T @ (W @ theta - y)
assert lc.kkt_violation(W, y, theta) < 1e-12, "the weights should be the best ones"
assert (slopes[theta == 0] > 0).all(), "along an unused weight the error should rise"
assert np.allclose(slopes[theta > 0], 0, atol=1e-8), (
    "along a weight in use the slope should be zero"
)

used = (theta > 0).sum()
assert used == 6, f"six images should be enough, not {used}"
negative = (free < 0).mean()
assert 0.45 <= negative <= 0.55, (
    f"about half of the free weights should be negative, not {negative:.0%}"
)
assert ((W @ free - y) ** 2).mean() < trace.value, (
    "free weights should leave the smaller error"
)
assert (W @ theta).min() >= 0, "the constrained sum should have no ghosts"
assert (W @ free).min() < -1, "the free sum should have pixels with less than no ink"
