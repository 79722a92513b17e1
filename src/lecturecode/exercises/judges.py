"""A judge takes an answer and names the property that fails."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from lecturecode.arrays import as_array, on_host
from lecturecode.door import choice, function, real

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

Kind = Callable[[Any], Any]
"""Takes an answer; returns it if it is of the kind that was asked for, and refuses it if not."""

_JUDGES: dict[str, tuple[Judge, str, Kind]] = {}


def a_function(answer: Any) -> Any:
    """Return a function.

    Raises
    ------
    TypeError
        If it is none.
    """
    return function(answer, "the answer", "what the exercise gives")


def a_number(answer: Any) -> float:
    """Return a number as a Python float.

    Raises
    ------
    TypeError
        If it is none.
    ValueError
        If it is NaN.
    """
    return real(answer, "the answer", "[-inf, inf]")


def numbers(answer: Any) -> np.ndarray:
    """Return numbers as a NumPy array of float64.

    Raises
    ------
    TypeError
        If they are not real numbers.
    """
    return np.asarray(on_host(as_array(answer, "the answer")), dtype=float)


def anything(answer: Any) -> Any:
    """Return any answer; its judge says itself what is wrong with it."""
    return answer


def judge(name: str, question: str, kind: Kind = a_function) -> Callable[[Judge], Judge]:
    """Register a judge of answers of a kind under `name`; `question` says in a line what is asked."""

    def register(failure: Judge) -> Judge:
        _JUDGES[name] = (failure, question, kind)
        return failure

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
    failure_of, question, kind = _JUDGES[choice(name, "name", exercise_names())]
    try:
        answer = kind(answer)
    except Exception as error:  # it is of another kind
        return Verdict(False, f"{error} (asked for: {question})")
    try:
        failure = failure_of(answer)
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
