r"""
Beyond some number of nodes a further one does harm
===================================================

On :math:`M` nodes a step takes :math:`c/M + 2\frac{M-1}{M} D/\beta + 2(M-1)\alpha`
seconds (:eq:`eq-ring`, with nothing that is not divided, :math:`t_0 = 0`): work that is
shared, a gradient of :math:`D` bytes that is sent, and messages that arrive late. Three
networks, on assumed nodes of :math:`10^{11}` operations a second. Look for the best
:math:`M` of each, and for what the latency does. The appendix: :ref:`gpu-many`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import plots
from lecturecode.pytorch import speed_up

arithmetic = 1e11  # operations a second of one node
bandwidth = 1e9  # bytes a second: a network of 10 gigabits
latency = 5e-5  # seconds until a message is there
batch = 1024  # samples, of all nodes together

plots.use_style()
nodes = np.arange(1, 1025)
figure, ax = plt.subplots(figsize=(7, 4.4))
best, tops = [], []
for P, style in zip((10**4, 10**6, 10**8), ("-", "--", "-."), strict=True):
    compute = 6 * P * batch / arithmetic  # seconds on one node
    size = 4 * P  # bytes of the gradient
    s = speed_up(
        nodes, compute=compute, size=size, bandwidth=bandwidth, latency=latency
    )
    top = s.argmax()
    best.append(int(nodes[top]))
    label = rf"$P = 10^{np.log10(P):.0f}$: best at {nodes[top]}"
    (line,) = ax.loglog(nodes, s, style, label=label)
    ax.plot(nodes[top], s[top], "o", color=line.get_color())

    gain = max(compute - 2 * size / bandwidth, 0)  # what many nodes can save at most
    law = np.clip(np.sqrt(gain / (2 * latency)), 1, nodes[-1])
    assert abs(nodes[top] - law) <= 1, (
        f"the best number of nodes should be {law:.0f}, not {nodes[top]}"
    )
    assert (np.diff(s[top:]) < 0).all(), (
        "beyond the best number a further node should harm"
    )
    assert (s <= nodes * (1 + 1e-12)).all(), "M nodes should be at most M times as fast"
    tops.append(s[top])
limit = 3 / 4 * batch * bandwidth / arithmetic  # the same for every P
ax.axhline(limit, color="#404055", linestyle=":", label="limit without latency")
ax.loglog(nodes, nodes, color="#404055", linewidth=1, label="M times as fast")
ax.set(xlabel="nodes $M$", ylabel="speed-up $s(M)$", ylim=(0.05, 500))
ax.legend(loc="upper left", fontsize=10)
plots.describe(
    figure,
    "Speed-up against nodes: each curve rises below the diagonal, peaks and falls.",
)
plt.show()

# %%
# Large networks bear more nodes: the best number grows with the root of :math:`P`. But
# all share one limit, since work and gradient both grow with :math:`P`. A larger
# minibatch or a faster network between the nodes raises it.

assert abs(best[2] / best[1] - 10) < 1, (
    f"a hundred times the parameters should bear ten times the nodes: {best}"
)
assert best[0] < best[1], f"the smallest network should bear fewest nodes: {best}"
assert tops == sorted(tops), f"large networks should gain more, not {tops}"
assert max(tops) <= max(1, limit), (
    f"no speed-up should be beyond {limit}, but one is {max(tops)}"
)
