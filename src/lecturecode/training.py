r"""Stochastic gradient descent: a minibatch at a time, until all data has passed, and again.

A step sees only the samples of its minibatch, and costs as much less as there are fewer of them.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, is_dataclass
from typing import Any, ClassVar
from warnings import warn

import array_api_compat as compat
import numpy as np

from lecturecode.arrays import (
    Array,
    ArrayLike,
    as_array,
    check_finite,
    copied,
    detached,
    namespace,
    on_host,
    same_kind,
)
from lecturecode.backpropagation import Backprop, checked_samples
from lecturecode.checkpoints import describe, digest
from lecturecode.door import instance, protocol, renamed
from lecturecode.fitting import Fit, check_fit
from lecturecode.losses import Loss, SquaredError, check_loss
from lecturecode.losses import apart as loss_apart
from lecturecode.minibatching import in_parts
from lecturecode.network import Network
from lecturecode.optimizers import PURE, Optimizer, apart, steps_in_place
from lecturecode.randomness import Rng, generator
from lecturecode.schedules import Schedule, at_rate, rate_of, sampled_rates
from lecturecode.stepping import Fitted
from lecturecode.trace import Callback, Recorder, Trace
from lecturecode.units import UnequalUnitsWarning

__all__ = ["train"]

FAR = 30.0
"""How many times larger or smaller than 1 data are taken to be in another unit."""


@renamed(theta="start")
def train(
    network: Network,
    loss: Loss,
    x: ArrayLike,
    y: ArrayLike,
    optimizer: Optimizer,
    *,
    epochs: int,
    batch_size: int,
    rng: Rng = None,
    start: ArrayLike | None = None,
    schedule: Schedule | None = None,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    patience: int | None = None,
    keep_last: bool = True,
    checkpoint: str | os.PathLike[str] | None = None,
    record_every: int | None = 0,
    callback: Callback | None = None,
    progress: bool = False,
) -> Trace:
    r"""Fit a network to data by minibatches, for some epochs; thetas are kept only on request.

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
    start : array of shape (P,), optional
        The first theta; drawn by :meth:`Network.init` if not given.
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
        ends at the same theta, bit for bit, as one that was never interrupted. It belongs to one run:
        another seed or start needs another path.
    record_every : int, optional
        Keep one theta in this many steps; 0 keeps only the best and the last one. With None all are kept
        up to 128 MiB, then every second one, and so on.
    callback : callable, optional
        Called with the trace so far after each epoch; returning True stops.
        It is there to be read: arrays are read-only views, and tensors are copied when asked for.
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
    OSError
        If the checkpoint cannot be written: FileNotFoundError if its folder does not exist,
        PermissionError if it may not be written to.
    CheckpointError
        If the checkpoint is damaged or no regular file, or was written by a run with another network,
        loss, optimizer, batch size, data, `rng` or start, or with another learning rate at one of the
        steps 0, 1, 2, 4, 8, ... already taken. A ValueError. What a schedule will say later cannot be
        compared, and is taken as given; so is the seed that is drawn where `rng` is None.

    Warns
    -----
    UnequalUnitsWarning
        If theta is drawn, for inputs of a root mean square of 1, and theirs is above 30 or below 1/30;
        or if the targets of a squared error have one above 30.

    Notes
    -----
    The sum is divided by the number of samples in the minibatch, not by T: otherwise a step would shrink
    with the number of minibatches. When the loss turns NaN or infinite the run stops and says at which
    step. On a GPU losses are looked at when an epoch is over, and `last` is the theta at its end.

    Steps assume that inputs are about as large as 1, and so are the targets of a squared error: bring
    them to one scale first, as by ``(x - mean) / std`` with the mean and the standard deviation of each
    column of the training data, and new samples by the same two. Predictions are
    ``network.predict(trace.theta, x)``.

    An exception has the trace so far as its attribute ``trace``, and a note that says where it was
    raised.

    Within an epoch theta is overwritten by each step if the optimizer has ``step_in_place``, as those of
    the package have; every epoch begins with a copy, so that the thetas at its two ends stay.

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
    hint = "Modules of PyTorch are fitted by lecturecode.pytorch.train"
    instance(network, "network", Network, "Network((2, 8, 1))", hint)
    check_loss(loss)
    protocol(optimizer, "optimizer", ("init", "step"), "Adam(0.001)")
    if schedule is not None and not (is_dataclass(optimizer) and hasattr(optimizer, "learning_rate")):
        raise TypeError(
            f"a schedule needs an optimizer that is a dataclass with a learning_rate; got {optimizer!r}"
        )
    given = {"rng": rng is not None, "start": rng is not None or start is not None}
    rng, x = generator(rng), detached(as_array(x, "x"))
    check_finite(x, "x")
    drawn = start is None
    first = network.init(rng, like=x) if start is None else start
    theta = namespace(x).asarray(detached(same_kind(first, x, "start", "x")), copy=True)
    theta, x, y = checked_samples(network, loss, theta, x, y)
    if theta.ndim != 1:
        raise ValueError(f"start must have shape ({network.size},); got {tuple(theta.shape)}")
    check_fit(
        x.shape[0], epochs, batch_size, schedule=schedule, validation=validation, patience=patience,
        keep_last=keep_last, callback=callback, progress=progress,
    )  # fmt: skip
    held_out = None
    if validation is not None:
        unseen = same_kind(detached(validation[0]), x, "validation x", "x")
        held_out = checked_samples(network, loss, theta, unseen, validation[1])[1:]
    for name, array in _floats(theta, y, held_out):
        check_finite(array, name)
    if drawn:
        _warn_of_units(x, y, isinstance(loss, SquaredError))
    stepper = ByHand(network, loss, x, y, optimizer, theta, schedule, held_out, batch_size)
    recorder = Recorder(record_every, keep_best=False)
    fit = Fit(stepper, x, y, held_out, batch_size, keep_last, patience, rng, given, recorder)
    return fit.follow(epochs, checkpoint, callback, progress)


@dataclass(eq=False)
class ByHand:
    """Takes the steps of a fit on arrays, by backpropagation and the rule of an optimizer.

    An epoch overwrites a copy of theta, so that those at the ends of epochs stay as they are.
    """

    network: Network
    loss: Loss
    x: Array
    y: Array
    optimizer: Optimizer
    theta: Array
    schedule: Schedule | None
    held_out: tuple[Array, Array] | None
    batch_size: int
    steps: int = 0

    def __post_init__(self) -> None:
        self.backprop = Backprop(self.network, self.loss)
        self.rule, self.state = self.optimizer, apart(self.optimizer).init(self.theta)
        self.ours = type(self.optimizer) in PURE and self.theta.dtype.itemsize >= 4
        self.in_place = steps_in_place(self.optimizer)
        self.rows: Any = None
        device = compat.device(self.x)
        self.at_hand = getattr(device, "type", device) == "cpu"

    def epoch(self, batches: Iterable[Array]) -> Iterator[Array]:
        """Yield the loss of each minibatch, then step against its gradient."""
        self.theta = namespace(self.theta).asarray(self.theta, copy=True)
        for batch in batches:
            times = self._times()
            value, gradient = self.backprop(self.theta, self._inputs(batch), self.y[batch, ...], times)
            yield value
            self._step(gradient)
            self.steps += 1

    def _times(self) -> float:
        """Return what the next step multiplies the gradient by, which costs less on the way to it."""
        if self.schedule is not None:
            self.rule = at_rate(self.optimizer, rate_of(self.schedule, self.steps))
        return self.rule.times if self.ours else 1.0  # type: ignore[attr-defined]

    def _step(self, gradient: Array) -> None:
        """Take a step, in place if the optimizer can; the gradient is lost.

        An optimizer of the user's may keep the gradient, and return one theta again and again.
        """
        if self.ours:
            self.state = self.rule.step_by(self.theta, gradient, self.state)  # type: ignore[attr-defined]
        elif self.in_place:
            self.state = self.rule.step_in_place(self.theta, copied(gradient), self.state)  # type: ignore[attr-defined]
        else:
            self.theta, self.state = apart(self.rule).step(self.theta, gradient, self.state)

    def _inputs(self, batch: Array) -> Array:
        """Return the rows of x that make a minibatch, in the same memory each time if x is an array."""
        if not isinstance(self.x, np.ndarray):
            return self.x[batch, ...]
        if self.rows is None:
            self.rows = np.empty((self.batch_size, self.x.shape[1]), self.x.dtype)
        # "clip" writes at once, where the default first checks indices in memory of its own.
        return np.take(self.x, batch, axis=0, out=self.rows[: len(batch)], mode="clip")

    buffers: ClassVar[dict[str, Array]] = {}  # all that a network knows is theta

    def counts(self, batches: list[Array]) -> list[float]:
        """Return the number of samples of each minibatch."""
        return [len(batch) for batch in batches]

    def total(self, fitted: Fitted, x: Array, y: Array) -> float:
        """Return the mean loss on all of x."""
        total = 0.0
        for part in in_parts(x.shape[0], self.batch_size):
            prediction = self.network.predict(fitted.theta, x[part, ...])
            total += float(loss_apart(self.loss)(prediction, y[part, ...]).sum())
        return total / x.shape[0]

    def leave(self, fitted: Fitted) -> None:
        """Do nothing: the caller finds it in the trace."""

    def identity(self) -> dict[str, Any]:
        """Return what must be the same for a run that goes on."""
        data = (on_host(array) for array in (self.x, self.y, *(self.held_out or ())))
        return {
            "network": repr(self.network),
            "loss": describe(self.loss),
            "optimizer": describe(self.optimizer),
            "data": digest(data),
            "numbers": str(self.x.dtype),
        }

    def rates(self, steps: int) -> dict[str, float]:
        """Return some of the learning rates of so many steps."""
        return sampled_rates(self.schedule, steps, self.optimizer)

    def memory(self) -> dict[str, Array]:
        """Return what the optimizer remembers."""
        return {f"state {k}": part for k, part in enumerate(self.state)}

    def recall(self, theta: Array, memory: Mapping[str, Array]) -> None:
        """Go back to a theta, and to what the optimizer remembered there."""
        self.theta = theta
        self.state = tuple(
            type(part)(memory[f"state {k}"]) if isinstance(part, int | float) else memory[f"state {k}"]
            for k, part in enumerate(self.state)
        )

    def on_disk(self, arrays: Mapping[str, Array]) -> dict[str, np.ndarray]:
        """Return arrays as those of NumPy."""
        return {name: on_host(array) for name, array in arrays.items()}

    def from_disk(self, arrays: Mapping[str, np.ndarray]) -> dict[str, Array]:
        """Return arrays like x, each of its own dtype."""
        xp, device = namespace(self.x), compat.device(self.x)
        return {name: xp.asarray(array, device=device) for name, array in arrays.items()}


def _warn_of_units(x: Array, y: Array, squares: bool) -> None:
    """Say where data are not about as large as 1, which a drawn theta and the usual rates assume."""
    size = _root_mean_square(x)
    if size > FAR or 0 < size < 1 / FAR:
        warn(
            f"x has a root mean square of {size:.2g}, and the first theta is drawn for inputs of about "
            "1; bring all columns to one scale, as by (x - x.mean(0)) / x.std(0)",
            UnequalUnitsWarning,
            stacklevel=4,  # above the door for old names
        )
    if squares and (size := _root_mean_square(y)) > FAR:
        warn(
            f"y has a root mean square of {size:.2g}, and the first predictions are of about 1; fit "
            "(y - y.mean(0)) / y.std(0) instead",
            UnequalUnitsWarning,
            stacklevel=4,  # above the door for old names
        )


@np.errstate(over="ignore")
def _root_mean_square(data: Array) -> float:
    """Return that of some four thousand rows or fewer, evenly spaced."""
    rows = on_host(data[:: max(1, data.shape[0] // 4096), ...]).astype(float)
    return float(np.sqrt(np.mean(rows * rows)))


def _floats(theta: Array, y: Array, held_out: tuple[Array, Array] | None) -> Iterator[tuple[str, Array]]:
    yield "start", theta
    named = {"y": y}
    if held_out is not None:
        named |= {"validation x": held_out[0], "validation y": held_out[1]}
    yield from ((name, array) for name, array in named.items() if array.dtype == theta.dtype)
