r"""
A direct solution fits the ozone monitors to twelve certified digits
====================================================================

NIST publishes 36 readings from a calibration of ozone monitors :cite:p:`norris`, with
the least-squares line to 15 digits. The line is so good that the data hide behind it;
what is left over shows below, on a scale some hundred times finer. (The file names no
unit.) The residuals add up to zero, and they do not correlate with x: these are the two
equations of :eq:`eq-normal`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import fit_affine
from lecturecode.datasets import norris
from lecturecode.plots import COLOURS, describe, use_style

use_style()
data = norris()
x = data.x
y = data.y
a, b = fit_affine(x, y)
residuals = a * x + b - y
spread = np.sqrt((residuals**2).sum() / (len(x) - 2))

figure, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 5.0), sharex=True)
top.plot(x, y, "o", color=COLOURS["data"], label="data", markersize=5)
equation = f"y = {a:.4f} x - {-b:.4f}"
top.plot(x, a * x + b, color=COLOURS["model"], label=equation, linewidth=1.5)
top.set(ylabel="customer's reading", title="the fit")
top.legend()

bottom.axhspan(
    -spread,
    spread,
    color=COLOURS["model"],
    alpha=0.15,
    label="one standard deviation",
)
bottom.axhline(0, color=COLOURS["model"], linewidth=1)
bottom.plot(x, residuals, "o", color=COLOURS["data"], markersize=5)
bottom.set(xlabel="ozone as NIST measured it", ylabel="residual")
bottom.set_title("what it leaves over")
bottom.legend(loc="lower left")
describe(
    figure,
    "Above, 36 readings on a straight line from 0 to 1000; below, their "
    "residuals on both sides of zero, most within 1 of it, and scattered "
    "more widely where the concentration is high",
)
plt.show()

# %%
# Slope, intercept and the scatter of the residuals agree with the certified values to
# more than eleven digits.

certified = data.certified
error_of_a = abs(a / certified.slope - 1)
error_of_b = abs(b / certified.intercept - 1)
error_of_spread = abs(spread / certified.residual_deviation - 1)
assert error_of_a < 1e-12, (
    f"the slope should have twelve digits, error {error_of_a:.0e}"
)
assert error_of_b < 1e-12, (
    f"the intercept should have twelve digits, error {error_of_b:.0e}"
)
assert error_of_spread < 1e-11, (
    f"the scatter should have eleven digits, error {error_of_spread:.0e}"
)

assert abs(residuals.mean()) < 1e-10 * abs(y).max(), (
    "the residuals should add up to zero"
)
assert abs(residuals @ x) < 1e-10 * (abs(y) @ x), (
    "the residuals should not correlate with x"
)
