r"""Stochastic gradient descent: a minibatch at a time, until all data has passed, and again.

A step sees only the samples of its minibatch, and costs as much less as there are fewer of them.
"""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, is_dataclass, replace
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import (
    Array,
    as_array,
    check_finite,
    detached,
    namespace,
    on_host,
    same_kind,
)
from lecturecode.backpropagation import Backprop, checked_samples
from lecturecode.checkpoints import (
    generator_state,
    read_checkpoint,
    set_generator_state,
    write_checkpoint,
)
from lecturecode.losses import Loss
from lecturecode.minibatching import check_batch_size, minibatches
from lecturecode.network import Network
from lecturecode.optimizers import Optimizer, Schedule, check_optimizer, positive
from lecturecode.randomness import Rng, generator
from lecturecode.search import check_count
from lecturecode.trace import Callback, Recorder, Trace

__all__ = ["train"]


def train(
    network: Network,
    loss: Loss,
    x: Any,
    y: Any,
    optimizer: Optimizer,
    *,
    epochs: int,
    batch_size: int,
    rng: Rng = None,
    theta: Any = None,
    schedule: Schedule | None = None,
    validation: tuple[Any, Any] | None = None,
    patience: int | None = None,
    keep_last: bool = True,
    checkpoint: str | os.PathLike | None = None,
    record_every: int = 0,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Fit a network to data by an optimizer that sees a minibatch at each step.

    .. math:: \theta, s \leftarrow \operatorname{step}\Bigl(\theta,\;
        \frac{1}{|T_i|} \sum_{t \in T_i} \nabla l\bigl(\mathrm{dnn}_\theta(x_t), y_t\bigr),\; s\Bigr)

    Parameters
    ----------
    network : Network
        Of P parameters.
    loss : Loss
        :class:`lecturecode.SquaredError` or :class:`lecturecode.CrossEntropy`.
    x : array of shape (T, N_0)
        The samples.
    y : array of shape (T, N_L), or (T,) class numbers
        Their targets.
    optimizer : Optimizer
        For instance ``Adam(0.001)``.
    epochs : int
        How often all data passes.
    batch_size : int
        Samples in a minibatch.
    rng : None, int, numpy.random.Generator or torch.Generator
        Where the start and the minibatches come from.
    theta : array of shape (P,), optional
        The start; drawn by :meth:`Network.init` if not given.
    schedule : callable, optional
        The learning rate as a function of the number of steps so far, instead of the optimizer's own.
    validation : pair of arrays, optional
        Samples and targets that the network is not fitted to.
    patience : int, optional
        Stop when the validation loss has not fallen for so many epochs.
    keep_last : bool
        As for :func:`lecturecode.minibatches`.
    checkpoint : path, optional
        A file that is written after each epoch. If it is there already, the run goes on from it, and
        ends at the same theta, bit for bit, as one that was never interrupted.
    record_every : int
        Keep one theta in this many steps; 0 keeps only the best and the last one.
    callback : callable, optional
        Called with the trace so far after each epoch; returning True stops.
    progress : bool
        Show a progress bar, a tick for each epoch.

    Returns
    -------
    Trace
        ``values[i]`` is the loss of minibatch i at the theta before its step, which is g seen through
        few samples; the last value is that of the last theta on all training data. ``extras`` has, one
        entry for each epoch, "loss", the mean over its samples as they passed, "end", the number of
        steps up to its end, and "validation", where data for it were given. With validation, `theta` is
        the start or the end of an epoch, whichever has the lowest validation loss, and `value` is that
        loss. Without, three thetas are compared when the run is over, by their loss on all training
        data, and `value` is the lowest: the last one, and those before and after the epoch of the lowest
        "loss". (Until then, in a callback, `theta` is the one after, and `value` that "loss".)

    Raises
    ------
    TypeError, ValueError
        If data, theta and network do not fit, are not finite, or if a number is out of range.
    FileNotFoundError
        If the folder of the checkpoint does not exist.
    CheckpointError
        If the checkpoint is damaged, or was written by a run with another network, loss, optimizer,
        batch size or data. A ValueError. The schedule cannot be compared, and is taken as given.

    Notes
    -----
    The sum is divided by the number of samples in the minibatch, not by T: otherwise a step would shrink
    with the number of minibatches. When the loss turns NaN or infinite the run stops and says at which
    step. The array of the gradient is used again at the next step.

    Examples
    --------
    >>> import numpy as np
    >>> from lecturecode import Adam, Network, SquaredError
    >>> x = np.linspace(-1, 1, 100)[:, None]
    >>> trace = train(Network((1, 1)), SquaredError(), x, 3 * x + 1, Adam(0.1),
    ...               epochs=50, batch_size=10, rng=0)
    >>> trace.theta.round(2).tolist()
    [1.0, 3.0]
    """
    check_optimizer(optimizer)
    if schedule is not None and not (is_dataclass(optimizer) and hasattr(optimizer, "learning_rate")):
        raise TypeError(
            f"a schedule needs an optimizer that is a dataclass with a learning_rate; got {optimizer!r}"
        )
    rng, x = generator(rng), detached(as_array(x, "x"))
    check_finite(x, "x")
    if theta is None:
        theta = network.init(rng, like=x)
    theta = namespace(x).asarray(detached(same_kind(theta, x, "theta", "x")), copy=True)
    theta, x, y = checked_samples(network, loss, theta, x, y)
    held_out = None
    if theta.ndim != 1:
        raise ValueError(f"theta must have shape ({network.size},); got {tuple(theta.shape)}")
    if validation is not None:
        if not isinstance(validation, tuple | list) or len(validation) != 2:
            raise TypeError(f"validation must be the pair (x, y); got {type(validation).__name__}")
        held_out = checked_samples(network, loss, theta, *validation)[1:]
    for name, array in _floats(theta, y, held_out):
        check_finite(array, name)
    check_count(epochs, "epochs")
    check_batch_size(x.shape[0], batch_size)
    if patience is not None:
        check_count(patience, "patience")
        if held_out is None:
            raise ValueError("patience needs validation=(x, y), data that the network is not fitted to")
    if checkpoint is not None and not os.path.isdir(
        folder := os.path.dirname(os.path.abspath(checkpoint))
    ):
        raise FileNotFoundError(f"there is no folder {folder} for the checkpoint; make it first")
    run = _Run(
        network, loss, x, y, optimizer, theta, rng, held_out, batch_size, keep_last, schedule,
        Recorder(record_every, keep_best=False), patience,
    )  # fmt: skip
    return run.follow(epochs, checkpoint, callback, progress)


@dataclass
class _Run:
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

    @property
    def epoch(self) -> int:
        return len(self.losses)

    def follow(self, epochs: int, checkpoint: Any, callback: Callback | None, progress: bool) -> Trace:
        identity = {} if checkpoint is None else self._identity()
        if checkpoint is not None and os.path.exists(checkpoint):
            self._resume(*read_checkpoint(checkpoint, identity))
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
            if (
                self.recorder.values.count == self.steps
            ):  # else it has a value, of a step that was not taken
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
        for batch in minibatches(
            T, self.batch_size, rng=self.rng, keep_last=self.keep_last, like=self.x
        ):
            value, gradient = self.backprop(self.theta, self.x[batch, ...], self.y[batch, ...])
            self.recorder.add(self.theta, value)
            number = float(value)
            if not math.isfinite(number):
                return False
            if self.schedule is not None:
                rate = positive(self.schedule(self.steps), f"schedule({self.steps})")
                self.optimizer = replace(self.optimizer, learning_rate=rate)  # type: ignore[type-var]
            self.theta, self.state = self.optimizer.step(self.theta, gradient, self.state)
            total, seen, self.steps = total + number * len(batch), seen + len(batch), self.steps + 1
        self.losses.append(total / seen)
        self.ends.append(self.steps)
        if self.held_out is not None:
            self.validation.append(self._total(self.theta, *self.held_out))
        score = (self.losses if self.held_out is None else self.validation)[-1]
        if score < self.lowest:
            self.before, self.best, self.lowest, self.best_epoch = before, self.theta, score, self.epoch
        return True

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


def _floats(theta: Array, y: Array, held_out: tuple[Array, Array] | None) -> Iterator[tuple[str, Array]]:
    yield "theta", theta
    named = {"y": y}
    if held_out is not None:
        named |= {"validation x": held_out[0], "validation y": held_out[1]}
    yield from ((name, array) for name, array in named.items() if array.dtype == theta.dtype)


def _finite_or_inf(number: float) -> float:
    return number if math.isfinite(number) else math.inf


def _progress_bar(epochs: int, done: int) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=epochs, initial=done, unit="epoch")
