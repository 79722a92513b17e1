"""Exercises of the chapter on alternated minimization."""

from typing import Any

import numpy as np

from lecturecode.exercises.judges import judge


@judge(
    "alternated/nonnegative-sweep",
    "a function (W, y, theta) that minimizes ||W theta - y||^2 over theta_p >= 0, for p = 1..P in turn",
)
def _nonnegative_sweep(answer: Any) -> str | None:
    rng = np.random.default_rng(0)
    W = rng.normal(size=(9, 4)) + 0.5  # correlated, so that each coordinate matters to the others
    for target in ([1.0, 2.0, 0.5, 1.5], [-1.0, 2.0, 1.0, -2.0]):
        y, start = W @ target, np.array([0.5, 1.0, 0.2, 2.0])
        given = start.copy()
        theta = np.asarray(answer(W, y, given))
        if not np.array_equal(given, start):
            return "the array that was passed in as theta has been changed"
        if theta.shape != start.shape:
            return f"theta has shape (4,), and so has what a sweep makes of it; this has {theta.shape}"
        if not (theta >= 0).all():
            return "a coordinate is negative, or not a number, after the sweep"
        for p in range(4):
            slope = W[:, p] @ (W @ np.concatenate([theta[: p + 1], start[p + 1 :]]) - y)
            if slope < -1e-9 or (theta[p] > 0 and slope > 1e-9):
                where = "with those before it moved already and those after it not yet"
                return f"coordinate {p} does not end where the error is least, {where}"
    return None


@judge(
    "alternated/medians-sweep",
    "a function (x, centers) that returns labels (T,) and new centers (K, D), for the sum of |x - c|",
)
def _medians_sweep(answer: Any) -> str | None:
    rng = np.random.default_rng(0)
    x, c = rng.normal(size=(41, 2)) ** 3, np.array([[-1.0, 0.0], [0.5, 0.4], [0.0, -1.0]])
    given = x.copy(), c.copy()
    labels, centers = (np.asarray(part) for part in answer(*given))
    if not (np.array_equal(given[0], x) and np.array_equal(given[1], c)):
        return "an array that was passed in has been changed"
    if labels.shape != (41,) or centers.shape != (3, 2):
        return f"asked for shapes (41,) and (3, 2); got {labels.shape} and {centers.shape}"
    if labels.dtype.kind not in "iu" or labels.min() < 0 or labels.max() > 2:
        return "labels are the numbers of the centers, integers from 0 to 2"
    if not np.isfinite(centers).all():
        return "a center is infinite or not a number, although each has samples of its own"
    apart = np.abs(x[:, None, :] - c).sum(-1)  # (41, 3)
    if (apart[np.arange(41), labels] > apart.min(1) + 1e-12).any():
        return "some sample has another center nearer to it than its own, by the sum of |x - c|"
    for k in range(3):
        own = x[labels == k]
        cost = np.abs(own - centers[k]).sum(0)
        if (cost > np.abs(own[:, None, :] - own).sum(0).min(0) + 1e-9).any():
            return "some center could be moved to one of its samples and the sum of |x - c| would fall"
    return None
