r"""
Small steps creep, large steps oscillate, the best ones arrive
==============================================================

Three descents on the same bowl from the same start, played side by side. Watch which of
them cross the floor of the valley: the small learning rate never does, the best one
does at every step and still closes in, the large one spends its steps on jumping from
wall to wall. See :ref:`descent-learning-rate`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import gradient_descent, plots
from lecturecode.objectives import Quadratic

small = 0.02  # try any below 0.1
best = 2 / (1 + 10)
large = 0.195  # try any between 0.19 and 0.2

bowl = Quadratic([1.0, 10.0])
start = [-1.8, 1.0]
with_small = gradient_descent(bowl, start, small, steps=20)
with_best = gradient_descent(bowl, start, best, steps=20)
with_large = gradient_descent(bowl, start, large, steps=20)

plots.use_style()
traces = {
    f"small: {small:.3f}": with_small,
    f"best: {best:.3f}": with_best,
    f"large: {large:.3f}": with_large,
}
box = [(-2.1, 0.6), (-1.2, 1.2)]
animation = plots.animate_path(bowl, traces, box, panels=True, frames=21)
plots.describe(
    plt.gcf(),
    "Three bowls side by side, each with a descent of 20 steps. The small "
    f"learning rate of {small:.3f} has not arrived after them, the best one "
    f"of {best:.3f} zigzags to the minimum, the large one of {large:.3f} still "
    "jumps between the walls.",
)
plt.show()

# %%
# After 20 steps :math:`g` at the best rate, :math:`2/(\lambda_{\min} + \lambda_{\max})
# = 2/11`, is less than a hundredth of what it is at either of the others. The large
# rate does go down, slowly.

assert with_best.value < 0.01 * with_small.value, (
    f"the best rate should end far lower than the small one of {small}"
)
assert with_best.value < 0.01 * with_large.value, (
    f"the best rate should end far lower than the large one of {large}"
)
assert (np.diff(with_large.values) < 0).all(), "the large rate should go down, slowly"

crossings = np.diff(np.sign(with_small.thetas[:, 1]))
assert (crossings == 0).all(), "the small rate should never cross the floor"
crossings = np.diff(np.sign(with_best.thetas[:, 1]))
assert (crossings != 0).all(), "the best rate should cross the floor at every step"
