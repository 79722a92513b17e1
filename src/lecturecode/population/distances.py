"""Distances between cities or nodes: what is asked of them before ants set out."""

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, ArrayLike, as_array, on_host


def square(distances: ArrayLike, nodes: str) -> tuple[Array, Array]:
    """Return the distances as an array with a diagonal of 0, and where they are off the diagonal.

    Raises
    ------
    TypeError
        If they are not real numbers.
    ValueError
        If they are not a square matrix, or if one is NaN.
    """
    d = as_array(distances, "distances")
    if d.ndim != 2 or d.shape[0] != d.shape[1]:
        raise ValueError(
            f"distances must be a square matrix, of shape (n, n) for n {nodes}; got {tuple(d.shape)}"
        )
    xp = compat.array_namespace(d)
    apart = ~xp.eye(d.shape[0], dtype=xp.bool, device=compat.device(d))
    d = xp.where(apart, d, xp.zeros_like(d))
    refuse(xp.isnan(d), d, "NaN is no distance")
    return d, apart


def refuse(wrong: Array, d: Array, why: str) -> None:
    """Refuse distances, naming the first wrong one.

    Raises
    ------
    ValueError
        If any entry of `wrong` is True.
    """
    found = np.argwhere(on_host(wrong))
    if len(found):
        i, j = (int(k) for k in found[0])
        raise ValueError(f"distances[{i}, {j}] is {float(d[i, j])}, one of {len(found)} such: {why}")


def is_symmetric(d: Array) -> bool:
    """Return whether all ways are as long as the ways back."""
    return bool(compat.array_namespace(d).all(d == d.T))
