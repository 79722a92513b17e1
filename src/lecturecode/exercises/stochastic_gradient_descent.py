"""Exercises of the chapter on stochastic gradient descent."""

import math
from typing import Any

import numpy as np

from lecturecode.exercises.judges import a_number, judge


@judge(
    "sgd/minibatch-variance",
    "the variance of the mean of 20 gradients, drawn without replacement from 101 of variance 4",
    a_number,
)
def _minibatch_variance(variance: float) -> str | None:
    sigma2, T, n = 4.0, 101, 20
    right = sigma2 / n * (T - n) / (T - 1)
    if not variance > 0:
        return "a variance is positive, unless all samples are drawn"
    if math.isclose(variance, math.sqrt(right), rel_tol=1e-3):
        return "this is a standard deviation; its square was asked for"
    if math.isclose(variance, sigma2 / n, rel_tol=1e-9):
        return "this holds for draws with replacement, where a sample may come twice"
    if variance > sigma2 / n:
        return "drawing without replacement cannot be noisier than drawing with it"
    if math.isclose(variance, sigma2 / n * (T - n) / T, rel_tol=1e-9):
        return "with this law a minibatch of one sample would vary less than the samples do"
    if not math.isclose(variance, right, rel_tol=1e-6):
        return "this is not the variance of all minibatches of this size; try your law on three samples"
    return None


@judge(
    "sgd/nesterov-step",
    "a function nesterov(gradient, theta, v, learning_rate, momentum) that returns the new theta and v",
)
def _nesterov_step(nesterov: Any) -> str | None:
    H, rate, alpha = np.array([[2.0, 1.0], [1.0, 3.0]]), 0.1, 0.8
    start, speed = np.array([1.0, 2.0]), np.array([0.5, -1.0])
    asked: list[np.ndarray] = []

    def gradient(theta: Any) -> Any:
        asked.append(np.array(theta, dtype=float))
        return H @ theta

    given, moving = start.copy(), speed.copy()
    answer = nesterov(gradient, given, moving, rate, alpha)
    if not (np.array_equal(given, start) and np.array_equal(moving, speed)):
        return "an array that was passed in has been changed"
    if not isinstance(answer, tuple) or len(answer) != 2:
        return f"two things are to be returned, theta and v; this is {type(answer).__name__}"
    theta, v = (np.asarray(part, dtype=float) for part in answer)
    if theta.shape != (2,) or v.shape != (2,):
        return f"theta and v have the shape (2,) here; got {theta.shape} and {v.shape}"
    if len(asked) != 1:
        return f"the gradient was asked for {len(asked)} times; once is enough"
    if np.allclose(asked[0], start):
        return "the gradient was taken where theta is, as in plain momentum"
    if not np.allclose(asked[0], start + alpha * speed):
        return "the gradient was taken at a place where the decayed velocity does not lead"
    if np.allclose(theta, start + speed):
        return "theta moved by the velocity of the step before"
    if not np.allclose(v, alpha * speed - rate * H @ asked[0]):
        return "the new velocity is not the decayed old one, minus the step against the gradient"
    if not np.allclose(theta, start + v):
        return "theta did not move by the new velocity"
    return None


@judge(
    "sgd/mean-of-parts",
    "a function mean_of_parts(gradients, sizes) that returns the mean gradient of all samples",
)
def _mean_of_parts(mean_of_parts: Any) -> str | None:
    rng = np.random.default_rng(0)
    of_samples = rng.standard_normal((7, 3))  # the gradients of seven samples
    for sizes in ([7], [1, 6], [2, 2, 3]):
        ends = np.cumsum(sizes)[:-1]
        gradients = np.array([part.mean(0) for part in np.split(of_samples, ends)])
        given, counts = gradients.copy(), np.array(sizes)
        answer = mean_of_parts(given, counts)
        if not (np.array_equal(given, gradients) and np.array_equal(counts, sizes)):
            return "an array that was passed in has been changed"
        answer = np.asarray(answer, dtype=float)
        if answer.shape != (3,):
            return f"a gradient has the shape (P,), (3,) here; got {answer.shape}"
        if len(sizes) > 1 and np.allclose(answer, gradients.sum(0)):
            return "the gradients of the parts were added up: the step would be too long"
        if len(sizes) > 1 and np.allclose(answer, gradients.mean(0)):
            return "a small part counts as much as a large one; its samples count too much"
        if not np.allclose(answer, of_samples.mean(0)):
            return f"this is not the mean gradient of all samples, for parts of {sizes} samples"
    return None
