"""Minibatches: all samples in random order, a few at a time, until the epoch is over."""

from collections.abc import Iterator
from typing import Any

import numpy as np

from lecturecode.arrays import Array, as_array
from lecturecode.door import flag, whole
from lecturecode.randomness import Rng, generator, permutation

__all__ = ["minibatches"]


def minibatches(
    samples: int, batch_size: int, *, rng: Rng = None, keep_last: bool = True, like: Any = None
) -> Iterator[Array]:
    """Draw the minibatches of one epoch: disjoint, in random order, together all samples.

    Parameters
    ----------
    samples : int
        Number T of samples.
    batch_size : int
        Number of samples in a minibatch, at most T.
    rng : None, int, numpy.random.Generator or torch.Generator
        Where the order comes from.
    keep_last : bool
        Whether the last minibatch, if it is smaller than the others, is kept or dropped.
    like : array, optional
        An array of the wanted library and device; NumPy if not given.

    Returns
    -------
    iterator of int arrays of shape (batch_size,)
        The numbers of the samples of one minibatch after the other.

    Raises
    ------
    TypeError
        If `keep_last` is not True or False, or `like` is no array.
    ValueError
        If `batch_size` is not between 1 and `samples`.

    Examples
    --------
    >>> [len(batch) for batch in minibatches(10, 4, rng=0)]
    [4, 4, 2]
    >>> sorted(int(t) for batch in minibatches(10, 4, rng=0) for t in batch)
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    samples, batch_size = check_batch_size(samples, batch_size)
    keep_last = flag(keep_last, "keep_last")
    like = np.empty(0) if like is None else as_array(like, "like")
    order = permutation(generator(rng), samples, like)
    end = samples if keep_last else samples - samples % batch_size
    return (order[first : min(first + batch_size, end)] for first in range(0, end, batch_size))


def in_parts(samples: int, batch_size: int) -> Iterator[slice]:
    """Divide all samples into parts to be measured, in order: four minibatches at a time.

    No gradient is asked for, so that a part may be larger than a minibatch.
    """
    size = 4 * batch_size
    return (slice(first, min(first + size, samples)) for first in range(0, samples, size))


def check_batch_size(samples: int, batch_size: int) -> tuple[int, int]:
    """Return the number of samples and the size of minibatches, which is at most that number.

    Raises
    ------
    ValueError
        If it is not an integer between 1 and the number of samples.
    """
    samples, batch_size = whole(samples, "samples"), whole(batch_size, "batch_size")
    if batch_size > samples:
        raise ValueError(
            f"batch_size must be at most the number of samples, {samples}; got {batch_size}"
        )
    return samples, batch_size
