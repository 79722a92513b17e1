r"""PyTorch's training loop: forward, loss, zero_grad, backward, step, a minibatch at a time.

It takes the arguments of :func:`lecturecode.train`, gives its trace, and with the same start and rng
takes its steps.
"""

import os
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from lecturecode.arrays import ArrayLike
from lecturecode.door import flag, renamed
from lecturecode.fitting import Fit, check_fit
from lecturecode.pytorch.cuda_graph import Captured
from lecturecode.pytorch.door import checked_data, keeps_modes
from lecturecode.pytorch.optimizers import Rule, check_rule
from lecturecode.pytorch.stepper import OnModule
from lecturecode.pytorch.theta import check_fitted, checked_theta, flat, named_parts, write
from lecturecode.randomness import Rng, generator
from lecturecode.schedules import Schedule
from lecturecode.trace import Callback, Recorder, Trace

__all__ = ["train"]


@renamed(theta="start")
@torch.inference_mode(False)  # in which gradients are recorded, whatever the caller has set
def train(
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
    fast: bool = False,
) -> Trace:
    r"""Fit a module to data by minibatches, for some epochs; thetas are kept only on request.

    Parameters
    ----------
    module : torch.nn.Module
        Of P parameters. It is fitted in place, and ends with the trace's `theta` and with the buffers,
        such as the running means of a BatchNorm, that belong to it.
    loss : Loss or callable
        :class:`lecturecode.SquaredError`, :class:`lecturecode.CrossEntropy`, or a function of outputs
        and targets such as ``torch.nn.CrossEntropyLoss()``, for each sample or their mean. The mean is
        its own: with class weights or ignored labels it is divided by weights, as PyTorch does.
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
    start : tensor of shape (P,), optional
        The first theta; the module as it is if not given.
    schedule, validation, patience, keep_last, checkpoint, record_every, callback, progress
        As for :func:`lecturecode.train`.
    fast : bool
        Whether the whole step is captured, in a CUDA graph, and repeated. On the CPU the same steps are
        taken without.

    Returns
    -------
    Trace
        As :func:`lecturecode.train` returns it, of tensors on the module's device. Each theta is in the
        order of :func:`lecturecode.pytorch.get_theta`. The values of minibatches, and "loss", are those
        of the training mode, in which the steps are taken; `value`, the last of `values` and
        "validation" are those of all data in evaluation mode. So `value` is what the module gives that
        comes back, up to rounding: ``loss(module.eval()(x), y).mean()`` within ``torch.no_grad()``, on
        the data of the validation if there are any.

    Raises
    ------
    TypeError, ValueError
        If module, loss, optimizer and data do not fit, if a number is out of range, if the loss ignores
        all labels, or if it is detached from the parameters, so that autograd finds no gradient.
    OSError
        If the checkpoint cannot be written, as for :func:`lecturecode.train`.
    CheckpointError
        If the checkpoint is damaged or another run's: with another module, loss, optimizer, batch size,
        data, `rng` or start. A ValueError; the file stays as it is.

    Notes
    -----
    The rules of the package become ``torch.optim.SGD`` and ``torch.optim.Adam``; a schedule acts on
    Momentum as in :class:`lecturecode.Momentum`, on an optimizer of yours as PyTorch does.

    On the CPU each loss is looked at before the step. On a GPU, and with `fast`, they stay on the device
    until the epoch is over: a NaN then ends the run at the same step, but `last` is the theta at the end
    of that epoch.

    All data pass four minibatches at a time when they are measured. A function of yours that returns
    one number is given the outputs of all of them at once; and all pass at once through a BatchNorm
    without running means, which compares samples. In the mean "loss" of an epoch a minibatch counts by
    its weights, and with a function of yours by its samples. One whose labels are all ignored has the
    loss 0 and the gradient 0.

    Each layer has its own mode back in the end, of training or evaluation. What Dropout draws comes from
    PyTorch's global generator, whose state goes into the checkpoint and comes back from it.

    Parameters of 16 bits are fitted with 16 bits, without the tricks of mixed precision: steps smaller
    than the spacing of the numbers are lost.

    The start belongs to a run, so that a module that goes on from a checkpoint must be built as it was,
    after ``torch.manual_seed`` or with `start`, or be the very module, still where the run has left it.

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
    check_fitted(parts)
    check_rule(optimizer)
    like = next(iter(parts.values()))
    given, rng = {"rng": rng is not None, "start": True}, generator(rng)
    first = checked_theta(parts, start, "start") if start is not None else flat(list(parts.values()))
    x, y, mean = checked_data(module, loss, x, y, like=like)
    if not torch.isfinite(first).all():
        raise ValueError("the start has parameters that are NaN or infinite; build the module again")
    check_fit(
        x.shape[0], epochs, batch_size, schedule=schedule, validation=validation, patience=patience,
        keep_last=keep_last, callback=callback, progress=progress,
    )  # fmt: skip
    held_out = None
    if validation is not None:
        names = ("validation x", "validation y")
        held_out = checked_data(module, loss, *validation, like=like, names=names)[:2]
    captured = flag(fast, "fast") and like.device.type == "cuda"
    rule = Rule(optimizer, list(parts.values()), schedule, captured)
    steps = Captured if fast else ByAutograd
    stepper = steps(module, mean, x, y, rule, held_out, batch_size)
    recorder = Recorder(record_every, keep_best=False)
    fit = Fit(stepper, x, y, held_out, batch_size, keep_last, patience, rng, given, recorder)
    write(rule.parameters, first)
    with keeps_modes(module):
        return fit.follow(epochs, checkpoint, callback, progress)


class ByAutograd(OnModule):
    """Takes the steps of a fit as PyTorch's own loop does."""

    @property
    def at_hand(self) -> bool:
        """Whether losses are on the CPU."""
        return self.x.device.type == "cpu"

    def epoch(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield the loss of each minibatch, then step against its gradient."""
        module, loss, optimizer, x, y = self.module, self.loss, self.rule.torch, self.x, self.y
        module.train()
        for batch in batches:
            outputs = module(x[batch])
            value = loss(outputs, y[batch])
            yield value.detach()
            self.rule.prepare(self.steps)
            optimizer.zero_grad()
            value.backward(self.rule.rate)
            optimizer.step()
            self.steps += 1
