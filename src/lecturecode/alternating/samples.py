"""Samples some at a time: an array, or chunks of more than there is memory for.

What k-means and mixtures want to know of all samples are sums, and a sum over all is one over chunks. A
chunk is gone through in pieces that stay in the cache of a processor. So an array in memory, one on
disk, and chunks that are read one by one or kept by other processes all go the same way.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any, NamedTuple
from warnings import warn

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, ArrayLike, as_array, check_agreement, detached, namespace, on_host
from lecturecode.door import arrays, came
from lecturecode.units import LostDigitsWarning, UnequalUnitsWarning, exponent, times_power

HELD = 2**26
"""Bytes of an array up to which it is moved to the origin once, and not piece by piece at each pass."""

AT_ONCE = 2**16
"""Numbers that a processor works on at once: they stay in its cache."""

ON_A_DEVICE = 2**24
"""The same for another device, where each call costs time."""

ON_ONE_CORE = 2**18
"""Multiplications of a product of matrices that stays on one core.

Larger ones are divided among all cores, which wait for each other: long, if one of them has other work.
"""

Chunks = Callable[[], Iterable[ArrayLike]]
"""Returns the chunks of the samples, each of shape (n, D), from the first on."""


class Frame(NamedTuple):
    """Where samples are seen from: their unit is 2^k, and `shift`, in that unit, is the origin."""

    k: int = 0
    shift: Array | None = None  # (D,)

    def __call__(self, x: Array) -> Array:
        """Return samples as they are seen from here."""
        x = times_power(x, -self.k)
        return x if self.shift is None else x - self.shift


@dataclass(frozen=True, eq=False)
class Chunk:
    """Some samples in the units of the data, shape (n, D), and the frame that they are seen from."""

    rows: Array
    frame: Frame

    @property
    def count(self) -> int:
        """Number of samples."""
        return self.rows.shape[0]

    def near(self, some: Any) -> Array:
        """Return those of a slice, or of an array of numbers, as they are seen from the frame."""
        if isinstance(some, slice):
            return self.frame(self.rows[some, ...])
        return self.frame(namespace(self.rows).take(self.rows, some, axis=0))

    def pieces(self, width: int) -> Iterator[slice]:
        """Divide the samples into pieces for work with so many numbers a sample."""
        return pieces(self.count, rows_at_once(self.rows, width))


def origin(middle: Array, reach: Array) -> Array:
    """Return from where numbers near `middle`, as far as `reach` from it, are seen without a loss; (D,).

    A difference of numbers of which one is between half and twice of the other is exact (Sterbenz). So
    it is `middle` where all are near enough to it, and 0 elsewhere: a group near 0 keeps its digits.
    """
    xp = namespace(middle)
    return xp.where(reach <= abs(middle) / 4, middle, 0 * middle)


def pieces(count: int, rows: int) -> Iterator[slice]:
    """Divide so many samples into pieces of so many, the last one may be smaller."""
    return (slice(first, min(first + rows, count)) for first in range(0, count, rows))


def rows_at_once(like: Array, width: int) -> int:
    """Return for how many samples to work at once, with so many numbers each."""
    return max(64, (AT_ONCE if _on_a_processor(like) else ON_A_DEVICE) // width)


def product_rows(like: Array, width: int) -> int:
    """Return how many samples a product of matrices takes, with so many multiplications each."""
    return max(64, (ON_ONE_CORE if _on_a_processor(like) else ON_A_DEVICE) // width)


def _on_a_processor(like: Array) -> bool:
    device = compat.device(like)
    return getattr(device, "type", device) == "cpu"


class Look(NamedTuple):
    """What a first look at samples tells."""

    shape: tuple[int, int]
    kind: Array  # (0, D)
    peak: float  # the largest size of a number
    total: Array  # (D,), in float64


class Extent(NamedTuple):
    """How far samples reach, from where they are seen; each of shape (D,)."""

    squares: Array  # summed, in float64
    low: Array
    high: Array


class Samples:
    """T samples of D features: chunks that can be gone through as often as is needed.

    Parameters
    ----------
    chunks : callable
        Returns them, from the first on.
    looks : list of Look
        What was seen of each.
    frame : Frame
        Where they are seen from.
    """

    def __init__(self, chunks: Chunks, looks: Sequence[Look], frame: Frame) -> None:
        self.chunks, self.looks, self.frame = chunks, looks, frame
        self.lengths = [look.shape[0] for look in looks]
        self.count, self.features = sum(self.lengths), looks[0].shape[1]
        self.like = looks[0].kind
        """An array of no samples, of their kind."""

    @property
    def peak(self) -> Array:
        """Shape (1,): the largest size of a number, in the units of the data."""
        peak = max(look.peak for look in self.looks)
        return _like([peak], self.like)

    def over(
        self, f: Callable[..., Any], states: Sequence[Any] | None = None, *common: Any
    ) -> list[Any]:
        """Return ``f(chunk, state, *common)`` for each chunk, with what is known of it; see `told`."""
        known = [None] * len(self.lengths) if states is None else states
        return [
            f(Chunk(rows, self.frame), state, *common)
            for rows, state in zip(self._pass(), known, strict=False)  # the pass says what is missing
        ]

    def told(self, found: Sequence[Any], name: str = "") -> list[Any]:
        """Return what `over` has found, or one attribute of each."""
        return [getattr(one, name) for one in found] if name else list(found)

    def row(self, t: int) -> Array:
        """Return the sample with number t, as it is seen from the frame."""
        number, t = self._place(t)
        (rows,) = islice(self._pass(), number, number + 1)
        return self.frame(rows[t : t + 1, ...])[0, ...]

    def split(self, numbers: Array) -> list[Array]:
        """Divide an array with an entry for each sample into those of the chunks."""
        ends = np.cumsum(self.lengths).tolist()
        return [numbers[end - n : end, ...] for n, end in zip(self.lengths, ends, strict=True)]

    def near_mean(self) -> "Samples":
        """Return the same samples, measured so that squares stay in range, and seen from their mean."""
        k = int(exponent(self.peak))
        return self.seen_from(Frame(k, self.mean(k)))

    def with_all_digits(self) -> "Samples":
        """Return the same samples, seen from `middle` only along features that lose no digit by it."""
        xp, seen, middle = namespace(self.like), self.extent, self.middle
        shift = origin(middle, xp.maximum(-seen.low, seen.high))
        by = middle - shift
        if not bool(xp.any(by != 0)):
            return self
        moved = self.seen_from(Frame(self.frame.k, shift))
        squares = seen.squares + self.count * xp.astype(by, xp.float64) ** 2
        moved.extent = Extent(squares, seen.low + by, seen.high + by)
        return moved

    def mean(self, k: int = 0) -> Array:
        """Return the mean sample, shape (D,), in units of 2^k."""
        totals = [look.total for look in self.looks]
        if k:  # without a unit, the sum may have left the range of the numbers
            scaled = self.seen_from(Frame(k))
            totals = scaled.told(scaled.over(_total))
        return namespace(self.like).astype(sum(totals) / self.count, self.like.dtype)

    @property
    def middle(self) -> Array:
        """Shape (D,): where they are seen from, in the unit of their frame; see `near_mean`."""
        assert self.frame.shift is not None
        return self.frame.shift

    @property
    def one_row(self) -> Array:
        """An array of shape (1, D) of their kind, to be compared with other arguments."""
        return _like([[0.0] * self.features], self.like)

    def seen_from(self, frame: Frame) -> "Samples":
        """Return the same samples, seen from elsewhere."""
        return type(self)(self.chunks, self.looks, frame)

    def given(self, x: Any) -> Any:
        """Return x, or an array that stands for its chunks, to be compared with other arguments."""
        return self.one_row

    def of_kind(self, x: Array) -> "Samples":
        """Return samples of x, which is what became of `given` beside other arguments."""
        return self

    @cached_property
    def extent(self) -> Extent:
        """How far they reach."""
        xp, parts = namespace(self.like), self.told(self.over(_extent))
        low = xp.min(xp.stack([part.low for part in parts]), axis=0)
        high = xp.max(xp.stack([part.high for part in parts]), axis=0)
        return Extent(sum(part.squares for part in parts), low, high)

    def _place(self, t: int) -> tuple[int, int]:
        """Return the number of the chunk that has sample t, and its number there."""
        number = int(np.searchsorted(np.cumsum(self.lengths), t, side="right"))
        return number, t - sum(self.lengths[:number])

    def _pass(self) -> Iterator[Array]:
        """Yield the chunks once more.

        Raises
        ------
        ValueError
            If they are not those of the first pass.
        """
        number = -1
        for number, chunk in enumerate(self.chunks()):
            rows = detached(as_array(chunk, "x"))
            shape = self.looks[number].shape if number < len(self.looks) else None
            if tuple(rows.shape) != shape:
                raise ValueError(
                    _changed(f"chunk {number} has shape {tuple(rows.shape)}, and had {shape}")
                )
            yield rows
        if number + 1 < len(self.looks):
            raise ValueError(_changed(f"{number + 1} of the {len(self.looks)} chunks came again"))


class InMemory(Samples):
    """An array, in memory or mapped from a file; a small one is moved to where it is seen from once."""

    def __init__(self, x: Array, looks: Sequence[Look], frame: Frame) -> None:
        held = x.shape[0] * x.shape[1] * x.dtype.itemsize <= HELD
        self.x, seen = x, Chunk(frame(x), Frame()) if held else Chunk(x, frame)
        super().__init__(lambda: (x,), looks, frame)
        self.chunk = seen

    def over(
        self, f: Callable[..., Any], states: Sequence[Any] | None = None, *common: Any
    ) -> list[Any]:
        """Return ``f(chunk, state, *common)`` of the one chunk that there is."""
        return [f(self.chunk, None if states is None else states[0], *common)]

    def given(self, x: Any) -> Any:
        """Return x as it came: integers adopt the kind of other arguments."""
        return detached(x) if not isinstance(x, Samples) else self.x

    def of_kind(self, x: Array) -> "Samples":
        """Return samples of x, which is what became of `given` beside other arguments."""
        return self if x is self.x else as_samples(x)

    def seen_from(self, frame: Frame) -> "Samples":
        """Return the same samples, seen from elsewhere."""
        return InMemory(self.x, self.looks, frame)


class OfDask(Samples):
    """The blocks of a Dask array: each is worked on where it is, and so is what is known of it."""

    def over(
        self, f: Callable[..., Any], states: Sequence[Any] | None = None, *common: Any
    ) -> list[Any]:
        """Let the workers make ``f(chunk, state, *common)``, and keep it."""
        from dask import delayed, persist  # not at the top: Dask may not be there

        known = [None] * len(self.lengths) if states is None else states
        work = delayed(_on_block, pure=False)
        calls = (
            work(f, block, state, self.frame, *common)
            for block, state in zip(self.chunks(), known, strict=True)
        )
        return list(persist(*calls))

    def told(self, found: Sequence[Any], name: str = "") -> list[Any]:
        """Fetch what the workers have found."""
        from dask import compute, delayed

        return list(compute(*(delayed(getattr)(one, name) if name else one for one in found)))

    def row(self, t: int) -> Array:
        """Return the sample with number t, as it is seen from the frame."""
        number, t = self._place(t)
        return self.frame(self._block(number)[t : t + 1].compute())[0]

    def _block(self, number: int) -> Any:
        return list(self.chunks())[number]


def _on_block(f: Callable[..., Any], block: Array, state: Any, frame: Frame, *common: Any) -> Any:
    return f(Chunk(block, frame), state, *common)


# --- the first look -------------------------------------------------------------------------------


Data = ArrayLike | Iterable[ArrayLike] | Chunks | Samples
"""Samples as a caller gives them: an array, chunks, or a function that returns chunks."""


def as_samples(x: Any) -> Samples:
    """Return what a caller gives for the samples x as samples, once all of it has been looked at.

    Parameters
    ----------
    x : array of shape (T, D), Dask array, list of arrays of shape (n, D), or callable
        The callable takes nothing and returns an iterable of such arrays, a fresh one at each call.

    Raises
    ------
    TypeError
        If it does not hold real numbers of one kind, or is an iterator, which can be gone through once.
    ValueError
        If a shape does not fit, or if it is empty or holds NaN or infinity.
    """
    if isinstance(x, Samples):
        return x
    if hasattr(x, "to_delayed") and hasattr(x, "rechunk"):
        return _of_dask(x)
    chunks = _chunks(x)
    if chunks is not None:
        return Samples(chunks, _looks(chunks), Frame())
    _, x = arrays({"x": "T D"}, x=detached(x))
    return InMemory(x, [_look(Chunk(x, Frame()), None)], Frame())


def _chunks(x: Any) -> Chunks | None:
    """Return what gives the chunks of x; None if it is one array."""
    if isinstance(x, Iterator):
        raise TypeError(
            f"x is a {type(x).__name__}, which runs dry after one pass, and each sweep needs another; "
            "give a function that returns a fresh one, as by lambda: (read(file) for file in files)"
        )
    if isinstance(x, list | tuple) and x and all(getattr(part, "ndim", 0) == 2 for part in x):
        return lambda: x
    return x if callable(x) and not isinstance(x, type) else None


def _looks(chunks: Chunks) -> list[Look]:
    """Look at each chunk once.

    Raises
    ------
    TypeError, ValueError
        If it is no array of shape (n, D) of the kind of the first, or is not finite.
    """
    looks: list[Look] = []
    given = chunks()
    if not isinstance(given, Iterable):
        raise TypeError(f"x() must return an iterable of arrays of shape (n, D); got {came(given)}")
    for number, chunk in enumerate(given):
        name = f"chunk {number} of x"
        _, rows = arrays({name: "n D"}, **{name: detached(chunk)})
        look = _look(Chunk(rows, Frame()), None)
        looks.append(look)
        check_agreement("chunk 0 of x", looks[0].kind, name, look.kind)
        D = looks[0].shape[1]
        if look.shape[1] != D:
            raise ValueError(f"{name} must have {D} columns, as chunk 0 has; got shape {look.shape}")
    if not looks:
        raise ValueError("x gave no chunk; give at least one array of shape (n, D)")
    return looks


def _of_dask(x: Any) -> OfDask:
    """Return the blocks of a Dask array as samples.

    Raises
    ------
    ValueError
        If it is not of shape (T, D), or holds NaN or infinity.
    """
    from dask import compute, delayed

    if x.ndim != 2:
        raise ValueError(f"x must have shape (T, D); got {tuple(x.shape)}")
    blocks = list(x.rechunk({1: -1}).to_delayed().ravel())
    looks = compute(*(delayed(_checked_look, pure=False)(block) for block in blocks))
    return OfDask(lambda: blocks, looks, Frame())


def _checked_look(block: Array) -> Look:
    _, rows = arrays({"x": "T D"}, x=block)
    return _look(Chunk(rows, Frame()), None)


def _look(chunk: Chunk, state: None) -> Look:
    """Look at a chunk as a whole: neither sums nor extremes need memory."""
    xp, x = namespace(chunk.rows), chunk.rows
    peak = max(float(xp.max(x)), -float(xp.min(x)))
    with np.errstate(all="ignore"):
        total = xp.sum(x, axis=0, dtype=xp.float64)  # in float32 it would drift
    return Look((x.shape[0], x.shape[1]), x[:0, ...], peak, total)


@np.errstate(all="ignore")
def _total(chunk: Chunk, state: None) -> Array:
    """Return the sum of the samples, as they are seen from the frame."""
    xp = namespace(chunk.rows)
    width = chunk.rows.shape[1]
    return sum(xp.sum(chunk.near(some), axis=0, dtype=xp.float64) for some in chunk.pieces(width))


@np.errstate(all="ignore")
def _extent(chunk: Chunk, state: None) -> Extent:
    xp = namespace(chunk.rows)
    parts = []
    for piece in chunk.pieces(chunk.rows.shape[1]):
        x = chunk.near(piece)
        parts.append((xp.sum(x * x, axis=0, dtype=xp.float64), xp.min(x, axis=0), xp.max(x, axis=0)))
    squares, low, high = (xp.stack(part) for part in zip(*parts, strict=True))
    return Extent(squares.sum(0), xp.min(low, axis=0), xp.max(high, axis=0))


def eps(like: Array) -> float:
    """Return the precision of the numbers of an array."""
    return float(namespace(like).finfo(like.dtype).eps)


def _like(numbers: Any, like: Array) -> Array:
    return namespace(like).asarray(numbers, dtype=like.dtype, device=compat.device(like))


def _changed(what: str) -> str:
    return (
        f"x does not give the same chunks in each pass: {what}. A function must return a fresh iterator "
        "at each call, as lambda: (read(file) for file in files) does"
    )


def warn_of_columns(samples: Samples, *, distances: bool, stacklevel: int = 2) -> None:
    """Warn of columns that hold few digits, and, where distances are measured, of unequal units.

    Parameters
    ----------
    samples : Samples
        Seen from their mean.
    distances : bool
        Whether columns are compared with each other.
    stacklevel : int
        How far up the caller of the package stands.

    Warns
    -----
    LostDigitsWarning
        If a column spreads by less than a hundred roundings of its mean.
    UnequalUnitsWarning
        If a column spreads a thousand times as much as another one.
    """
    k, shift = samples.frame.k, samples.middle
    rounding = eps(shift) * abs(on_host(shift).astype(float))  # (D,)
    squares, low, high = map(on_host, samples.extent)
    spread, varies = np.sqrt(squares / samples.count), high - low > 10 * rounding
    for j in np.nonzero(varies & (spread < 100 * rounding))[0]:
        warn(
            f"column {j} of x spreads by {np.ldexp(spread[j], k):.2g} about its mean "
            f"{np.ldexp(float(shift[int(j)]), k):.4g}, where {shift.dtype} tells numbers apart that "
            f"differ by {np.ldexp(rounding[j], k):.1g}: it holds one digit or two. Subtract what its "
            "numbers have in common before they are rounded, or give float64",
            LostDigitsWarning,
            stacklevel=stacklevel + 1,
        )
    if not distances or not varies.any():
        return
    most = int(np.argmax(spread))
    least = int(np.argmin(np.where(varies, spread, np.inf)))
    if spread[most] > 1000 * spread[least]:
        warn(
            f"column {most} of x spreads {spread[most] / spread[least]:.2g} times as much as column "
            f"{least}, so that distances, and with them the groups, are those of its unit; bring all "
            "to one scale first, as by (x - x.mean(0)) / x.std(0)",
            UnequalUnitsWarning,
            stacklevel=stacklevel + 1,
        )
