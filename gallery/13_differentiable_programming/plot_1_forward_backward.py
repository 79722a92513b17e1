r"""
Values run forward through a graph, and gradients run back
==========================================================

The expression :math:`r = dc` with :math:`c = ab` and :math:`d = c + a` as a graph of
boxes. First the values appear, from left to right; then the gradients,
:eq:`eq-box-backward`, from right to left. Look at c and at a, which are used twice:
they get a gradient when both of their users have spoken, and it is the sum. See
:doc:`/chapters/13_differentiable_programming`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import plots
from lecturecode.graph import Node, backward, topological_order

first, second = 2.0, 3.0  # try others


def expression(a, b):
    c = a * b
    d = c + a
    return d * c


plots.use_style()
a = Node(first, "a")
b = Node(second, "b")
r = expression(a, b)
d, c = r.children
c.name = "c"
d.name = "d"
r.name = "r"
backward(r)
animation = plots.animate_computation(r)
plots.describe(
    plt.gcf(),
    "Animation. Leaves a and b, and boxes for c, d and r, joined by arrows. "
    "A blue value appears in each box from left to right, then a purple "
    "gradient in each from right to left.",
)
plt.show()

# %%
# The gradients of a and b are the slopes of r along them: moved up and down by a
# little, the expression answers with the same numbers. And c and a, which are used
# twice, have got the sum of what their two users had to say.

h = 1e-6
along_a = (expression(first + h, second) - expression(first - h, second)) / (2 * h)
along_b = (expression(first, second + h) - expression(first, second - h)) / (2 * h)
for node in topological_order(r):
    print(f"{node.name}: value {node.value:g}, gradient {node.grad:g}")

assert np.isclose(a.grad, along_a, rtol=1e-6, atol=1e-6), (
    f"the slope along a should be {along_a}, not {a.grad}"
)
assert np.isclose(b.grad, along_b, rtol=1e-6, atol=1e-6), (
    f"the slope along b should be {along_b}, not {b.grad}"
)
for node, from_sum, from_product in (
    (c, d.grad, r.grad * d.value),  # used by d = c + a and by r = d * c
    (a, d.grad, c.grad * b.value),  # used by d = c + a and by c = a * b
):
    assert np.isclose(node.grad, from_sum + from_product), (
        f"{node.name} should get the sum of what its two users have to say"
    )
