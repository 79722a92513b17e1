"""First-order updates: what to do with theta once the gradient is known.

An optimizer is a frozen set of hyper-parameters with two pure functions: ``state = init(theta)`` and
``theta, state = step(theta, gradient, state)``. Nothing is changed in place, so a step can be repeated,
compared or undone. Where a million steps are made and no theta but the last is wanted, ``step_in_place``
does the same in the memory that is there.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Protocol

import array_api_compat as compat

from lecturecode.arrays import Array, as_array, copied, namespace
from lecturecode.door import real

__all__ = [
    "Adam",
    "GradientDescent",
    "Momentum",
    "Optimizer",
]

RATES, MEMORIES = "Try 0.1 or 0.01", "Usual is 0.9"
"""What a message recommends."""

State = Any
"""What an optimizer remembers between two steps: a tuple of arrays shaped like theta, and numbers."""


class Optimizer(Protocol):
    """The two functions that :func:`lecturecode.minimize` asks of an update rule.

    A rule may have a third, ``state = step_in_place(theta, gradient, state)``, for
    :func:`lecturecode.train`: the same step, up to rounding. It overwrites theta and the arrays of the
    state with the next ones, and the gradient with whatever it likes.

    The rules of the package begin it with ``gradient *= times``, and have the rest as a function of its
    own, ``state = step_by(theta, multiple, state)``, for a gradient that comes multiplied already.
    """

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
        _set(self, "learning_rate", "(0, inf)", RATES)

    def init(self, theta: Array) -> State:
        """Gradient descent remembers nothing: the state is empty."""
        return ()

    def step(self, theta: Array, gradient: Array, state: State) -> tuple[Array, State]:
        r"""Return :math:`\theta - \epsilon \nabla g` and the unchanged state."""
        return theta - self.learning_rate * gradient, state

    @property
    def times(self) -> float:
        """The multiple of the gradient that :meth:`step_by` takes: the learning rate."""
        return self.learning_rate

    def step_in_place(self, theta: Array, gradient: Array, state: State) -> State:
        """Overwrite theta with the next one, and the gradient; return the unchanged state."""
        gradient *= self.times
        return self.step_by(theta, gradient, state)

    def step_by(self, theta: Array, multiple: Array, state: State) -> State:
        """Overwrite theta with the next one, given that multiple of the gradient."""
        theta -= multiple
        return state


@dataclass(frozen=True)
class Momentum:
    r"""Smooth the gradients: theta has a velocity, which each gradient turns a little.

    .. math::
        v^{(i+1)} &\leftarrow \alpha\, v^{(i)} - \epsilon\, \nabla g(\theta^{(i)}), \qquad v^{(0)} = 0 \\
        \theta^{(i+1)} &\leftarrow \theta^{(i)} + v^{(i+1)}

    Parameters
    ----------
    learning_rate : float
        The lecture's :math:`\epsilon > 0`.
    momentum : float
        The lecture's :math:`\alpha`, from 0 (gradient descent) to below 1. It has a memory of about
        :math:`1/(1-\alpha)` steps.

    Raises
    ------
    TypeError
        If a parameter is not a number.
    ValueError
        If `learning_rate` is not positive and finite, or `momentum` is not in [0, 1).

    Notes
    -----
    The velocity is a *sum* of gradients with decaying weights, not their average: along a constant
    gradient the step grows to :math:`\epsilon/(1-\alpha)` times it. The average, with weights
    :math:`(1-\alpha)\alpha^k`, comes from the learning rate :math:`(1-\alpha)\epsilon`.

    ``torch.optim.SGD(params, lr, momentum)`` keeps :math:`\epsilon` out of its buffer,
    :math:`u \leftarrow \alpha u + \nabla g`, :math:`\theta \leftarrow \theta - \epsilon u`: the same
    path for a constant learning rate, with :math:`v = -\epsilon u`. When the rate changes, PyTorch
    applies the new one to the whole memory, and this one to new gradients only.

    References
    ----------
    Polyak, Some methods of speeding up the convergence of iteration methods, *USSR Computational
    Mathematics and Mathematical Physics* 4 (1964).

    Examples
    --------
    >>> optimizer = Momentum(0.1, 0.9)
    >>> theta, state = optimizer.step(1.0, 2.0, (0.0,))
    >>> theta, state = optimizer.step(theta, 2.0, state)
    >>> round(theta, 3), round(state[0], 3)
    (0.42, -0.38)
    """

    learning_rate: float
    momentum: float = 0.9

    def __post_init__(self) -> None:
        _set(self, "learning_rate", "(0, inf)", RATES)
        _set(self, "momentum", "[0, 1)", MEMORIES)

    def init(self, theta: Array) -> State:
        """Return the velocity at rest."""
        return (0 * theta,)

    def step(self, theta: Array, gradient: Array, state: State) -> tuple[Array, State]:
        """Return the next theta, and its velocity v."""
        (v,) = state
        v = self.momentum * v
        v -= self.learning_rate * gradient
        return theta + v, (v,)

    @property
    def times(self) -> float:
        """The multiple of the gradient that :meth:`step_by` takes: the learning rate."""
        return self.learning_rate

    def step_in_place(self, theta: Array, gradient: Array, state: State) -> State:
        """Overwrite theta and its velocity with the next ones, and the gradient; return the state."""
        gradient *= self.times
        return self.step_by(theta, gradient, state)

    def step_by(self, theta: Array, multiple: Array, state: State) -> State:
        """Overwrite theta and its velocity with the next ones, given that multiple of the gradient."""
        (v,) = state
        v *= self.momentum
        v -= multiple
        theta += v
        return (v,)


def _half(theta: Array) -> bool:
    """Tell numbers of 16 bits."""
    return getattr(theta, "itemsize", 8) < 4


def _in_float32(step: Callable[..., Any]) -> Callable[..., Any]:
    """Let a step take numbers of 16 bits, whose squares overflow at 256 or vanish: it is made in 32."""

    @wraps(step)
    def stepped(self: Any, theta: Array, gradient: Array, state: State) -> tuple[Array, State]:
        if not _half(theta):
            return step(self, theta, gradient, state)
        xp = namespace(theta)
        wide = (xp.astype(part, xp.float32) for part in (theta, gradient))
        moved, state = step(self, *wide, state)
        return xp.astype(moved, theta.dtype), state

    return stepped


@dataclass(frozen=True)
class Adam:
    r"""Divide a smoothed gradient by its own size, coordinate by coordinate.

    .. math::
        m &\leftarrow \beta_1 m + (1 - \beta_1)\, \nabla g, \qquad
            s \leftarrow \beta_2 s + (1 - \beta_2)\, (\nabla g)^2 \\
        \theta^{(i)} &\leftarrow \theta^{(i-1)} - \epsilon\,
            \frac{m / (1 - \beta_1^i)}{\sqrt{s / (1 - \beta_2^i)} + \mathtt{eps}}, \qquad i = 1, 2, \dots

    Parameters
    ----------
    learning_rate : float
        :math:`\epsilon > 0`: about the length of each coordinate's first steps, whatever the size of the
        gradient.
    beta1, beta2 : float
        How long the averages of gradients and of squared gradients remember, each in [0, 1).
    eps : float
        A small positive number, in the units of a gradient, that keeps the quotient finite. It is added
        to the root, after the correction.

    Raises
    ------
    TypeError
        If a parameter is not a number.
    ValueError
        If `learning_rate` or `eps` is not positive and finite, or a `beta` is not in [0, 1).

    Notes
    -----
    Both averages start at zero, and are too small at first: after i equal gradients by just the factors
    :math:`1 - \beta^i` by which they are divided. This is ``torch.optim.Adam``, to rounding.

    The square of a gradient has to be a number: beyond :math:`10^{19}` in float32 and :math:`10^{154}`
    in float64 it is infinite, and its coordinate stands still from then on, as in PyTorch. Numbers of 16
    bits have averages in float32.

    References
    ----------
    Kingma & Ba, Adam: a method for stochastic optimization, *ICLR* (2015), algorithm 1, which has the
    defaults.

    Examples
    --------
    >>> import numpy as np
    >>> optimizer, theta = Adam(0.1), np.array([1.0, 1.0])
    >>> theta, state = optimizer.step(theta, np.array([1e-3, -1e3]), optimizer.init(theta))
    >>> theta.round(4)
    array([0.9, 1.1])
    """

    learning_rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8

    def __post_init__(self) -> None:
        _set(self, "learning_rate", "(0, inf)", RATES)
        _set(self, "beta1", "[0, 1)", MEMORIES)
        _set(self, "beta2", "[0, 1)", MEMORIES)
        _set(self, "eps", "(0, inf)")

    def init(self, theta: Array) -> State:
        """Return both averages at zero, and the number of steps so far.

        Raises
        ------
        ValueError
            If `eps` is too small to be told from zero by the numbers of theta.
        """
        known: Any = theta
        xp = namespace(known) if compat.is_array_api_obj(theta) else None
        if xp is not None:
            theta = xp.astype(theta, xp.float32) if _half(theta) else theta
            least = float(xp.finfo(theta.dtype).smallest_normal) / math.sqrt(1 - self.beta2)
            if self.eps < least:
                raise ValueError(
                    f"eps = {self.eps:g} may be 0 in {theta.dtype}, and a gradient of 0 would be "
                    f"divided by it; take at least {least:.1g}"
                )
        return (0 * theta, 0 * theta, 0)

    @_in_float32
    def step(self, theta: Array, gradient: Array, state: State) -> tuple[Array, State]:
        """Return the next theta, and the averages m and s with the number of steps."""
        m, s, i = state
        i = i + 1
        m = self.beta1 * m
        m += (1 - self.beta1) * gradient
        square = gradient * gradient
        square *= 1 - self.beta2
        s = self.beta2 * s
        s += square
        size = s / (1 - self.beta2**i)
        size **= 0.5
        size += self.eps
        move = m / size
        move *= self.learning_rate / (1 - self.beta1**i)
        return theta - move, (m, s, i)

    @property
    def times(self) -> float:
        """The multiple of the gradient that :meth:`step_by` takes: its share in m."""
        return 1 - self.beta1

    def step_in_place(self, theta: Array, gradient: Array, state: State) -> State:
        """Overwrite theta and both averages with the next ones, and the gradient; return the state."""
        if _half(theta):
            theta[...], state = self.step(theta, gradient, state)
            return state
        gradient *= self.times
        return self.step_by(theta, gradient, state)

    def step_by(self, theta: Array, multiple: Array, state: State) -> State:
        """Overwrite theta and both averages, given that multiple of the gradient, which is lost."""
        xp, (m, s, i) = namespace(theta), state
        i = i + 1
        m *= self.beta1
        m += multiple
        square = multiple
        square *= square
        square *= (1 - self.beta2) / (1 - self.beta1) ** 2
        s *= self.beta2
        s += square
        move, root = square, math.sqrt(1 - self.beta2**i)  # both corrections go into two numbers
        xp.sqrt(s, out=move)
        move += self.eps * root
        xp.divide(m, move, out=move)
        move *= self.learning_rate * root / (1 - self.beta1**i)
        theta -= move
        return m, s, i


@dataclass(frozen=True, eq=False)
class Apart:
    """An optimizer of the user's: it may write into what it is handed, or return one theta each time."""

    optimizer: Optimizer

    def init(self, theta: Array) -> State:
        """Return the state before the first step."""
        return self.optimizer.init(copied(theta))

    def step(self, theta: Array, gradient: Array, state: State) -> tuple[Array, State]:
        """Return the next theta, in memory of its own, and the next state."""
        theta, state = self.optimizer.step(copied(theta), copied(gradient), state)
        return copied(as_array(theta)), state


PURE = (GradientDescent, Momentum, Adam)
"""Those that write into nothing but what ``step_in_place`` is meant to, and remember no gradient."""


def apart(optimizer: Optimizer) -> Optimizer:
    """Return an optimizer that leaves alone what it is handed."""
    return optimizer if type(optimizer) in PURE else Apart(optimizer)


def steps_in_place(optimizer: Any) -> bool:
    """Return whether the class that defines an optimizer's step also defines it in place."""
    owner = next((kind for kind in type(optimizer).__mro__ if "step" in vars(kind)), None)
    return owner is not None and "step_in_place" in vars(owner)


def _set(optimizer: Any, name: str, within: str, hint: str = "") -> None:
    """Make a Python number of a hyper-parameter, which leaves float32 arrays as they are."""
    object.__setattr__(optimizer, name, real(getattr(optimizer, name), name, within, hint))
