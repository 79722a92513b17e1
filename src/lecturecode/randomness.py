"""Chance enters here, through one argument: rng.

Methods draw from whatever the caller hands over, and never from global state: the same `rng` and the
same call give the same answer. Draws come in the library, dtype and device of an array `like`.
"""

from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array
from lecturecode.door import whole

Rng = Any
"""None, an int, a ``numpy.random.Generator`` or, for tensors, a ``torch.Generator``."""


def generator(rng: Rng = None) -> Any:
    """Turn `rng` into a generator: None draws a fresh seed, an int is a seed, a generator stays.

    Raises
    ------
    TypeError
        If `rng` is anything else, such as the legacy ``numpy.random.RandomState``.
    ValueError
        If a seed is negative.

    Examples
    --------
    >>> int(generator(0).integers(100)), int(generator(0).integers(100))
    (85, 85)
    """
    if isinstance(rng, np.random.Generator) or _is_torch_generator(rng):
        return rng
    if rng is None:
        return np.random.default_rng()
    if isinstance(rng, int | np.integer) and not isinstance(rng, bool):
        return np.random.default_rng(whole(rng, "rng", 0, hint="Any such number is a seed"))
    raise TypeError(
        f"rng must be None, an int, a numpy.random.Generator or a torch.Generator; got "
        f"{type(rng).__name__}. For instance rng=numpy.random.default_rng(0)"
    )


def uniform(rng: Rng, shape: tuple[int, ...], like: Array) -> Array:
    """Draw from the uniform distribution on [0, 1], as an array like `like`.

    Raises
    ------
    TypeError
        If `rng` is a ``torch.Generator`` and `like` is not a tensor.
    """
    rng = generator(rng)
    if _is_torch_generator(rng):
        return _tensor(like).new_empty(shape).uniform_(generator=rng)
    return _as_like(rng.random(shape), like)


def normal(rng: Rng, shape: tuple[int, ...], like: Array) -> Array:
    """Draw from the standard normal distribution, as an array like `like`.

    Raises
    ------
    TypeError
        If `rng` is a ``torch.Generator`` and `like` is not a tensor.
    """
    rng = generator(rng)
    if _is_torch_generator(rng):
        return _tensor(like).new_empty(shape).normal_(generator=rng)
    return _as_like(rng.standard_normal(shape), like)


def permutation(rng: Rng, count: int, like: Array) -> Array:
    """Draw an order of the numbers 0 to count - 1, as integers on the device of `like`.

    Raises
    ------
    TypeError
        If `rng` is a ``torch.Generator`` and `like` is not a tensor.
    """
    rng = generator(rng)
    if _is_torch_generator(rng):
        xp = compat.array_namespace(_tensor(like))
        return xp.randperm(count, generator=rng, device=compat.device(like))
    order = rng.permutation(count)
    return (
        order
        if type(like) is np.ndarray
        else compat.array_namespace(like).asarray(order, device=compat.device(like))
    )


def _tensor(like: Array) -> Any:
    if not compat.is_torch_array(like):
        raise TypeError(
            "a torch.Generator draws tensors, and NumPy arrays are asked for; give a "
            "numpy.random.Generator, or like=torch.empty(0)"
        )
    return like


def _as_like(draws: np.ndarray, like: Array) -> Array:
    if type(like) is np.ndarray:
        return draws.astype(like.dtype, copy=False)
    xp = compat.array_namespace(like)
    return xp.asarray(draws, dtype=like.dtype, device=compat.device(like))


def _is_torch_generator(rng: Rng) -> bool:
    if type(rng) is np.random.Generator:  # most are, and this is asked at every draw
        return False
    return type(rng).__module__.startswith("torch") and type(rng).__name__ == "Generator"
