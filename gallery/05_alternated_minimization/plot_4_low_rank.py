r"""
Alternating least squares finds the best low-rank pictures there are
====================================================================

The 1797 digits are the rows of one matrix :math:`M` with 64 columns. Each row of
pictures below shows six of them after :math:`M` was replaced by :math:`A B^\T` of rank
2, 8 or 20, fitted by solving for :math:`A` and for :math:`B` in turns from a random
start. Which digit is it? With two pictures to mix it is hard to tell, with eight it can
be read, and with twenty little is missing. See
:doc:`/chapters/05_alternated_minimization`.
"""

import matplotlib.pyplot as plt
import numpy as np

from lecturecode import factorize, plots
from lecturecode.alternating import factors
from lecturecode.datasets import digits

ranks = [20, 8, 2]

plots.use_style()
M = digits().x  # (1797, 64)
size = (M**2).sum()
traces = {rank: factorize(M, rank, rng=0) for rank in ranks}

rows = {"original": M}
for rank, trace in traces.items():
    A, B = factors(trace.theta, M.shape)
    error = np.sqrt(trace.value / size)
    rows[f"rank {rank}\nerror {error:.0%}"] = A @ B.T

figure, axes = plt.subplots(len(rows), 6, figsize=(7.4, 5.2))
for line, (name, images) in zip(axes, rows.items(), strict=True):
    line[0].set_ylabel(name, rotation=0, ha="right", va="center")
    for ax, image in zip(line, images[:6], strict=True):
        ax.imshow(image.reshape(8, 8), cmap="gray_r", vmin=0, vmax=16)
        ax.set(xticks=[], yticks=[])
        ax.spines[:].set_visible(False)
plots.describe(
    figure,
    "Six handwritten digits, 0 to 5, in four rows: as they are; of rank "
    "20, hardly different; of rank 8, blurred and readable; of rank 2, all "
    "of them smears that resemble a 0 or a 1.",
)
plt.show()

# %%
# No matrix of rank :math:`r` is nearer to :math:`M` than the first :math:`r` terms of
# its singular value decomposition, with the squared error :math:`\sum_{i>r} s_i^2`
# (Eckart and Young, 1936). The factors reach it, although :math:`g` is not convex. The
# errors above are relative to the size of :math:`M`.

assert all(trace.converged for trace in traces.values()), (
    "the factors should come to rest at each rank"
)
s = np.linalg.svd(M, compute_uv=False)
for rank, trace in traces.items():
    best = (s[rank:] ** 2).sum()
    assert (np.diff(trace.values) <= 1e-12 * size).all(), "the error should never rise"
    assert np.isclose(trace.value, best, rtol=1e-9), (
        f"the error at rank {rank} should be the least, {best}, not {trace.value}"
    )
