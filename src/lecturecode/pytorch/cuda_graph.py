r"""The training step of ``fast=True``: on buffers made once, so that a CUDA graph can record it.

A small network's step is a few dozen kernels of a few microseconds each, and Python takes longer to ask
for them than the GPU to run them. A graph is asked for once, as a whole. It repeats what it recorded
on the same addresses; so minibatches are picked, losses are kept and steps are counted on the device.
"""

import contextlib
import warnings
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from lecturecode.pytorch.optimizers import Rule
from lecturecode.pytorch.stepper import OnModule

WARM_UP = 3
"""Steps on a side stream before the recording, as PyTorch asks for; they count like all others."""


class Captured(OnModule):
    """Takes the steps of a fit by one graph, that is recorded once and repeated."""

    at_hand = False

    @cached_property
    def captured(self) -> "CapturedSteps":
        """The step, and the buffers that it works on."""
        return CapturedSteps(self.module, self.loss, self.rule, self.x, self.y, self.batch_size)

    def epoch(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield the place where the loss of each minibatch will be; then take its step."""
        batches = list(batches)
        self.module.train()
        self.captured.start(batches)
        for batch, place in zip(batches, self.captured.losses.unbind(), strict=False):
            yield place
            self.rule.prepare(self.steps)
            self.captured.step(len(batch))
            self.steps += 1


class CapturedSteps:
    """The steps of an epoch, without a number that goes to the host.

    Parameters
    ----------
    module : torch.nn.Module
        What is fitted.
    mean : callable
        Returns the mean loss of outputs and targets.
    rule : Rule
        Built with ``captured=True``.
    x, y : tensor
        All samples and targets.
    batch_size : int
        Samples in the minibatches that are recorded; a smaller one, the last, runs unrecorded.

    Notes
    -----
    On the CPU there is nothing to record, and the same steps run one by one.
    """

    def __init__(
        self,
        module: nn.Module,
        mean: Callable[..., Any],
        rule: Rule,
        x: Tensor,
        y: Tensor,
        batch_size: int,
    ) -> None:
        self.module, self.mean, self.rule = module, mean, rule
        self.x, self.y, self.batch_size = x, y, batch_size
        there = x.device
        self.order = torch.zeros(x.shape[0], dtype=torch.int64, device=there)
        self.offsets = torch.arange(batch_size, device=there)
        self.first, self.count = torch.zeros_like(self.order[:1]), torch.zeros_like(self.order[:1])
        self.losses = rule.parameters[0].new_zeros(-(-x.shape[0] // batch_size))
        self.recordable, self.warm = can_record(x.device), 0
        self.graph: Any = None
        self.stream = torch.cuda.Stream(x.device) if x.device.type == "cuda" else None

    def start(self, batches: list[Tensor]) -> None:
        """Take over the minibatches of an epoch, int tensors."""
        order = torch.cat(batches)
        self.order[: len(order)] = order
        self.first.zero_()
        self.count.zero_()

    def step(self, size: int) -> None:
        """Take the step of the next minibatch, of `size` samples."""
        if self.graph is not None and size == self.batch_size:
            self.graph.replay()
            return
        with aside(self.stream):
            self._body(size)
        self.warm += 1
        if self.recordable and self.warm >= WARM_UP:
            self._capture()

    def _body(self, size: int) -> None:
        batch = self.order[self.first + self.offsets[:size]]
        outputs = self.module(self.x[batch])
        value = self.mean(outputs, self.y[batch])
        self.rule.torch.zero_grad()
        value.backward(self.rule.rate)
        self.rule.torch.step()
        self.losses.index_copy_(0, self.count, value.detach().reshape(1).to(self.losses))
        self.first += size
        self.count += 1

    def _capture(self) -> None:
        self.recordable = False  # once is enough, or once too often
        self.rule.torch.zero_grad()
        try:
            self.graph = record(lambda: self._body(self.batch_size), self.stream)
        except RuntimeError as error:
            reason = str(error).strip().split("\n")[0]
            warnings.warn(
                f"this step cannot be captured ({reason}), so fast=True takes it uncaptured; a module "
                "or loss that is captured asks the device for no number",
                RuntimeWarning,
                stacklevel=2,
            )
        self.kept = [parameter.grad for parameter in self.rule.parameters]  # the graph writes there


def can_record(device: torch.device) -> bool:
    """Tell whether steps on a device can be recorded."""
    return device.type == "cuda"


def aside(stream: Any) -> Any:
    """Return the context in which work runs on a side stream, in its turn; without one, just runs."""
    return contextlib.nullcontext() if stream is None else _aside(stream)


@contextlib.contextmanager
def _aside(stream: Any) -> Any:
    stream.wait_stream(torch.cuda.current_stream(stream.device))
    with torch.cuda.stream(stream), warnings.catch_warnings():
        # that of the steps before the recording, and of the last of an epoch
        warnings.filterwarnings("ignore", "This instance was constructed with capturable=True")
        yield
    torch.cuda.current_stream(stream.device).wait_stream(stream)


def record(body: Callable[[], None], stream: Any) -> Any:
    """Return a CUDA graph of all that `body` asks of the device; none of it has run."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, stream=stream):
        body()
    return graph
