"""A judge takes an answer and names the property that fails."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lecturecode.door import came

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
    if not isinstance(name, str) or name not in _JUDGES:
        close = difflib.get_close_matches(name, _JUDGES, n=1) if isinstance(name, str) else []
        hint = f" Did you mean {close[0]!r}?" if close else ""
        raise ValueError(
            f"there is no exercise named {came(name)}.{hint} The exercises are: " + ", ".join(_JUDGES)
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
