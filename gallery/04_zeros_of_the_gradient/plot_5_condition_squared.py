r"""
The normal equations square the condition number
================================================

Polynomials of growing degree are fitted to 50 points whose coefficients are known: all of them 1.
Each degree makes the columns of W more alike and its condition number larger. Compare the slopes. A
QR of W loses as many digits as :math:`\kappa = \cond(W)` has; the formula :math:`(W^\T W)^{-1} W^\T
y` loses twice as many, and from :math:`\kappa \approx 10^8` on it has hardly one left. See
:ref:`condition-squared`.
"""

import math

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import least_squares, normal_equations
from lecturecode.plots import COLOURS, describe, use_style

degrees = range(1, 16)  # up to 11 at least, the first where cond > 1e8

use_style()
t = np.linspace(0.0, 1.0, 50)
eps = np.finfo(float).eps
cond, by_qr, by_formula = [], [], []
for degree in degrees:
    W = np.vander(t, degree + 1)
    y = np.array([math.fsum(row) for row in W])  # W @ 1, rounded once
    size = (degree + 1) ** 0.5
    cond.append(np.linalg.cond(W))
    by_qr.append(np.linalg.norm(least_squares(W, y) - 1) / size)
    by_formula.append(np.linalg.norm(normal_equations(W, y) - 1) / size)
cond, by_qr, by_formula = np.array([cond, by_qr, by_formula]).clip(eps / 4)

figure, ax = plt.subplots()
orange, blue = COLOURS["model"], COLOURS["gradient descent"]
ax.loglog(cond, cond**2 * eps, "k--", lw=1.2, label=r"$\kappa^2\,$eps")
ax.loglog(cond, by_formula, "s", color=orange, label="normal_equations")
ax.loglog(cond, cond * eps, "k:", lw=1.8, label=r"$\kappa\,$eps")
ax.loglog(cond, by_qr, "o", color=blue, label="least_squares")
ax.axhline(1, color="#808090", lw=1)
ax.text(3, 1.6, "no digit left", fontsize=10)
ax.set(xlabel=r"condition number $\kappa$ of W", ylabel="relative error")
ax.set(title=f"polynomials of degree 1 to {degrees[-1]}", ylim=(3e-17, 1e3))
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
# Where the formula has lost all but the last digit or two, the QR still has half of its sixteen.

assert (by_qr < 10 * cond * eps).all()
assert by_formula[cond > 1e8].min() > 5e-3
assert by_qr[np.argmax(cond > 1e8)] < 1e-7
