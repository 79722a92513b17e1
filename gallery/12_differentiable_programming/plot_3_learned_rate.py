r"""
Descending through a descent finds its learning rate and its momentum
=====================================================================

Twenty steps with momentum are a program, and the mean loss of the last five (a single one dips whenever
:math:`\theta` swings past the minimum) is a function of the learning rate :math:`\epsilon` and the
factor :math:`\alpha`. Its gradient runs back through all steps: a :term:`hypergradient`. Look at where
the dots go, and at the cross, the best pair in the long run. See :ref:`dp-hypergradient`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import Adam, minimize, plots
from lecturecode.graph import exp, log, sigmoid, value_and_gradient

steps = 20  # of the inner descent
curvatures, start = np.array([1.0, 10.0]), np.array([-1.8, 1.0])


def loss_after(rate, momentum):
    theta, v, total = start, 0.0, 0.0
    for i in range(steps):
        v = momentum * v + curvatures * theta
        theta = theta - rate * v
        if i >= steps - 5:
            total = total + (curvatures * theta * theta).sum(-1) / 2
    return total / 5


def log_loss(u):  # any u gives a rate above 0 and a momentum between 0 and 1
    return log(loss_after(exp(u[0]), sigmoid(u[1])))


plots.use_style()
u = np.array([np.log(0.02), -2.0])
found = minimize(value_and_gradient(log_loss), u, Adam(0.05), steps=200)
walk = np.stack([np.exp(found.thetas[:, 0]), 1 / (1 + np.exp(-found.thetas[:, 1]))])
rate, momentum = np.exp(found.theta[0]), 1 / (1 + np.exp(-found.theta[1]))

roots = np.sqrt(curvatures)
advised = 4 / roots.sum() ** 2, ((roots[1] - roots[0]) / roots.sum()) ** 2
R, M = np.meshgrid(np.linspace(0.015, 0.35, 150), np.linspace(0, 0.6, 150))
height = np.log10(loss_after(R[..., None], M[..., None]))
ax = plt.subplots()[1]
shades = ax.contourf(R, M, np.clip(height, -8, 1), range(-8, 2), cmap="Blues_r")
ax.figure.colorbar(shades, label=f"log10 of the loss, steps {steps - 4} to {steps}")
ax.plot(*walk[:, ::4], "o-", ms=4, lw=1, color="#d45500")
ax.plot(*advised, "x", ms=11, mew=2.5, color="#b00020")
ax.set(xlabel=r"learning rate $\epsilon$", ylabel=r"momentum $\alpha$")
text = "The loss over both numbers. Dots lead from a low rate into its depth, beside a cross."
plots.describe(ax.figure, text)
plt.show()

# %%
# The learned pair does far better than the first one, and for this start better than the cross.

print(f"learned {rate:.3f}, {momentum:.3f}; advised {advised[0]:.3f}, {advised[1]:.3f}")
assert found.value < found.values[0] - 5
assert found.value < np.log(loss_after(*advised))
