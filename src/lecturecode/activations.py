r"""Activations: what a neuron makes of its pre-activation, and the derivative of that.

Each is given by two functions. The first is sigma(a), which can be written over a, so that a pass
through a network needs no new memory. The second is sigma'(a), computed from x = sigma(a) instead of a.

Values are right to a few roundings for all a, infinite ones included. Slopes are right to a few
roundings of x: where a sigmoid or tanh rounds to 1, x has forgotten how far it was, and the slope is 0.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

import numpy as np

from lecturecode.arrays import Array, namespace

__all__ = ["ACTIVATIONS", "Activation"]

LEAK = 0.01  # the slope below zero, after Maas, Hannun & Ng (2013)


class Sigma(Protocol):
    """A function of one number, applied to each entry of an array."""

    def __call__(self, a: Array, out: Array | None = None) -> Array:
        """Return sigma(a); if `out` is a itself it is overwritten, which autograd does not forgive."""


class Activation(NamedTuple):
    """A function of one number, and its derivative."""

    function: Sigma
    """Takes a, returns sigma(a); ``function(a, out=a)`` overwrites a."""
    derivative: Callable[[Any], Any]
    """Takes x = sigma(a), returns sigma'(a)."""


def _sigmoid(a: Array, out: Array | None = None) -> Array:
    xp = namespace(a)
    one = 40 if a.dtype.itemsize > 2 else 11  # from there on sigma(a) rounds to 1, and e^a is finite
    x = xp.exp(a.clip(max=one), out=out)
    return xp.divide(x, 1 + x, out=out)  # e^a / (1 + e^a): no digit is lost on the way to 0


def _tanh(a: Array, out: Array | None = None) -> Array:
    return namespace(a).tanh(a, out=out)


def _relu(a: Any, out: Any = None) -> Array:
    if isinstance(a, np.ndarray | np.generic):
        zeros = np.zeros(a.shape[-1:], a.dtype)  # NumPy compares rows faster than numbers
        return np.maximum(a, zeros, out=out)  # chosen, not multiplied: 0 times -inf is NaN
    return a.relu() if out is None else a.relu_()  # autograd halves the slope of a maximum at a tie


def _leaky_relu(a: Array, out: Array | None = None) -> Array:
    return namespace(a).multiply(a, _leaky_slope(a), out=out)


def _leaky_slope(x: Array) -> Array:
    positive = namespace(x).astype(x > 0, x.dtype)
    return LEAK + (1 - LEAK) * positive


def _softplus(a: Array, out: Array | None = None) -> Array:
    xp = namespace(a)
    return xp.logaddexp(a, xp.zeros_like(a), out=out)  # log(1 + e^a)


def _identity(a: Array, out: Array | None = None) -> Array:
    return 1 * a if out is None else out


ACTIVATIONS = {
    "sigmoid": Activation(_sigmoid, lambda x: x * (1 - x)),
    "tanh": Activation(_tanh, lambda x: 1 - x * x),
    "relu": Activation(_relu, lambda x: x > 0),
    "leaky relu": Activation(_leaky_relu, _leaky_slope),
    "softplus": Activation(_softplus, lambda x: -namespace(x).expm1(-x)),
    "identity": Activation(_identity, lambda x: True),
}
"""The activations by their names. At zero, ReLU and leaky ReLU take the slope from below."""
