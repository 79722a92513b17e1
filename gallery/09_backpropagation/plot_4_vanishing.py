r"""
Gradients vanish or explode on their way through thirty layers
==============================================================

On the way back each layer multiplies the gradient by :math:`\sigma'(a^i)` and by
:math:`W^{i\,T}`. Thirty factors of 1/4 leave :math:`10^{-18}`, and thirty factors of 3
make :math:`2 \cdot 10^{14}`. Shown is the typical length of :math:`G_{x^i}`; it starts
at the right end and travels to the left. Look first at the sigmoid, whose slope is at
most 1/4, and then at what becomes of the others when all weights are three times as
large.
See :doc:`/chapters/09_backpropagation`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import Network, SquaredError, plots, sample_gradients

layers = 30
neurons = 50
factors = (1, 3)  # on the weights that Network.init draws

rng = np.random.default_rng(0)
loss = SquaredError()
x = rng.normal(size=(20, neurons))
y = np.zeros((20, neurons))


def lengths(network, theta):
    """The typical length of the gradient with respect to x^i, for each i."""
    _, G = sample_gradients(network, loss, theta, x, y)
    G_x = []
    for (_, W), (G_b, _) in zip(network.unpack(theta), network.unpack(G), strict=True):
        G_a = G_b  # (20, 50)
        G_x.append(G_a @ W)
    _, last = loss.with_gradient(network.predict(theta, x), y)
    G_x.append(last)
    return np.median(np.linalg.norm(G_x, axis=-1), axis=-1)  # (31,)


plots.use_style()
figure, panels = plt.subplots(1, 2, figsize=(7.6, 4.0), sharey=True)
growth = {}
colours = {"sigmoid": "#006aaa", "tanh": "#d45500", "relu": "#404055"}
for activation, colour in colours.items():
    network = Network([neurons] * (layers + 1), activation, activation)
    theta = network.init(1)  # the biases are zero
    for ax, factor in zip(panels, factors, strict=True):
        length = lengths(network, factor * theta)
        relative = length / length[-1]
        ax.semilogy(relative, "o-", markersize=4, color=colour, label=activation)
        growth[activation, factor] = relative[0]
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
# The weights of ``Network.init`` keep tanh and ReLU near a factor of 1 for each layer;
# the sigmoid has about 1/4. A ReLU passes positive factors on: three times the weights
# make its gradient :math:`3^{30}` times as long.

assert growth["sigmoid", 1] < 1e-15, (
    f"behind sigmoids hardly anything should be left, not {growth['sigmoid', 1]:.0e}"
)
for name in ("tanh", "relu"):
    assert 0.05 < growth[name, 1] < 20, (
        f"the init should keep {name} level, not at {growth[name, 1]:.2g}"
    )
assert growth["tanh", 3] > 100, (
    f"larger weights should make tanh explode, not stay at {growth['tanh', 3]:.2g}"
)
assert np.isclose(growth["relu", 3], growth["relu", 1] * 3.0**layers), (
    "three times the weights should make the gradient of ReLU 3 to the 30 times as long"
)
