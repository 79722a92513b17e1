"""Exercises of the chapter that compares the five families."""

from typing import Any

import numpy as np

from lecturecode.exercises.judges import judge


@judge(
    "families/zoom",
    "a function (g, low, high, points, rounds) that returns the best theta of the last of some grids, "
    "each reaching one spacing beyond the best point of the one before",
)
def _zoom(answer: Any) -> str | None:
    for P, points, rounds in ((1, 4, 3), (2, 5, 6), (3, 3, 4)):
        center = np.linspace(0.3, -1.1, P)
        asked: list[Any] = []

        def bowl(theta: Any, center: Any = center, asked: list[Any] = asked) -> Any:
            theta = np.asarray(theta, dtype=float)
            asked.append(theta.reshape(-1, theta.shape[-1]))
            return ((theta - center) ** 2).sum(-1)

        low, high = np.full(P, -2.0), np.linspace(2.0, 3.0, P)
        found = np.asarray(answer(bowl, low.copy(), high.copy(), points, rounds), dtype=float)
        if found.shape != (P,):
            return f"theta has {P} coordinates, so the answer needs shape ({P},); this is {found.shape}"
        tried = np.concatenate(asked)
        count = points**P
        if len(tried) != rounds * count:
            return (
                f"{points} values an axis, {P} axes and {rounds} rounds make {rounds * count} "
                f"evaluations; g was evaluated at {len(tried)} points"
            )
        for i in range(rounds):
            grid = tried[i * count : (i + 1) * count]
            if not (np.allclose(grid.min(0), low) and np.allclose(grid.max(0), high)):
                where = "the box" if i == 0 else "one spacing on each side of the best point before"
                return f"round {i + 1} does not reach exactly as far as {where}"
            if len(np.unique(grid.round(12), axis=0)) != count:
                return f"round {i + 1} tries some combination of values twice, and others never"
            best = grid[bowl(grid).argmin()]
            spacing = (high - low) / (points - 1)
            low, high = best - spacing, best + spacing
        if not np.allclose(found, best):
            return "what is returned is not the best point of the last round"
    return None
