r"""
A swarm, Newton's method and Adam fit one PyTorch module
========================================================

The module is logistic regression, ``torch.nn.Linear(2, 1)``, its loss PyTorch's own.
:class:`lecturecode.pytorch.TotalLoss` makes a function g of a flat :math:`\theta` of them. Watch how
three methods approach one minimum. See :ref:`pt-flat`.
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
plots.use_style()
birds = penguins()
x = torch.tensor((birds.x - birds.x.mean(0)) / birds.x.std(0))[:, 1:3]
adelie = torch.tensor(birds.y == 0).double()[:, None]
line, loss = torch.nn.Linear(2, 1).double(), torch.nn.BCEWithLogitsLoss()
g = TotalLoss(line, loss, x, adelie)
zero = torch.zeros(3, dtype=torch.float64)
flock = {"population": 20, "steps": 100, "rng": 0, "like": zero}
rule = lc.Adam(learning_rate)
swarm = lc.particle_swarm(g, Interval(-10, 10) ** 3, **flock)
adam = lc.minimize(g.value_and_gradient, zero, rule, steps=400)
newton = lc.find_stationary_point(g.gradient, g.hessian, zero)
best, zeros = np.minimum.accumulate(swarm.values.numpy().min(1)), g(newton.thetas)
runs = {"particle swarm": best, "Adam": adam.values, "zeros of the gradient": zeros}

figure, (left, right) = plt.subplots(1, 2, figsize=(9.0, 3.8))
for group, mark, name in ((1, "o", "Adelie"), (0, "^", "others")):
    chosen = x[adelie[:, 0] == group].numpy()
    left.plot(*chosen.T, mark, markersize=4, alpha=0.6, label=name)
ends, (b, w1, w2) = np.array([-2.2, 2.4]), newton.last.tolist()
left.plot(ends, -(b + w1 * ends) / w2, color="#404055", label="boundary")
left.set(xlabel="bill depth (standardized)", ylabel="flipper length (standardized)")
for name, values in runs.items():
    gap, colour = values - float(g(newton.last)), plots.COLOURS[name]
    right.loglog(1 + np.arange(len(gap)), gap, ".-", color=colour, label=name)
right.set(xlabel="step, counted from 1", ylabel="$g$ above its minimum", ylim=1e-16)
_ = left.legend(fontsize=9), right.legend(fontsize=9)
plots.describe(
    figure,
    "Left, penguins, and a straight boundary between Adelie and others. Right, "
    "the gap to the minimum: Newton's method, which solves for a zero of the "
    "gradient, closes it in a few steps, Adam in hundreds, the swarm in stairs.",
)
plt.show()

# %%
# All three end at the same parameters, to 0.001. Newton has a Hessian, from ``torch.func``: few steps.

assert newton.steps < 10
assert max(float(abs(run.theta - newton.last).max()) for run in (swarm, adam)) < 1e-3
