r"""
A step that is too small makes a difference worse
=================================================

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
best, blue, orange = {}, "#006aaa", "#d45500"
figure, panels = plt.subplots(1, 2, figsize=(7.4, 3.8), sharey=True)
for axes, dtype in zip(panels, (np.float64, np.float32), strict=True):
    u = float(np.finfo(dtype).eps)
    h = np.logspace(0, np.log10(u), 60)
    theta = np.array(point, dtype=dtype)
    move = h[:, None].astype(dtype) * np.eye(2, dtype=dtype)[0]  # (60, 2)
    at = (g(theta + side * move).astype(float) for side in (1, 0, -1))
    above, here, below = at
    errors = {
        "one-sided": abs((above - here) / h / exact - 1),
        "central": abs((above - below) / (2 * h) / exact - 1),
    }
    for name, colour in ("one-sided", blue), ("central", orange):
        error = errors[name]
        axes.loglog(h, error, ".-", color=colour, label=name, linewidth=1.3)
        best[dtype, name] = h[error.argmin()], error.min()
    axes.axvline(u ** (1 / 2), color=blue, linestyle=":", linewidth=1.2)
    axes.axvline(u ** (1 / 3), color=orange, linestyle=":", linewidth=1.2)
    axes.set(xlabel="step h", title=f"{dtype.__name__}, u = {u:.1e}")
panels[0].set_ylabel("relative error")
panels[0].legend(loc="lower left")
describe(
    figure,
    "Relative error against the step for two differences, in double (left)"
    " and single precision (right), where the bottoms of the V lie higher.",
)
plt.show()

# %%
# The dotted lines stand at :math:`u^{1/2}` and :math:`u^{1/3}`, where theory expects the bottoms,
# up to a constant of the function. In single precision a one-sided difference has three or four
# digits at best, so check gradients in double (:py:func:`~lecturecode.descent.check_gradient`).

for (dtype, name), (step, error) in best.items():
    print(f"{dtype.__name__}, {name:9} error {error:.0e} at h = {step:.0e}")
    power = {"one-sided": 1 / 2, "central": 1 / 3}[name]
    assert 1 / 30 < step / np.finfo(dtype).eps ** power < 30
assert best[np.float64, "central"][1] < best[np.float64, "one-sided"][1]
assert best[np.float64, "one-sided"][1] < best[np.float32, "one-sided"][1]
