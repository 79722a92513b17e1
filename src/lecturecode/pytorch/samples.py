r"""Data and losses at the door of PyTorch: tensors beside the module, and the mean over a minibatch.

The losses of :mod:`lecturecode.losses` become those of ``torch.nn.functional``, which autograd knows;
any other function of outputs and targets is taken as it is.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from lecturecode.arrays import check_finite
from lecturecode.losses import CrossEntropy, SquaredError


@dataclass(frozen=True)
class MeanLoss:
    """The mean loss of a minibatch, from a loss of the package or a function of the user's.

    Parameters
    ----------
    loss : Loss or callable
        Takes outputs and targets, returns the loss of each sample or their mean.

    Raises
    ------
    TypeError
        If it is not callable.
    """

    loss: Any
    chosen: Callable = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not callable(self.loss) or (
            isinstance(self.loss, type) and not isinstance(self.loss, nn.Module)
        ):
            raise TypeError(
                "loss must be SquaredError(), CrossEntropy() or a function of outputs and targets, such "
                f"as torch.nn.CrossEntropyLoss(); got {self.loss!r}"
            )
        chosen: Callable = self.loss
        if isinstance(self.loss, CrossEntropy):
            chosen = functional.cross_entropy
        elif isinstance(self.loss, SquaredError):
            chosen = _squared_error
        object.__setattr__(self, "chosen", chosen)

    def __call__(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the mean of the losses, shape ()."""
        value = self.chosen(outputs, y)
        return value.mean() if value.ndim else value


def _squared_error(outputs: Tensor, y: Tensor) -> Tensor:
    """Sum over the outputs, and take the mean over samples, as the lecture does."""
    return functional.mse_loss(outputs, y) * outputs.shape[1]


def checked_data(
    module: nn.Module, loss: Any, x: Any, y: Any, *, like: Tensor, names: tuple[str, str] = ("x", "y")
) -> tuple[Tensor, Tensor, MeanLoss]:
    """Return samples and targets as tensors that fit the module and the loss, and the mean loss.

    Parameters
    ----------
    module : torch.nn.Module
        It is run on two samples, without recording.
    loss : Loss or callable
        As for :class:`MeanLoss`.
    x, y : tensor or array
        Arrays and lists become tensors on the device of `like`; tensors must be there.
    like : tensor
        A parameter of the module.
    names : pair of str
        What messages call x and y.

    Returns
    -------
    x, y : tensor
    mean : MeanLoss

    Raises
    ------
    TypeError, ValueError
        If something does not fit; what the module or the loss raise has their shapes in a note.
    """
    mean = MeanLoss(loss)
    x = _tensor(x, like, names[0]).detach()
    y = _tensor(y, like, names[1]).detach()
    if not (x.ndim and y.ndim and 0 < x.shape[0] == y.shape[0]):
        raise ValueError(
            f"{names[0]} and {names[1]} must have the same number of samples, at least 1; got shapes "
            f"{tuple(x.shape)} and {tuple(y.shape)}"
        )
    for name, tensor in zip(names, (x, y), strict=True):
        if tensor.is_floating_point():
            check_finite(tensor, name)
    mode = module.training
    try:
        with torch.no_grad():
            outputs = module.eval()(x[:2])
    except Exception as error:
        error.add_note(f"raised by {type(module).__name__} for samples of shape {tuple(x[:2].shape)}")
        raise
    finally:
        module.train(mode)
    if isinstance(loss, CrossEntropy | SquaredError):
        if outputs.ndim != 2:
            raise ValueError(
                f"{type(loss).__name__} needs outputs of shape (T, N_L); {type(module).__name__} "
                f"returned {tuple(outputs.shape)} for samples of shape {tuple(x[:2].shape)}"
            )
        return x, loss.targets(y, outputs.shape[1], like), mean
    try:
        with torch.no_grad():
            value = mean.chosen(outputs, y[:2])
    except Exception as error:
        error.add_note(
            f"raised by the loss for outputs {outputs.dtype} {tuple(outputs.shape)} and targets "
            f"{y.dtype} {tuple(y[:2].shape)}"
        )
        raise
    if not isinstance(value, Tensor) or tuple(value.shape) not in ((), tuple(x[:2].shape[:1])):
        found = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(
            f"the loss must return a number for each sample, or their mean; for {len(x[:2])} samples it "
            f"returned {found}"
        )
    return x, y, mean


def _tensor(value: Any, like: Tensor, name: str) -> Tensor:
    """Return a tensor on the device of `like`, and with its dtype if it holds fractions."""
    if not isinstance(value, Tensor):
        listed = not isinstance(value, np.ndarray)
        array = np.asarray(value)
        if array.dtype.kind not in "fiub":
            raise TypeError(f"{name} must hold real numbers; got dtype {array.dtype}")
        value = torch.tensor(array, device=like.device)
        if listed and value.is_floating_point():
            value = value.to(like.dtype)
    if value.device != like.device:
        raise ValueError(
            f"the module is on device {like.device} and {name} on {value.device}; move one, as by "
            f"{name}.to({str(like.device)!r}) or module.to({str(value.device)!r})"
        )
    if value.is_floating_point() and value.dtype != like.dtype:
        raise TypeError(
            f"the module has dtype {like.dtype} and {name} has {value.dtype}; convert one, as by "
            f"module.to({value.dtype}) or {name}.to({like.dtype})"
        )
    return value
