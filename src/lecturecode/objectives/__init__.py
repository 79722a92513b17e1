"""Functions g to minimize, each with its gradient, its Hessian, its domain and its known minima.

All of them follow one contract. ``g(theta)`` takes theta of shape (..., P) and returns (...);
``g.gradient(theta)`` returns (..., P) and ``g.hessian(theta)`` returns (..., P, P). ``g.domain`` is
where one usually looks, and ``g.minima`` holds the known local minima, shape (K, P), the global ones
first.
"""

from typing import Any

from lecturecode.objectives.function import Function, Objective
from lecturecode.objectives.quadratics import MeanSquaredError, Quadratic, Saddle
from lecturecode.objectives.rugged import Ackley, Rastrigin
from lecturecode.objectives.surfaces import DoubleWell, Himmelblau, MonkeySaddle, Rosenbrock

PURE = (
    Ackley, DoubleWell, Himmelblau, MeanSquaredError, MonkeySaddle, Quadratic, Rastrigin, Rosenbrock,
    Saddle,
)  # fmt: skip
"""Those that write into nothing that they are given, and whose answers are new arrays."""


def reads_only(g: Any) -> bool:
    """Tell whether g is one of these, or a method of one, which needs no copy of what it is given."""
    return type(getattr(g, "__self__", g)) in PURE


__all__ = [
    "Ackley",
    "DoubleWell",
    "Function",
    "Himmelblau",
    "MeanSquaredError",
    "MonkeySaddle",
    "Objective",
    "Quadratic",
    "Rastrigin",
    "Rosenbrock",
    "Saddle",
]
