r"""Many processes fit one module: each takes a share of every minibatch, and the gradients are added.

The gradient of a minibatch is a mean over samples, so that it can be computed in parts, anywhere. What
has to travel is one sum of P + 1 numbers a step: the gradient, and the loss.
"""

import math
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lecturecode.arrays import check_finite
from lecturecode.checkpoints import clear_remains, generator_state, read_checkpoint, write_checkpoint
from lecturecode.minibatching import check_batch_size, minibatches
from lecturecode.optimizers import positive
from lecturecode.pytorch.loops import _finite_or_inf, _progress_bar
from lecturecode.pytorch.parameters import checked_theta, flat, named_parts, split
from lecturecode.pytorch.processes import Ranks, check_divisible, join, share
from lecturecode.pytorch.resuming import frozen, identity_of, rates_of, resume
from lecturecode.pytorch.rules import Rule, check_rule
from lecturecode.pytorch.samples import MeanLoss, checked_data
from lecturecode.randomness import Rng, generator
from lecturecode.schedules import Schedule
from lecturecode.search import check_count
from lecturecode.trace import Callback, Recorder, Trace

__all__ = ["train_distributed"]


def train_distributed(
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
    timeout: float = 300.0,
) -> Trace:
    r"""Fit a module by all processes that ``torchrun`` has started, as one process would fit it alone.

    .. math:: \nabla g = \sum_{k=1}^{n} \frac{|T_i^k|}{|T_i|} \; \nabla \Bigl(\frac{1}{|T_i^k|}
        \sum_{t \in T_i^k} l\bigl(\mathrm{dnn}_\theta(x_t), y_t\bigr)\Bigr), \qquad
        T_i = T_i^1 \cup \dots \cup T_i^n

    Parameters
    ----------
    module : torch.nn.Module
        Of P parameters, on the CPU or on this process's own CUDA device, which torchrun numbers in
        LOCAL_RANK. It is fitted in place, and ends with the trace's `theta`, in every process.
    loss : Loss or callable
        As for :func:`lecturecode.pytorch.train`.
    x : tensor of shape (T, ...)
        The samples, all of them, in every process.
    y : tensor of shape (T, ...)
        Their targets.
    optimizer : GradientDescent, Momentum, Adam or callable
        A rule of the package, or a function from parameters to a ``torch.optim.Optimizer``.
    epochs : int
        How often all data passes.
    batch_size : int
        Samples in a minibatch, the shares of all processes together.
    rng : None, int, numpy.random.Generator or torch.Generator
        Where the minibatches come from; the same in every process. None: from a seed of rank 0.
    theta : tensor of shape (P,), optional
        The start; rank 0's module as it is if not given.
    schedule, validation, patience, keep_last
        As for :func:`lecturecode.train`. The schedule is the same in every process.
    checkpoint : path, optional
        A file that rank 0 writes after each epoch. If it is there already, all go on from it, and end at
        the same theta, bit for bit, as a run of as many processes that was never interrupted. It is the
        file of :func:`lecturecode.pytorch.train`: one process can go on for many, or the reverse.
    record_every : int
        Keep one theta in this many steps; 0 keeps only the best and the last one.
    callback : callable, optional
        Called by rank 0 with the trace so far after each epoch; returning True stops all.
    progress : bool
        Whether rank 0 shows a progress bar.
    timeout : float
        Seconds that a process waits for the others, until it takes them for lost.

    Returns
    -------
    Trace
        That of :func:`lecturecode.pytorch.train`, the same in every process.

    Raises
    ------
    RuntimeError
        If torchrun did not start this process; the message has the command to type.
    RankError
        If another process died, failed, or did not answer. It says which one, and where the checkpoint
        is. A RuntimeError.
    TypeError, ValueError
        If data and module do not fit, are not finite, if a number is out of range, if there are more
        processes than samples in a minibatch, or if processes were given different things.
    FileNotFoundError
        If the folder of the checkpoint does not exist, for rank 0.
    CheckpointError
        If the checkpoint is damaged or that of another run, for rank 0. A ValueError.

    Notes
    -----
    *The same as one process.* All draw the same minibatches from the same `rng`. Of b samples among n
    processes, the first b mod n take one more than the others, and each mean counts by its number of
    samples; so the sum is the gradient of the whole minibatch, up to rounding. A process without a
    sample, in a last minibatch that is small, adds zeros. The sum has the same bits everywhere, and so
    all take the same step, and stop at the same one when the loss is not finite, without another word.
    Batch normalization is refused, since it compares samples; masks of dropout are each process's own.

    *One sum.* Gradients are views into one flat array, so that one call adds all of them, when the
    backward pass is over. ``torch.nn.parallel.DistributedDataParallel`` adds buckets of 25 MB while the
    pass still works on the layers before them, and so hides travel behind computation: better for
    networks of many buckets. Its average counts all processes alike, even where shares are unequal.

    *Failures.* A process that fails ends all: ``torchrun --max-restarts 3`` then starts them again, and
    they go on from the checkpoint. Ctrl-C ends the run as a failure does. Each step looks at its loss,
    which a CUDA device has to be waited for.

    References
    ----------
    Li et al., PyTorch Distributed: experiences on accelerating data parallel training, *VLDB* (2020).

    Examples
    --------
    A script for ``torchrun --standalone --nproc-per-node 2 fit.py``; started by itself, it says so:

    >>> import torch
    >>> from lecturecode import Adam, SquaredError
    >>> x = torch.linspace(-1, 1, 100)[:, None]
    >>> trace = train_distributed(torch.nn.Linear(1, 1), SquaredError(), x, 3 * x + 1, Adam(0.1),
    ...                           epochs=50, batch_size=10, rng=0)
    Traceback (most recent call last):
    RuntimeError: train_distributed runs in processes that torchrun starts...
    """
    named = named_parts(module)
    parts = list(named.values())
    start = flat(parts) if theta is None else checked_theta(named, theta).clone()
    check_finite(start, "theta")
    check_divisible(module, loss)
    check_rule(optimizer)
    x, y, mean = checked_data(module, loss, x, y, like=parts[0])
    held_out = None
    if validation is not None:
        if not isinstance(validation, tuple | list) or len(validation) != 2:
            raise TypeError(f"validation must be the pair (x, y); got {type(validation).__name__}")
        names = ("validation x", "validation y")
        held_out = checked_data(module, loss, *validation, like=parts[0], names=names)[:2]
    check_count(epochs, "epochs")
    check_batch_size(x.shape[0], batch_size)
    if patience is not None:
        check_count(patience, "patience")
        if held_out is None:
            raise ValueError("patience needs validation=(x, y), data that the module is not fitted to")
    timeout = positive(timeout, "timeout")
    recorder = Recorder(record_every, keep_best=False)
    chance = None if rng is None else generator(rng)
    ranks = join(x.device, timeout)
    run = _Run(
        module, parts, mean, x, y, optimizer, start, ranks, chance, held_out, batch_size, keep_last,
        schedule, recorder, patience, checkpoint,
    )  # fmt: skip
    mode = module.training
    try:
        with ranks.guarded(run.where):
            return run.follow(epochs, callback, progress)
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
    theta: Tensor
    ranks: Ranks
    rng: Any
    held_out: tuple[Tensor, Tensor] | None
    batch_size: int
    keep_last: bool
    schedule: Schedule | None
    recorder: Recorder
    patience: int | None
    checkpoint: Any
    steps: int = 0
    saved: int = 0
    losses: list[float] = field(default_factory=list)
    ends: list[int] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    lowest: float = math.inf
    best_epoch: int = 0

    @property
    def epoch(self) -> int:
        return len(self.losses)

    def follow(self, epochs: int, callback: Callback | None, progress: bool) -> Trace:
        self._start()
        bar = _progress_bar(epochs, self.epoch) if progress and self.ranks.rank == 0 else None
        message, done = f"used up all {max(epochs, self.epoch)} epochs", False
        if self.epoch == 0 and self.held_out is not None:
            self.lowest = _finite_or_inf(self._total(self.theta, *self.held_out))
        while self.epoch < epochs and not (done := self._waited_enough()):
            if not self._one_epoch():
                message = self._diverged()
                break
            stop = False
            if self.ranks.rank == 0:
                if self.checkpoint is not None:
                    write_checkpoint(self.checkpoint, *frozen(self, self.identity))
                stop = bool(callback and callback(self._trace(f"after {self.epoch} epochs")))
                if bar is not None:
                    bar.update()
            self.saved = self.epoch
            if self.ranks.add(torch.tensor([float(stop)], device=self.x.device)) > 0:
                message = f"stopped by the callback after {self.epoch} epochs"
                break
        if bar is not None:
            bar.close()
        if done:
            message = f"the validation loss has not fallen for {self.patience} epochs"
        total = self._total(self.theta, self.x, self.y)
        if self.recorder.values.count == self.steps:  # else it has a value, of a step that was not taken
            self.recorder.add(self.theta, self.theta.new_tensor(total))
            message = message if math.isfinite(total) else self._diverged()
        if self.held_out is None:
            self._settle(total)
        trace = self._trace(message, done)
        self.theta.copy_(trace.theta)
        for part in self.parts:  # they are no views any more
            part.data, part.grad = part.data.clone(), None
        return trace

    def where(self) -> str:
        """Say how far the run has come, and what to do, when another process has failed."""
        said = f"Rank {self.ranks.rank} stopped at step {self.steps}, in epoch {self.epoch + 1}. "
        if self.checkpoint is None:
            return said + (
                "There is no checkpoint, and the run starts anew; with checkpoint='fit.npz' it would "
                "go on from the last epoch"
            )
        path = os.path.abspath(self.checkpoint)
        if not self.saved:
            return said + f"No epoch was over: the same command begins again, at {path} if that is there"
        return said + (
            f"The checkpoint {path} has the run up to the end of epoch {self.saved}: the same command "
            "goes on from there, and torchrun --max-restarts 3 does so by itself"
        )

    def _start(self) -> None:
        """Agree with the others on what is done; begin where rank 0 does, or at the checkpoint."""
        ranks = self.ranks
        if self.batch_size < ranks.size:
            raise ValueError(
                f"batch_size is that of all processes together, and {self.batch_size} samples are too "
                f"few for {ranks.size} processes; give at least {ranks.size}, or start fewer of them"
            )
        if self.rng is None:
            seed = np.random.SeedSequence().entropy if ranks.rank == 0 else 0
            self.rng = np.random.default_rng(int(ranks.spread_bytes(str(seed).encode())))
        self._flatten()
        self.rule = Rule(self.optimizer, self.parts, self.schedule, captured=False)
        self.identity = identity_of(self)
        ranks.agree(self.identity | {"rng": generator_state(self.rng)})
        ranks.spread(self.theta)
        self.before = self.best = self.theta.clone()  # at the two ends of the best epoch
        content = self._stored()
        if content:
            with TemporaryDirectory() as folder:
                copy = Path(folder) / "checkpoint.npz"
                copy.write_bytes(content)
                resume(self, *read_checkpoint(copy, self.identity))
            self.saved = self.epoch

    def _flatten(self) -> None:
        """Make all parameters views into one array, theta, and their gradients into another, with g."""
        self.sum = torch.zeros(len(self.theta) + 1, dtype=self.theta.dtype, device=self.theta.device)
        views = zip(
            self.parts, split(self.parts, self.theta), split(self.parts, self.sum[:-1]), strict=True
        )
        for part, value, gradient in views:
            part.data, part.grad = value, gradient

    def _differentiate(self, batch: Tensor) -> Tensor:
        """Return the loss of a minibatch, and leave its gradient; each process computes a share."""
        mine = batch[share(len(batch), self.ranks.rank, self.ranks.size)]
        self.sum.zero_()
        if len(mine):
            value = self.mean(self.module(self.x[mine]), self.y[mine]) * (len(mine) / len(batch))
            value.backward(self.rule.rate)
            self.sum[-1] = value.detach()
        return self.ranks.add(self.sum)[-1]

    def _one_epoch(self) -> bool:
        """Let all data pass once; return whether the loss stayed finite."""
        total, seen, before = 0.0, 0, self.theta.clone()
        self.module.train()
        for batch in minibatches(
            len(self.x), self.batch_size, rng=self.rng, keep_last=self.keep_last, like=self.x
        ):
            self.rule.prepare(self.steps)
            value = self._differentiate(batch)
            self.recorder.add(self.theta, value)
            number = float(value)
            if not math.isfinite(number):
                return False
            self.rule.torch.step()
            total, seen, self.steps = total + number * len(batch), seen + len(batch), self.steps + 1
        self.losses.append(total / seen)
        self.ends.append(self.steps)
        if self.held_out is not None:
            self.validation.append(self._total(self.theta, *self.held_out))
        score = (self.losses if self.held_out is None else self.validation)[-1]
        if score < self.lowest:
            self.before, self.best = before, self.theta.clone()
            self.lowest, self.best_epoch = score, self.epoch
        return True

    def _total(self, theta: Tensor, x: Tensor, y: Tensor) -> float:
        """Return the mean loss on all of x at theta: each process sums up its share."""
        here = self.theta.clone()
        self.theta.copy_(theta)
        self.module.eval()
        mine = range(len(x))[share(len(x), self.ranks.rank, self.ranks.size)]
        total = torch.zeros(1, dtype=torch.float64, device=x.device)
        with torch.no_grad():
            for first in range(mine.start, mine.stop, 8 * self.batch_size):  # as train does
                part = slice(first, min(first + 8 * self.batch_size, mine.stop))
                value = self.mean(self.module(x[part]), y[part])
                total += value.double() * (part.stop - part.start)
        self.theta.copy_(here)
        return float(self.ranks.add(total)) / len(x)

    def _settle(self, total: float) -> None:
        """Compare the last theta, whose total loss is given, with those around the best epoch."""
        last, candidates = self.theta.clone(), (self.best, self.before)
        self.best, self.lowest = last, _finite_or_inf(total)
        for theta in candidates:
            loss = self._total(theta, self.x, self.y)
            if loss < self.lowest or not math.isfinite(self.lowest):
                self.best, self.lowest = theta, _finite_or_inf(loss)

    def _waited_enough(self) -> bool:
        return self.patience is not None and self.epoch - self.best_epoch >= self.patience

    def _diverged(self) -> str:
        return (
            f"diverged at step {self.steps}, after {self.epoch} epochs: the loss is not finite; "
            "try a smaller learning rate"
        )

    def _trace(self, message: str, converged: bool = False) -> Trace:
        extras = {"loss": np.array(self.losses), "end": np.array(self.ends, dtype=np.int64)}
        if self.held_out is not None:
            extras["validation"] = np.array(self.validation)
        self.recorder.last = self.theta.clone()  # theta itself goes on
        trace = self.recorder.trace(message, converged=converged)
        value = self.lowest if math.isfinite(self.lowest) else float(trace.values[0])
        return replace(trace, theta=self.best, value=value, extras=extras)

    def _stored(self) -> bytes:
        """Return the checkpoint, which rank 0 reads for all; nothing if there is none."""
        content = b""
        if self.ranks.rank == 0 and self.checkpoint is not None:
            path = Path(self.checkpoint)
            if not path.absolute().parent.is_dir():
                raise FileNotFoundError(
                    f"there is no folder {path.absolute().parent} for the checkpoint; make it first"
                )
            clear_remains(path)
            if path.exists():
                read_checkpoint(path, self.identity, rates_of(self))
                content = path.read_bytes()
        return self.ranks.spread_bytes(content)
