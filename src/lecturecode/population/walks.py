"""Walks: what ants on tours and ants on paths share, which is how chance chooses, and the checks."""

import math
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, as_array, on_host
from lecturecode.randomness import Rng, uniform


def spins(rng: Rng, shape: tuple[int, ...], like: Array) -> Array:
    """Draw uniformly from [0, 1), a few roundings below 1 so that a wheel never stops behind its end."""
    eps = float(compat.array_namespace(like).finfo(like.dtype).eps)
    return (1 - 64 * eps) * uniform(rng, shape, like)


def spin(weights: Array, u: Array) -> Array:
    """Stop a roulette wheel for each row: column j with probability in proportion to its weight.

    Parameters
    ----------
    weights : array of shape (M, n)
        The widths of the sectors, at least 0.
    u : array of shape (M, 1)
        Where the wheels stop, from :func:`spins`.

    Returns
    -------
    array of shape (M,), int
        The columns; the first one if all weights are 0.
    """
    xp = compat.array_namespace(weights)
    borders = xp.cumulative_sum(weights, axis=1)
    beyond = (borders > u * borders[:, -1:]) & (weights > 0)
    return xp.argmax(xp.astype(beyond, xp.uint8), axis=1)


def square(distances: Any, nodes: str) -> tuple[Array, Array]:
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


def check_rates(evaporation: float, exponents: dict[str, float]) -> None:
    """Check the numbers that steer a colony.

    Parameters
    ----------
    evaporation : float
        The share that is lost, in (0, 1].
    exponents : dict of float
        At least 0, under the names that a message should use.

    Raises
    ------
    ValueError
        If one is out of range.
    """
    if not 0 < evaporation <= 1:
        raise ValueError(f"evaporation must be above 0 and at most 1; got {evaporation}")
    for name, value in exponents.items():
        if not 0 <= value < math.inf:
            raise ValueError(f"{name} must be 0 or a positive number; got {value}")


def is_symmetric(d: Array) -> bool:
    """Return whether all ways are as long as the ways back."""
    return bool(compat.array_namespace(d).all(d == d.T))


def smallest(like: Array) -> float:
    """Return the smallest positive number that keeps full precision in the dtype of `like`."""
    return float(compat.array_namespace(like).finfo(like.dtype).smallest_normal)
