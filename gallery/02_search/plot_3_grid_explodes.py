r"""
A grid in twenty dimensions takes longer than a human life
==========================================================

Ten values along each axis: how long does the grid take as axes are added? The dots are
measured on this machine. The dashed line goes on from the last of them as :math:`10^P`
says, :eq:`eq-grid`. Look where it crosses an hour and a human life, and how little it
would help if the machine were a thousand times as fast. See :ref:`search-cost`.
"""

import time

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import grid_search, plots
from lecturecode.domains import Interval
from lecturecode.objectives import Quadratic

per_axis = 10  # try 3
most = 6  # axes that are measured

sizes = range(1, most + 1)
seconds = []
counts = []
for P in sizes:
    g = Quadratic(np.ones(P))
    cube = Interval(-1, 1) ** P
    start = time.process_time()
    trace = grid_search(g, cube, per_axis, record_every=0)
    seconds.append(time.process_time() - start)
    counts.append(int(trace.evaluations[-1]))

more = np.arange(most, 21)
predicted = seconds[-1] * float(per_axis) ** (more - most)
year = 365.25 * 24 * 3600
spans = {"an hour": 3600, "80 years": 80 * year, "age of universe": 13.8e9 * year}

plots.use_style()
figure, ax = plt.subplots()
color = plots.COLOURS["grid search"]
ax.semilogy(sizes, np.maximum(seconds, 1e-6), "o", color=color, label="measured")
ax.semilogy(more, predicted, "--", color=color, label=f"times {per_axis} per axis")
for name, span in spans.items():
    ax.axhline(span, color="#404055", linewidth=0.8, linestyle=":")
    ax.text(0.8, 1.4 * span, name, fontsize=11, color="#404055")
ax.set(xlabel="number of parameters $P$", ylabel="seconds")
ax.set(xlim=(0.5, 20.5), ylim=(None, 1e19), xticks=range(2, 21, 2))
ax.legend(loc="lower right")
plots.describe(
    figure,
    "Seconds for a grid against the number of parameters, on a logarithmic axis. "
    "Measured dots up to six parameters, then a straight dashed line that passes "
    "an hour near eleven parameters and climbs to many thousand years at twenty.",
)
plt.show()

# %%
# A machine that is a thousand times as fast moves the dashed line down by three of
# these powers: it buys three more axes.

assert counts == [per_axis**P for P in sizes], (
    f"the grid should take {per_axis} to the power P evaluations, but it took {counts}"
)
assert seconds[-1] > 10 * seconds[2], (
    f"{most} axes should take far longer than three, {seconds[-1]} s and {seconds[2]} s"
)
if per_axis >= 10:
    assert predicted[-1] > 80 * year, (
        f"twenty axes should take longer than 80 years, not {predicted[-1] / year:.1g}"
    )
