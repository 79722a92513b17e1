r"""
In single precision the normal equations lose all at a condition number of 20 000
=================================================================================

The numbers of a network, ``float32``, have seven digits, and the normal equations lose
twice as many of them as the condition number :math:`\kappa` of W has: from the square
root of :math:`10^7`, about 3000, on hardly one is left. Polynomials of growing degree
are fitted to 50 points whose coefficients are known: all of them 1. Compare the slopes.
A QR of W loses as many digits as :math:`\kappa` has. The same in double precision is in
:ref:`condition-squared`.
"""

import math
import warnings

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import LostDigitsWarning, least_squares, normal_equations
from lecturecode.plots import COLOURS, describe, use_style

warnings.simplefilter("ignore", LostDigitsWarning)  # it would say what is measured here
degrees = range(1, 8)

use_style()
t = np.linspace(0.0, 1.0, 50)
eps = np.finfo(np.float32).eps
cond = np.empty(len(degrees))
by_qr = np.empty(len(degrees))
by_formula = np.empty(len(degrees))
for i, degree in enumerate(degrees):
    W = np.vander(t, degree + 1)
    y = np.array([math.fsum(row) for row in W])  # coefficients of 1, rounded once
    cond[i] = np.linalg.cond(W)
    size = math.sqrt(degree + 1)
    W, y = W.astype(np.float32), y.astype(np.float32)
    by_qr[i] = np.linalg.norm(least_squares(W, y) - 1) / size
    by_formula[i] = np.linalg.norm(normal_equations(W, y) - 1) / size

figure, ax = plt.subplots()
least = eps / 4  # an error of zero has no place on a logarithmic axis
orange = COLOURS["model"]
blue = COLOURS["gradient descent"]
ax.loglog(cond, cond**2 * eps, "k--", linewidth=1.2, label=r"$\kappa^2\,$eps")
ax.loglog(cond, by_formula.clip(least), "s", color=orange, label="normal_equations")
ax.loglog(cond, cond * eps, "k:", linewidth=1.8, label=r"$\kappa\,$eps")
ax.loglog(cond, by_qr.clip(least), "o", color=blue, label="least_squares")
ax.axhline(1, color="#808090", linewidth=1)
ax.text(3, 1.6, "no digit left", fontsize=10)
ax.set(xlabel=r"condition number $\kappa$ of W", ylabel="relative error")
ax.set_ylim(1e-11, 1e4)
ax.set_title(f"float32, polynomials of degree 1 to {degrees[-1]}")
ax.legend(loc="lower right")
describe(
    figure,
    "Relative error against condition number on logarithmic axes: the dots "
    "of least_squares stay below a line of slope one, the squares of "
    "normal_equations climb along a line of slope two and pass an error "
    "of 1 at a condition number of twenty thousand",
)
plt.show()

# %%
# Where the formula has lost everything, the QR has lost no more digits than the
# condition number has.

assert (by_qr < 10 * cond * eps).all(), (
    "the QR should lose no more digits than the condition number has"
)
assert by_formula[cond > 1e4].min() > 0.5, (
    f"the formula should have no digit, error {by_formula[cond > 1e4].min():.0e}"
)
assert by_qr[cond > 1e4].max() < 0.02, (
    f"the QR should have two digits left, error {by_qr[cond > 1e4].max():.0e}"
)
