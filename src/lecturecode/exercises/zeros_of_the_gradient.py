"""Exercises of the chapter on zeros of the gradient."""

from typing import Any

import numpy as np

from lecturecode.exercises.judges import judge
from lecturecode.least_squares import least_squares
from lecturecode.stationary import classify


@judge(
    "zeros/kind-of-2x2",
    "a function that names the kind of a stationary point from a symmetric Hessian of shape (2, 2)",
)
def _kind_of_2x2(answer: Any) -> str | None:
    rng = np.random.default_rng(0)
    regular = rng.normal(size=(60, 2, 2))
    regular = regular + np.swapaxes(regular, -1, -2)
    singular = [np.diag([2.0, 0.0]), np.array([[-1.0, -2.0], [-2.0, -4.0]]), np.zeros((2, 2))]
    signs = {
        "minimum": "two positive eigenvalues",
        "maximum": "two negative eigenvalues",
        "saddle": "eigenvalues of both signs",
        "inconclusive": "a zero eigenvalue",
    }
    for H in [*regular, *singular]:
        said, kind = answer(H), str(classify(H))
        if said not in signs:
            return f"it returned {said!r}, which is none of {', '.join(map(repr, signs))}"
        if said != kind:
            return f"a Hessian with {signs[kind]} was named {said!r}"
    return None


@judge(
    "zeros/weighted-least-squares",
    "a function of W, y and weights q that minimizes the weighted sum of squared residuals",
)
def _weighted_least_squares(answer: Any) -> str | None:
    rng = np.random.default_rng(0)
    W, y, q = rng.normal(size=(12, 3)), rng.normal(size=12), np.ones(12)
    theta = np.asarray(answer(W, y, q))
    if theta.shape != (3,):
        return f"for W of shape (12, 3) it returned shape {theta.shape}; it must be (3,)"
    if not np.allclose(theta, least_squares(W, y)):
        return "with all weights equal to 1 it must agree with least_squares(W, y)"
    q[0] = 0.0
    if not np.allclose(answer(W, y, q), least_squares(W[1:], y[1:])):
        return "a sample of weight 0 must count as if it were not there"
    q[0] = 2.0
    if not np.allclose(answer(W, y, q), least_squares(np.vstack([W, W[:1]]), np.append(y, y[0]))):
        return "a sample of weight 2 must count as if it stood in the data twice"
    hard = np.vander(np.linspace(0.0, 1.0, 30), 10)
    if not np.allclose(answer(hard, hard.sum(1), np.full(30, 0.5)), 1.0, rtol=0, atol=1e-5):
        return "on nearly dependent columns too many digits are lost; do not form W^T W"
    return None
