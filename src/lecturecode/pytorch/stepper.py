"""What all who take steps on a module share: its theta, its total loss, and what goes to disk.

Theta is in the module; the buffers of the module, what the optimizer remembers, and PyTorch's global
generators, from which Dropout draws, go to disk beside it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lecturecode.checkpoints import describe, digest
from lecturecode.minibatching import in_parts
from lecturecode.pytorch.door import MeanLoss
from lecturecode.pytorch.optimizers import Rule
from lecturecode.pytorch.theta import flat, named_parts, write
from lecturecode.schedules import sampled_rates


@dataclass
class OnModule(ABC):
    """Takes the steps of a fit on a module; how, its subclasses say.

    Attributes
    ----------
    module : torch.nn.Module
        What is fitted.
    mean : MeanLoss
        The mean loss of a minibatch.
    x, y : tensor
        Samples and targets.
    rule : Rule
        The optimizer of the module's parameters.
    held_out : pair of tensors, optional
        Samples and targets of the validation.
    batch_size : int
        Samples in a minibatch.
    steps : int
        The number of steps taken so far.
    """

    module: nn.Module
    mean: MeanLoss
    x: Tensor
    y: Tensor
    rule: Rule
    held_out: tuple[Tensor, Tensor] | None
    batch_size: int
    steps: int = field(default=0, init=False)

    @property
    @abstractmethod
    def at_hand(self) -> bool:
        """Whether a loss is known when it is yielded, and no device has to be waited for."""

    @abstractmethod
    def epoch(self, batches: Iterable[Tensor]) -> Iterator[Tensor]:
        """Yield the loss of each minibatch, then step against its gradient."""

    @abstractmethod
    def total(self, theta: Tensor, x: Tensor, y: Tensor) -> float:
        """Return the mean loss on all of x at theta."""

    def sum_of_losses(self, theta: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Return the sum of the losses at theta, which the module has afterwards: shape ()."""
        write(self.rule.parameters, theta)
        self.module.eval()
        total = torch.zeros((), dtype=torch.float64, device=x.device)
        with torch.no_grad():
            for part in in_parts(x.shape[0], self.batch_size):
                outputs = self.module(x[part].clone())  # it may write into its inputs
                total += self.mean(outputs, y[part].clone()).double() * len(outputs)
        return total

    @property
    def theta(self) -> Tensor:
        """A copy of all parameters."""
        return flat(self.rule.parameters)

    def leave(self, theta: Tensor) -> None:
        """Put theta into the module."""
        write(self.rule.parameters, theta)

    def identity(self) -> dict[str, Any]:
        """Return what must be the same for a run that goes on."""
        frozen = [part.detach() for part in self.module.parameters() if not part.requires_grad]
        return {
            "network": describe(self.module),
            "parameters": {name: list(part.shape) for name, part in named_parts(self.module).items()},
            "frozen": digest(_bytes(part) for part in frozen),
            "loss": describe(self.mean.loss),
            "optimizer": self.rule.describe(),
            "data": digest(_bytes(part) for part in (self.x, self.y, *(self.held_out or ()))),
            "numbers": str(self.rule.parameters[0].dtype),
        }

    def rates(self, steps: int) -> dict[str, float]:
        """Return some of the learning rates of so many steps."""
        return sampled_rates(self.rule.schedule, steps, self.rule.optimizer)

    def memory(self) -> dict[str, Tensor]:
        """Return what optimizer, buffers and global generators remember."""
        buffers = {f"buffer {name}": part for name, part in self.module.named_buffers()}
        chance = {f"chance {kind}": state for kind, state in _chance(self.x.device).items()}
        return self.rule.state() | buffers | chance

    def recall(self, theta: Tensor, memory: Mapping[str, Tensor]) -> None:
        """Go back to a theta, and to what was remembered there."""
        write(self.rule.parameters, theta)
        self.rule.restore({name: part for name, part in memory.items() if name.startswith("state ")})
        for name, part in self.module.named_buffers():
            part.copy_(memory[f"buffer {name}"])
        for kind in _chance(self.x.device):
            set_state = torch.set_rng_state if kind == "cpu" else torch.cuda.set_rng_state
            set_state(memory[f"chance {kind}"].cpu())

    def on_disk(self, arrays: Mapping[str, Tensor]) -> dict[str, np.ndarray]:
        """Return tensors as arrays of NumPy."""
        return dict(_as_numpy(name, tensor.detach().cpu()) for name, tensor in arrays.items())

    def from_disk(self, arrays: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
        """Return tensors on the device of the module."""
        tensors = (_as_tensor(name, array) for name, array in arrays.items())
        return {name: tensor.to(self.x.device) for name, tensor in tensors}


def _chance(device: torch.device) -> dict[str, Tensor]:
    """Return the states of PyTorch's global generators, from which Dropout draws."""
    if device.type == "cuda":
        return {"cpu": torch.get_rng_state(), "cuda": torch.cuda.get_rng_state(device)}
    return {"cpu": torch.get_rng_state()}


def _bytes(tensor: Tensor) -> np.ndarray:
    return tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy()


BFLOAT16 = " (bfloat16)"
"""What follows the name of an array of that dtype, which NumPy lacks: its bits are kept as int16."""


def _as_numpy(name: str, tensor: Tensor) -> tuple[str, np.ndarray]:
    if tensor.dtype is torch.bfloat16:
        return name + BFLOAT16, tensor.view(torch.int16).numpy()
    return name, tensor.numpy()


def _as_tensor(name: str, array: np.ndarray) -> tuple[str, Tensor]:
    tensor = torch.as_tensor(array)
    if name.endswith(BFLOAT16):
        return name.removesuffix(BFLOAT16), tensor.view(torch.bfloat16)
    return name, tensor
