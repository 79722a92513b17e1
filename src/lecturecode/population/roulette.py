"""Roulette wheels: how ants choose, each column with probability in proportion to its weight."""

import array_api_compat as compat

from lecturecode.arrays import Array
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


def smallest(like: Array) -> float:
    """Return the smallest positive number that keeps full precision in the dtype of `like`."""
    return float(compat.array_namespace(like).finfo(like.dtype).smallest_normal)
