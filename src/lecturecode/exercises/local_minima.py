"""Exercises of the chapter on local minima."""

from math import factorial, prod
from typing import Any

import numpy as np

from lecturecode.exercises.judges import judge
from lecturecode.network import Network


@judge(
    "minima/twins",
    "a function that takes the list of hidden widths of a tanh network and returns how many thetas "
    "compute its function, as an exact integer",
)
def _twins(answer: Any) -> str | None:
    right = {
        hidden: prod(2**N * factorial(N) for N in hidden)
        for hidden in ((1,), (4,), (3, 2), (2, 2, 2), (60,))
    }
    if answer([1]) == 1:
        return "a single neuron has no other order, but it can be flipped"
    if answer([4]) == factorial(4):
        return "for one layer it counts the orders only, and not the signs"
    if answer([4]) != right[4,]:
        return "for one layer of 4 neurons the number is wrong"
    if answer([3, 2]) == sum(2**N * factorial(N) for N in (3, 2)):
        return "layers are changed independently of each other; each choice goes with each"
    for hidden in ((3, 2), (2, 2, 2)):
        if answer(list(hidden)) != right[hidden]:
            return f"for the hidden widths {list(hidden)} the number is wrong"
    if not isinstance(answer([60]), int) or answer([60]) != right[60,]:
        return "for a wide layer it must be an exact integer, not a rounded number"
    return None


@judge(
    "minima/balance",
    "a function of a ReLU network with one hidden layer and its theta that returns the shortest of all "
    "its rescalings",
)
def _balance(answer: Any) -> str | None:
    rng = np.random.default_rng(0)
    for widths in ((1, 1, 1), (2, 4, 3), (3, 5, 1)):
        network = Network(widths, "relu")
        theta, x = rng.normal(size=network.size), rng.normal(size=(30, widths[0]))
        given = theta.copy()
        found = np.asarray(answer(network, theta))
        if not np.array_equal(theta, given):
            return "the theta that it was given must not change"
        if found.shape != theta.shape:
            return f"it returned shape {found.shape}; theta has shape {theta.shape}"
        (b, W), (_, V) = network.unpack(found)
        if not np.allclose(network.predict(found, x), network.predict(theta, x)):
            return "the network must compute what it computed before"
        taken, given_out = (W**2).sum(1) + b**2, (V**2).sum(0)
        if np.allclose((W**2).sum(1), given_out) and not np.allclose(taken, given_out):
            return "the bias is rescaled too, and counts for the length"
        if not np.allclose(taken, given_out):
            return "some rescaling of a neuron would still make theta shorter"
    return None
