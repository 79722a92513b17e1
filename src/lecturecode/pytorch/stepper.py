"""What all who take steps on a module share: its theta, its total loss, and what goes to disk.

Theta is in the module; the buffers of the module, what the optimizer remembers, and PyTorch's global
generators, from which Dropout draws, go to disk beside it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lecturecode.checkpoints import describe, digest
from lecturecode.minibatching import in_parts
from lecturecode.pytorch.mean_loss import MeanLoss
from lecturecode.pytorch.optimizers import Rule
from lecturecode.pytorch.theta import flat, named_parts, write
from lecturecode.schedules import sampled_rates
from lecturecode.stepping import Fitted


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

    def loss(self, outputs: Any, y: Tensor) -> Tensor:
        """Return the mean loss of a minibatch, to step against.

        Raises
        ------
        ValueError
            If autograd sees no way back from it.
        """
        value = self.mean(outputs, y)
        if not value.requires_grad:
            raise ValueError(
                "autograd sees no way from the loss back to the parameters, so there is no gradient. "
                "What detach(), item(), argmax() or NumPy computes is a constant to it; compute the "
                "loss of the outputs by functions of PyTorch"
            )
        return value

    def total(self, fitted: Fitted, x: Tensor, y: Tensor) -> float:
        """Return the mean loss on all of x, in evaluation mode."""
        self.put(fitted)
        return float(self.sum_of_losses(x, y)) / float(self.mean.count(y))

    def sum_of_losses(self, x: Tensor, y: Tensor) -> Tensor:
        """Return the sum of the losses, each times what its sample counts, in evaluation mode.

        Some samples at a time; but a loss that has to see all outputs sees all of them.
        """
        module, mean = self.module.eval(), self.mean
        with torch.no_grad():
            if not mean.adds_up or compares_samples(module):
                return mean.sum(self._outputs(x), y).double()
            total = torch.zeros((), dtype=torch.float64, device=x.device)
            for part in in_parts(x.shape[0], self.batch_size):
                outputs = module(x[part].clone())  # it may write into its inputs
                total += mean.sum(outputs, y[part].clone())
        return total

    def _outputs(self, x: Tensor) -> Any:
        """Return the outputs of all samples: in one call, unless each sample has a row of its own."""
        if not compares_samples(self.module):
            parts = list(in_parts(x.shape[0], self.batch_size))
            outputs = [self.module(x[part]) for part in parts[:1]]
            if isinstance(outputs[0], Tensor) and outputs[0].shape[:1] == x[parts[0]].shape[:1]:
                return torch.cat(outputs + [self.module(x[part]) for part in parts[1:]])
        return self.module(x)

    def counts(self, batches: list[Tensor]) -> list[float]:
        """Return the number of samples of each minibatch, or the sum of their weights."""
        if self.weights is None:
            return [len(batch) for batch in batches]
        return torch.stack([self.weights[batch].sum() for batch in batches]).tolist()

    @cached_property
    def weights(self) -> Tensor | None:
        """What each sample counts; None where all count alike."""
        if self.mean.of_classes is None:
            return None
        weights = self.mean.weights(self.y)
        return None if bool((weights == weights[0]).all()) else weights

    @property
    def theta(self) -> Tensor:
        """A copy of all parameters."""
        return flat(self.rule.parameters)

    @property
    def buffers(self) -> dict[str, Tensor]:
        """Copies of the module's buffers, such as the running means of a BatchNorm."""
        return {name: part.clone() for name, part in self.module.named_buffers()}

    def put(self, fitted: Fitted) -> None:
        """Put theta and buffers into the module."""
        write(self.rule.parameters, fitted.theta)
        for name, part in self.module.named_buffers():
            part.copy_(fitted.buffers[name])

    def leave(self, fitted: Fitted) -> None:
        """Put theta and buffers into the module."""
        self.put(fitted)

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
        self.put(Fitted(theta, {name: memory[f"buffer {name}"] for name in self.buffers}))
        self.rule.restore({name: part for name, part in memory.items() if name.startswith("state ")})
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


def compares_samples(module: nn.Module) -> bool:
    """Tell whether outputs depend on the other samples, as of a BatchNorm without running means."""
    normed = (layer for layer in module.modules() if isinstance(layer, nn.modules.batchnorm._BatchNorm))
    return any(layer.running_mean is None for layer in normed)


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
