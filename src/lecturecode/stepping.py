"""Who takes the steps of a fit: what is asked of them, and of the processes that fit together.

A stepper knows gradients and nothing of epochs.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np

from lecturecode.arrays import Array

Stored = tuple[dict[str, np.ndarray], dict[str, Any]]
"""What a checkpoint holds: arrays, and a text."""


class Fitted(NamedTuple):
    """What a model is at one moment."""

    theta: Any  # an array; the stepper knows of which library
    buffers: Mapping[str, Any]
    """What it has taken from the samples that passed and is no part of theta, such as running means."""


class Stepper(Protocol):
    """Takes the steps of a fit, and knows what has to be remembered from one to the next."""

    steps: int
    """The number of steps taken so far."""

    @property
    def theta(self) -> Array:
        """Theta as it is now. The steps of a later epoch do not overwrite it."""

    @property
    def buffers(self) -> Mapping[str, Array]:
        """A copy of what the model remembers beside theta, and computes with."""

    @property
    def at_hand(self) -> bool:
        """Whether a loss is known when it is yielded. If not, nobody looks before the epoch is over."""

    def epoch(self, batches: Iterable[Any]) -> Iterator[Array]:
        """Yield the loss of each minibatch, then take a step against its gradient."""

    def counts(self, batches: list[Any]) -> list[float]:
        """Return what the samples of each minibatch count together in a mean over all."""

    def total(self, fitted: Fitted, x: Any, y: Any) -> float:
        """Return the mean loss on all of x, of the model as it is used, not as it is trained."""

    def leave(self, fitted: Fitted) -> None:
        """Put theta and buffers where the caller looks for them when the fit is over."""

    def identity(self) -> dict[str, Any]:
        """Return what must be the same for a run that goes on."""

    def rates(self, steps: int) -> dict[str, float]:
        """Return some of the learning rates of so many steps."""

    def memory(self) -> dict[str, Any]:
        """Return what is remembered from step to step, theta aside."""

    def recall(self, theta: Any, memory: Mapping[str, Any]) -> None:
        """Go back to a theta, and to what was remembered there."""

    def on_disk(self, arrays: Mapping[str, Any]) -> dict[str, np.ndarray]:
        """Return arrays as those of NumPy."""

    def from_disk(self, arrays: Mapping[str, np.ndarray]) -> dict[str, Any]:
        """Return what :meth:`on_disk` was given."""


class Together(Protocol):
    """The processes that fit one model. One of them leads: it writes, calls back and shows progress."""

    @property
    def leads(self) -> bool:
        """Whether this process does."""

    @property
    def alone(self) -> bool:
        """Whether there is no other."""

    def any(self, stop: bool) -> bool:
        """Return whether one of them wants to stop."""

    def from_leader(self, stored: Stored | None) -> Stored | None:
        """Return what the leader has."""


class Alone:
    """One process, which agrees with itself."""

    leads = alone = True

    def any(self, stop: bool) -> bool:
        """Return what this process wants."""
        return stop

    def from_leader(self, stored: Stored | None) -> Stored | None:
        """Return what this process has."""
        return stored
