r"""
The normal equations square the condition number
================================================

Polynomials of growing degree are fitted to 50 points whose coefficients are known: all of them 1.
Each degree makes the columns of W more alike and its condition number larger. Compare the slopes. A
QR of W loses as many digits as :math:`\kappa = \cond(W)` has; the formula :math:`(W^\T W)^{-1} W^\T
y` loses twice as many, and beyond :math:`\kappa \approx 10^8` it has none left. See
:ref:`condition-squared`.
"""

import math

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import least_squares, normal_equations
from lecturecode.plots import COLOURS, describe, use_style

degrees = range(1, 16)  # up to 12 at least: before that, no condition number is above 1e8

use_style()
t = np.linspace(0.0, 1.0, 50)
eps = np.finfo(float).eps
cond, by_qr, by_formula = [], [], []
for degree in degrees:
    W = np.vander(t, degree + 1)
    theta = np.ones(degree + 1)
    y = np.array([math.fsum(row) for row in W])  # W @ theta, rounded once
    cond.append(np.linalg.cond(W))
    by_qr.append(np.linalg.norm(least_squares(W, y) - theta) / np.linalg.norm(theta))
    by_formula.append(np.linalg.norm(normal_equations(W, y) - theta) / np.linalg.norm(theta))
cond, by_qr, by_formula = map(np.array, (cond, by_qr, by_formula))

figure, ax = plt.subplots()
ax.loglog(cond, cond**2 * eps, "--", color=COLOURS["data"], lw=1.2, label=r"$\kappa^2\,$eps")
ax.loglog(cond, np.maximum(by_formula, eps / 4), "s", color=COLOURS["model"], label="normal_equations")
ax.loglog(cond, cond * eps, ":", color=COLOURS["data"], lw=1.8, label=r"$\kappa\,$eps")
ax.loglog(
    cond, np.maximum(by_qr, eps / 4), "o", color=COLOURS["gradient descent"], label="least_squares"
)
ax.axhline(1, color="#808090", lw=1)
ax.text(3, 1.6, "no digit left", fontsize=10)
ax.set(xlabel=r"condition number $\kappa$ of W", ylabel=r"relative error of $\theta$", ylim=(3e-17, 1e3))
ax.set_title("polynomials of degree 1 to 15")
ax.legend(loc="upper left", bbox_to_anchor=(0.0, 0.84))
describe(
    figure,
    "Relative error against condition number on logarithmic axes: the dots of least_squares stay below "
    "a line of slope one, the squares of normal_equations climb along a line of slope two and reach "
    "an error of 1 near condition number ten to the eight",
)
plt.show()

# %%
# Where the formula has lost everything, the QR still has half of its sixteen digits.

assert (by_qr < 10 * cond * eps).all()
assert by_formula[cond > 1e8].min() > 1e-3
assert by_qr[cond > 1e8].max() < 1e-4
