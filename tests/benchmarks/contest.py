"""What a case of the benchmarks is: one problem, and the libraries that solve it.

A contestant is a function that receives the problem and returns a function to time; what that one
returns is the answer that all contestants must agree on, and the number of units (steps, solves, grids).
Where a method depends on chance, the function to time takes a seed and returns the best value that it
found, and the medians over all seeds stand in the table beside the times. Imports stand inside the
contestants, so that each process loads only the library it times.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Problem = dict[str, Any]
Answer = tuple[np.ndarray, int]
Contestant = Callable[[Problem], Callable[[], Answer]] | Callable[[Problem], Callable[[int], float]]


@dataclass(frozen=True)
class Case:
    """One row group of the table: the first contestant is ours, the others are its peers."""

    title: str
    unit: str
    problem: Callable[[], Problem]
    contestants: dict[str, Contestant]
    goal: str
    tolerance: float = 0.0
    reference: Callable[[Problem], np.ndarray] | None = None
    repeats: dict[str, int] = field(default_factory=dict)
    """How often to call a fast contestant within one measurement; 1 if not named."""
    limits: dict[str, float] = field(default_factory=dict)
    """The largest ratio, ours to this contestant's time, that meets the goal."""
    seeds: int = 0
    """Number of seeds whose results are compared; 0 for a method without chance."""
    best: Callable[[Problem], float] | None = None
    """The least value that there is, if it is known: results are shown as shares above it."""
