r"""
A smaller step makes a difference worse
=======================================

A derivative can be estimated from two values of g, on one side or on both sides of a point, at a
distance h. Look for the V: as h shrinks, the error falls, and then it rises again. :ref:`The
chapter <finite-difference-error>` explains both arms. The two dtypes have the same V in different
places, because only its left arm depends on the precision u of the numbers.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode.objectives import Rosenbrock
from lecturecode.plots import describe, use_style

point = [-1.2, 1.0]

use_style()
g = Rosenbrock()
exact = g.gradient(np.array(point))[0]
best = {}
figure, panels = plt.subplots(1, 2, figsize=(7.4, 3.8), sharey=True)
for axes, dtype in zip(panels, (np.float64, np.float32), strict=True):
    u = float(np.finfo(dtype).eps)
    h = np.logspace(0, np.log10(u), 60)
    theta = np.array(point, dtype=dtype)
    move = h[:, None].astype(dtype) * np.array([1, 0], dtype=dtype)  # (60, 2)
    above, here, below = (g(t).astype(float) for t in (theta + move, theta, theta - move))
    errors = {
        "one-sided": abs((above - here) / h / exact - 1),
        "central": abs((above - below) / (2 * h) / exact - 1),
    }
    for (name, error), colour in zip(errors.items(), ("#006aaa", "#d45500"), strict=True):
        axes.loglog(h, error, ".-", color=colour, label=name, linewidth=1.3)
        best[dtype, name] = h[error.argmin()], error.min()
    for power, colour in ((1 / 2, "#006aaa"), (1 / 3, "#d45500")):
        axes.axvline(u**power, color=colour, linestyle=":", linewidth=1.2)
    axes.set(xlabel="step h", ylabel="relative error", title=f"{dtype.__name__}, u = {u:.1e}")
panels[0].legend(loc="lower left")
describe(
    figure,
    "Relative error against the step for two ways of differencing, in double precision on the left "
    "and single precision on the right. All four curves are a V; in single precision the bottom "
    "lies higher and at larger steps.",
)
plt.show()

# %%
# The dotted lines stand at :math:`u^{1/2}` and :math:`u^{1/3}`, where theory expects the bottoms,
# up to a constant of the function. In single precision the best that a one-sided difference can
# do is three or four digits, which is why gradients are checked in double precision
# (:py:func:`~lecturecode.descent.check_gradient`).

for (dtype, name), (step, error) in best.items():
    print(f"{dtype.__name__}, {name:9}: smallest error {error:.0e} at a step of {step:.0e}")
    expected = np.finfo(dtype).eps ** (1 / 2 if name == "one-sided" else 1 / 3)
    assert expected / 30 < step < expected * 30
assert best[np.float64, "central"][1] < best[np.float64, "one-sided"][1]
assert best[np.float64, "one-sided"][1] < best[np.float32, "one-sided"][1]
