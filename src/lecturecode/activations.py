r"""Activations: what a neuron makes of its pre-activation, and the derivative of that.

Each is given by two functions. The first overwrites its argument with sigma(a), so that a pass through a
network needs no new memory. The second is sigma'(a), computed from x = sigma(a) instead of a.
"""

from collections.abc import Callable
from typing import NamedTuple

from lecturecode.arrays import Array, namespace

__all__ = ["ACTIVATIONS", "Activation"]

LEAK = 0.01  # the slope below zero, after Maas, Hannun & Ng (2013)


class Activation(NamedTuple):
    """A function of one number, applied to each entry of an array."""

    function: Callable[[Array], Array]
    """Overwrites a with sigma(a), and returns it."""
    derivative: Callable[[Array], Array]
    """Takes x = sigma(a), returns sigma'(a)."""


def _sigmoid(a: Array) -> Array:
    a *= 0.5  # 1 / (1 + e^-a) = (1 + tanh(a / 2)) / 2, which cannot overflow
    namespace(a).tanh(a, out=a)
    a += 1
    a *= 0.5
    return a


def _tanh(a: Array) -> Array:
    return namespace(a).tanh(a, out=a)


def _relu(a: Array) -> Array:
    a *= a > 0
    return a


def _leaky_relu(a: Array) -> Array:
    a *= _leaky_slope(a)
    return a


def _leaky_slope(x: Array) -> Array:
    positive = namespace(x).astype(x > 0, x.dtype)
    return LEAK + (1 - LEAK) * positive


def _softplus(a: Array) -> Array:
    xp = namespace(a)
    return xp.logaddexp(a, xp.zeros_like(a), out=a)  # log(1 + e^a)


ACTIVATIONS = {
    "sigmoid": Activation(_sigmoid, lambda x: x * (1 - x)),
    "tanh": Activation(_tanh, lambda x: 1 - x * x),
    "relu": Activation(_relu, lambda x: x > 0),
    "leaky relu": Activation(_leaky_relu, _leaky_slope),
    "softplus": Activation(_softplus, lambda x: -namespace(x).expm1(-x)),
    "identity": Activation(lambda a: a, lambda x: True),
}
"""The activations by their names. At zero, ReLU and leaky ReLU take the slope from below."""
