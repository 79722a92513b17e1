"""One run of training, epoch by epoch: what it remembers, and how it goes to disk and comes back."""

import math
import os
from dataclasses import dataclass, field, replace
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import (
    Array,
    namespace,
    on_host,
)
from lecturecode.backpropagation import Backprop
from lecturecode.checkpoints import (
    clear_remains,
    generator_state,
    read_checkpoint,
    set_generator_state,
    write_checkpoint,
)
from lecturecode.losses import Loss
from lecturecode.minibatching import minibatches
from lecturecode.network import Network
from lecturecode.optimizers import Optimizer, steps_in_place
from lecturecode.schedules import Schedule, at_rate, rate_of, sampled_rates
from lecturecode.trace import Callback, Recorder, Trace

__all__ = ["Run"]


@dataclass
class Run:
    """One run: what it was given, and what it remembers from step to step."""

    network: Network
    loss: Loss
    x: Array
    y: Array
    optimizer: Optimizer
    theta: Array
    rng: Any
    held_out: tuple[Array, Array] | None
    batch_size: int
    keep_last: bool
    schedule: Schedule | None
    recorder: Recorder
    patience: int | None
    steps: int = 0
    losses: list[float] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    lowest: float = math.inf
    best_epoch: int = 0

    def __post_init__(self) -> None:
        self.backprop = Backprop(self.network, self.loss)
        self.before = self.best = self.theta  # at the two ends of the best epoch
        self.state = self.optimizer.init(self.theta)
        self.in_place = steps_in_place(self.optimizer)
        self.rows: Any = None

    @property
    def epoch(self) -> int:
        """Number of epochs that are over."""
        return len(self.losses)

    def follow(self, epochs: int, checkpoint: Any, callback: Callback | None, progress: bool) -> Trace:
        """Go on up to so many epochs, or until something stops the run; return its trace."""
        identity = {} if checkpoint is None else self._identity()
        if checkpoint is not None:
            clear_remains(checkpoint)
        if checkpoint is not None and os.path.exists(checkpoint):
            self._resume(*read_checkpoint(checkpoint, identity, self._rates))
        bar = _progress_bar(epochs, self.epoch) if progress else None
        message, done = f"used up all {max(epochs, self.epoch)} epochs", False
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                if self.epoch == 0 and self.held_out is not None:
                    self.lowest = _finite_or_inf(self._total(self.theta, *self.held_out))
                while self.epoch < epochs and not (done := self._waited_enough()):
                    if not self._one_epoch():
                        message = self._diverged()
                        break
                    if checkpoint is not None:
                        write_checkpoint(checkpoint, *self._frozen(identity))
                    if bar is not None:
                        bar.update()
                    if callback and callback(self._trace(f"after {self.epoch} epochs")):
                        message = f"stopped by the callback after {self.epoch} epochs"
                        break
        except KeyboardInterrupt:
            if self.recorder.last is None:
                raise
            message = f"interrupted after {self.steps} steps, in epoch {self.epoch + 1}"
        except Exception as error:
            some = self.recorder.last is not None
            error.trace = self._trace(str(error)) if some else None  # type: ignore[attr-defined]
            raise
        finally:
            if bar is not None:
                bar.close()
        if done:
            message = f"the validation loss has not fallen for {self.patience} epochs"
        with np.errstate(over="ignore", invalid="ignore"):
            total = self._total(self.theta, self.x, self.y)
            if self.recorder.values.count == self.steps:  # else it has a value, of a step not taken
                self.recorder.add(self.theta, namespace(self.x).asarray(total, dtype=self.x.dtype))
                message = message if math.isfinite(total) else self._diverged()
            if self.held_out is None:
                self._settle(total)
        return self._trace(message, done)

    def _settle(self, total: float) -> None:
        """Compare the last theta, whose total loss is given, with those around the best epoch."""
        self.best, self.lowest, candidates = self.theta, _finite_or_inf(total), (self.best, self.before)
        for theta in candidates:
            loss = total if theta is self.theta else self._total(theta, self.x, self.y)
            if loss < self.lowest or not math.isfinite(self.lowest):
                self.best, self.lowest = theta, _finite_or_inf(loss)

    def _diverged(self) -> str:
        return (
            f"diverged at step {self.steps}, after {self.epoch} epochs: the loss is not finite; "
            "try a smaller learning rate"
        )

    def _one_epoch(self) -> bool:
        """Let all data pass once; return whether the loss stayed finite."""
        total, seen, T, before = 0.0, 0, self.x.shape[0], self.theta
        self.theta = namespace(before).asarray(before, copy=True)  # steps may overwrite this one
        for batch in minibatches(
            T, self.batch_size, rng=self.rng, keep_last=self.keep_last, like=self.x
        ):
            value, gradient = self.backprop(self.theta, self._inputs(batch), self.y[batch, ...])
            self.recorder.add(self.theta, value)
            number = float(value)
            if not math.isfinite(number):
                return False
            self._step(gradient)
            total, seen, self.steps = total + number * len(batch), seen + len(batch), self.steps + 1
        self.losses.append(total / seen)
        self.ends.append(self.steps)
        if self.held_out is not None:
            self.validation.append(self._total(self.theta, *self.held_out))
        score = (self.losses if self.held_out is None else self.validation)[-1]
        if score < self.lowest:
            self.best, self.lowest, self.best_epoch = self.theta, score, self.epoch
            self.before = before if self.held_out is None else self.best  # `_settle` alone asks for it
        return True

    def _inputs(self, batch: Array) -> Array:
        """Return the rows of x that make a minibatch, in the same memory each time if x is an array."""
        if not isinstance(self.x, np.ndarray):
            return self.x[batch, ...]
        if self.rows is None:
            self.rows = np.empty((self.batch_size, self.x.shape[1]), self.x.dtype)
        # "clip" writes at once, where the default first checks indices in memory of its own.
        return np.take(self.x, batch, axis=0, out=self.rows[: len(batch)], mode="clip")

    def _step(self, gradient: Array) -> None:
        """Take a step, in place if the optimizer can; the gradient is lost."""
        if self.schedule is not None:
            self.optimizer = at_rate(self.optimizer, rate_of(self.schedule, self.steps))
        if self.in_place:
            self.state = self.optimizer.step_in_place(self.theta, gradient, self.state)  # type: ignore[attr-defined]
        else:
            self.theta, self.state = self.optimizer.step(self.theta, gradient, self.state)

    def _waited_enough(self) -> bool:
        return self.patience is not None and self.epoch - self.best_epoch >= self.patience

    def _total(self, theta: Array, x: Array, y: Array) -> float:
        """Return the mean loss on all of x, a minibatch at a time."""
        total, T = 0.0, x.shape[0]
        for first in range(0, T, self.batch_size):
            part = slice(first, first + self.batch_size)
            prediction = self.network.predict(theta, x[part, ...])
            total += float(self.loss(prediction, y[part, ...]).sum())
        return total / T

    def _trace(self, message: str, converged: bool = False) -> Trace:
        extras = {"loss": np.array(self.losses), "end": np.array(self.ends, dtype=np.int64)}
        if self.held_out is not None:
            extras["validation"] = np.array(self.validation)
        self.recorder.last = self.theta  # it may be a step ahead of the last value
        trace = self.recorder.trace(message, converged=converged)
        value = self.lowest if math.isfinite(self.lowest) else float(trace.values[0])
        return replace(trace, theta=self.best, value=value, extras=extras)

    def _identity(self) -> dict[str, Any]:
        """Return what must be the same for a run that goes on."""
        from hashlib import blake2b

        data = blake2b(digest_size=16)
        for array in (self.x, self.y, *(self.held_out or ())):
            data.update(on_host(array).ravel().data)
        return {
            "network": repr(self.network),
            "loss": repr(self.loss),
            "optimizer": repr(self.optimizer),
            "batch size": self.batch_size,
            "keep last": self.keep_last,
            "record every": self.recorder.record_every,
            "data": data.hexdigest(),
            "numbers": str(self.x.dtype),
        }

    def _rates(self, steps: int) -> dict[str, float]:
        return sampled_rates(self.schedule, steps, self.optimizer)

    def _frozen(self, identity: dict[str, Any]) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """Return the state of the run as arrays and text."""
        arrays = {"theta": self.theta, "before": self.before, "best": self.best}
        arrays["values"] = self.recorder.values.so_far()
        if self.recorder.record_every:
            arrays["thetas"] = self.recorder.thetas.so_far()
        arrays |= {f"state {k}": part for k, part in enumerate(self.state)}
        text = {
            "run": identity,
            "steps": self.steps,
            "loss": self.losses,
            "end": self.ends,
            "validation": self.validation,
            "lowest": self.lowest,
            "best epoch": self.best_epoch,
            "rates": self._rates(self.steps),
            "rng": generator_state(self.rng),
        }
        return {name: on_host(array) for name, array in arrays.items()}, text

    def _resume(self, arrays: dict[str, np.ndarray], text: dict[str, Any]) -> None:
        """Go back to the state that :meth:`_frozen` returned."""
        set_generator_state(self.rng, text["rng"])
        self.steps, self.lowest, self.best_epoch = text["steps"], text["lowest"], text["best epoch"]
        self.losses, self.ends, self.validation = text["loss"], text["end"], text["validation"]
        self.theta, self.before, self.best = (
            self._array(arrays[name]) for name in ("theta", "before", "best")
        )
        self.state = tuple(
            type(part)(arrays[f"state {k}"])
            if isinstance(part, int | float)
            else self._array(arrays[f"state {k}"])
            for k, part in enumerate(self.state)
        )
        self.recorder.restore(
            self._array(arrays["values"]),
            self.theta,
            self._array(arrays["thetas"]) if "thetas" in arrays else None,
        )

    def _array(self, numbers: np.ndarray) -> Array:
        return namespace(self.x).asarray(numbers, dtype=self.x.dtype, device=compat.device(self.x))


def _finite_or_inf(number: float) -> float:
    return number if math.isfinite(number) else math.inf


def _progress_bar(epochs: int, done: int) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=epochs, initial=done, unit="epoch")
