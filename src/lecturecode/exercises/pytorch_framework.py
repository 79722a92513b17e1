"""Exercises of the chapter on the PyTorch framework."""

import math
from typing import Any

import numpy as np

from lecturecode.exercises.judges import a_number, judge


@judge(
    "pytorch/forgotten-zero-grad",
    "theta after three steps on theta**2 / 2 from 1, with learning rate 0.1 and without zero_grad",
    a_number,
)
def _forgotten_zero_grad(theta: float) -> str | None:
    if math.isclose(theta, 0.9**3, rel_tol=1e-6):
        return "this is the descent with zero_grad"
    if any(math.isclose(theta, other, rel_tol=1e-6) for other in (0.9, 0.71, 0.1431)):
        return "this is theta after another number of steps than three"
    if not theta < 0.9**3:
        return "gradients of one sign that add up lead further than those that are forgotten"
    if not math.isclose(theta, 0.449, abs_tol=5e-4):
        return "each step subtracts the learning rate times the sum of all gradients so far"
    return None


@judge(
    "pytorch/training-loop",
    "a function fit(module, criterion, x, y, learning_rate, steps) that trains and returns the losses",
)
def _training_loop(fit: Any) -> str | None:
    try:
        import torch
    except ModuleNotFoundError:
        return "to judge this answer needs torch: pip install torch"
    rng, steps, rate = np.random.default_rng(0), 4, 0.1
    x, y = torch.tensor(rng.standard_normal((6, 2))), torch.tensor(rng.standard_normal((6, 1)))
    module = torch.nn.Linear(2, 1).double()
    with torch.no_grad():
        module.weight.copy_(torch.tensor([[0.5, -1.0]]))
        module.bias.fill_(0.25)
    for part in module.parameters():
        part.grad = torch.ones_like(part)  # left by somebody else
    lines = _descent(x.numpy(), y.numpy(), rate, steps)
    losses = fit(module, torch.nn.MSELoss(), x, y, rate, steps)
    found = np.array([module.bias.item(), *module.weight.detach().ravel().tolist()])
    if not np.isfinite(found).all():
        return "the module's parameters are not finite any more"
    if np.allclose(found, [0.25, 0.5, -1.0]):
        return "the module has not changed; it is to be fitted in place"
    for wrong, left, adding in (
        ("gradients that were there before the first step took part in it", 1.0, False),
        ("the gradients of earlier steps are still in the later ones", 0.0, True),
        ("no step forgets the gradients, not even those that were there before", 1.0, True),
    ):
        if np.allclose(found, _descent(x.numpy(), y.numpy(), rate, steps, left, adding)[0]):
            return wrong
    if not np.allclose(found, lines[0]):
        return f"the module is not where {steps} steps of SGD with this learning rate lead"
    if not isinstance(losses, list) or len(losses) != steps:
        return f"{steps} steps have a list of {steps} losses"
    if not all(isinstance(value, float) for value in losses):
        return f"the losses are to be Python numbers; this is {type(losses[0]).__name__}, with its graph"
    if not np.allclose(losses, lines[1]):
        return "these are not the losses before each step"
    return None


def _descent(
    x: np.ndarray, y: np.ndarray, rate: float, steps: int, left: float = 0.0, adding: bool = False
) -> tuple[np.ndarray, list[float]]:
    """Fit the line by hand, from gradients that are `left` at the start and perhaps add up."""
    W, theta = np.hstack([np.ones((len(x), 1)), x]), np.array([0.25, 0.5, -1.0])
    grad, losses = np.full(3, left), []
    for _ in range(steps):
        r = W @ theta - y[:, 0]
        losses.append(float((r**2).mean()))
        grad = grad + 2 / len(x) * W.T @ r
        theta = theta - rate * grad
        if not adding:
            grad = np.zeros(3)
    return theta, losses
