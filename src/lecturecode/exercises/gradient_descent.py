"""Exercises of the chapter on gradient descent."""

from typing import Any

import numpy as np

from lecturecode.exercises.judges import a_number, judge


@judge(
    "descent/largest-stable-step",
    "the learning rate beyond which descent on a quadratic with eigenvalues 1 and 4 diverges",
    a_number,
)
def _largest_stable_step(rate: float) -> str | None:
    largest = 4.0
    if not rate > 0:
        return "a learning rate is positive"
    if abs(1 - rate * largest) > 1 + 1e-9:
        return "a descent with this learning rate diverges along one of the eigenvectors"
    if abs(1 - rate * largest) < 1 - 1e-9:
        return "a descent with this learning rate converges, but so does one with a larger rate"
    return None


@judge(
    "descent/iterates",
    "a function descend(gradient, theta, learning_rate, steps) that returns all iterates, start first",
)
def _iterates(descend: Any) -> str | None:
    H, center = np.array([[2.0, 1.0], [1.0, 3.0]]), np.array([0.5, -1.0])
    start, rate, steps = np.array([1.0, 2.0]), 0.1, 5

    def gradient(theta: Any) -> Any:
        return H @ (theta - center)

    given = start.copy()
    thetas = np.asarray(descend(gradient, given, rate, steps))
    if not np.array_equal(given, start):
        return "the array that was passed in as theta has been changed"
    if thetas.shape != (steps + 1, 2):
        return f"for {steps} steps in two dimensions the shape is {thetas.shape}; count the start"
    if not np.allclose(thetas[0], start):
        return "the first row is not the start"
    slopes = (thetas[:-1] - center) @ H
    moves = np.diff(thetas, axis=0)
    if not moves[0] @ slopes[0] < 0:
        return "the first step does not go downhill"
    if not np.allclose(moves[0], -rate * slopes[0]):
        return "the first step does not have the length and the direction of the update"
    if not np.allclose(moves, -rate * slopes):
        return "a later step does not use the gradient at the point where it begins"
    return None
