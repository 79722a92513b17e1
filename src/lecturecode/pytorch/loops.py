r"""PyTorch's training loop: forward, loss, zero_grad, backward, step, a minibatch at a time.

It takes the arguments of :func:`lecturecode.train`, gives its trace, and with the same start and rng
takes its steps.
"""

import math
import os
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lecturecode.checkpoints import clear_remains, read_checkpoint, write_checkpoint
from lecturecode.minibatching import check_batch_size, minibatches
from lecturecode.pytorch.captured import CapturedSteps
from lecturecode.pytorch.parameters import checked_theta, flat, named_parts, write
from lecturecode.pytorch.resuming import frozen, identity_of, rates_of, resume
from lecturecode.pytorch.rules import Rule, check_rule
from lecturecode.pytorch.samples import MeanLoss, checked_data
from lecturecode.randomness import Rng, generator
from lecturecode.schedules import Schedule
from lecturecode.search import check_count
from lecturecode.trace import Callback, Recorder, Trace

__all__ = ["train"]


def train(
    module: nn.Module,
    loss: Any,
    x: Any,
    y: Any,
    optimizer: Any,
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
    fast: bool = False,
) -> Trace:
    r"""Fit a module to data by an optimizer that sees a minibatch at each step.

    Parameters
    ----------
    module : torch.nn.Module
        Of P parameters. It is fitted in place, and ends with the trace's `theta`.
    loss : Loss or callable
        :class:`lecturecode.SquaredError`, :class:`lecturecode.CrossEntropy`, or a function of outputs
        and targets such as ``torch.nn.CrossEntropyLoss()``, for each sample or their mean.
    x : tensor of shape (T, ...)
        The samples, on the module's device. Arrays and lists are moved there.
    y : tensor of shape (T, ...)
        Their targets.
    optimizer : GradientDescent, Momentum, Adam or callable
        A rule of the package, or a function from parameters to a ``torch.optim.Optimizer``.
    epochs : int
        How often all data passes.
    batch_size : int
        Samples in a minibatch.
    rng : None, int, numpy.random.Generator or torch.Generator
        Where the minibatches come from.
    theta : tensor of shape (P,), optional
        The start; the module as it is if not given.
    schedule, validation, patience, keep_last, checkpoint, record_every, callback, progress
        As for :func:`lecturecode.train`.
    fast : bool
        Whether the whole step is captured, in a CUDA graph, and repeated. On the CPU the same steps are
        taken without.

    Returns
    -------
    Trace
        As :func:`lecturecode.train` returns it, of tensors on the module's device. Each theta is in the
        order of :func:`lecturecode.pytorch.get_theta`.

    Raises
    ------
    TypeError, ValueError
        If module, loss, optimizer and data do not fit, or if a number is out of range.
    FileNotFoundError
        If the folder of the checkpoint does not exist.
    CheckpointError
        If the checkpoint is damaged or another run's: with another module, loss, optimizer, batch size
        or data. A ValueError; the file stays as it is.

    Notes
    -----
    The rules of the package become ``torch.optim.SGD`` and ``torch.optim.Adam``; a schedule acts on
    Momentum as in :class:`lecturecode.Momentum`, on an optimizer of yours as PyTorch does.

    On the CPU each loss is looked at before the step. On a GPU, and with `fast`, they stay on the device
    until the epoch is over: a NaN then ends the run at the same step, but `last` is the theta at the end
    of that epoch.

    Buffers such as the averages of a BatchNorm are those of the last step. What Dropout draws comes from
    PyTorch's global generator, whose state goes into the checkpoint and comes back from it.

    Examples
    --------
    >>> import torch
    >>> from lecturecode import Adam, SquaredError
    >>> x = torch.linspace(-1, 1, 100)[:, None]
    >>> trace = train(torch.nn.Linear(1, 1), SquaredError(), x, 3 * x + 1, Adam(0.1),
    ...               epochs=50, batch_size=10, rng=0)
    >>> [round(number, 2) for number in trace.theta.tolist()]
    [1.0, 3.0]
    """
    parts = named_parts(module)
    check_rule(optimizer)
    like = next(iter(parts.values()))
    rng = generator(rng)
    start = checked_theta(parts, theta) if theta is not None else flat(list(parts.values()))
    x, y, mean = checked_data(module, loss, x, y, like=like)
    held_out = None
    if not torch.isfinite(start).all():
        raise ValueError("the start has parameters that are NaN or infinite; build the module again")
    if validation is not None:
        if not isinstance(validation, tuple | list) or len(validation) != 2:
            raise TypeError(f"validation must be the pair (x, y); got {type(validation).__name__}")
        names = ("validation x", "validation y")
        held_out = checked_data(module, loss, *validation, like=like, names=names)[:2]
    check_count(epochs, "epochs")
    check_batch_size(x.shape[0], batch_size)
    if patience is not None:
        check_count(patience, "patience")
        if held_out is None:
            raise ValueError("patience needs validation=(x, y), data that the module is not fitted to")
    if checkpoint is not None and not os.path.isdir(
        folder := os.path.dirname(os.path.abspath(checkpoint))
    ):
        raise FileNotFoundError(f"there is no folder {folder} for the checkpoint; make it first")
    run = _Run(
        module, list(parts.values()), mean, x, y, optimizer, start, rng, held_out, batch_size,
        keep_last, schedule, Recorder(record_every, keep_best=False), patience, fast,
    )  # fmt: skip
    mode = module.training
    try:
        return run.follow(epochs, checkpoint, callback, progress)
    finally:
        module.train(mode)


@dataclass
class _Run:
    """One run: what it was given, and what it remembers from step to step."""

    module: nn.Module
    parts: list[nn.Parameter]
    mean: MeanLoss
    x: Tensor
    y: Tensor
    optimizer: Any
    start: Tensor
    rng: Any
    held_out: tuple[Tensor, Tensor] | None
    batch_size: int
    keep_last: bool
    schedule: Schedule | None
    recorder: Recorder
    patience: int | None
    fast: bool
    steps: int = 0
    losses: list[float] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    lowest: float = math.inf
    best_epoch: int = 0

    def __post_init__(self) -> None:
        on_cuda = self.x.device.type == "cuda"
        self.rule = Rule(self.optimizer, self.parts, self.schedule, captured=self.fast and on_cuda)
        self.looks_at_each = not (self.fast or on_cuda)
        self.captured = (
            CapturedSteps(self.module, self.mean, self.rule, self.x, self.y, self.batch_size)
            if self.fast
            else None
        )
        self.ended = self.before = self.best = self.start  # of all epochs so far, and of the best
        self.pending: list[Tensor] = []
        write(self.parts, self.start)

    @property
    def epoch(self) -> int:
        return len(self.losses)

    @property
    def theta(self) -> Tensor:
        return flat(self.parts)

    def follow(self, epochs: int, checkpoint: Any, callback: Callback | None, progress: bool) -> Trace:
        identity = {} if checkpoint is None else identity_of(self)
        if checkpoint is not None:
            clear_remains(checkpoint)
        if checkpoint is not None and os.path.exists(checkpoint):
            resume(self, *read_checkpoint(checkpoint, identity, rates_of(self)))
        bar = _progress_bar(epochs, self.epoch) if progress else None
        message, done = f"used up all {max(epochs, self.epoch)} epochs", False
        try:
            if self.epoch == 0 and self.held_out is not None:
                self.lowest = _finite_or_inf(self._total(*self.held_out))
            while self.epoch < epochs and not (done := self._waited_enough()):
                if not self._one_epoch():
                    message = self._diverged()
                    break
                if checkpoint is not None:
                    write_checkpoint(checkpoint, *frozen(self, identity))
                if bar is not None:
                    bar.update()
                if callback and callback(self._trace(f"after {self.epoch} epochs")):
                    message = f"stopped by the callback after {self.epoch} epochs"
                    break
        except KeyboardInterrupt:
            self._record(self._seen())
            if self.recorder.last is None:
                raise
            message = f"interrupted after {self.steps} steps, in epoch {self.epoch + 1}"
        except Exception as error:
            last = self.x.shape[0] % self.batch_size or self.batch_size
            error.add_note(
                f"raised in epoch {self.epoch + 1}, after {self.steps} steps. Minibatches have "
                f"{self.batch_size} samples, the last of an epoch {last}; keep_last=False drops it"
            )
            self._record(self._seen())
            some = self.recorder.last is not None
            error.trace = self._trace(str(error)) if some else None  # type: ignore[attr-defined]
            raise
        finally:
            if bar is not None:
                bar.close()
        if done:
            message = f"the validation loss has not fallen for {self.patience} epochs"
        total = self._total(self.x, self.y)
        if self.recorder.values.count == self.steps:  # else it has a value, of a step not taken
            self.recorder.add(self.theta, self.start.new_tensor(total))
            message = message if math.isfinite(total) else self._diverged()
        if self.held_out is None:
            self._settle(total)
        write(self.parts, self.best)
        return self._trace(message, done)

    def _settle(self, total: float) -> None:
        """Compare the last theta, whose total loss is given, with those around the best epoch."""
        candidates = (self.best, self.before)
        last = self.theta
        last = self.ended if torch.equal(last, self.ended) else last
        self.best, self.lowest = last, _finite_or_inf(total)
        for theta in candidates:
            write(self.parts, theta)
            loss = total if theta is last else self._total(self.x, self.y)
            if loss < self.lowest or not math.isfinite(self.lowest):
                self.best, self.lowest = theta, _finite_or_inf(loss)

    def _diverged(self) -> str:
        return (
            f"diverged at step {self.steps}, after {self.epoch} epochs: the loss is not finite; "
            "try a smaller learning rate"
        )

    def _one_epoch(self) -> bool:
        """Let all data pass once; return whether the loss stayed finite."""
        before, started = self.ended, self.steps
        batches = list(
            minibatches(
                self.x.shape[0], self.batch_size, rng=self.rng, keep_last=self.keep_last, like=self.x
            )
        )
        self.module.train()
        (self._pass if self.captured is None else self._fast_pass)(batches)
        values = self._seen()
        numbers = values.tolist()  # the one number that a GPU is asked for
        lost = next((i for i, number in enumerate(numbers) if not math.isfinite(number)), None)
        if lost is not None:
            self.steps = started + lost
            self._record(values[: lost + 1])
            return False
        self._record(values)
        sizes = [len(batch) for batch in batches]
        total = sum(number * size for number, size in zip(numbers, sizes, strict=True))
        self.losses.append(total / sum(sizes))
        self.ends.append(self.steps)
        self.ended = self.theta
        if self.held_out is not None:
            self.validation.append(self._total(*self.held_out))
        score = (self.losses if self.held_out is None else self.validation)[-1]
        if score < self.lowest:
            self.before, self.best, self.lowest, self.best_epoch = before, self.ended, score, self.epoch
        return True

    def _pass(self, batches: list[Tensor]) -> None:
        module, loss, optimizer, x, y = self.module, self.mean, self.rule.torch, self.x, self.y
        every, rate = self.recorder.record_every, self.rule.rate
        for batch in batches:
            outputs = module(x[batch])
            value = loss(outputs, y[batch])
            if every:
                self._keep_theta()
            self.pending.append(value.detach())
            if self.looks_at_each and not math.isfinite(value.item()):
                return
            if self.schedule is not None:
                self.rule.prepare(self.steps)
            optimizer.zero_grad()
            value.backward(rate)
            optimizer.step()
            self.steps += 1

    def _fast_pass(self, batches: list[Tensor]) -> None:
        assert self.captured is not None
        self.captured.start(batches)
        for batch in batches:
            self._keep_theta()
            self.rule.prepare(self.steps)
            self.captured.step(len(batch))
            self.pending.append(batch)
            self.steps += 1

    def _keep_theta(self) -> None:
        every = self.recorder.record_every
        if every and (self.recorder.values.count + len(self.pending)) % every == 0:
            self.recorder.thetas.append(self.theta)

    def _seen(self) -> Tensor:
        """Return the losses that are not recorded yet, and forget them."""
        count = len(self.pending)
        if self.captured is not None or not count:
            values = self.captured.losses[:count].clone() if self.captured else self.start.new_empty(0)
        else:
            values = torch.stack(self.pending)
        self.pending = []
        return values

    def _record(self, values: Tensor) -> None:
        recorder = self.recorder
        if len(values):
            recorder.values.extend(values)
            recorder.evaluations.extend(recorder.calls + 1 + np.arange(len(values)))
            recorder.calls += len(values)
            recorder.last = self.theta
        if recorder.record_every:  # those after a loss that was not finite were seen too late
            recorder.thetas.count = -(-recorder.values.count // recorder.record_every)

    def _waited_enough(self) -> bool:
        return self.patience is not None and self.epoch - self.best_epoch >= self.patience

    def _total(self, x: Tensor, y: Tensor) -> float:
        """Return the mean loss on all of x, eight minibatches at a time."""
        self.module.eval()
        size = 8 * self.batch_size
        total = torch.zeros((), dtype=torch.float64, device=x.device)
        with torch.no_grad():
            for first in range(0, x.shape[0], size):
                part = slice(first, first + size)
                total += self.mean(self.module(x[part]), y[part]).double() * len(x[part])
        return float(total) / x.shape[0]

    def _trace(self, message: str, converged: bool = False) -> Trace:
        extras = {"loss": np.array(self.losses), "end": np.array(self.ends, dtype=np.int64)}
        if self.held_out is not None:
            extras["validation"] = np.array(self.validation)
        trace = self.recorder.trace(message, converged=converged)
        value = self.lowest if math.isfinite(self.lowest) else float(trace.values[0])
        return replace(trace, theta=self.best, value=value, extras=extras)


def _finite_or_inf(number: float) -> float:
    return number if math.isfinite(number) else math.inf


def _progress_bar(epochs: int, done: int) -> Any:
    from tqdm.auto import tqdm

    return tqdm(total=epochs, initial=done, unit="epoch")
