r"""Many processes fit one module: each takes a share of every minibatch, and the gradients are added.

The gradient of a minibatch is a mean over samples, so that it can be computed in parts, anywhere. What
has to travel is one sum of P + 1 numbers a step: the gradient, and the loss.
"""

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from lecturecode.arrays import ArrayLike, check_finite
from lecturecode.checkpoints import generator_state
from lecturecode.door import real, renamed
from lecturecode.fitting import Fit, check_fit
from lecturecode.pytorch.door import checked_data, keeps_modes
from lecturecode.pytorch.optimizers import Rule, check_rule
from lecturecode.pytorch.ranks import Ranks, check_divisible, join, share
from lecturecode.pytorch.stepper import OnModule
from lecturecode.pytorch.theta import check_fitted, checked_theta, flat, named_parts, split
from lecturecode.randomness import Rng, generator
from lecturecode.schedules import Schedule
from lecturecode.stepping import Fitted
from lecturecode.trace import Callback, Recorder, Trace

__all__ = ["train_distributed"]


@renamed(theta="start")
@torch.inference_mode(False)  # in which gradients are recorded, whatever the caller has set
def train_distributed(
    module: nn.Module,
    loss: Any,
    x: ArrayLike,
    y: ArrayLike,
    optimizer: Any,
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
        As for :func:`lecturecode.pytorch.train`; but several processes take a function of yours only if
        it returns the loss of each sample, since one number may be divided by anything.
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
    start : tensor of shape (P,), optional
        The start; rank 0's module as it is if not given.
    schedule, validation, patience, keep_last
        As for :func:`lecturecode.train`. The schedule is the same in every process.
    checkpoint : path, optional
        A file that rank 0 writes after each epoch. If it is there already, all go on from it, and end at
        the same theta, bit for bit, as a run of as many processes that was never interrupted. It is the
        file of :func:`lecturecode.pytorch.train`: one process can go on for many, or the reverse.
    record_every : int, optional
        As for :func:`lecturecode.train`.
    callback : callable, optional
        Called by rank 0 with the trace so far after each epoch; returning True stops all.
    progress : bool
        Whether rank 0 shows a progress bar.
    timeout : float
        Seconds that a process waits for the others, until it takes them for lost.

    Returns
    -------
    Trace
        That of :func:`lecturecode.pytorch.train`, the same in every process, and with the same `value`:
        what the module gives that comes back.

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
    OSError
        If the checkpoint cannot be written, for rank 0.
    CheckpointError
        If the checkpoint is damaged or that of another run, for rank 0. A ValueError.

    Notes
    -----
    *The same as one process.* All draw the same minibatches from the same `rng`. Of b samples among n
    processes, the first b mod n take one more than the others, and each mean counts by its number of
    samples, or by their weights if the loss has class weights or ignores labels; so the sum is the
    gradient of the whole minibatch, up to rounding. A process without a sample, in a last minibatch that
    is small, adds zeros. The sum has the same bits everywhere, and so all take the same step, and stop
    at the same one when the loss is not finite, without another word. Batch normalization is refused,
    since it compares samples; masks of dropout are each process's own. Buffers are those of rank 0, at
    the start and after each epoch.

    *One sum.* Gradients are views into one flat array, so that one call adds all of them, when the
    backward pass is over. ``torch.nn.parallel.DistributedDataParallel`` adds buckets of 25 MB while the
    pass still works on the layers before them, and so hides travel behind computation: better for
    networks of many buckets. Its average counts all processes alike, even where shares are unequal.

    *Failures.* A process that fails ends all: ``torchrun --max-restarts 3`` then starts them again, and
    they go on from the checkpoint. Ctrl-C ends the run of several processes as a failure does. Whatever
    ends it, the exception has the trace so far as its attribute ``trace``. Each step looks at its loss,
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
    check_fitted(named)
    parts = list(named.values())
    first = flat(parts) if start is None else checked_theta(named, start, "start").clone()
    check_finite(first, "start")
    check_divisible(module, loss)
    check_rule(optimizer)
    x, y, mean = checked_data(module, loss, x, y, like=parts[0])
    check_fit(
        x.shape[0], epochs, batch_size, schedule=schedule, validation=validation, patience=patience,
        keep_last=keep_last, callback=callback, progress=progress,
    )  # fmt: skip
    held_out = None
    if validation is not None:
        names = ("validation x", "validation y")
        held_out = checked_data(module, loss, *validation, like=parts[0], names=names)[:2]
    timeout = real(timeout, "timeout", "(0, inf)")
    recorder = Recorder(record_every, keep_best=False)
    given, chance = {"rng": rng is not None, "start": True}, None if rng is None else generator(rng)
    ranks = join(x.device, timeout)
    fit: Fit | None = None
    with keeps_modes(module), ranks.guarded(lambda: _standing(ranks, fit, checkpoint)):
        ranks.check_batch_size(batch_size)
        ranks.check_adds_up(mean)
        chance = chance or ranks.common_generator()
        rule = Rule(optimizer, parts, schedule, captured=False)
        stepper = Shared(module, mean, x, y, rule, held_out, batch_size, first, ranks)
        fit = Fit(
            stepper, x, y, held_out, batch_size, keep_last, patience, chance, given, recorder, ranks
        )
        ranks.agree(fit.identity | {"rng": generator_state(chance)})
        ranks.spread(first)
        stepper.spread_buffers()
        return fit.follow(epochs, checkpoint, callback, progress)


def _standing(ranks: Ranks, fit: Fit | None, checkpoint: Any) -> str:
    """Say how far the run has come, and what to do, when another process has failed."""
    steps, epoch, saved = (0, 0, 0) if fit is None else (fit.stepper.steps, fit.epoch, fit.saved)
    said = f"Rank {ranks.rank} stopped at step {steps}, in epoch {epoch + 1}. "
    if checkpoint is None:
        return said + (
            "There is no checkpoint, and the run starts anew; with checkpoint='fit.npz' it would "
            "go on from the last epoch"
        )
    path = os.path.abspath(checkpoint)
    if not saved:
        return said + f"No epoch was over: the same command begins again, at {path} if that is there"
    return said + (
        f"The checkpoint {path} has the run up to the end of epoch {saved}: the same command "
        "goes on from there, and torchrun --max-restarts 3 does so by itself"
    )


@dataclass
class Shared(OnModule):
    """Takes the steps of a fit together with other processes.

    Attributes
    ----------
    flat : tensor of shape (P,)
        Theta; the parameters of the module become views of it.
    ranks : Ranks
        The processes.
    """

    flat: Tensor
    ranks: Ranks
    at_hand = True  # all look at the same sum, and so stop at the same step

    def __post_init__(self) -> None:
        self.sum = self.flat.new_zeros(len(self.flat) + 1)  # the gradient, and the loss
        parts = self.rule.parameters
        views = zip(parts, split(parts, self.flat), split(parts, self.sum[:-1]), strict=True)
        for part, value, gradient in views:
            part.data, part.grad = value, gradient

    def epoch(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield the loss of each minibatch, of which each process has a share, then step."""
        module, loss, optimizer, ranks, x, y = (
            self.module, self.loss, self.rule.torch, self.ranks, self.x, self.y,
        )  # fmt: skip
        module.train()
        for batch in batches:
            mine = batch[share(len(batch), ranks.rank, ranks.size)]
            self.rule.prepare(self.steps)
            self.sum.zero_()
            if len(mine):
                value = loss(module(x[mine]), y[mine]) * self._fraction(mine, batch)
                value.backward(self.rule.rate)
                self.sum[-1] = value.detach()
            ranks.add(self.sum)
            yield self.sum[-1].clone()
            optimizer.step()
            self.steps += 1
        self.spread_buffers()

    def _fraction(self, mine: Tensor, batch: Tensor) -> float | Tensor:
        """Return what the samples of one process count, of what those of the whole minibatch do."""
        if self.weights is None:
            return len(mine) / len(batch)
        part, whole = self.weights[mine].sum(), self.weights[batch].sum()
        return torch.where(whole == 0, 0.0, part / whole).to(self.sum.dtype)

    def spread_buffers(self) -> None:
        """Give all processes the buffers of rank 0."""
        for part in self.module.buffers():
            self.ranks.spread(part)

    def total(self, fitted: Fitted, x: Tensor, y: Tensor) -> float:
        """Return the mean loss on all of x, in evaluation mode: each process sums up its share."""
        self.put(fitted)
        mine = share(len(x), self.ranks.rank, self.ranks.size)
        return float(self.ranks.add(self.sum_of_losses(x[mine], y[mine]))) / float(self.mean.count(y))

    def leave(self, fitted: Fitted) -> None:
        """Put theta and buffers into the module, whose parameters are no views any more."""
        self.put(fitted)
        for part in self.rule.parameters:
            part.data, part.grad = part.data.clone(), None
