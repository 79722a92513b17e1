r"""
Fewer bits lose digits, and sums lose more
==========================================

Left, the relative error of a matrix product in two formats, against the number
:math:`m` of terms in each sum. Right, 0.001 is added to 1 again and again, as small
steps are to a parameter. What is small beside the last bit never arrives. The chapter:
:ref:`gpu-precision`.
"""

import matplotlib.pyplot as plt
import torch

from lecturecode import plots

step = 0.001  # try 0.01
formats = {
    "float64": torch.float64,
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
}
rng = torch.Generator().manual_seed(0)
lengths = [2**k for k in range(3, 12)]


def relative_error(dtype, m):
    """The error of one product of matrices with m terms in each sum."""
    a, b = torch.randn(2, 32, m, generator=rng, dtype=torch.float64)
    exact = a @ b.T
    found = (a.to(dtype) @ b.T.to(dtype)).double()
    return ((found - exact).norm() / exact.norm()).item()


def running_sum(dtype):
    """1 + step + step + ..., a thousand times."""
    number = torch.tensor(1.0, dtype=dtype)
    numbers = []
    for _ in range(1000):
        number = number + step
        numbers.append(number.item())
    return numbers


errors = {}
for name in ("float32", "bfloat16"):
    errors[name] = [relative_error(formats[name], m) for m in lengths]
sums = {name: running_sum(dtype) for name, dtype in formats.items()}

plots.use_style()
figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4))
markers = {"float64": "^", "float32": "o", "bfloat16": "s"}
for name, numbers in sums.items():
    begin = 100 if name == "float64" else 0  # beside the marks of float32
    (line,) = right.plot(
        numbers, label=name, marker=markers[name], markevery=(begin, 200)
    )
    if name in errors:
        left.loglog(
            lengths,
            errors[name],
            marker=markers[name],
            color=line.get_color(),
            label=name,
        )
left.axhline(
    2.0**-53, color="#404055", linestyle=":", label="half a last bit of float64"
)
left.set_xlabel("terms $m$ in each sum")
left.set_ylabel("relative error of the product")
left.legend()
right.set_xlabel("additions")
right.set_ylabel(f"1 + {step} + {step} + ...")
right.legend()
plots.describe(
    figure,
    "Left, errors near 1e-7 and 3e-3, hardly growing. "
    "Right, two lines rise, one stays.",
)
plt.show()

# %%
# A product in bfloat16 is right to two or three digits whatever its length, since the
# sums inside are kept in more bits. A sum kept in bfloat16 stands still: between 1 and
# 2 its numbers are 1/128 apart.

assert max(errors["float32"]) < 1e-6, "a product in float32 should have six digits"
assert min(errors["bfloat16"]) > 1e-3, (
    "a product in bfloat16 should not have three digits"
)
assert max(errors["bfloat16"]) < 1e-2, "a product in bfloat16 should have two digits"

stands_still = sums["bfloat16"][-1] == 1.0
assert stands_still == (step < 1 / 256), (
    "a sum in bfloat16 should stand still for steps below half of 1/128"
)
assert abs(sums["float32"][-1] - (1 + 1000 * step)) < 1e-3, (
    f"a sum in float32 should end at {1 + 1000 * step}, not at {sums['float32'][-1]}"
)
