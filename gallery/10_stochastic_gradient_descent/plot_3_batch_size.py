r"""
Smaller minibatches make noisier gradients and still need less computation
==========================================================================

The digits, 1344 training images, in :math:`B` minibatches. Left, the standard deviation
of a minibatch gradient, measured and by the exact law :eq:`eq-sampling-law`: :math:`B`
times less work buys about :math:`\sqrt{B}` times more noise (:ref:`sgd-noise`). Right,
steps and epochs until the loss is below 0.1, at the best of four learning rates
(:ref:`sgd-less`).
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import (
    CrossEntropy,
    GradientDescent,
    Network,
    TotalLoss,
    plots,
    sample_gradients,
    train,
)
from lecturecode.datasets import digits
from lecturecode.minibatching import minibatches

target = 0.1  # try 0.2

rng = np.random.default_rng(0)
data = digits()
T = 1344
order = rng.permutation(len(data))[:T]
x = (data.x[order] / 16).astype(np.float32)
y = data.y[order]
network = Network((64, 32, 10), "relu")
loss = CrossEntropy()
g = TotalLoss(network, loss, x, y)
start = network.init(0, like=x)
B = 2 ** np.arange(7)  # 1, 2, 4, ..., 64 minibatches
sizes = T // B

# Left: share @ G holds 200 gradients of minibatches, less the gradient of all images.
_, G = sample_gradients(network, loss, start, x, y)
G = G - G.mean(axis=0)  # (T, P)
noise = np.empty(len(B))
for k, n in enumerate(sizes):
    share = np.zeros((200, T), dtype=np.float32)
    for row in share:
        batch = next(minibatches(T, n, rng=rng))
        row[batch] = 1 / n
    noise[k] = np.sqrt(((share @ G) ** 2).sum(axis=-1).mean())
variance = (G**2).sum(axis=1).mean()
law = np.sqrt(variance * (B - 1) / (T - 1))


# Right: the quickest of four learning rates. Each may take as long as the best so far.
def arrived(run):
    return g(run.last) < target


epochs = np.full(len(B), 200)
for k, n in enumerate(sizes):
    for rate in (0.5, 0.7, 1.0, 0.3):
        how = {"batch_size": n, "epochs": epochs[k], "rng": 0, "start": start}
        run = train(network, loss, x, y, GradientDescent(rate), callback=arrived, **how)
        epochs[k] = len(run.extras["loss"])

plots.use_style()
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), sharex=True)
left.loglog(B[1:], law[1:], color="#404055", label="exact law")
left.loglog(B[1:], noise[1:], "o", label="200 minibatches")
left.set_xlabel("minibatches in an epoch, $B$")
left.set_ylabel("standard deviation")
left.legend()
right.loglog(B, epochs, "o-", label="epochs")
right.loglog(B, epochs * B, "s--", color="#404055", label="steps")
right.set_xlabel("minibatches in an epoch, $B$")
right.set_ylabel(f"until the loss is below {target}")
right.legend()
plots.describe(
    figure,
    "Left, standard deviations on their law. Right, with B steps rise and epochs fall.",
)
plt.show()

# %%
# With many minibatches it takes more steps, and far fewer epochs: each epoch is the
# same computation, whatever the number of minibatches.

assert np.allclose(noise, law, rtol=0.1, atol=1e-5), (
    f"the standard deviations should be {law}, not {noise}"
)
assert epochs[-1] < epochs[0] / 8, (
    f"64 minibatches should need an eighth of {epochs[0]} epochs, not {epochs[-1]}"
)
assert epochs[-1] * B[-1] > epochs[0], "64 minibatches should need more steps"
