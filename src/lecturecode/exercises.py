"""Check an answer to an exercise: the verdict names the property that fails, never the answer."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lecturecode.least_squares import least_squares
from lecturecode.objectives import MeanSquaredError
from lecturecode.stationary import classify

__all__ = ["Verdict", "check", "exercise_names"]


@dataclass(frozen=True)
class Verdict:
    """What :func:`check` says of an answer; true when the answer is right.

    Attributes
    ----------
    passed : bool
        Whether the answer is right.
    message : str
        What was asked for, or the property that fails.
    """

    passed: bool
    message: str

    def __bool__(self) -> bool:
        return self.passed

    def __repr__(self) -> str:
        return f"{'correct' if self.passed else 'not yet'}: {self.message}"


Judge = Callable[[Any], str | None]
"""Takes an answer; returns None if it is right, or the property that fails."""

_JUDGES: dict[str, tuple[Judge, str]] = {}


def judge(name: str, question: str) -> Callable[[Judge], Judge]:
    """Register a judge under `name`; `question` says in a line what the answer has to be."""

    def register(function: Judge) -> Judge:
        _JUDGES[name] = (function, question)
        return function

    return register


def check(name: str, answer: Any) -> Verdict:
    """Judge an answer to an exercise of the book.

    Parameters
    ----------
    name : str
        The name that the exercise gives; :func:`exercise_names` lists them all.
    answer : object
        A number, an array or a function, as the exercise asks.

    Returns
    -------
    Verdict
        True if right. If not, its message names the property that fails.

    Raises
    ------
    ValueError
        If there is no exercise of that name; the message lists those that exist.

    Examples
    --------
    >>> check("descent/largest-stable-step", 0.4)
    not yet: a descent with this learning rate converges, but so does one with
    a larger rate
    """
    if name not in _JUDGES:
        close = difflib.get_close_matches(str(name), _JUDGES, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"there is no exercise named {name!r}.{hint} The exercises are: " + ", ".join(_JUDGES)
        )
    function, question = _JUDGES[name]
    try:
        failure = function(answer)
    except Exception as error:
        failure = f"the answer raised {type(error).__name__}: {error} (asked for: {question})"
    return Verdict(failure is None, failure or question)


def exercise_names() -> list[str]:
    """List the names of all exercises that :func:`check` can judge, in the order of the book.

    Examples
    --------
    >>> "descent/largest-stable-step" in exercise_names()
    True
    """
    return list(_JUDGES)


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


@judge(
    "descent/largest-stable-step",
    "the learning rate beyond which descent on a quadratic with eigenvalues 1 and 4 diverges",
)
def _largest_stable_step(answer: Any) -> str | None:
    rate, largest = float(answer), 4.0
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
