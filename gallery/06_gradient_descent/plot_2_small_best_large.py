r"""
Small steps creep, large steps oscillate, the best ones arrive
==============================================================

Three descents on the same bowl from the same start, played side by side. Watch which of them cross
the floor of the valley: the small learning rate never does, the best one does at every step and
still closes in, the large one spends its steps on jumping from wall to wall. See
:ref:`descent-learning-rate`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import gradient_descent, plots
from lecturecode.objectives import Quadratic

small, large = 0.02, 0.195  # try any small < 0.1 and 0.19 < large < 0.2
best = 2 / (1 + 10)

plots.use_style()
bowl = Quadratic([1.0, 10.0])
rates = {"small": small, "best": best, "large": large}
start = [-1.8, 1.0]
runs = [gradient_descent(bowl, start, r, steps=30) for r in rates.values()]
names = [f"{name}: {rate:.3f}" for name, rate in rates.items()]
box = [(-2.1, 0.6), (-1.2, 1.2)]
traces = dict(zip(names, runs, strict=True))
animation = plots.animate_path(bowl, traces, box, panels=True, frames=31)
plots.describe(
    plt.gcf(),
    "Three bowls side by side, each with a descent of 30 steps. The small "
    f"learning rate of {small:.3f} has not arrived after them, the best one "
    f"of {best:.3f} zigzags to the minimum, the large one of {large:.3f} still "
    "jumps between the walls.",
)
plt.show()

# %%
# After 30 steps :math:`g` at the best rate, :math:`2/(\lambda_{\min} + \lambda_{\max}) = 2/11`, is
# less than a hundredth of what it is at either of the others. The large rate does go down, slowly.

after = [run.values[-1] for run in runs]
assert after[1] < 0.01 * min(after[0], after[2])
assert np.all(np.diff(runs[2].values) < 0)
