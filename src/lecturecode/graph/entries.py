"""Entries: the gradient of ``a[index]`` with respect to a, without an array that is mostly zeros."""

from types import EllipsisType, NoneType
from typing import Any

import numpy as np

from lecturecode.arrays import Array

__all__ = ["Entries"]

BASIC = (int, slice, NoneType, EllipsisType)
"""Parts of an index that takes no entry twice."""


class Entries:
    """A gradient of a that is known at some entries: G at ``a[index]``, and zero at all others.

    It adds like an array. The sum is kept in one array that nobody else holds, so that to cut an array
    into many parts costs no more than to have it once.
    """

    __slots__ = ("G", "a", "index", "total")
    __array_ufunc__ = None  # array + entries is left to the entries

    def __init__(self, a: Array, index: Any, G: Array) -> None:
        self.a, self.index, self.G = a, index, G
        self.total: np.ndarray | None = None

    def whole(self) -> np.ndarray:
        """Return the array of the shape of a, zeros included."""
        if self.total is None:
            self.total = np.zeros_like(self.a)
            self.add_to(self.total)
        return self.total

    def add_to(self, whole: np.ndarray) -> None:
        """Add G to an array of the shape of a; an entry that was taken twice gets both gradients."""
        parts = self.index if isinstance(self.index, tuple) else (self.index,)
        basic = [isinstance(part, BASIC) for part in parts]
        if all(basic):
            whole[self.index] += self.G
        else:
            np.add.at(whole, self.index, self.G)

    def __add__(self, other: "Array | Entries") -> "Entries":
        """Write another gradient of a into the sum; these entries stand for the sum from now on."""
        total = self.whole()
        if isinstance(other, Entries):
            other.add_to(total)
        else:
            total += other
        return self

    __radd__ = __add__
