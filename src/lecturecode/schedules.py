"""Schedules: the learning rate as a plain function of the number of steps taken so far."""

import math
from collections.abc import Callable
from copy import copy
from dataclasses import replace
from typing import Any

from lecturecode.door import real, whole
from lecturecode.optimizers import RATES, Optimizer

__all__ = ["Schedule", "at_rate", "constant", "cosine", "inverse_time", "rate_of", "sampled_rates"]

Schedule = Callable[[int], float]
"""A learning rate as a function of the number of steps taken so far."""


def constant(learning_rate: float) -> Schedule:
    """Return the schedule that stays at one rate.

    Parameters
    ----------
    learning_rate : float
        The rate.

    Returns
    -------
    callable
        As for :func:`inverse_time`.

    Raises
    ------
    TypeError, ValueError
        If it is not positive and finite.

    Examples
    --------
    >>> constant(0.1)(7)
    0.1
    """
    rate = real(learning_rate, "learning_rate", "(0, inf)", RATES)
    return lambda i: rate


def inverse_time(learning_rate: float, half: float) -> Schedule:
    r"""Return the schedule that decreases as 1/i: enough steps to get anywhere, and noise that dies out.

    .. math:: \epsilon_i = \frac{\epsilon_0}{1 + i/h}

    It meets the conditions of Robbins & Monro (1951), :math:`\sum \epsilon_i = \infty` and
    :math:`\sum \epsilon_i^2 < \infty`.

    Parameters
    ----------
    learning_rate : float
        The first one, :math:`\epsilon_0`.
    half : float
        The number h of steps after which half of it is left.

    Returns
    -------
    callable
        Takes the number i of steps taken so far, returns the learning rate of the next.

    Raises
    ------
    TypeError, ValueError
        If a number is not positive and finite.

    Examples
    --------
    >>> rate = inverse_time(0.1, 100)
    >>> rate(0), rate(100), round(rate(900), 6)
    (0.1, 0.05, 0.01)
    """
    rate = real(learning_rate, "learning_rate", "(0, inf)", RATES)
    half = real(half, "half", "(0, inf)")
    return lambda i: rate / (1 + i / half)


def cosine(learning_rate: float, steps: int) -> Schedule:
    r"""Return the schedule that follows half a wave of the cosine down to zero.

    .. math:: \epsilon_i = \tfrac12 \epsilon_0 \Bigl(1 + \cos\frac{\pi i}{n}\Bigr)
        = \epsilon_0 \sin^2 \frac{\pi (n - i)}{2 n}

    Parameters
    ----------
    learning_rate : float
        The first one, :math:`\epsilon_0`.
    steps : int
        The number n of steps of the whole run, which is epochs times minibatches. The rate after its
        last step is zero; farther the schedule does not go.

    Returns
    -------
    callable
        As for :func:`inverse_time`. It raises a ValueError for an i above n.

    Raises
    ------
    TypeError, ValueError
        If the rate is not positive and finite, or `steps` is not an integer of at least 1.

    References
    ----------
    Loshchilov & Hutter, SGDR: stochastic gradient descent with warm restarts, *ICLR* (2017), equation 5.

    Examples
    --------
    >>> rate = cosine(0.1, 100)
    >>> rate(0), round(rate(50), 6), round(rate(99), 6)
    (0.1, 0.05, 2.5e-05)
    """
    rate = real(learning_rate, "learning_rate", "(0, inf)", RATES)
    end = whole(steps, "steps")

    def schedule(i: int) -> float:
        if i > end:
            raise ValueError(
                f"this cosine was made for a run of {steps} steps, and is asked for the rate after {i}; "
                "give it the number of steps of the whole run, epochs times minibatches"
            )
        return rate * math.sin(math.pi / 2 * ((end - i) / end)) ** 2  # 1 + cos loses digits near the end

    return schedule


def rate_of(schedule: Schedule, i: int) -> float:
    """Return what a schedule says for the step after i, once it is known to be a learning rate or 0.

    Raises
    ------
    TypeError, ValueError
        If it is not a number, or negative or not finite.
    """
    return real(schedule(i), f"schedule({i})", "[0, inf)")


def at_rate(optimizer: Optimizer, rate: float) -> Optimizer:
    """Return an optimizer with another learning rate, which may be 0: what it remembers goes on."""
    if rate:
        return replace(optimizer, learning_rate=rate)  # type: ignore[type-var]
    resting = copy(optimizer)
    object.__setattr__(resting, "learning_rate", 0.0)  # the door is for rates that move something
    return resting


def sampled_rates(schedule: Schedule | None, steps: int, optimizer: Any) -> dict[str, float]:
    """Return the learning rates of the steps after 0, 1, 2, 4, 8, ... of so many, as far as known.

    They tell one schedule from another, of which a checkpoint could not keep the function. Without a
    schedule each is the optimizer's own.
    """
    fixed = getattr(optimizer, "learning_rate", None)
    counts = [i for i in (0, *(2**k for k in range(steps.bit_length()))) if i < steps]
    if schedule is not None:
        return {str(i): rate_of(schedule, i) for i in counts}
    return {str(i): fixed for i in counts} if isinstance(fixed, float) else {}
