r"""
Without bias correction Adam's first steps are too long
=======================================================

Adam's two averages start at zero, and so are too small at first: after :math:`i` equal
gradients by the factors :math:`1 - \beta_1^i` and :math:`1 - \beta_2^i`, which the left
panel shows. The average of squares, of which the root is taken, needs thousands of
steps to fill. One divides by it, and so the steps are too long meanwhile. The right
panel shows how long. See :ref:`adam-scale`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import Adam, minimize, plots

beta1 = 0.9  # of the average m of gradients; try 0.99
beta2 = 0.999  # of the average s of squares; try 0.99 or 0.9


class Uncorrected(Adam):
    """Adam with the averages as they are."""

    def step(self, theta, gradient, state):
        _, state = super().step(theta, gradient, state)
        m, s, _ = state
        return theta - self.learning_rate * m / (s**0.5 + self.eps), state


def slope(theta):
    return theta.sum(-1), np.ones(1)  # the same gradient everywhere


def lengths(rule):
    """The lengths of 5000 steps, in learning rates."""
    run = minimize(slope, [0.0], rule, steps=5000)
    return abs(np.diff(run.thetas[:, 0])) / rule.learning_rate


corrected = lengths(Adam(0.01, beta1, beta2))
uncorrected = lengths(Uncorrected(0.01, beta1, beta2))
i = np.arange(1, 5001)

plots.use_style()
figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.9))
left.semilogx(i, 1 - beta1**i, label=r"$m$, divided by its limit")
left.semilogx(i, (1 - beta2**i) ** 0.5, "--", label=r"$\sqrt{s}$, likewise")
left.set(xlabel="step", ylabel="how full the average is")
left.legend()
right.semilogx(i, corrected, color=plots.COLOURS["Adam"], label="Adam")
right.semilogx(i, uncorrected, "--", label="without correction")
right.set(xlabel="step", ylabel="length / learning rate", ylim=(0, None))
right.legend()
plots.describe(
    figure,
    "Left, the average of gradients is full after some twenty steps, the root "
    "of the average of squares after thousands. Right, with the correction "
    "all steps have the length of the learning rate; without it they begin at "
    "three times that, rise to more than six, and come down slowly.",
)
plt.show()

# %%
# The first step is too long by :math:`(1 - \beta_1)/\sqrt{1 - \beta_2}`, which is 3.16
# here. Adam's own steps are all of the same length, as they should be along a constant
# slope.

assert np.allclose(corrected, 1, rtol=1e-4), (
    "Adam's own steps should all be as long as the learning rate"
)
first = (1 - beta1) / (1 - beta2) ** 0.5
assert np.isclose(uncorrected[0], first, rtol=1e-4), (
    f"the first step should have {first:.2f} learning rates, not {uncorrected[0]:.2f}"
)
