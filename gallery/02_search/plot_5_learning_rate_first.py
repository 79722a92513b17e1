r"""
The learning rate decides, the width hardly
===========================================

Each dot is a network with one hidden layer, trained for 150 steps on 600 handwritten digits. Its width
and learning rate were drawn at random. The smaller the dot, the smaller its loss on other digits. Which
of the two axes tells you the size of the dot? See :ref:`search-tuning`.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from lecturecode import plots, pointwise, random_search
from lecturecode.datasets import digits
from lecturecode.domains import Choice, Positive

trainings = 60  # try 30
torch.set_num_threads(1)  # quicker for small matrices
domain = Choice([8, 12, 16, 24, 32, 48, 64]) * Positive(0.3)
images, order = digits(), np.random.default_rng(0).permutation(1797)
x = torch.tensor(images.x[order] / 16, dtype=torch.float32)
y = torch.tensor(images.y[order])


def g(theta):
    width, learning_rate = domain.decode(theta)
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, width), nn.Tanh(), nn.Linear(width, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)
    for batch in torch.randint(600, (150, 50)):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
        optimizer.step()
    with torch.no_grad():
        return nn.functional.cross_entropy(model(x[600:]), y[600:]).item()


trace = random_search(pointwise(g), domain, trainings, rng=0)
rate, loss = trace.thetas[:, 1], trace.values
width = np.array([domain.decode(theta)[0] for theta in trace.thetas])

plots.use_style()
figure, ax = plt.subplots()
size = 30 + 130 * np.log(np.clip(loss, 0.1, 5) / 0.1)
dots = ax.scatter(rate, width, size, loss, cmap="Blues_r", vmax=3, ec="#404055")
ax.plot(*domain.decode(trace.theta)[::-1], "o", mfc="none", ms=17, c="#b02020")
ax.set(xscale="log", xlabel="learning rate", ylabel="width")
figure.colorbar(dots, label="validation loss")
alt = "Dots over learning rate and width: large far left and right, small between."
plots.describe(figure, alt)
plt.show()

# %%
# Along a row the dots change their size, down a column hardly. Sixty draws tried sixty learning rates.

good = rate[loss < 0.2]
assert len(np.unique(rate)) == trainings
assert good.max() / good.min() < 0.01 * rate.max() / rate.min()  # a narrow band
