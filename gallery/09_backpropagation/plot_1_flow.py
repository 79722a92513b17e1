r"""
Data flow forwards, and gradients flow backwards
================================================

One sample passes the four-layer network of the lecture. Forwards, each column shows
:math:`a^i = W^i x^{i-1} + b^i` and then :math:`x^i = \sigma(a^i)`, blue below zero and
orange above, until the loss compares the output with y. Backwards, the columns are
overwritten by the gradients :math:`G_{x^i}` and :math:`G_{a^i}`, and the edges by
:math:`G_{W^i}`, purple below zero and green above. Look at what each step needs: the
gradients to its right, and what the way forwards left next to them, which is kept until
then. See :doc:`/chapters/09_backpropagation`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import Network, SquaredError, plots
from lecturecode.backpropagation import backprop, backprop_by_hand

activation = "tanh"  # try "sigmoid", whose gradients fade, or "relu"

plots.use_style()
network = Network((2, 3, 3, 2, 1), activation, activation)
loss = SquaredError()
theta = network.init(27)
x = np.array([1.0, -0.5])
y = np.array([-0.5])
animation = plots.animate_flow(network, loss, theta, x, y)
plots.describe(
    plt.gcf(),
    "Animation. A network drawn as columns of two, three, three, two and "
    "one circles, with a box for the loss at the right. From left to right "
    "the circles fill with numbers, blue or orange, and the edges take the "
    "colors of the weights. Then, from right to left, circles and edges "
    "turn purple or green: they now show the gradients.",
)
plt.show()

# %%
# The numbers are those of :py:func:`~lecturecode.backpropagation.backprop_by_hand`,
# whose lines are the pictures of the way back. Put in a row, its gradients of the
# weights and biases are the gradient with respect to theta that
# :py:func:`~lecturecode.backpropagation.backprop` returns. What comes last,
# :math:`G_{x^0}`, is compared with differences: x is moved up and down.

r, gradient, G = backprop_by_hand(network, loss, theta, x, y)
print(f"r = {float(r):.3f}")
for name in ("x4", "a4", "x3", "a3", "x2", "a2", "x1", "a1", "x0"):
    print(f"G_{name} =", G[name].round(3))

value, same = backprop(network, loss, theta, x[None, :], y[None, :])
assert np.allclose(value, r, rtol=1e-12, atol=0), "both should have the same loss"
assert np.allclose(gradient, same, rtol=1e-12, atol=1e-15), (
    "both should have the same gradient"
)

h = 1e-5
moves = h * np.eye(2)  # each row moves one input
up = network.predict(theta, x + moves)
down = network.predict(theta, x - moves)
targets = np.tile(y, (2, 1))
slopes = (loss(up, targets) - loss(down, targets)) / (2 * h)
assert np.allclose(G["x0"], slopes, rtol=0, atol=1e-7), (
    f"moving x should change the loss with the slopes {slopes}, not {G['x0']}"
)
