r"""
Gradients vanish or explode on their way through thirty layers
==============================================================

On the way back each layer multiplies the gradient by :math:`\sigma'(a^i)` and by :math:`W^{iT}`.
Thirty factors that are each a little below 1, or a little above, leave nothing or far too much.
Shown is the typical length of :math:`G_{x^i}`; it starts at the right end and travels to the left.
Look first at the sigmoid, whose slope is at most 1/4, and then at what becomes of the others when
all weights are three times as large. See :doc:`/chapters/09_backpropagation`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import Network, SquaredError, plots, sample_gradients

layers, neurons = 30, 50
factors = (1, 3)  # on the weights that Network.init draws

plots.use_style()
rng, loss = np.random.default_rng(0), SquaredError()
x, y = rng.normal(size=(20, neurons)), np.zeros((20, neurons))
figure, panels = plt.subplots(1, 2, figsize=(7.6, 4.0), sharey=True)
growth = {}
hues = {"sigmoid": "#006aaa", "tanh": "#d45500", "relu": "#404055"}
for activation, hue in hues.items():
    network = Network((neurons,) * (layers + 1), activation, activation)
    start = network.init(1)
    for ax, factor in zip(panels, factors, strict=True):
        theta = factor * start  # the biases are zero
        _, G = sample_gradients(network, loss, theta, x, y)
        pairs = zip(network.unpack(theta), network.unpack(G), strict=True)
        G_x = [G_a @ W for (_, W), (G_a, _) in pairs]  # G_b is G_a
        G_x.append(loss.with_gradient(network.predict(theta, x), y)[1])
        norms = np.median(np.linalg.norm(G_x, axis=-1), axis=-1)
        ax.semilogy(norms / norms[-1], "o-", ms=4, c=hue, label=activation)
        growth[activation, factor] = norms[0] / norms[-1]
panels[0].set(xlabel="layer i", title="weights of Network.init")
panels[1].set(xlabel="layer i", title="three times as large")
panels[0].set_ylabel(r"$\|G_{x^i}\| \; / \; \|G_{x^{30}}\|$")
panels[1].legend()
plots.describe(
    figure,
    "Length of the gradient against the layer. On the left sigmoid falls to "
    "1e-19 at layer 0, tanh and ReLU stay level. On the right, with weights "
    "three times as large, sigmoid falls less, tanh rises to a thousand and "
    "ReLU to almost 1e15.",
)
plt.show()

# %%
# The init keeps tanh and ReLU near a factor of 1 for each layer; sigmoid has about 1/4. A ReLU
# passes positive factors on: three times the weights make its gradient :math:`3^{30}` times as long.

assert growth["sigmoid", 1] < 1e-15
assert all(0.05 < growth[name, 1] < 20 for name in ("tanh", "relu"))
assert growth["tanh", 3] > 100
assert np.isclose(growth["relu", 3], growth["relu", 1] * 3.0**layers)
