r"""
Finite differences confirm a gradient to ten digits and no more
===============================================================

A gradient by central differences of the loss at step h, against the one of PyTorch's autograd. The V
is its error: on the right arm h is too long, on the left arm the rounding of two nearly equal losses
is divided by a tiny h. Look for the dashed lines far below: by so little backpropagation and autograd
differ. See :doc:`/chapters/09_backpropagation`, and :ref:`finite-difference-error` for the two arms.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

from lecturecode import Network, SquaredError, TotalLoss, plots

plots.use_style()
rng = np.random.default_rng(0)
network = Network((3, 6, 6, 2))
theta, x, y = (rng.normal(size=s) for s in (network.size, (20, 3), (20, 2)))

leaf, z = torch.tensor(theta, requires_grad=True), torch.tensor(x)
for b, W in network.unpack(leaf):
    a = z @ W.T + b
    z = torch.tanh(a)
((a - torch.tensor(y)) ** 2).sum(-1).mean().backward()  # the last one is a
exact = leaf.grad.numpy()

figure, ax = plt.subplots()
bottom, level = {}, {}
for dtype, hue in ("float64", "#006aaa"), ("float32", "#d45500"):
    at, *data = (array.astype(dtype) for array in (theta, x, y))
    g = TotalLoss(network, SquaredError(), *data)
    steps = np.logspace(0, np.log10(np.finfo(dtype).eps), 40)
    gradients = [g.gradient(at)]
    for h in steps:
        moves = (h * np.eye(network.size)).astype(dtype)  # (P, P)
        gradients.append((g(at + moves) - g(at - moves)) / (2 * h))
    error = np.linalg.norm(np.array(gradients) - exact, axis=1)
    level[dtype], *errors = error / np.linalg.norm(exact)
    bottom[dtype] = min(errors)
    ax.loglog(steps, errors, ".-", color=hue, label=f"differences, {dtype}")
    ax.axhline(level[dtype], color=hue, ls="--", label=f"backprop, {dtype}")
ax.set(xlabel="step h", ylabel="relative error of the gradient")
ax.legend(fontsize=9, loc=(0.66, 0.07))
plots.describe(
    figure,
    "Error against the step. Two V, for double and single precision, and "
    "far below the bottom of each a dashed level, that of backpropagation.",
)
plt.show()

# %%
# Two losses are never known to more than u of their size, so a difference cannot see errors below
# about :math:`u^{2/3}`. Check in double precision, and leave the last digits to autograd.

print({name: f"{bottom[name]:.0e} and {level[name]:.0e}" for name in level})
u = {"float64": 2.2e-16, "float32": 1.2e-7}
assert all(level[name] < 20 * u[name] for name in u)
assert all(0.1 < bottom[name] / u[name] ** (2 / 3) < 100 for name in u)
