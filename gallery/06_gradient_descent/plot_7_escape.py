r"""
The time to escape a saddle grows only with the logarithm of the disturbance
============================================================================

Exactly on the ridge, a descent runs into the saddle and stays. Disturbed by
:math:`\delta` it leaves, since the disturbance is multiplied by :math:`1 + 2\epsilon`
at every step. Look at how little the start matters: a million times less disturbance
costs a fixed number of extra steps. See :ref:`descent-stays`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import gradient_descent, plots
from lecturecode.objectives import Saddle

learning_rate = 0.1  # try 0.01 or 0.5

plots.use_style()
disturbances = 10.0 ** np.arange(-16, 0)
predicted = np.log(1 / disturbances) / np.log(1 + 2 * learning_rate)
starts = np.stack([np.ones(16), disturbances], axis=-1)  # (16, 2)
steps = int(predicted.max()) + 2
trace = gradient_descent(Saddle(), starts, learning_rate, steps=steps, tol=0)
away = abs(trace.thetas[:, :, 1])  # (steps + 1, 16)
measured = np.argmax(away >= 1 - 1e-12, axis=0)  # the first step outside

figure, (left, right) = plt.subplots(1, 2, figsize=(8.6, 3.8))
for m in (0, 4, 8, 12):
    left.semilogy(away[:, m], label=rf"$\delta$ = {disturbances[m]:.0e}")
left.axhline(1, color="#404055", linewidth=1)
left.set(xlabel="step", ylabel=r"$|\theta_2|$", ylim=(1e-17, 1e3))
left.legend(fontsize=9)

right.semilogx(disturbances, predicted, "-", color="#404055", label="predicted")
colour = plots.COLOURS["gradient descent"]
right.semilogx(disturbances, measured, "o", color=colour, label="measured")
right.set(xlabel=r"disturbance $\delta$", ylabel="steps to escape")
right.legend()
plots.describe(
    figure,
    "Left, the distance from the ridge grows along parallel straight lines "
    "on a logarithmic axis, for four disturbances. Right, the steps to escape "
    "fall in a straight line against the logarithm of the disturbance; the "
    "dots lie on the prediction.",
)
plt.show()

# %%
# The measured number of steps is the predicted one, rounded up.

rounded_up = np.ceil(predicted - 1e-9)
assert np.array_equal(measured, rounded_up), (
    f"the steps to escape should be {rounded_up}, not {measured}"
)
