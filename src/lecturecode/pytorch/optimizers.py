r"""Update rules of the package as those of ``torch.optim``, and a step that follows a schedule.

==============================  ======================================================================
here                            in PyTorch
==============================  ======================================================================
GradientDescent(lr)             ``torch.optim.SGD(params, lr)``
Momentum(lr, momentum)          ``torch.optim.SGD(params, lr, momentum)``, with :math:`v = -\epsilon u`
Adam(lr, beta1, beta2, eps)     ``torch.optim.Adam(params, lr, (beta1, beta2), eps)``
==============================  ======================================================================
"""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any

import torch
from torch import Tensor, nn

from lecturecode.checkpoints import describe
from lecturecode.door import came
from lecturecode.optimizers import Adam, GradientDescent, Momentum
from lecturecode.schedules import Schedule, rate_of


class Rule:
    r"""An optimizer of ``torch.optim`` with the learning rate of a schedule, if there is one.

    Parameters
    ----------
    optimizer : GradientDescent, Momentum, Adam or callable
        A rule of the package, or a function from parameters to a ``torch.optim.Optimizer``.
    parameters : list of torch.nn.Parameter
        What it changes.
    schedule : callable, optional
        The learning rate as a function of the number of steps.
    captured : bool
        Whether steps must be such as a CUDA graph can record: no number comes from the host.

    Raises
    ------
    TypeError
        If it is no rule, or the function returns no optimizer, or one that needs a closure.
    ValueError
        If an optimizer changes other tensors, or cannot be captured as it is, or if Adam's eps is 0 in
        the dtype of the parameters, as 1e-8 is in float16.

    Notes
    -----
    The lecture's velocity has :math:`\epsilon` in it, PyTorch's has not. For one rate that is the same.
    With a schedule, gradients are multiplied by the rate on their way back, and SGD has the rate 1: then
    its buffer is :math:`-v`, whatever the rate does. An optimizer of the user's gets the rate as its
    ``lr``, which PyTorch applies to all that it remembers.
    """

    def __init__(
        self, optimizer: Any, parameters: list[nn.Parameter], schedule: Schedule | None, captured: bool
    ) -> None:
        self.optimizer, self.schedule = optimizer, schedule
        self.captured, self.parameters = captured, parameters
        self.rate: Tensor | None = None
        like = parameters[0]
        if schedule is not None and isinstance(optimizer, GradientDescent | Momentum):
            self.rate = torch.ones((), dtype=like.dtype, device=like.device)
        self.torch: torch.optim.Optimizer
        if isinstance(optimizer, GradientDescent | Momentum):
            rate = optimizer.learning_rate if schedule is None else 1.0
            momentum = optimizer.momentum if isinstance(optimizer, Momentum) else 0.0
            self.torch = torch.optim.SGD(parameters, lr=rate, momentum=momentum)
        elif isinstance(optimizer, Adam):
            self.torch = self._adam(optimizer, like)
        else:
            self.torch = _checked(optimizer, parameters)
            if captured:
                self._check_capturable()

    def _adam(self, rule: Adam, like: Tensor) -> torch.optim.Optimizer:
        rate: Any = rule.learning_rate
        least = torch.finfo(like.dtype).smallest_normal
        if rule.eps < least:
            raise ValueError(
                f"eps = {rule.eps:g} is 0 in {like.dtype}, and PyTorch would divide a gradient of 0 by "
                f"it; take at least {least:.1g}"
            )
        if self.captured and self.schedule is not None:  # the graph reads it from the device
            rate = torch.tensor(rate, dtype=torch.float32, device=like.device)
        single = self.captured and like.dtype == torch.float32
        return torch.optim.Adam(
            self.parameters, rate, (rule.beta1, rule.beta2), rule.eps,
            capturable=self.captured, fused=single or None,
        )  # fmt: skip

    def _check_capturable(self) -> None:
        for group in self.torch.param_groups:
            if group.get("capturable") is False:
                raise ValueError(
                    f"fast=True captures the step, and this {type(self.torch).__name__} looks at the "
                    "host; build it with capturable=True"
                )
            if self.schedule is not None and not isinstance(group["lr"], Tensor):
                raise ValueError(
                    "fast=True with a schedule reads the learning rate from the device; build the "
                    "optimizer with lr=torch.tensor(0.1, device=...)"
                )

    def prepare(self, step: int) -> None:
        """Set the learning rate of a step.

        Parameters
        ----------
        step : int
            The number of steps so far.
        """
        if self.schedule is None:
            return
        rate = rate_of(self.schedule, step)
        if self.rate is not None:
            self.rate.fill_(rate)
            return
        for group in self.torch.param_groups:
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate

    def describe(self) -> str:
        """Return a text by which a checkpoint tells optimizers apart; rates may follow a schedule."""
        if isinstance(self.optimizer, GradientDescent | Momentum | Adam):
            return repr(self.optimizer)
        numbers = {
            key: float(value) if isinstance(value, Tensor) else describe(value)
            for key, value in self.torch.defaults.items()
        }
        return f"{type(self.torch).__name__}({', '.join(f'{k}={v}' for k, v in numbers.items())})"

    def state(self) -> dict[str, Tensor]:
        """Return what the optimizer remembers, as tensors by their names."""
        found = self.torch.state_dict()["state"]
        return {
            f"state {number} {name}": torch.as_tensor(value)
            for number, entries in found.items()
            for name, value in entries.items()
            if value is not None
        }

    def restore(self, state: dict[str, Tensor]) -> None:
        """Take over what another optimizer of this kind remembered.

        Parameters
        ----------
        state : dict of str to tensor
            What :meth:`state` returned.
        """
        entries: dict[int, dict[str, Tensor]] = {}
        for key, value in state.items():
            _, number, name = key.split(" ", 2)
            entries.setdefault(int(number), {})[name] = value
        groups = self.torch.state_dict()["param_groups"]
        self.torch.load_state_dict({"state": entries, "param_groups": groups})
        ordered = [part for group in self.torch.param_groups for part in group["params"]]
        for place, parts in entries.items():  # load_state_dict gives all the dtype of the parameters
            loaded: Any = self.torch.state[ordered[place]]
            for name, value in parts.items():
                loaded[name] = value.to(loaded[name].device)


def check_rule(optimizer: Any) -> None:
    """Check that an optimizer can be translated.

    Parameters
    ----------
    optimizer : GradientDescent, Momentum, Adam or callable
        A rule of the package, or a function from parameters to a ``torch.optim.Optimizer``.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if isinstance(optimizer, torch.optim.Optimizer):
        raise TypeError(
            f"the optimizer is built inside; give the function that builds it, such as lambda params: "
            f"torch.optim.{type(optimizer).__name__}(params, lr=0.01)"
        )
    known = isinstance(optimizer, GradientDescent | Momentum | Adam)
    if not (known or callable(optimizer)) or optimizer in (GradientDescent, Momentum, Adam):
        raise TypeError(
            "optimizer must be GradientDescent(0.1), Momentum(0.1), Adam(0.001) or a function from "
            f"parameters to a torch.optim.Optimizer; got {came(optimizer)}"
        )


def _checked(build: Callable[..., Any], parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    built = build(parameters)
    if not isinstance(built, torch.optim.Optimizer):
        raise TypeError(
            f"optimizer(parameters) must return a torch.optim.Optimizer; got {type(built).__name__}"
        )
    name = type(built).__name__
    closure = signature(built.step).parameters.get("closure")
    if closure is not None and closure.default is Parameter.empty:
        raise TypeError(
            f"{name} asks for the loss several times a step, and a minibatch's is seen once; give an "
            "optimizer that does not, or call yours with lecturecode.pytorch.value_and_gradient"
        )
    given = {id(part) for part in parameters}
    others = sum(id(part) not in given for group in built.param_groups for part in group["params"])
    if others:
        raise ValueError(
            f"the {name} changes {others} tensors that are not the module's; build it from the "
            f"parameters that the function is handed, as in lambda params: torch.optim.{name}(params)"
        )
    return built
