"""First-order updates: what to do with theta once the gradient is known.

An optimizer is a frozen set of hyper-parameters with two pure functions: ``state = init(theta)`` and
``theta, state = step(theta, gradient, state)``. Nothing is changed in place, so a step can be repeated,
compared or undone.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

from lecturecode.arrays import Array

__all__ = ["GradientDescent", "Optimizer"]

State = Any
"""What an optimizer remembers between two steps: a tuple of arrays shaped like theta."""


class Optimizer(Protocol):
    """The two functions that :func:`lecturecode.minimize` asks of an update rule."""

    def init(self, theta: Array) -> State:
        """Return the state before the first step."""

    def step(self, theta: Array, gradient: Array, state: State) -> tuple[Array, State]:
        """Return the next theta and the next state."""


@dataclass(frozen=True)
class GradientDescent:
    r"""Follow the steepest descent, with a step proportional to the gradient.

    .. math:: \theta^{(i+1)} \leftarrow \theta^{(i)} - \epsilon\, \nabla g(\theta^{(i)})

    Parameters
    ----------
    learning_rate : float
        The lecture's :math:`\epsilon > 0`. Near a minimum the iteration is stable only for
        :math:`\epsilon < 2/\lambda_{\max}`, the largest eigenvalue of the Hessian there.

    Raises
    ------
    TypeError
        If `learning_rate` is not a number.
    ValueError
        If it is not positive and finite.

    Notes
    -----
    The same step as ``torch.optim.SGD(params, lr=learning_rate)``, which changes its parameters in
    place where this returns new ones.

    References
    ----------
    A.-L. Cauchy, *Méthode générale pour la résolution des systèmes d'équations simultanées*,
    Comptes rendus 25 (1847), 536-538.

    Examples
    --------
    >>> optimizer = GradientDescent(0.1)
    >>> optimizer.step(1.0, 2.0, optimizer.init(1.0))
    (0.8, ())
    """

    learning_rate: float

    def __post_init__(self) -> None:
        # A Python number leaves float32 arrays as they are; a NumPy one would not.
        object.__setattr__(self, "learning_rate", positive(self.learning_rate, "learning_rate"))

    def init(self, theta: Array) -> State:
        """Gradient descent remembers nothing: the state is empty."""
        return ()

    def step(self, theta: Array, gradient: Array, state: State) -> tuple[Array, State]:
        r"""Return :math:`\theta - \epsilon \nabla g` and the unchanged state."""
        return theta - self.learning_rate * gradient, state


def positive(value: Any, name: str) -> float:
    """Return a hyper-parameter as a Python number, once it is known to be positive and finite.

    Raises
    ------
    TypeError
        If `value` is not a number.
    ValueError
        If it is not positive and finite.
    """
    try:
        number = float(value)
        words = isinstance(value, str)
    except (TypeError, ValueError):
        words = True
    if words:
        raise TypeError(f"{name} must be a number; got {type(value).__name__}")
    if not (math.isfinite(number) and number > 0):
        raise ValueError(f"{name} must be positive and finite; got {number}. Try 0.1 or 0.01")
    return number
