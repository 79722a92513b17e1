r"""
Without zero_grad, descent rolls on and never settles
=====================================================

PyTorch's ``backward`` adds to ``grad``, :eq:`eq-grad-adds`. If nobody sets it to zero,
each step takes the sum of all gradients so far, which is momentum without friction.
Both panels show the same loop on the bowl; one line is missing on the right. See
:ref:`pt-zero-grad`.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

from lecturecode import plots
from lecturecode.objectives import Quadratic

learning_rate = 0.02  # stable below 0.2, and below 0.4 without zero_grad

plots.use_style()
bowl = Quadratic(torch.tensor([1.0, 10.0], dtype=torch.float64))


def descend(forget, steps=200, momentum=0.0):
    theta = torch.tensor([-1.8, 1.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.SGD([theta], lr=learning_rate, momentum=momentum)
    path = [theta.tolist()]
    for _ in range(steps):
        loss = bowl(theta)
        if not forget:
            optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        path.append(theta.tolist())
    return np.array(path)


with_zero_grad = descend(forget=False)
without = descend(forget=True)

animation = plots.animate_path(
    Quadratic([1.0, 10.0]),
    {"gradient descent": with_zero_grad[:101], "momentum": without[:101]},
    [(-2.4, 2.4), (-1.5, 1.5)],
    log=True,
    panels=True,
    frames=26,
)
left, right = plt.gcf().axes
left.set(title="with zero_grad", xlabel=r"$\theta_1$", ylabel=r"$\theta_2$")
right.set(title="without", xlabel=r"$\theta_1$", ylabel=r"$\theta_2$")
plots.describe(
    plt.gcf(),
    "Two paths of a hundred steps in a bowl. With zero_grad the path runs "
    "down to the minimum. Without, it swings from rim to rim, fills a "
    "rectangle, and gets no nearer.",
)
plt.show()

# %%
# The right path comes back as far as it started, again and again. It is that of
# ``torch.optim.SGD(..., momentum=1.0)`` *with* ``zero_grad``, bit for bit.

distance = np.linalg.norm(with_zero_grad[100:], axis=1)
assert distance.max() < 0.3, (
    f"with zero_grad the path should settle, but is {distance.max():.2f} away"
)
for later in (without[100:150], without[150:]):
    distance = np.linalg.norm(later, axis=1)
    assert distance.max() > 1.5, (
        f"without it the path should come back, not stay within {distance.max():.2f}"
    )

rolling = descend(forget=False, momentum=1.0)
assert np.array_equal(without, rolling), (
    "to forget zero_grad should be momentum 1, bit for bit"
)
