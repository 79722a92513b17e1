"""Exercises of the chapter on search."""

from typing import Any

import numpy as np

from lecturecode.exercises.judges import judge


@judge(
    "search/draws-needed",
    "a function (q, confidence) that returns how many draws hit a set of share q with that probability",
)
def _draws_needed(answer: Any) -> str | None:
    pairs = [(0.05, 0.95), (0.3, 0.9), (0.7, 0.1), (0.01, 0.999), (1.0, 0.5), (1e-9, 0.9), (1e-18, 0.5)]
    for q, confidence in pairs:
        n = answer(q, confidence)
        if isinstance(n, bool) or not isinstance(n, int | np.integer):
            return f"a number of draws is an int; for q = {q:g} it is {type(n).__name__}"
        if n < 1:
            return f"no set is hit without a draw; for q = {q:g} the number is {n}"
        case = f"for q = {q:g} and confidence {confidence:g}"
        if _all_miss(q, n) > (1 - confidence) * (1 + 1e-9):
            return f"{case} all of these draws may miss the set with too large a probability"
        if n > 1 and _all_miss(q, n - max(1, n // 10**6)) < (1 - confidence) * (1 - 1e-9):
            return f"{case} fewer draws would have been enough"
    return None


def _all_miss(q: float, draws: Any) -> float:
    return float(np.exp(draws * np.log1p(-q))) if q < 1 else float(draws == 0)


@judge(
    "search/grid-points",
    "a function of a list of P arrays that returns all combinations of their entries, shape (count, P)",
)
def _grid_points(answer: Any) -> str | None:
    for sizes in [(4,), (2, 2), (3, 2), (2, 4, 3)]:
        axes = [10.0 * p + np.arange(size) for p, size in enumerate(sizes)]
        points, count = np.asarray(answer(axes)), int(np.prod(sizes))
        lengths = " x ".join(map(str, sizes))
        if points.shape != (count, len(sizes)):
            return f"axes of {lengths} values ask for {(count, len(sizes))}; this is {points.shape}"
        if not all(np.isin(points[:, p], axis).all() for p, axis in enumerate(axes)):
            return "a coordinate has a value that is not on its own axis"
        if len(np.unique(points, axis=0)) < count:
            return "a combination occurs twice, so another one is missing"
        if not np.array_equal(points, points[np.lexsort(points.T[::-1])]):
            return "all combinations are there, but the last coordinate does not move fastest"
    return None
