"""Answers of g on disk: a search that goes on is told again what it was told, and asks for the rest.

A method that asks is a function of the answers: from the same beginning of chance, told the same values,
it asks for the same points. So a checkpoint holds the values in their order, and where chance began.
"""

import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, namespace, on_host
from lecturecode.checkpoints import (
    CheckpointError,
    check_checkpoint,
    check_generator,
    clear_remains,
    describe,
    generator_state,
    read_checkpoint,
    set_generator_state,
    write_checkpoint,
)
from lecturecode.door import function
from lecturecode.evaluation import evaluate, tells_finished
from lecturecode.randomness import Rng

SECONDS = 1.0
"""How long answers may stay unsaved, unless a single call of g takes longer."""

FORMAT = 1
"""The number of what a checkpoint holds; files of another number are refused."""

Points = Callable[[int, int], Array]
"""Returns the points whose numbers go from start to stop - 1, shape (stop - start, P)."""

Pieces = Callable[[Points, int], Generator[tuple[Array, Any], Any, None]]
"""Yields so many points piece by piece, with whatever it likes beside them."""


def at_once(points: Points, count: int) -> Generator[tuple[Array, Any], Any, None]:
    """Yield all points in one piece."""
    yield points(0, count), {}


@contextmanager
def remembered(
    g: Callable[[Array], Array],
    checkpoint: Any,
    rng: Rng,
    run: Mapping[str, Any],
    *,
    given: bool,
    pieces: Pieces = at_once,
) -> Iterator[Callable[[Array], Array]]:
    """Within this block, answer as the file did as long as it can, then as g does, and keep the file.

    Parameters
    ----------
    g : callable
        Takes theta of shape (M, P), returns shape (M,).
    checkpoint : path, optional
        The file; without one the block has g itself.
    rng : numpy.random.Generator or torch.Generator
        Where the chance of the method comes from. It is set to where that of the file began, so nothing
        may be drawn before the block.
    run : mapping of str to text, list, array or domain
        What must be the same for a run that goes on.
    given : bool
        Whether the caller chose `rng`; if so, it must begin where that of the file began.
    pieces : callable
        How the first points are divided that the file does not have.

    Raises
    ------
    TypeError, ValueError, OSError
        As for :func:`lecturecode.checkpoints.check_checkpoint`.
    CheckpointError
        If the file is damaged, or belongs to another run. A ValueError.
    """
    if checkpoint is None:
        yield g
        return
    answers = Answers(function(g, "g"), checkpoint, rng, run, given, pieces)
    try:
        yield answers
    finally:
        answers.save()


class Answers:
    """A function that answers from a file first, and then as g does: see :func:`remembered`.

    Raises
    ------
    CheckpointError
        If the file is that of another run; when it is called, if other points are asked for. A
        ValueError.
    """

    def __init__(
        self,
        g: Callable[[Array], Array],
        checkpoint: Any,
        rng: Rng,
        run: Mapping[str, Any],
        given: bool,
        pieces: Pieces,
    ) -> None:
        from hashlib import blake2b

        check_checkpoint(checkpoint)
        self.path = os.path.abspath(checkpoint)
        clear_remains(self.path)
        self.g, self.pieces = g, pieces
        self.run = {name: _as_json(part) for name, part in run.items()} | {"format": FORMAT}
        self.began: Any = generator_state(rng)
        self.asked = blake2b(digest_size=16)  # of the points, in their order
        self.values: list[np.ndarray] = []
        self.unsaved, self.saved_at = False, time.monotonic()
        self.known, self.known_points = np.empty(0), ""
        if os.path.exists(self.path):
            arrays, text = read_checkpoint(self.path, self.run)
            check_generator(rng, text["began"])
            if given and text["began"] != self.began:
                raise CheckpointError(
                    f"{checkpoint} is the checkpoint of another run (rng began elsewhere). It was left "
                    "as it is; give the seed that it was written with, or another path to start anew"
                )
            self.began = text["began"]
            set_generator_state(rng, self.began)
            self.known, self.known_points = arrays["values"], text["points"]
        self.recalled = 0

    def __call__(self, points: Array) -> Array:
        """Return the values of points of shape (M, P), those that the file has and those of g."""
        found = self.known[self.recalled : self.recalled + points.shape[0]]
        if not len(found):
            return self._ask(points)
        self._recall(points[: len(found), ...], found)
        xp = namespace(points)
        values = [xp.asarray(found, dtype=points.dtype, device=compat.device(points))]
        if len(found) < points.shape[0]:
            rest = points[len(found) :, ...]
            for piece, _ in self.pieces(lambda start, stop: rest[start:stop, ...], rest.shape[0]):
                try:
                    values.append(self._ask(piece))
                except BaseException as error:
                    if self._tells_finished(error):
                        _complete(error, xp.concat(values), points.shape[0])
                    raise
        return xp.concat(values)

    def save(self) -> None:
        """Write all answers, if there are new ones."""
        if self.unsaved:
            text = {"run": self.run, "began": self.began, "points": self.asked.hexdigest()}
            write_checkpoint(self.path, {"values": np.concatenate(self.values)}, text)
            self.unsaved, self.saved_at = False, time.monotonic()

    def _recall(self, points: Array, values: np.ndarray) -> None:
        self.recalled += len(values)
        self._note(points, values)
        if self.recalled == len(self.known) and self.asked.hexdigest() != self.known_points:
            raise CheckpointError(
                f"{self.path} is the checkpoint of another run: this one asks for other points. It was "
                "left as it is; give another path to start anew"
            )

    def _ask(self, points: Array) -> Array:
        try:
            values = evaluate(self.g, points)
        except BaseException as error:
            if self._tells_finished(error):
                in_order = np.logical_and.accumulate(error.finished)  # type: ignore[attr-defined]
                count = int(in_order.sum())
                self._note(points[:count, ...], on_host(error.values)[:count])  # type: ignore[attr-defined]
                self.unsaved |= count > 0
            raise
        self._note(points, on_host(values))
        self.unsaved = True
        if time.monotonic() - self.saved_at > SECONDS:
            self.save()
        return values

    def _note(self, points: Array, values: np.ndarray) -> None:
        self.asked.update(np.ascontiguousarray(on_host(points)).data)
        self.values.append(np.array(values))

    def _tells_finished(self, error: BaseException) -> bool:
        return hasattr(error, "finished") and tells_finished(self.g)


def _as_json(part: Any) -> Any:
    return part if isinstance(part, str | list) else describe(part)


def _complete(error: Any, before: Array, count: int) -> None:
    """Let an exception tell of all points, of which it knows those of one piece."""
    xp = namespace(before)
    after = count - before.shape[0] - len(error.finished)
    some, none = np.ones(before.shape[0], dtype=bool), np.zeros(after, dtype=bool)
    error.finished = np.concatenate([some, error.finished, none])
    unknown = xp.full((after,), xp.nan, dtype=before.dtype, device=compat.device(before))
    error.values = xp.concat([before, error.values, unknown])
