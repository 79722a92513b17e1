r"""
A swarm, Newton's method and Adam fit one PyTorch module
========================================================

The module is logistic regression, ``torch.nn.Linear(2, 1)``, its loss PyTorch's own.
:class:`lecturecode.pytorch.TotalLoss` makes a function g of a flat :math:`\theta` of
them. Watch how three methods approach one minimum. See :ref:`pt-flat`.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

import lecturecode as lc
from lecturecode import plots
from lecturecode.datasets import penguins
from lecturecode.domains import Interval
from lecturecode.pytorch import TotalLoss

learning_rate = 0.1  # Adam's; try 0.02 and 0.5

birds = penguins()
standardized = (birds.x - birds.x.mean(axis=0)) / birds.x.std(axis=0)
x = torch.tensor(standardized)[:, 1:3]  # bill depth and flipper length
adelie = torch.tensor(birds.y == 0).double()[:, None]
module = torch.nn.Linear(2, 1).double()
g = TotalLoss(module, torch.nn.BCEWithLogitsLoss(), x, adelie)

zero = torch.zeros(3, dtype=torch.float64)
box = Interval(-10, 10) ** 3
swarm = lc.particle_swarm(
    g, box, population=20, steps=100, scouts=0.05, rng=0, like=zero
)
rule = lc.Adam(learning_rate)
adam = lc.minimize(g.value_and_gradient, zero, rule, steps=400)
newton = lc.find_stationary_point(g.gradient, g.hessian, zero)
values = {
    "particle swarm": np.minimum.accumulate(swarm.values.numpy().min(axis=1)),
    "Adam": adam.values,
    "zeros of the gradient": g(newton.thetas),
}
lowest = float(g(newton.last))
b, w1, w2 = newton.last.tolist()

plots.use_style()
figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.8))
for group, mark, name in ((1, "o", "Adelie"), (0, "^", "others")):
    chosen = x[adelie[:, 0] == group].numpy()
    left.plot(chosen[:, 0], chosen[:, 1], mark, markersize=4, alpha=0.6, label=name)
ends = np.array([-2.2, 2.4])
left.plot(ends, -(b + w1 * ends) / w2, color="#404055", label="boundary")
left.set_xlabel("bill depth (standardized)")
left.set_ylabel("flipper length (standardized)")
left.legend(fontsize=9)
for name, value in values.items():
    gap = value - lowest
    steps = 1 + np.arange(len(gap))
    right.loglog(steps, gap, ".-", color=plots.COLOURS[name], label=name)
right.set_xlabel("step, counted from 1")
right.set_ylabel("$g$ above its minimum")
right.set_ylim(1e-16)
right.legend(fontsize=9)
plots.describe(
    figure,
    "Left, penguins, and a straight boundary between Adelie and others. Right, "
    "the gap to the minimum: Newton's method, which solves for a zero of the "
    "gradient, closes it in a few steps, Adam in hundreds, the swarm in stairs.",
)
plt.show()

# %%
# All three end at the same parameters, to 0.001. Newton has a Hessian, from
# ``torch.func``: few steps.

assert newton.steps < 10, f"Newton should take a few steps, not {newton.steps}"
for name, run in {"swarm": swarm, "Adam": adam}.items():
    away = float(abs(run.theta - newton.last).max())
    assert away < 1e-3, f"{name} should end where Newton does, not {away:.4f} away"
