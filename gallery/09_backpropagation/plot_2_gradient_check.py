r"""
Finite differences confirm a gradient to ten digits and no more
===============================================================

A gradient by central differences of the loss at step h, against the one of PyTorch's
autograd. The V is its error: on the right arm h is too long, on the left arm the
rounding of two nearly equal losses is divided by a tiny h. Look for the dashed lines
far below: by so little backpropagation and autograd differ. See
:doc:`/chapters/09_backpropagation`, and :ref:`how small the step of a difference
should be <finite-difference-error>` for the two arms.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

from lecturecode import Network, SquaredError, TotalLoss, plots

rng = np.random.default_rng(0)
network = Network((3, 6, 6, 2))
theta = rng.normal(size=network.size)
x = rng.normal(size=(20, 3))
y = rng.normal(size=(20, 2))

# The exact gradient, by PyTorch: each layer is affine, and all but the last one bend.
leaf = torch.tensor(theta, requires_grad=True)
*hidden, (b_last, W_last) = network.unpack(leaf)
z = torch.tensor(x)
for b, W in hidden:
    z = torch.tanh(z @ W.T + b)
output = z @ W_last.T + b_last
loss = ((output - torch.tensor(y)) ** 2).sum(-1).mean()
loss.backward()
exact = leaf.grad.numpy()


def relative_error(gradient):
    return np.linalg.norm(gradient - exact) / np.linalg.norm(exact)


def differences(g, at, h):
    moves = (h * np.eye(network.size)).astype(at.dtype)  # (P, P)
    return (g(at + moves) - g(at - moves)) / (2 * h)


plots.use_style()
figure, ax = plt.subplots()
level = {}  # the error of backpropagation
bottom = {}  # the least error of differences
for dtype, colour in ("float64", "#006aaa"), ("float32", "#d45500"):
    at = theta.astype(dtype)
    g = TotalLoss(network, SquaredError(), x.astype(dtype), y.astype(dtype))
    level[dtype] = relative_error(g.gradient(at))
    steps = np.logspace(0, np.log10(np.finfo(dtype).eps), 40)
    errors = [relative_error(differences(g, at, h)) for h in steps]
    bottom[dtype] = min(errors)
    ax.loglog(steps, errors, ".-", color=colour, label=f"differences, {dtype}")
    ax.axhline(level[dtype], color=colour, linestyle="--", label=f"backprop, {dtype}")
ax.set(xlabel="step h", ylabel="relative error of the gradient")
ax.legend(fontsize=9, loc=(0.66, 0.07))
plots.describe(
    figure,
    "Error against the step. Two V, for double and single precision, and "
    "far below the bottom of each a dashed level, that of backpropagation.",
)
plt.show()

# %%
# Two losses are never known to more than u of their size, so a difference cannot see
# errors below about :math:`u^{2/3}`. Check in double precision, and leave the last
# digits to autograd.

for dtype in level:
    print(f"{dtype}: differences {bottom[dtype]:.0e}, backprop {level[dtype]:.0e}")
    u = float(np.finfo(dtype).eps)
    assert level[dtype] < 20 * u, (
        f"backpropagation should be exact to rounding, not off by {level[dtype]:.0e}"
    )
    expected = u ** (2 / 3)
    assert 0.1 * expected < bottom[dtype] < 100 * expected, (
        f"differences should see errors down to about {expected:.0e}, "
        f"not to {bottom[dtype]:.0e}"
    )

assert 1e-12 < bottom["float64"] < 1e-9, (
    f"in double precision differences should confirm ten digits, and no more, "
    f"but their error is {bottom['float64']:.0e}"
)
