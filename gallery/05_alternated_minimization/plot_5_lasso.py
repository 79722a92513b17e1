r"""
The lasso lets one coefficient in after the other
=================================================

Ten measurements of 442 patients, and how their diabetes progressed within a year. To
the left the penalty is so large that all coefficients are zero. Follow it to the right,
where it shrinks: body mass index is the first to leave zero, then s5 (triglycerides),
then blood pressure; the numbers at the right give the order of entry. Look for one that
comes back to zero. See :doc:`/chapters/05_alternated_minimization`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import largest_penalty, lasso, plots
from lecturecode.datasets import diabetes

plots.use_style()
data = diabetes()
W = (data.x - data.x.mean(axis=0)) / data.x.std(axis=0)
y = data.y - data.y.mean()
names = list(data.columns)[:10]
top = largest_penalty(W, y)
shares = np.geomspace(1, 1e-3, 200)  # of the largest penalty
traces = [lasso(W, y, share * top, record_every=0) for share in shares]
theta = np.stack([trace.theta for trace in traces])  # (200, 10)

first = (theta != 0).argmax(axis=0)  # where each coefficient leaves zero
entry = np.argsort(first)

# The labels stand at the ends of the curves, and at least 3 apart.
height = np.empty(10)
lowest = -np.inf
for p in np.argsort(theta[-1]):
    height[p] = max(theta[-1, p], lowest)
    lowest = height[p] + 3

figure, ax = plt.subplots(figsize=(7.4, 5.0))
for rank, p in enumerate(entry, start=1):
    begin = first[p] - 1
    (line,) = ax.plot(shares[begin:], theta[begin:, p], "o-", markevery=[0])
    ax.text(
        0.9e-3,
        height[p],
        f"{rank} {names[p]}",
        color=line.get_color(),
        verticalalignment="center",
        fontsize=11,
    )
ax.axhline(0, color="#404055", linewidth=0.8)
ax.set(xscale="log", xlim=(1.1, 1e-3), ylabel="coefficient")
ax.set_xlabel("penalty, as a share of the largest that matters")
plots.describe(
    figure,
    "Ten coefficients against the penalty, which falls from left to right. "
    "All are zero at the left; one after the other departs from zero, bmi "
    "first, then s5, bp, s3, sex, s6, s1, s4, s2 and age. The one of s3 "
    "returns to zero at the far right and leaves it again.",
)
plt.show()

# %%
# The order is the published one: Efron, Hastie, Johnstone and Tibshirani (Least angle
# regression, *Annals of Statistics* 32, 2004) let the measurements 3, 9, 4, 7, 2, 10,
# 5, 8, 6 and 1 in. The one that comes back to zero, near the end, is number 7 (s3,
# high-density lipoproteins): correlated measurements take over from it.

assert all(trace.converged for trace in traces), "each lasso should arrive"
assert (theta[0] == 0).all(), "at the largest penalty all coefficients should be zero"

published = [3, 9, 4, 7, 2, 10, 5, 8, 6, 1]
assert (entry + 1).tolist() == published, (
    f"the measurements should enter in the order {published}, not {entry + 1}"
)
dropped = ((theta[:-1] != 0) & (theta[1:] == 0)).any(axis=0)
dropped_names = [names[p] for p in np.flatnonzero(dropped)]
assert dropped_names == ["s3"], f"only s3 should come back to zero, not {dropped_names}"
