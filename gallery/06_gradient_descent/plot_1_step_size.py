r"""
The learning rate decides between creeping, arriving and flying off
===================================================================

The bowl :math:`g(\theta) = \frac12(\theta_1^2 + 10\,\theta_2^2)` is ten times as curved
across as along. Change ``learning_rate`` below and run the script again: 0.02 creeps,
0.18 is about the best, 0.199 jumps from wall to wall, and from 0.2 =
:math:`2/\lambda_{\max}` on the minimum is out of reach. The script prints which of
these it saw: the error closes in while the larger of its two factors is below 1. The
chapter explains why: :ref:`descent-learning-rate`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import gradient_descent, plots
from lecturecode.objectives import Quadratic

learning_rate = 0.15  # try 0.001, 0.02, 0.18, 0.199, 0.2, 0.21, 5

plots.use_style()
curvatures = np.array([1.0, 10.0])
bowl = Quadratic(curvatures)
trace = gradient_descent(bowl, [-1.8, 1.0], learning_rate, steps=60)
factors = abs(1 - learning_rate * curvatures)
fate = "closes in" if factors.max() < 1 else "does not close in"
print(f"the larger factor is {factors.max():.3f}: the error {fate}")
print(f"g is {trace.values[-1]:.3g} after {trace.steps} steps")

figure, (left, right) = plt.subplots(1, 2, figsize=(8.4, 3.8))
plots.contours(bowl, [(-2.2, 2.2), (-1.5, 1.5)], ax=left)
plots.path(trace, ax=left, label="gradient descent")
plots.mark([0.0, 0.0], "minimum", ax=left)
left.set_title(rf"$\epsilon$ = {learning_rate:g}")
plots.values(trace, ax=right, label="gradient descent")
right.set_title(f"larger factor per step: {factors.max():.3f}")
plots.describe(
    figure,
    f"Left, a path of {trace.steps} steps at learning rate {learning_rate:g} "
    "over the level lines of a bowl ten times as curved across as along. "
    "Right, the values of g against the step, on a logarithmic axis. "
    f"The error {fate}.",
)
plt.show()

# %%
# Along each axis the error is multiplied by :math:`1 - \epsilon\lambda_p` per step,
# here with :math:`\lambda = 1` and :math:`10`. Whatever the learning rate, the path is
# exactly that.

step = np.arange(len(trace))[:, None]
predicted = trace.thetas[0] * (1 - learning_rate * curvatures) ** step  # (61, 2)
assert np.allclose(trace.thetas, predicted, rtol=1e-9, atol=1e-12), (
    "each step should multiply the error by 1 minus learning rate times curvature"
)
