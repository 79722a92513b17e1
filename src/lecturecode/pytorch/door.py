"""Data and losses at the door of PyTorch: tensors beside the module, and a loss that takes them."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lecturecode.arrays import ArrayLike, check_finite
from lecturecode.losses import CrossEntropy, SquaredError
from lecturecode.pytorch.mean_loss import MeanLoss
from lecturecode.pytorch.modules import cross_entropy
from lecturecode.pytorch.theta import as_tensor


def checked_data(
    module: nn.Module,
    loss: Any,
    x: ArrayLike,
    y: ArrayLike,
    *,
    like: Tensor,
    names: tuple[str, str] = ("x", "y"),
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
        If something does not fit; what the module or the loss raises has their shapes in a note.
    """
    mean = MeanLoss(loss)
    x, y = as_tensors(x, y, like, names)
    if like.device.type == "meta":
        raise ValueError(
            f"{type(module).__name__} is on the meta device, where there are shapes and no numbers; "
            "move it, as by module.to_empty(device='cpu'), and give it a start"
        )
    outputs = outputs_of(module, x[:2].clone())  # it may write into its inputs
    if isinstance(loss, CrossEntropy | SquaredError):
        _check_outputs(module, loss, outputs, x[:2])
        targets: Any = loss.targets(y, outputs.shape[1], like)  # tensors, as y is one
        return x, targets, mean
    mean = check_loss(mean, outputs, y)
    return x, y, _for_labels(mean, outputs, y, names[1])


def as_tensors(
    x: ArrayLike, y: ArrayLike, like: Tensor, names: tuple[str, str]
) -> tuple[Tensor, Tensor]:
    """Return samples and targets, as many of the one as of the other, as finite tensors beside `like`.

    Raises
    ------
    TypeError, ValueError
        If they are none.
    """
    x, y = _tensor(x, like, names[0]).detach(), _tensor(y, like, names[1]).detach()
    if not (y.is_floating_point() or y.is_complex() or y.dtype is torch.bool):
        y = y.long()  # PyTorch's losses and indices take no others
    if not (x.ndim and y.ndim and 0 < x.shape[0] == y.shape[0]):
        raise ValueError(
            f"{names[0]} and {names[1]} must have the same number of samples, at least 1; got shapes "
            f"{tuple(x.shape)} and {tuple(y.shape)}"
        )
    for name, tensor in zip(names, (x, y), strict=True):
        if tensor.is_floating_point() and tensor.device.type != "meta":  # where there are no numbers
            check_finite(tensor, name)
    return x, y


def outputs_of(module: nn.Module, x: Tensor) -> Any:
    """Return what the module makes of some samples, in evaluation mode and without recording.

    Raises
    ------
    Exception
        Whatever the module raises, with the shape of the samples in a note.
    """
    try:
        with keeps_modes(module), torch.no_grad():
            return module.eval()(x)
    except Exception as error:
        error.add_note(f"raised by {type(module).__name__} for samples of shape {tuple(x.shape)}")
        raise


@contextmanager
def keeps_modes(module: nn.Module) -> Iterator[None]:
    """Give each layer its own mode back, of training or evaluation, when the block is left."""
    modes = [(layer, layer.training) for layer in module.modules()]
    try:
        yield
    finally:
        for layer, mode in modes:
            layer.training = mode


def _check_outputs(module: nn.Module, loss: Any, outputs: Any, x: Tensor) -> None:
    if not isinstance(outputs, Tensor) or outputs.ndim != 2:
        plain = isinstance(outputs, Tensor)
        found = tuple(outputs.shape) if plain else f"a {type(outputs).__name__}"
        raise ValueError(
            f"{type(loss).__name__} needs outputs of shape (T, N_L); {type(module).__name__} "
            f"returned {found} for samples of shape {tuple(x.shape)}"
        )


def check_loss(mean: MeanLoss, outputs: Any, y: Tensor) -> MeanLoss:
    """Return a loss that takes the outputs for the first samples, and their targets.

    Raises
    ------
    Exception
        Whatever the loss raises, with the shapes in a note.
    ValueError
        If it returns neither a number for each sample nor their mean, compares each with each, or gives
        autograd no way back to the outputs.
    """
    if mean.loss is cross_entropy and outputs.ndim == 2 and y.dtype is torch.int64:
        CrossEntropy().targets(y, outputs.shape[1], outputs)  # as an index, -1 is the last class
    first = y[:2].clone()
    try:
        with torch.no_grad(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Using a target size")  # see _check_pairs
            value = mean.chosen(outputs, first)
    except Exception as error:
        error.add_note(
            f"raised by the loss for outputs {outputs.dtype} {tuple(outputs.shape)} and targets "
            f"{first.dtype} {tuple(first.shape)}"
        )
        raise
    if not isinstance(value, Tensor) or tuple(value.shape) not in ((), (len(first),)):
        found = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
        raise ValueError(
            f"the loss must return a number for each sample, or their mean; for {len(first)} samples it "
            f"returned {found}"
        )
    _check_pairs(mean, outputs, y)
    return replace(mean, each=value.ndim > 0)


def _for_labels(mean: MeanLoss, outputs: Any, y: Tensor, name: str) -> MeanLoss:
    """Return the loss of class numbers of which some are ignored, or weigh nothing."""
    if mean.of_classes is None or y.is_floating_point():
        return mean
    ignored, classes = mean.of_classes.ignore_index, outputs.shape[1]
    labels = y[y != ignored]
    if len(labels) == 0:
        raise ValueError(f"all of {name} is {ignored}, which this loss ignores; no label is left")
    if labels.min() < 0 or labels.max() >= classes:
        raise ValueError(
            f"{name} must hold class numbers from 0 to {classes - 1}, or {ignored}, which this loss "
            f"ignores; got {int(labels.min())}..{int(labels.max())}"
        )
    weights = mean.weights(y)
    if not weights.any():
        raise ValueError(f"all of {name} is of classes that weigh 0; no label is left")
    return replace(mean, unlabelled=not bool(weights.all()))


def _check_pairs(mean: MeanLoss, outputs: Any, y: Tensor) -> None:
    """Refuse a loss that compares each output with each target, by broadcasting (T, 1) and (T,).

    Of outputs that are the targets, the loss must be that of one pair and of the other, put together.
    """
    one_each = isinstance(outputs, Tensor) and {(outputs.ndim, *outputs.shape[1:]),
                                                (y.ndim, *y.shape[1:])} == {(1,), (2, 1)}  # fmt: skip
    if not (one_each and outputs.is_floating_point() and y.is_floating_point() and len(y) > 1):
        return
    two = y.reshape(-1)[[int(y.argmin()), int(y.argmax())]]
    target = two.reshape(-1, *y.shape[1:])
    perfect = two.clone().reshape(-1, *outputs.shape[1:])
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        both = mean(perfect, target)
        first, second = (mean(perfect[k : k + 1], target[k : k + 1]) for k in (0, 1))
    if (both - (first + second) / 2).abs() > 1e-3 * (both.abs() + first.abs() + second.abs()):
        raise ValueError(
            f"the module returns outputs of shape {'(T,)' if outputs.ndim == 1 else '(T, 1)'} and the "
            f"targets have shape {tuple(y.shape)}: this loss compares each output with each target. "
            f"Give both one shape, as by {'y[:, None]' if y.ndim == 1 else 'y[:, 0]'}"
        )


def _is_mapped(value: Any) -> bool:
    return isinstance(value, np.memmap) and value.dtype.kind == "f" and value.dtype.isnative


def _of_file(array: np.memmap) -> Tensor:
    """Return a tensor in the memory of a mapped file, which a fit reads and never writes."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch has no tensors that are read-only, and says so
        return torch.from_numpy(array)


def _tensor(value: Any, like: Tensor, name: str) -> Tensor:
    """Return a tensor on the device of `like`, and with its dtype if it holds fractions."""
    given, value = value, _of_file(value) if _is_mapped(value) else as_tensor(value, name)
    if given is not value:
        value = value.to(like.device)
        if not hasattr(given, "dtype") and value.is_floating_point():  # a list has no precision
            value = value.to(like.dtype)
    if value.device != like.device:
        raise ValueError(
            f"the module is on device {like.device} and {name} on {value.device}; move one, as by "
            f"{name}.to({str(like.device)!r}) or module.to({str(value.device)!r})"
        )
    if value.is_floating_point() and value.dtype != like.dtype:
        kind = str(like.dtype).removeprefix("torch.")
        cast = f"{name}.to({like.dtype})" if given is value else f"{name}.astype({kind!r})"
        raise TypeError(
            f"the module has dtype {like.dtype} and {name} has {value.dtype}; convert one, as by "
            f"module.to({value.dtype}) or {cast}"
        )
    return value
