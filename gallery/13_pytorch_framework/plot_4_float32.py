r"""
In float32 a fit stops after six digits
=======================================

One module, ``torch.nn.Linear(1, 1)``, is fitted to the same penguins by the same five lines, once in
PyTorch's default precision and once in NumPy's. Both go down the same straight line of a logarithmic
axis. Watch where each of them ends. See :ref:`pt-dtype`.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

from lecturecode import fit_affine, plots
from lecturecode.datasets import penguins

learning_rate = 0.05  # anything below 1 converges; smaller is slower
plots.use_style()
birds = penguins()
x, y = birds["flipper_length_mm"], birds["body_mass_g"]
x, y = (x - x.mean()) / x.std(), y / 1000
solution = fit_affine(x, y)  # slope and intercept

figure, ax = plt.subplots(figsize=(7.2, 3.8))
floors = {}
looks = {torch.float32: ("o", "#EE7733"), torch.float64: ("-", "#004488")}
for dtype, (mark, colour) in looks.items():
    module = torch.nn.Linear(1, 1, dtype=dtype)
    torch.nn.init.zeros_(module.weight)
    torch.nn.init.zeros_(module.bias)
    data = torch.tensor(np.stack([x, y]), dtype=dtype)[..., None]
    optimizer = torch.optim.SGD(module.parameters(), lr=learning_rate)
    errors = []
    for _ in range(500):
        theta = module.weight.item(), module.bias.item()
        errors.append(np.hypot(*(solution - theta)))
        loss = torch.nn.functional.mse_loss(module(data[0]), data[1])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    floors[dtype] = max(errors[-20:])
    look = {"color": colour, "markersize": 4, "markevery": 10}
    ax.semilogy(errors, mark, label=str(dtype)[6:], **look)
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
# A step moves the intercept by :math:`2 \epsilon = 0.1` times its error. Once that is less than half the
# spacing of the floating-point numbers there, the sum is rounded back, and descent stands still.

half = {dtype: 4 * torch.finfo(dtype).eps / 2 for dtype in floors}  # between 4 and 8
stalls = {dtype: half[dtype] / (2 * learning_rate) for dtype in floors}
assert all(0.5 < floors[dtype] / stalls[dtype] < 2 for dtype in floors)
