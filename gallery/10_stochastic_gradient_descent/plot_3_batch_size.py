r"""
Smaller minibatches make noisier gradients and still need less computation
==========================================================================

The digits, 1344 training images, in :math:`B` minibatches. Left, the standard deviation of a
minibatch gradient, measured and by the exact law :eq:`eq-sampling-law`: :math:`B` times less work
buys about :math:`\sqrt{B}` times more noise (:ref:`sgd-noise`). Right, steps and epochs until the
loss is below 0.1, at the best of four learning rates (:ref:`sgd-less`).
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import CrossEntropy, GradientDescent, Network, TotalLoss, plots, sample_gradients, train
from lecturecode.datasets import digits
from lecturecode.minibatching import minibatches

target = 0.1  # try 0.2
plots.use_style()
data, T, rng = digits(), 1344, np.random.default_rng(0)
order = rng.permutation(len(data))[:T]
x, y = (data.x[order] / 16).astype(np.float32), data.y[order]
net, loss = Network((64, 32, 10), "relu"), CrossEntropy()
g, start = TotalLoss(net, loss, x, y), net.init(0, like=x)
B = 2 ** np.arange(7)  # 1, 2, 4, ..., 64 minibatches

_, G = sample_gradients(net, loss, start, x, y)
share = np.zeros((7, 200, T), dtype=np.float32)
for rows, n in zip(share, T // B, strict=True):
    for row in rows:
        row[next(minibatches(T, n, rng=rng))] = 1 / n
G = G - G.mean(axis=0)
noise = np.sqrt(((share @ G) ** 2).sum(-1).mean(-1))
law = np.sqrt((G**2).sum(1).mean() * (B - 1) / (T - 1))

epochs = np.full(7, 200)
more = {"rng": 0, "theta": start, "callback": lambda t: g(t.last) < target}
for k, n in enumerate(T // B):
    for rate in (0.5, 0.7, 1.0, 0.3):
        size = {"batch_size": n, "epochs": epochs[k]}
        run = train(net, loss, x, y, GradientDescent(rate), **size, **more)
        epochs[k] = len(run.extras["loss"])
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4), sharex=True)
left.loglog(B[1:], law[1:], color="#404055", label="exact law")
left.loglog(B[1:], noise[1:], "o", label="200 minibatches")
left.set(xlabel="minibatches in an epoch, $B$", ylabel="standard deviation")
right.loglog(B, epochs, "o-", label="epochs")
right.loglog(B, epochs * B, "s--", color="#404055", label="steps")
right.set(xlabel="minibatches in an epoch, $B$", ylabel=f"until the loss is below {target}")
_ = left.legend(), right.legend()
text = "Left, standard deviations on their law. Right, with B steps rise and "
plots.describe(figure, text + "epochs fall.")
plt.show()

# %%
# With many minibatches it takes more steps, and far fewer epochs, which are the computation.
assert np.allclose(noise, law, rtol=0.1, atol=1e-5)
assert epochs[-1] < epochs[0] / 8
assert epochs[-1] * B[-1] > epochs[0]
