r"""
Small steps creep, large steps oscillate, the best ones arrive
==============================================================

Three descents on the same bowl from the same start, played side by side. Watch the upper wall: the
small learning rate never crosses the floor, the best one crosses it at every step and still closes
in, the large one spends its steps on jumping from wall to wall. See :ref:`descent-learning-rate`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import gradient_descent, plots
from lecturecode.objectives import Quadratic

plots.use_style()
bowl = Quadratic([1.0, 10.0])
learning_rates = {"small": 0.02, "best": 2 / 11, "large": 0.195}
traces = {
    f"{name}: {rate:.3f}": gradient_descent(bowl, [-1.8, 1.0], rate, steps=30)
    for name, rate in learning_rates.items()
}
animation = plots.animate_path(bowl, traces, [(-2.1, 0.6), (-1.2, 1.2)], panels=True, frames=31)
plots.describe(
    plt.gcf(),
    "Three bowls side by side, each with a descent of 30 steps. The small learning rate of "
    "0.020 curves into the valley and stops half way, the best one of 0.182 zigzags to the "
    "minimum, the large one of 0.195 still jumps between the walls.",
)
plt.show()

# %%
# After 30 steps the best rate :math:`2/(\lambda_{\min} + \lambda_{\max}) = 2/11` is three orders
# of magnitude closer in :math:`g` than either of the others.

small, best, large = (trace.values[-1] for trace in traces.values())
assert best < 1e-3 * min(small, large)
assert np.all(np.diff(traces["large: 0.195"].values) < 0)  # slow, but it does converge
