"""Functions g to minimize, each with its gradient, its Hessian, its domain and its known minima.

All of them follow one contract. ``g(theta)`` takes theta of shape (..., P) and returns (...);
``g.gradient(theta)`` returns (..., P) and ``g.hessian(theta)`` returns (..., P, P). ``g.domain`` is
where one usually looks, and ``g.minima`` holds the known local minima, shape (K, P), the global ones
first.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from lecturecode.objectives.function import Function, Objective
from lecturecode.objectives.quadratics import MeanSquaredError, Quadratic, Saddle

if TYPE_CHECKING:
    from lecturecode.objectives.rugged import Ackley, Rastrigin
    from lecturecode.objectives.surfaces import DoubleWell, Himmelblau, MonkeySaddle, Rosenbrock

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

_HOME = dict.fromkeys(("DoubleWell", "Himmelblau", "MonkeySaddle", "Rosenbrock"), "surfaces")
_HOME |= dict.fromkeys(("Ackley", "Rastrigin"), "rugged")


def __getattr__(name: str) -> Any:
    """Bring in the test functions when they are asked for: no method needs them."""
    if name not in _HOME:
        raise AttributeError(f"lecturecode.objectives has no {name!r}")
    return getattr(import_module(f"lecturecode.objectives.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    return __all__
