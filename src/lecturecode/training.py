r"""Stochastic gradient descent: a minibatch at a time, until all data has passed, and again.

A step sees only the samples of its minibatch, and costs as much less as there are fewer of them.
"""

import math
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import Array, as_array, check_finite, namespace, on_host, same_kind
from lecturecode.backpropagation import Backprop, checked_samples
from lecturecode.checkpoints import (
    generator_state,
    read_checkpoint,
    set_generator_state,
    write_checkpoint,
)
from lecturecode.losses import Loss
from lecturecode.network import Network
from lecturecode.optimizers import Optimizer, Schedule
from lecturecode.randomness import Rng, generator, permutation
from lecturecode.search import check_count
from lecturecode.trace import Callback, Recorder, Trace

__all__ = ["minibatches", "train"]


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
    ValueError
        If `batch_size` is not between 1 and `samples`.

    Examples
    --------
    >>> [len(batch) for batch in minibatches(10, 4, rng=0)]
    [4, 4, 2]
    >>> sorted(int(t) for batch in minibatches(10, 4, rng=0) for t in batch)
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    """
    _check_batch_size(samples, batch_size)
    order = permutation(generator(rng), samples, np.empty(0) if like is None else like)
    end = samples if keep_last else samples - samples % batch_size
    return (order[first : min(first + batch_size, end)] for first in range(0, end, batch_size))


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
        As for :func:`minibatches`.
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
        steps up to its end, and "validation", where data for it were given. `theta` is the one at the
        end of the epoch with the lowest validation loss, or without validation the lowest "loss", and
        `value` is that number.

    Raises
    ------
    TypeError, ValueError
        If data, theta and network do not fit, are not finite, or if a number is out of range.
    CheckpointError
        If the checkpoint is damaged, or was written by a run with another network, loss, optimizer,
        batch size or data. A ValueError.

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
    rng, x = generator(rng), as_array(x, "x")
    check_finite(x, "x")
    if theta is None:
        theta = network.init(rng, like=x)
    theta = namespace(x).asarray(same_kind(theta, x, "theta", "x"), copy=True)
    theta, x, y = checked_samples(network, loss, theta, x, y)
    held_out = None
    if theta.ndim != 1:
        raise ValueError(f"theta must have shape ({network.size},); got {tuple(theta.shape)}")
    if validation is not None:
        held_out = checked_samples(network, loss, theta, *validation)[1:]
    for name, array in _floats(theta, y, held_out):
        check_finite(array, name)
    check_count(epochs, "epochs")
    _check_batch_size(x.shape[0], batch_size)
    if patience is not None:
        check_count(patience, "patience")
        if held_out is None:
            raise ValueError("patience needs validation=(x, y), data that the network is not fitted to")
    run = _Run(
        network, loss, x, y, optimizer, theta, rng, held_out, batch_size, keep_last, schedule,
        Recorder(record_every), patience,
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

    def __post_init__(self) -> None:
        self.backprop, self.best = Backprop(self.network, self.loss), self.theta
        self.state = self.optimizer.init(self.theta)

    @property
    def epoch(self) -> int:
        return len(self.losses)

    def follow(self, epochs: int, checkpoint: Any, callback: Callback | None, progress: bool) -> Trace:
        identity = {} if checkpoint is None else self._identity()
        if checkpoint is not None and os.path.exists(checkpoint):
            self._resume(*read_checkpoint(checkpoint, identity))
        bar = _progress_bar(epochs, self.epoch) if progress else None
        message, done = f"used up all {epochs} epochs", False
        try:
            with np.errstate(over="ignore", invalid="ignore"):
                while self.epoch < epochs and not (done := self._waited_enough()):
                    if not self._one_epoch():
                        message = (
                            f"diverged at step {self.steps}, in epoch {self.epoch + 1}: the loss is not "
                            "finite; try a smaller learning rate"
                        )
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
            total = self._total(self.x, self.y)
        self.recorder.add(self.theta, namespace(self.x).asarray(total, dtype=self.x.dtype))
        return self._trace(message, done)

    def _one_epoch(self) -> bool:
        """Let all data pass once; return whether the loss stayed finite."""
        total, seen, T = 0.0, 0, self.x.shape[0]
        for batch in minibatches(
            T, self.batch_size, rng=self.rng, keep_last=self.keep_last, like=self.x
        ):
            value, gradient = self.backprop(self.theta, self.x[batch, ...], self.y[batch, ...])
            self.recorder.add(self.theta, value)
            number = float(value)
            if not math.isfinite(number):
                return False
            if self.schedule is not None:
                self.optimizer = replace(self.optimizer, learning_rate=self.schedule(self.steps))  # type: ignore[type-var]
            self.theta, self.state = self.optimizer.step(self.theta, gradient, self.state)
            total, seen, self.steps = total + number * len(batch), seen + len(batch), self.steps + 1
        score = total / seen
        if self.held_out is not None:
            held_out = self._total(*self.held_out)
            self.validation.append(held_out)
        self.losses.append(score)
        self.ends.append(self.steps)
        score = self.validation[-1] if self.held_out is not None else score
        if score < self.lowest:
            self.best, self.lowest = self.theta, score
        return True

    def _waited_enough(self) -> bool:
        if self.patience is None or not self.validation:
            return False
        return len(self.validation) - 1 - int(np.argmin(self.validation)) >= self.patience

    def _total(self, x: Array, y: Array) -> float:
        """Return the mean loss of the present theta on all of x, a minibatch at a time."""
        total, T = 0.0, x.shape[0]
        for first in range(0, T, self.batch_size):
            part = slice(first, first + self.batch_size)
            prediction = self.network.predict(self.theta, x[part, ...])
            total += float(self.loss(prediction, y[part, ...]).sum())
        return total / T

    def _trace(self, message: str, converged: bool = False) -> Trace:
        extras = {"loss": np.array(self.losses), "end": np.array(self.ends, dtype=np.int64)}
        if self.held_out is not None:
            extras["validation"] = np.array(self.validation)
        trace = self.recorder.trace(message, converged=converged)
        value = self.lowest if self.losses else float(trace.values[0])
        return replace(trace, theta=self.best, value=value, extras=extras)

    def _identity(self) -> dict[str, Any]:
        """Return what must be the same for a run that goes on."""
        from hashlib import blake2b

        data = blake2b(digest_size=16)
        for array in (self.x, self.y, *(self.held_out or ())):
            data.update(np.ascontiguousarray(on_host(array)).tobytes())
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
        arrays = {"theta": self.theta, "best": self.best, "values": self.recorder.values.so_far()}
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
            "rng": generator_state(self.rng),
        }
        return {name: on_host(array) for name, array in arrays.items()}, text

    def _resume(self, arrays: dict[str, np.ndarray], text: dict[str, Any]) -> None:
        """Go back to the state that :meth:`_frozen` returned."""
        set_generator_state(self.rng, text["rng"])
        self.steps, self.lowest = text["steps"], text["lowest"]
        self.losses, self.ends, self.validation = text["loss"], text["end"], text["validation"]
        self.theta, self.best = (self._array(arrays[name]) for name in ("theta", "best"))
        self.state = tuple(
            int(arrays[f"state {k}"]) if isinstance(part, int) else self._array(arrays[f"state {k}"])
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


def _check_batch_size(samples: int, batch_size: int) -> None:
    check_count(samples, "samples")
    check_count(batch_size, "batch_size")
    if batch_size > samples:
        raise ValueError(
            f"batch_size must be at most the number of samples, {samples}; got {batch_size}"
        )


def _progress_bar(epochs: int, done: int) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=epochs, initial=done, unit="epoch")
