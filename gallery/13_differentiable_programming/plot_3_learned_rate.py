r"""
Descending through a descent finds its learning rate and its momentum
=====================================================================

Twenty steps with momentum are a program, and the mean loss of the last five (a single
one may be small by luck, where :math:`\theta` swings past the minimum) is a function of
the learning rate :math:`\epsilon` and the factor :math:`\alpha`. Its gradient runs back
through all steps: a :term:`hypergradient`. Look at where the dots go, and at the cross,
the best pair in the long run, :eq:`eq-best-momentum`. See
:ref:`the descent that is differentiated <dp-hypergradient>`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import Adam, minimize, plots
from lecturecode.graph import exp, log, sigmoid, value_and_gradient

steps = 20  # of the inner descent
curvatures = np.array([1.0, 10.0])
start = np.array([-1.8, 1.0])


def loss_after(rate, momentum, steps=steps):
    theta = start
    v = 0.0
    total = 0.0
    for i in range(steps):
        v = momentum * v + curvatures * theta
        theta = theta - rate * v
        if i >= steps - 5:
            total = total + (curvatures * theta * theta).sum(-1) / 2
    return total / 5


def log_loss(u):  # any u gives a rate above 0 and a momentum between 0 and 1
    return log(loss_after(exp(u[0]), sigmoid(u[1])))


u = np.array([np.log(0.02), -2.0])
found = minimize(value_and_gradient(log_loss), u, Adam(0.05), steps=200)
rates = np.exp(found.thetas[:, 0])
momenta = 1 / (1 + np.exp(-found.thetas[:, 1]))
best = found.values.argmin()
rate = rates[best]
momentum = momenta[best]

roots = np.sqrt(curvatures)
advised_rate = 4 / roots.sum() ** 2
advised_momentum = ((roots[1] - roots[0]) / roots.sum()) ** 2

R, M = np.meshgrid(np.linspace(0.015, 0.35, 150), np.linspace(0, 0.6, 150))
height = np.log10(loss_after(R[..., None], M[..., None]))

plots.use_style()
figure, ax = plt.subplots()
shades = ax.contourf(R, M, np.clip(height, -8, 1), range(-8, 2), cmap="Blues_r")
figure.colorbar(shades, label=f"log10 of the loss, steps {steps - 4} to {steps}")
ax.plot(rates[::4], momenta[::4], "o-", markersize=4, linewidth=1, color="#d45500")
ax.plot(
    advised_rate,
    advised_momentum,
    "x",
    markersize=11,
    markeredgewidth=2.5,
    color="#b00020",
)
ax.set(xlabel=r"learning rate $\epsilon$", ylabel=r"momentum $\alpha$")
plots.describe(
    figure,
    "The loss over both numbers. Dots lead from a low rate into its depth, "
    "beside a cross.",
)
plt.show()

# %%
# After twenty steps the learned pair is more than a thousand times better than the
# first one, and from this start better than the cross. After a hundred steps the cross
# is better.

print(f"learned {rate:.3f}, {momentum:.3f}")
print(f"advised {advised_rate:.3f}, {advised_momentum:.3f}")

first = loss_after(rates[0], momenta[0])
learned = loss_after(rate, momentum)
advised = loss_after(advised_rate, advised_momentum)
assert learned < first / 1000, (
    f"the learned pair should do a thousand times better, {first:.1e} to {learned:.1e}"
)
assert learned < advised, (
    f"for this start the learned pair should beat the cross, not {learned:.1e} "
    f"against {advised:.1e}"
)
learned_later = loss_after(rate, momentum, 100)
advised_later = loss_after(advised_rate, advised_momentum, 100)
assert advised_later < learned_later, (
    f"in the long run the cross should be better, not {advised_later:.1e} "
    f"against {learned_later:.1e}"
)
