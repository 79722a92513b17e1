r"""
In float32 a fit stops after six digits
=======================================

One module, ``torch.nn.Linear(1, 1)``, is fitted to the same penguins by the same five
lines, once in PyTorch's default precision and once in NumPy's. Both go down the same
straight line of a logarithmic axis. Watch where each of them ends. See :ref:`pt-dtype`.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

from lecturecode import fit_affine, plots
from lecturecode.datasets import penguins

learning_rate = 0.05  # anything below 1 converges; smaller is slower

birds = penguins()
flipper = birds["flipper_length_mm"]
x = (flipper - flipper.mean()) / flipper.std()
y = birds["body_mass_g"] / 1000  # kg
slope, intercept = fit_affine(x, y)


def distances(dtype):
    """Distances from the least-squares line, step by step."""
    module = torch.nn.Linear(1, 1, dtype=dtype)
    torch.nn.init.zeros_(module.weight)
    torch.nn.init.zeros_(module.bias)
    inputs = torch.tensor(x, dtype=dtype)[:, None]
    targets = torch.tensor(y, dtype=dtype)[:, None]
    optimizer = torch.optim.SGD(module.parameters(), lr=learning_rate)
    found = []
    for _ in range(500):
        w = module.weight.item()
        b = module.bias.item()
        found.append(np.hypot(w - slope, b - intercept))
        loss = torch.nn.functional.mse_loss(module(inputs), targets)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return found


in_float32 = distances(torch.float32)
in_float64 = distances(torch.float64)

plots.use_style()
figure, ax = plt.subplots(figsize=(7.2, 3.8))
ax.semilogy(
    in_float32, "o", color="#EE7733", markersize=4, markevery=10, label="float32"
)
ax.semilogy(in_float64, "-", color="#004488", label="float64")
ax.set(xlabel="step", ylabel="distance from the least-squares line")
ax.legend()
plots.describe(
    figure,
    "Distance from the solution on a logarithmic axis. Both precisions fall "
    "along one straight line; float32 stops near ten to the minus six, "
    "float64 goes on to below ten to the minus fourteen.",
)
plt.show()

# %%
# A step moves the intercept by :math:`2 \epsilon = 0.1` times its error. Once that is
# less than half the spacing of the floating-point numbers there, the sum is rounded
# back, and descent stands still.

digits = -np.log10(max(in_float32[-20:]) / np.hypot(slope, intercept))
assert 5 < digits < 7, f"in float32 there should be six digits, not {digits:.1f}"

for dtype, errors in {torch.float32: in_float32, torch.float64: in_float64}.items():
    spacing = 4 * torch.finfo(dtype).eps  # between 4 and 8, where the intercept is
    predicted = spacing / 2 / (2 * learning_rate)
    floor = max(errors[-20:])
    assert 0.5 * predicted < floor < 2 * predicted, (
        f"in {dtype} descent should stop at about {predicted:.0e}, not at {floor:.0e}"
    )
