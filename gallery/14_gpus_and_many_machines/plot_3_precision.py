r"""
Fewer bits lose digits, and sums lose more
==========================================

Left, the relative error of a matrix product in two formats, against the number :math:`m` of terms in
each sum. Right, 0.001 is added to 1 again and again, as small steps are to a parameter. What is
small beside the last bit never arrives. The chapter: :ref:`gpu-precision`.
"""

import matplotlib.pyplot as plt
import torch

from lecturecode import plots

step = 0.001  # try 0.01
formats = {"float64": torch.float64, "float32": torch.float32, "bfloat16": torch.bfloat16}
plots.use_style()
rng = torch.Generator().manual_seed(0)
lengths = [2**k for k in range(3, 12)]
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4))
ends, errors = {}, {}
for (name, dtype), mark, start in zip(formats.items(), "^os", (100, 0, 0), strict=True):
    number, path = torch.tensor(1.0, dtype=dtype), []
    for _ in range(1000):
        number = number + step
        path.append(number.item())
    ends[name] = path[-1]
    (line,) = right.plot(path, label=name, marker=mark, markevery=(start, 200))
    if name == "float64":
        continue
    errors[name] = []
    for m in lengths:
        a, b = torch.randn(2, 32, m, generator=rng, dtype=torch.float64)
        exact = a @ b.T
        found = (a.to(dtype) @ b.T.to(dtype)).double()
        errors[name].append(((found - exact).norm() / exact.norm()).item())
    left.loglog(lengths, errors[name], mark + "-", color=line.get_color(), label=name)
left.axhline(2.0**-53, color="#404055", linestyle=":", label="half a last bit of float64")
left.set(xlabel="terms $m$ in each sum", ylabel="relative error of the product")
right.set(xlabel="additions", ylabel=f"1 + {step} + {step} + ...")
_ = left.legend(), right.legend()
text = "Left, errors near 1e-7 and 3e-3, hardly growing. Right, two lines rise, one stays."
plots.describe(figure, text)
plt.show()

# %%
# A product in bfloat16 is right to two or three digits whatever its length, since the sums inside
# are kept in more bits. A sum kept in bfloat16 stands still: between 1 and 2 its numbers are
# 1/128 apart.

assert max(errors["float32"]) < 1e-6 < 1e-3 < min(errors["bfloat16"]) < 1e-2
assert (ends["bfloat16"] == 1.0) == (step < 1 / 256)
assert abs(ends["float32"] - (1 + 1000 * step)) < 1e-3
