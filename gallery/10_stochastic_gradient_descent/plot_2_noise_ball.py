r"""
A constant rate ends in a ball of noise, a decreasing one comes nearer
======================================================================

Left, SGD wanders about at a distance from the minimum; if its rate falls like
:math:`1/i` it comes nearer and nearer. Right, the radius of the ball, by the law of
:ref:`sgd-noise-ball` and measured.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import (
    GradientDescent,
    Network,
    SquaredError,
    plots,
    train,
)
from lecturecode.backpropagation import backprop, sample_gradients
from lecturecode.schedules import inverse_time

n = 8  # the size of a minibatch; try 16 or 32

rng = np.random.default_rng(0)
x = rng.standard_normal((512, 1))
y = rng.standard_normal((512, 1))  # a line is fitted to pure noise
x = (x - x.mean()) / x.std()  # so that the Hessian is 2 I
bottom = np.array([y.mean(), (x * y).mean()])
network = Network((1, 1))
loss = SquaredError()


def distances(rate, epochs, start, **schedule):
    """Distances to the minimum along a walk that sees disjoint minibatches."""
    rule = GradientDescent(rate)
    how = {"epochs": epochs, "batch_size": n, "rng": 0, "start": start}
    run = train(network, loss, x, y, rule, record_every=1, **how, **schedule)
    return np.linalg.norm(run.thetas - bottom, axis=1)


def radius(away):
    return np.sqrt((away**2).mean(axis=0))


constant = distances(0.1, 99, bottom + 3)
falling = distances(0.1, 99, bottom + 3, schedule=inverse_time(0.1, 100))

rates = np.array([0.005, 0.01, 0.03, 0.1])
_, gradients = sample_gradients(network, loss, bottom, x, y)
c = gradients.var(axis=0).sum() / n
law = np.sqrt(rates * c / (2 * (2 - 2 * rates)))

theta = np.tile(bottom, (len(rates), 1))  # a walk for each rate
walks = []
for batch in rng.integers(0, 512, (3000, n)):
    _, gradient = backprop(network, loss, theta, x[batch], y[batch])
    theta = theta - rates[:, None] * gradient
    walks.append(np.linalg.norm(theta - bottom, axis=1))
with_replacement = radius(np.array(walks))
disjoint = np.array([radius(distances(rate, 94, bottom)) for rate in rates])

plots.use_style()
figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.9))
left.loglog(constant, linewidth=1, label="constant")
left.loglog(falling, linewidth=1, color="#404055", label="inverse time")
left.set(xlabel="step", ylabel="distance to the minimum")
left.legend()
right.loglog(rates, law, "--", color="#404055", label="formula")
right.loglog(rates, with_replacement, "o", label="with replacement")
right.loglog(rates, disjoint, "s", color="#6a3d9a", label="disjoint")
right.set(xlabel="learning rate", ylabel="radius of the ball")
right.legend()
plots.describe(
    figure,
    "Left, one distance stays level, one falls. Right, radii lie on the "
    "formula with replacement, and below it in disjoint minibatches.",
)
plt.show()

# %%
# At the end the falling rate is several times nearer to the minimum than the constant
# one. With replacement the radius is that of the formula. In disjoint minibatches, part
# of the noise cancels over an epoch, the more so at small rates.

assert radius(falling[-640:]) < radius(constant[-640:]) / np.sqrt(10), (
    "at the end the falling rate should be three times nearer to the minimum"
)
assert np.allclose(with_replacement, law, rtol=0.25), (
    f"with replacement the radii should be {law}, not {with_replacement}"
)
assert (disjoint[:2] < 0.6 * law[:2]).all(), (
    "at small rates disjoint minibatches should have a much smaller ball"
)
