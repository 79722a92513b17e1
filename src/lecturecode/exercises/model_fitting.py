"""Exercises of the chapter on model fitting."""

from typing import Any

import numpy as np

from lecturecode.exercises.judges import judge


@judge(
    "model-fitting/absolute-error",
    "a function (theta, x, y) that returns the mean of |a x_t + b - y_t| for theta of shape (..., 2)",
)
def _absolute_error(answer: Any) -> str | None:
    rng = np.random.default_rng(0)
    x, y, theta = rng.normal(size=9), rng.normal(size=9), rng.normal(size=(4, 5, 2))
    one = np.asarray(answer(theta[0, 0], x, y))
    if one.shape != ():
        return f"one theta has one loss, of shape (); this has shape {one.shape}"
    line = np.array([2.0, -1.0])
    if abs(answer(line, x, 2 * x - 1)) > 1e-12:
        return "the loss of a line that goes through all points is zero; here it is not"
    if answer(line, x, 2 * x - 1 + np.sign(x)) <= 0:
        return "points above and below the line must not cancel; here they do"
    if not np.isclose(answer(theta[0, 0], np.tile(x, 2), np.tile(y, 2)), one):
        return "listing every sample twice leaves a mean as it is; here it changes"
    one_in_three = np.where(np.arange(9) % 3 == 0, 3.0, 0.0)
    if not np.isclose(answer(line, x, 2 * x - 1 + one_in_three), 1.0):
        return "two points hit and a third missed by 3 make a mean absolute error of 1; here they do not"
    expected = [[answer(t, x, y) for t in row] for row in theta]
    grid = np.asarray(answer(theta, x, y))
    if grid.shape != (4, 5) or not np.allclose(grid, expected):
        return "theta of shape (4, 5, 2) asks for 4 x 5 losses, each that of its own line; these are not"
    return None
