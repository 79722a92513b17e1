r"""The mean loss of a minibatch, and what each sample counts in it.

The losses of :mod:`lecturecode.losses` become those of ``torch.nn.functional``, which autograd knows;
any other function of outputs and targets is taken as it is. Most are plain means. That of a classifier
with class weights w, or with ignored labels, which weigh nothing, is divided by weights:

.. math:: L = \frac{\sum_t w_{y_t} \, l_t}{\sum_t w_{y_t}}

So a mean of such means is not the mean of all, unless each counts as much as the weights in it.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from lecturecode.door import came
from lecturecode.losses import CrossEntropy, SquaredError
from lecturecode.pytorch.modules import cross_entropy

PLAIN = (
    nn.BCELoss, nn.BCEWithLogitsLoss, nn.HingeEmbeddingLoss, nn.HuberLoss,
    nn.KLDivLoss, nn.L1Loss, nn.MSELoss, nn.MultiLabelMarginLoss, nn.MultiLabelSoftMarginLoss,
    nn.MultiMarginLoss, nn.PoissonNLLLoss, nn.SmoothL1Loss, nn.SoftMarginLoss,
)  # fmt: skip
"""PyTorch's losses whose mean counts all samples alike."""
PLAIN_FUNCTIONS = (
    cross_entropy, functional.binary_cross_entropy, functional.binary_cross_entropy_with_logits,
    functional.huber_loss, functional.l1_loss, functional.mse_loss, functional.smooth_l1_loss,
    functional.soft_margin_loss,
)  # fmt: skip
OF_CLASSES = {
    functional.cross_entropy: nn.CrossEntropyLoss(),
    functional.nll_loss: nn.NLLLoss(),
}
"""Losses of class numbers that have no parameters, as those that can weigh classes and ignore labels."""


@dataclass(frozen=True)
class MeanLoss:
    """The mean loss of a minibatch, from a loss of the package or a function of the user's.

    Parameters
    ----------
    loss : Loss or callable
        Takes outputs and targets, returns the loss of each sample or their mean.
    each : bool
        Whether it returns the loss of each sample.
    unlabelled : bool
        Whether some samples count nothing, so that a minibatch may have no others.

    Raises
    ------
    TypeError
        If it is not callable.
    ValueError
        If its reduction is a sum.
    """

    loss: Any
    each: bool = False
    unlabelled: bool = False
    chosen: Callable[..., Any] = field(init=False, repr=False)

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
        chosen: Callable[..., Any] = self.loss
        if isinstance(self.loss, CrossEntropy):
            chosen = functional.cross_entropy
        elif isinstance(self.loss, SquaredError):
            chosen = _squared_error
        object.__setattr__(self, "chosen", chosen)

    def __call__(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the mean of the losses, shape (); 0 where no sample counts."""
        if self.unlabelled:
            count = self.count(y).to(outputs.dtype)
            return self.sum(outputs, y) * torch.where(count == 0, 0.0, 1 / count)
        value = self.chosen(outputs, y)
        return value.mean() if value.ndim else value

    def sum(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Return the sum of the losses, each times what its sample counts: shape ()."""
        if self.of_classes is not None and not y.is_floating_point():
            return self._summed(outputs, y)
        value = self.chosen(outputs, y)
        return value.sum() if value.ndim else value * len(y)

    def count(self, y: Tensor) -> Tensor:
        """Return what all samples count together, shape (): their number, or the sum of weights."""
        if self.of_classes is None:
            return torch.tensor(len(y), dtype=torch.float64)
        return self.weights(y).sum()

    def weights(self, y: Tensor) -> Tensor:
        """Return what each sample counts, shape (T,): 1, or the weights of its labels."""
        if self.of_classes is None or y.is_floating_point():  # probabilities, which none ignores
            return torch.ones(len(y), dtype=torch.float64, device=y.device)
        labelled = y != self.of_classes.ignore_index
        weights = labelled.double()
        if self.of_classes.weight is not None:
            weights *= self.of_classes.weight.double()[y * labelled]
        return weights.reshape(len(y), -1).sum(1)

    @cached_property
    def of_classes(self) -> Any:
        """The loss of class numbers that this is; None if it is none."""
        if type(self.loss) in (nn.CrossEntropyLoss, nn.NLLLoss):
            return None if self.each else self.loss
        known = [of_classes for loss, of_classes in OF_CLASSES.items() if self.loss is loss]
        return known[0] if known else None

    @cached_property
    def adds_up(self) -> bool:
        """Whether the mean of all samples is known from means of parts, and from what those count.

        Not so for a function of the user's that returns one number: it may divide by anything.
        """
        if (
            self.each
            or self.of_classes is not None
            or isinstance(self.loss, CrossEntropy | SquaredError)
        ):
            return True
        if type(self.loss) in PLAIN:  # a weight may be one for each sample of a minibatch
            return getattr(self.loss, "weight", None) is None
        return any(self.loss is known for known in PLAIN_FUNCTIONS)

    @cached_property
    def _summed(self) -> nn.Module:
        summed = copy.copy(self.of_classes)
        summed.reduction = "sum"
        return summed


def _squared_error(outputs: Tensor, y: Tensor) -> Tensor:
    """Sum over the outputs, and take the mean over samples, as the lecture does."""
    return functional.mse_loss(outputs, y) * outputs.shape[1]
