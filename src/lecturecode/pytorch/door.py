r"""Data and losses at the door of PyTorch: tensors beside the module, and the mean over a minibatch.

The losses of :mod:`lecturecode.losses` become those of ``torch.nn.functional``, which autograd knows;
any other function of outputs and targets is taken as it is.
"""

import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from lecturecode.arrays import check_finite
from lecturecode.door import came
from lecturecode.losses import CrossEntropy, SquaredError
from lecturecode.pytorch.modules import cross_entropy
from lecturecode.pytorch.theta import as_tensor


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
    ValueError
        If its reduction is a sum.
    """

    loss: Any
    chosen: Callable = field(init=False, repr=False)

    def __post_init__(self) -> None:
        if not callable(self.loss) or (
            isinstance(self.loss, type) and not isinstance(self.loss, nn.Module)
        ):
            raise TypeError(
                "loss must be SquaredError(), CrossEntropy() or a function of outputs and targets, such "
                f"as torch.nn.CrossEntropyLoss(); got {came(self.loss)}"
            )
        if getattr(self.loss, "reduction", None) == "sum":
            raise ValueError(
                "the loss must be a mean over the samples, or one number for each: a sum grows with the "
                f"minibatch; got {self.loss} with reduction='sum'. Give it reduction='mean'"
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
        If something does not fit; what the module or the loss raises has their shapes in a note.
    """
    mean = MeanLoss(loss)
    x, y = as_tensors(x, y, like, names)
    if like.device.type == "meta":
        raise ValueError(
            f"{type(module).__name__} is on the meta device, where there are shapes and no numbers; "
            "move it, as by module.to_empty(device='cpu'), and give it a start"
        )
    outputs = outputs_of(module, x[:2])
    if isinstance(loss, CrossEntropy | SquaredError):
        _check_outputs(module, loss, outputs, x[:2])
        return x, loss.targets(y, outputs.shape[1], like), mean
    check_loss(mean, outputs, y)
    return x, y, mean


def as_tensors(x: Any, y: Any, like: Tensor, names: tuple[str, str]) -> tuple[Tensor, Tensor]:
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
    mode = module.training
    try:
        with torch.no_grad():
            return module.eval()(x)
    except Exception as error:
        error.add_note(f"raised by {type(module).__name__} for samples of shape {tuple(x.shape)}")
        raise
    finally:
        module.train(mode)


def _check_outputs(module: nn.Module, loss: Any, outputs: Any, x: Tensor) -> None:
    if not isinstance(outputs, Tensor) or outputs.ndim != 2:
        plain = isinstance(outputs, Tensor)
        found = tuple(outputs.shape) if plain else f"a {type(outputs).__name__}"
        raise ValueError(
            f"{type(loss).__name__} needs outputs of shape (T, N_L); {type(module).__name__} "
            f"returned {found} for samples of shape {tuple(x.shape)}"
        )


def check_loss(mean: MeanLoss, outputs: Any, y: Tensor) -> None:
    """Check that a loss of the user's takes the outputs for the first samples, and their targets.

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
    first = y[:2]
    watched = isinstance(outputs, Tensor) and outputs.is_floating_point()
    outputs = outputs.detach().requires_grad_() if watched else outputs
    try:
        with torch.enable_grad(), warnings.catch_warnings():
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
    if watched and not value.requires_grad:
        raise ValueError(
            "what the loss returns has no connection to the outputs that autograd knows, so that its "
            "gradient would be 0; compute it by functions of PyTorch, without detach() or item()"
        )


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
    perfect = two.reshape(-1, *outputs.shape[1:])
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


def _tensor(value: Any, like: Tensor, name: str) -> Tensor:
    """Return a tensor on the device of `like`, and with its dtype if it holds fractions."""
    given, value = value, as_tensor(value, name)
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
