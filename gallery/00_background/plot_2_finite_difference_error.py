r"""
A step that is too small makes a difference worse
=================================================

A derivative can be estimated from two values of g, on one side or on both sides of a
point, at a distance h. Look for the V: as h shrinks, the error falls, and then it rises
again. :ref:`The chapter <finite-difference-error>` explains both arms. The two dtypes
have the same V in different places, because only its left arm depends on the precision
u of the numbers.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode.objectives import Rosenbrock
from lecturecode.plots import describe, use_style

point = [-1.2, 1.0]  # try another one

g = Rosenbrock()
exact = g.gradient(np.array(point))[0]


def errors(dtype):
    """Relative errors of both differences, for steps from 1 down to the precision u."""
    u = float(np.finfo(dtype).eps)
    h = np.logspace(0, np.log10(u), 60)
    theta = np.array(point, dtype=dtype)
    move = h[:, None].astype(dtype) * np.eye(2, dtype=dtype)[0]  # (60, 2)
    above = g(theta + move).astype(float)
    here = g(theta).astype(float)
    below = g(theta - move).astype(float)
    one_sided = abs((above - here) / h / exact - 1)
    central = abs((above - below) / (2 * h) / exact - 1)
    return h, {"one-sided": one_sided, "central": central}


powers = {"one-sided": 1 / 2, "central": 1 / 3}
colours = {"one-sided": "#006aaa", "central": "#d45500"}
best_step = {}
least_error = {}
last_error = {}  # at the smallest step

use_style()
figure, panels = plt.subplots(1, 2, figsize=(7.4, 3.8), sharey=True)
for axes, dtype in zip(panels, (np.float64, np.float32), strict=True):
    u = float(np.finfo(dtype).eps)
    h, measured = errors(dtype)
    for name, error in measured.items():
        colour = colours[name]
        axes.loglog(h, error, ".-", color=colour, label=name, linewidth=1.3)
        axes.axvline(u ** powers[name], color=colour, linestyle=":", linewidth=1.2)
        best_step[dtype, name] = h[error.argmin()]
        least_error[dtype, name] = error.min()
        last_error[dtype, name] = error[-1]
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
# The dotted lines stand at :math:`u^{1/2}` and :math:`u^{1/3}`, where theory expects
# the bottoms, up to a constant of the function. In single precision a one-sided
# difference has three or four digits at best, so check gradients in double
# (:py:func:`~lecturecode.descent.check_gradient`).

for (dtype, name), step in best_step.items():
    error = least_error[dtype, name]
    print(f"{dtype.__name__}, {name:9} error {error:.0e} at h = {step:.0e}")

    assert last_error[dtype, name] > 100 * error, (
        f"{dtype.__name__}, {name}: the smallest step should be far worse than the best"
    )
    expected = np.finfo(dtype).eps ** powers[name]
    assert expected / 30 < step < 30 * expected, (
        f"the best step should lie near {expected:.0e}, but it is {step:.0e}"
    )

one_sided = least_error[np.float64, "one-sided"]
assert least_error[np.float64, "central"] < one_sided, (
    "in double precision the central difference should reach the smaller error"
)
assert one_sided < least_error[np.float32, "one-sided"], (
    "double precision should reach a smaller error than single precision"
)
