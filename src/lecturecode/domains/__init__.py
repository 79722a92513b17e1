"""Theta, the set that theta may come from, and the coordinates in which a population sees it.

Every domain describes points of shape (P,), with P = ``domain.size`` coordinates, so that a method sees
one flat theta whatever the domain is. ``A * B`` is the product of two domains and ``A**n`` that of n
copies: ``Choice(["tanh", "relu"]) * Real(1.0) ** 3 * Interval(0, 1)`` is {tanh, relu} x R^3 x [0, 1].
``Integers(1, 9)`` holds whole numbers in their order, ``LogInterval(1e-4, 1.0)`` what varies by factors.
All domains have the same methods, described once, with :class:`Domain`.
"""

from lecturecode.domains.sets import (
    Choice,
    Domain,
    Integers,
    Interval,
    LogInterval,
    Positive,
    Product,
    Real,
)

__all__ = [
    "Choice",
    "Domain",
    "Integers",
    "Interval",
    "LogInterval",
    "Positive",
    "Product",
    "Real",
]
