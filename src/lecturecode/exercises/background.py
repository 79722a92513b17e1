"""Exercises of the chapter on the background."""

from typing import Any

import numpy as np

from lecturecode.exercises.judges import judge
from lecturecode.objectives import MeanSquaredError


@judge(
    "background/penalized-gradient",
    "a function (W, y, mu, theta) that returns the gradient of (1/T)||W theta - y||^2 + mu ||theta||^2",
)
def _penalized_gradient(answer: Any) -> str | None:
    rng = np.random.default_rng(0)
    W, y, theta = rng.normal(size=(7, 3)), rng.normal(size=7), rng.normal(size=3)
    mu = 0.3
    gradient = np.asarray(answer(W, y, mu, theta))
    if gradient.shape != theta.shape:
        return f"theta has shape (3,) and its gradient too; this has shape {gradient.shape}"
    twice = answer(np.concatenate([W, W]), np.concatenate([y, y]), mu, theta)
    if not np.allclose(twice, gradient):
        return "listing every sample twice leaves a mean as it is, and so its gradient; here it changes"
    if not np.allclose(answer(W, y, 0.0, theta), MeanSquaredError(W, y).gradient(theta)):
        return "without penalty, mu = 0, it differs from the slopes that central differences measure"
    if np.allclose(gradient, answer(W, y, 0.0, theta)):
        return "it does not depend on mu, and the function does"
    if not np.allclose(answer(W, y, mu, theta) - answer(W, y, 0.0, theta), 2 * mu * theta):
        return "the part of the penalty differs from the slopes that central differences measure"
    return None
