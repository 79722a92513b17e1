r"""
The normal equations square the condition number
================================================

Polynomials of growing degree are fitted to 50 points whose coefficients are known: all
of them 1. Each degree makes the columns of W more alike and its condition number
larger. Compare the slopes. A QR of W loses as many digits as :math:`\kappa = \cond(W)`
has; the formula :math:`(W^\T W)^{-1} W^\T y` loses twice as many, and from
:math:`\kappa \approx 10^8` on it has hardly one left. See :ref:`condition-squared`.
"""

import math
import warnings

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import LostDigitsWarning, least_squares, normal_equations
from lecturecode.plots import COLOURS, describe, use_style

warnings.simplefilter("ignore", LostDigitsWarning)  # it would say what is measured here
degrees = range(1, 16)  # up to 11 at least, the first where cond > 1e8

use_style()
t = np.linspace(0.0, 1.0, 50)
eps = np.finfo(float).eps
cond = np.empty(len(degrees))
by_qr = np.empty(len(degrees))
by_formula = np.empty(len(degrees))
for i, degree in enumerate(degrees):
    W = np.vander(t, degree + 1)
    ones = np.ones(degree + 1)
    y = np.array([math.fsum(row) for row in W])  # W @ ones, rounded once
    size = np.linalg.norm(ones)
    cond[i] = np.linalg.cond(W)
    by_qr[i] = np.linalg.norm(least_squares(W, y) - ones) / size
    by_formula[i] = np.linalg.norm(normal_equations(W, y) - ones) / size

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
ax.set_ylim(3e-17, 1e3)
ax.set_title(f"polynomials of degree 1 to {degrees[-1]}")
ax.legend(loc="upper left", bbox_to_anchor=(0.0, 0.84))
describe(
    figure,
    "Relative error against condition number on logarithmic axes: the dots "
    "of least_squares stay below a line of slope one, the squares of "
    "normal_equations climb along a line of slope two and come near an error "
    "of 1 at condition number ten to the eight",
)
plt.show()

# %%
# Where the formula has lost all but the last digit or two, the QR still has half of its
# sixteen.

first = np.argmax(cond > 1e8)  # from here on the formula has lost nearly all
assert (by_qr < 10 * cond * eps).all(), (
    "the QR should lose no more digits than the condition number has"
)
assert by_formula[first:].min() > 5e-3, (
    f"the formula should have two digits at most, error {by_formula[first:].min():.0e}"
)
assert by_qr[first] < 1e-7, (
    f"the QR should have half of its digits left, error {by_qr[first]:.0e}"
)
