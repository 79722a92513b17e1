"""What least squares must know of tall data is a small triangle, and chunks of rows add up to it.

If W = QR with orthonormal columns of Q, then R has as many rows as W has columns, and all that a squared
error needs. The triangle of two chunks of rows is that of their triangles, one above the other. So data
may lie in a file or on other machines: whoever has a chunk makes its triangle, and only that travels.
"""

import operator
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial, reduce
from typing import Any, NamedTuple, Protocol, TypeVar

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, check_agreement, copied, namespace, on_host, says_singular
from lecturecode.door import arrays, came
from lecturecode.units import exponents, times_power

T = TypeVar("T")
Rows = tuple[Array, Array]
"""Rows of W, shape (T, P), and of y, shape (T, K); or R and c, which stand for them."""
DATA = ("T P", "T | T K")
"""Shapes of a design matrix and of targets."""
ENTRIES = 640_000  # of a block, 5 MB in double precision: measured with one thread and with two


class Triangle(NamedTuple):
    """R and c of some rows, [W y] = Q [R c], each column divided by a power of two."""

    R: Array
    c: Array
    """Shapes (P, P) and (P, K), with fewer rows if there are fewer samples."""
    columns: np.ndarray
    targets: np.ndarray
    """The exponents of those powers, shapes (P,) and (K,)."""
    samples: int
    vector: bool
    """Whether the targets came with the shape (T,)."""


@np.errstate(all="ignore")
def triangle(W: Array, y: Array) -> Triangle:
    """Return the triangle of one chunk, W of shape (T, P) and y of shape (T,) or (T, K)."""
    columns, targets = exponents(W), exponents(_as_columns(y))
    blocks = ((times_power(V, -columns), times_power(z, -targets)) for V, z in in_blocks(W, y))
    R, c = reduce(_stacked, (_triangularized(V, z) for V, z in blocks))
    return Triangle(R, c, columns, targets, W.shape[0], y.ndim == 1)


@np.errstate(all="ignore")
def joined(first: Triangle, second: Triangle) -> Triangle:
    """Return the triangle of two chunks from theirs."""
    columns = _common(first.R, first.columns, second.R, second.columns)
    targets = _common(first.c, first.targets, second.c, second.targets)
    parts = [
        (times_power(part.R, part.columns - columns), times_power(part.c, part.targets - targets))
        for part in (first, second)
    ]
    samples = first.samples + second.samples
    return Triangle(*_stacked(*parts), columns, targets, samples, first.vector)


def _common(one: Array, k: np.ndarray, other: Array, n: np.ndarray) -> np.ndarray:
    """Return the larger exponent of each column, and of a column of zeros that of the other chunk."""
    zero, other_zero = (~on_host(part != 0).any(0) for part in (one, other))
    return np.where(zero, n, np.where(other_zero, k, np.maximum(k, n)))


def _stacked(first: Rows, second: Rows) -> Rows:
    """Return the triangle of one above another, R = qr([R1; R2])."""
    xp = namespace(first[0])
    return _reflected(xp.concat([first[0], second[0]]), xp.concat([first[1], second[1]]))


def _triangularized(W: Array, y: Array) -> Rows:
    """Return R and c = Q^T y of W = QR."""
    found = _by_cholesky(W, y) if W.shape[0] > 4 * W.shape[1] else None
    return found or _reflected(W, y)


def _by_cholesky(W: Array, y: Array) -> Rows | None:
    """Return R and c by products of matrices, which are fast; None if columns are close to dependent.

    R1 of W^T W = R1^T R1 has rounding errors by the square of the condition. But the columns of
    V = W R1^-1 are nearly orthonormal, and V = Q R2 by the same formula loses nothing: W = Q (R2 R1).
    """
    xp = namespace(W)
    try:
        R1 = xp.linalg.cholesky(W.T @ W).T
        V = W @ xp.linalg.inv(R1)
        S = V.T @ V
        one = xp.eye(S.shape[0], dtype=S.dtype, device=compat.device(S))
        if not float(xp.max(xp.abs(S - one))) < 1e-3 / S.shape[0]:
            return None
        R2 = xp.linalg.cholesky(S).T
        return R2 @ R1, xp.linalg.solve(R2.T, V.T @ y)
    except Exception as error:
        if not says_singular(error):
            raise
        return None


def _reflected(W: Array, y: Array) -> Rows:
    """Return R and c by Householder's reflections; targets are reflected as columns of their own."""
    xp, P = namespace(W), W.shape[1]
    if y.shape[1] > P:
        Q, R = xp.linalg.qr(W)
        return R, Q.T @ y
    R = upper(xp.concat([W, y], axis=1))
    return R[:P, :P], R[:P, P:]


def upper(A: Array) -> Array:
    """Return R of A = QR without Q."""
    if compat.is_torch_array(A):
        import torch

        return torch.linalg.qr(A, mode="r").R
    R: Any = np.linalg.qr(np.asarray(A), mode="r")
    return R


@np.errstate(all="ignore")
def slope(
    W: Array, y: Array, theta: Array, columns: np.ndarray, targets: np.ndarray
) -> tuple[Array, int]:
    """Return W^T (y - W theta) of one chunk in those powers of two, and how many rows it has."""
    parts = []
    for V, z in in_blocks(W, y):
        V, z = times_power(V, -columns), times_power(z, -targets)
        parts.append(V.T @ (z - V @ theta))
    return reduce(operator.add, parts), W.shape[0]


def in_blocks(W: Array, y: Array) -> Iterator[Rows]:
    """Cut rows into blocks that stay near a core; a GPU takes all at once."""
    samples, P = W.shape
    on_cpu = str(compat.device(W)) == "cpu"
    rows = max(ENTRIES // P, 10 * P) if on_cpu else samples
    for i in range(0, samples, rows):
        yield W[i : i + rows], _as_columns(y[i : i + rows])


def _as_columns(y: Array) -> Array:
    return y if y.ndim == 2 else y[:, None]


# --- where chunks come from -----------------------------------------------------------------------


class Each(Protocol):
    """Goes through all chunks, and gives what a function says of each."""

    def __call__(self, f: Callable[[Array, Array], T]) -> Iterable[T]:
        """Return what f says of each chunk, in order."""


class Data(NamedTuple):
    """Chunks of rows, and whether one can go through them again."""

    each: Each
    again: bool = True


def of_arrays(W: Array, y: Array) -> Data:
    """Return two arrays of shape (T, P) and (T,) or (T, K) as data, one chunk."""
    return Data(lambda f: [f(W, y)])


def of_chunks(chunks: Any) -> Data:
    """Return an iterable of pairs (W, y), or a function that returns one, as data.

    Raises
    ------
    TypeError
        If it is neither; later, if a chunk is no pair of arrays of real numbers, all of one kind.
    ValueError
        Later, if there are no chunks, or if one is empty, not finite or of a shape that does not fit.
    """
    if isinstance(chunks, np.ndarray) or compat.is_torch_array(chunks) or is_dask(chunks):
        raise TypeError("y is missing: give the targets of the rows of W, or chunks, pairs (W, y)")
    if not callable(chunks) and not hasattr(chunks, "__iter__"):
        raise TypeError(
            "without y, the argument must be chunks, an iterable of pairs (W, y) or a function that "
            f"returns one; got {came(chunks)}"
        )

    def each(f: Callable[[Array, Array], T]) -> Iterator[T]:
        first: Rows | None = None
        k = 0
        for chunk in chunks() if callable(chunks) else chunks:
            W, y = checked(chunk, k, first)
            first = first or (copied(W[:1]), copied(y[:1]))  # their kind and shape
            said = f(W, y)
            del chunk, W, y  # before the next is made
            k += 1  # noqa: SIM113  # enumerate would hold the chunk
            yield said
        if first is None:
            raise ValueError(
                "there are no chunks; give at least one pair (W, y), each time that they are asked for"
            )

    return Data(each, again=callable(chunks) or iter(chunks) is not chunks)


def checked(chunk: Any, k: int, first: Rows | None = None) -> Rows:
    """Return W and y of chunk number k, once they go together, and with those of the first chunk.

    Raises
    ------
    TypeError
        If it is no pair, or does not hold real numbers of one kind.
    ValueError
        If shapes do not fit, or if it is empty or not finite.
    """
    if not (isinstance(chunk, tuple | list) and len(chunk) == 2):
        raise TypeError(f"each chunk must be a pair (W, y) of rows; chunk {k} is {came(chunk)}")
    names = (f"W of chunk {k}", f"y of chunk {k}")
    _, *found = arrays(dict(zip(names, DATA, strict=True)), **dict(zip(names, chunk, strict=True)))
    if first is not None:
        for name, lead, array in zip(names, first, found, strict=True):
            check_agreement("chunk 0", lead, name, array)
            if lead.shape[1:] != array.shape[1:]:
                raise ValueError(
                    f"{name} must have rows of shape {tuple(lead.shape[1:])}, as in chunk 0; "
                    f"got {tuple(array.shape[1:])}"
                )
    return found[0], found[1]


def is_dask(array: Any) -> bool:
    """Tell whether this is an array of Dask, without importing it."""
    return hasattr(array, "to_delayed") and hasattr(array, "chunks") and hasattr(array, "rechunk")


def of_dask(W: Any, y: Any) -> Data:
    """Return two arrays of Dask as data; each chunk of rows is looked at where it lies.

    Raises
    ------
    TypeError
        If only one of them is an array of Dask.
    ValueError
        If shapes do not fit.
    """
    if not (is_dask(W) and is_dask(y)):
        one, other = ("y", "W") if is_dask(W) else ("W", "y")
        raise TypeError(
            f"{other} is an array of Dask and {one} is not; make it one: da.from_array({one})"
        )
    if W.ndim != 2 or y.ndim not in (1, 2) or W.shape[0] != y.shape[0]:
        raise ValueError(
            f"W must have shape (T, P) and y (T,) or (T, K); got {tuple(W.shape)} and {tuple(y.shape)}"
        )
    W = W.rechunk({1: -1})
    y = y.rechunk({0: W.chunks[0], 1: -1} if y.ndim == 2 else {0: W.chunks[0]})

    def each(f: Callable[[Array, Array], T]) -> Sequence[T]:
        from dask import compute, delayed

        parts = zip(W.to_delayed().ravel(), y.to_delayed().ravel(), strict=True)
        ask = delayed(partial(_of_chunk, f), pure=False)
        return compute(*(ask(V, z, k) for k, (V, z) in enumerate(parts)))

    return Data(each)


def _of_chunk(f: Callable[[Array, Array], T], W: Array, y: Array, k: int) -> T:
    return f(*checked((W, y), k))
