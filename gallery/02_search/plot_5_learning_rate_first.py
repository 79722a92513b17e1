r"""
The learning rate decides, the width hardly
===========================================

Each dot is a network with one hidden layer, trained for 150 steps on 600 handwritten
digits. Its width and learning rate were drawn at random. The smaller the dot, the
smaller its loss on other digits. Which of the two axes tells you the size of the dot?
See :ref:`search-tuning`.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import nn

from lecturecode import plots, pointwise, random_search
from lecturecode.datasets import digits
from lecturecode.domains import Choice, Positive

trainings = 40  # try 80

torch.set_num_threads(1)  # quicker for small matrices
rng = np.random.default_rng(0)
domain = Choice([8, 12, 16, 24, 32, 48, 64]) * Positive(0.3)
images = digits()
order = rng.permutation(len(images.y))
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
loss = trace.values
rate = trace.thetas[:, 1]
width = np.array([domain.decode(theta)[0] for theta in trace.thetas])
best_width, best_rate = domain.decode(trace.theta)

plots.use_style()
figure, ax = plt.subplots()
size = 30 + 130 * np.log(np.clip(loss, 0.1, 5) / 0.1)
dots = ax.scatter(rate, width, size, loss, cmap="Blues_r", vmax=3, edgecolor="#404055")
ax.plot(
    best_rate,
    best_width,
    "o",
    markerfacecolor="none",
    markersize=17,
    color="#b02020",
)
ax.set(xscale="log", xlabel="learning rate", ylabel="width")
figure.colorbar(dots, label="validation loss")
plots.describe(
    figure,
    "Dots over learning rate and width: large far left and right, small between.",
)
plt.show()

# %%
# Along a row the dots change their size, down a column hardly. Forty draws tried forty
# learning rates.

good = loss < 0.2
assert len(np.unique(rate)) == trainings, "each draw should try another learning rate"
assert rate[good].max() / rate[good].min() < 0.01 * rate.max() / rate.min(), (
    "the good learning rates should lie in a narrow band"
)
assert width[good].max() >= 4 * width[good].min(), (
    f"good widths should be found far apart, not only {np.unique(width[good])}"
)
