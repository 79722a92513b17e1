r"""
A constant rate ends in a ball of noise, a decreasing one at the minimum
========================================================================

Left, SGD wanders about at a distance from the minimum; if its rate falls like :math:`1/i` it comes
ever nearer. Right, the radius of the ball, by the law of :ref:`sgd-noise-ball` and measured.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import GradientDescent, Network, SquaredError, inverse_time, plots, train
from lecturecode.backpropagation import backprop, sample_gradients

n = 8  # the size of a minibatch; try 16 or 32
plots.use_style()
rng = np.random.default_rng(0)
x, y = rng.standard_normal((2, 512, 1))  # a line is fitted to pure noise
x = (x - x.mean()) / x.std()  # so that the Hessian is 2 I
bottom = np.array([y.mean(), (x * y).mean()])
net = Network((1, 1)), SquaredError()


def radii(rate, epochs, start, **more):
    more |= {"epochs": epochs, "batch_size": n, "rng": 0, "theta": start}
    run = train(*net, x, y, GradientDescent(rate), record_every=1, **more)
    return np.linalg.norm(run.thetas - bottom, axis=1)


level = radii(0.1, 99, bottom + 3)
falling = radii(0.1, 99, bottom + 3, schedule=inverse_time(0.1, 100))
rates = np.array([0.005, 0.01, 0.03, 0.1])
c = sample_gradients(*net, bottom, x, y)[1].var(axis=0).sum() / n
law, drawn = np.sqrt(rates * c / (2 * (2 - 2 * rates))), []
theta = np.tile(bottom, (4, 1))  # a walk for each rate
for i in rng.integers(0, 512, (6000, n)):
    theta = theta - rates[:, None] * backprop(*net, theta, x[i], y[i])[1]
    drawn.append(((theta - bottom) ** 2).sum(axis=1))
drawn = np.mean(drawn, axis=0) ** 0.5
disjoint = [(radii(r, 94, bottom) ** 2).mean() ** 0.5 for r in rates]
figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.9))
left.loglog(level, linewidth=1, label="constant")
left.loglog(falling, linewidth=1, color="#404055", label="inverse time")
right.loglog(rates, law, "--", color="#404055", label="formula")
right.loglog(rates, drawn, "o", label="with replacement")
right.loglog(rates, disjoint, "s", color="#6a3d9a", label="disjoint")
left.set(xlabel="step", ylabel="distance to the minimum")
right.set(xlabel="learning rate", ylabel="radius of the ball")
_ = left.legend(), right.legend()
text = "Left, one distance stays level, one falls. Right, radii lie on the "
text += "formula with replacement, and below it in disjoint minibatches."
plots.describe(figure, text)
plt.show()

# %%
# In disjoint minibatches, part of the noise cancels over an epoch, the more so at small rates.
assert np.allclose(drawn, law, rtol=0.25)
assert (np.array(disjoint)[:2] < 0.6 * law[:2]).all()
assert (falling[-640:] ** 2).mean() < (level[-640:] ** 2).mean() / 10
