r"""
A loop that stops by itself has a slope, except where it forgets to run
=======================================================================

Newton's loop for the square root runs until it has arrived, so how long its graph is
depends on a. The gradient is that of the operations that ran, and it agrees with
:math:`1/(2\sqrt a)`. Look at :math:`a = 1`, where the start is the answer and nothing
runs. See :ref:`dp-running`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import plots
from lecturecode.graph import Node, backward, topological_order

tolerance = 1e-12  # a looser one lets more slopes go wrong


def root(a):
    s = a
    while abs(s.value**2 - a.value) > tolerance * a.value:
        s = (s + a / s) / 2
    return s


plots.use_style()
numbers = np.geomspace(0.01, 100, 81)
numbers[40] = 1.0
slopes = []
boxes = []
for number in numbers:
    a = Node(number)
    s = root(a)
    backward(s)
    slopes.append(float(a.grad))
    boxes.append(sum(node.box is not None for node in topological_order(s)))
exact = 1 / (2 * np.sqrt(numbers))

figure, (left, right) = plt.subplots(1, 2, figsize=(8.0, 3.6))
left.loglog(numbers, exact, color="#404055", label=r"$1/(2\sqrt{a})$")
left.loglog(
    numbers, slopes, "o", markersize=3.5, color="#d45500", label="gradient of the loop"
)
left.set(xlabel="a", ylabel="slope of the root")
left.legend()
right.semilogx(numbers, boxes, "o", markersize=3.5, color="#006aaa")
right.set(xlabel="a", ylabel="boxes in the graph")
plots.describe(
    figure,
    "Left: the gradients lie on the curve one over twice the root of a, but for one "
    "dot at a = 1, which lies above it at 1. Right: the number of boxes is 0 at a = 1, "
    "and to both sides of it grows in steps.",
)
plt.show()

# %%
# Eighty slopes are right. The one at 1 belongs to the program ``s = a``, which is what
# ran. The further a is from 1, to either side, the more boxes there are.

off = abs(slopes / exact - 1)
assert boxes[40] == 0, "at a = 1 nothing should run"
assert slopes[40] == 1, "at a = 1 the slope should be that of the program s = a"

largest = np.delete(off, 40).max()
assert largest < np.sqrt(tolerance), (
    f"all other slopes should be right, but one is off by {largest:.0e}"
)
assert (np.diff(boxes[:41]) <= 0).all(), "towards a = 1 the graph should become shorter"
assert (np.diff(boxes[40:]) >= 0).all(), "beyond a = 1 it should become longer again"
