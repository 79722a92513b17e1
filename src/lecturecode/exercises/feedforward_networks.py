"""Exercises of the chapter on feedforward networks."""

from itertools import pairwise
from typing import Any

import numpy as np

from lecturecode.exercises.judges import judge, numbers
from lecturecode.network import Network


@judge(
    "feedforward/size",
    "a function size(widths) that returns the number of parameters of a network with these widths",
)
def _size(size: Any) -> str | None:
    one = size((3, 1))
    if one == 3:
        return "a neuron has a bias beside its weights; here it is not counted"
    if one == 7:
        return "the inputs are no neurons and have no biases; here they do"
    if one != Network((3, 1)).size:
        return "a single neuron with three inputs is not counted right"
    if size((3, 5)) != 5 * one:
        return "five neurons with three inputs have five times the parameters of one; here they do not"
    for widths in ((3, 5, 2), (1, 1, 1, 1), (4, 1, 7, 3), (20, 30, 30, 30, 10)):
        layers = sum(size(pair) for pair in pairwise(widths))
        if size(widths) != layers:
            return "a network has the parameters of its layers, one after the other; here it has not"
    if [size((m, 6)) for m in (1, 2, 9)] != [Network((m, 6)).size for m in (1, 2, 9)]:
        return "a further input gives each neuron of the first layer one more weight; here it does not"
    return None


@judge(
    "feedforward/xor",
    "nine numbers: the theta of a ReLU network of widths (2, 2, 1) that computes the exclusive or",
    numbers,
)
def _xor(theta: np.ndarray) -> str | None:
    network = Network((2, 2, 1), "relu")
    if theta.shape != (network.size,):
        return f"three neurons with two inputs have nine parameters; this theta has shape {theta.shape}"
    corners = np.array([[0.0, 0.0], [1.0, 1.0], [0.0, 1.0], [1.0, 0.0]])
    outputs = network.predict(theta, corners)[:, 0]
    if not np.isfinite(outputs).all():
        return "the outputs are not finite"
    for corner, output, wanted in zip(corners, outputs, (0, 0, 1, 1), strict=True):
        if abs(output - wanted) > 1e-9:
            where = tuple(corner.astype(int).tolist())
            return f"the output for {where} is {output:g}, which is not right"
    return None


@judge(
    "feedforward/forward",
    "a function dnn(theta, x, widths) that returns the outputs, shape (T, N_L), tanh in hidden layers",
)
def _forward(dnn: Any) -> str | None:
    rng = np.random.default_rng(0)
    widths = (3, 4, 5, 2)
    network, x = Network(widths), rng.normal(size=(7, 3))
    theta = rng.normal(size=network.size)
    given_theta, given_x = theta.copy(), x.copy()
    output = np.asarray(dnn(given_theta, given_x, widths))
    if (given_theta != theta).any() or (given_x != x).any():
        return "an array that was passed in has been changed"
    if output.shape != (7, 2):
        return f"7 samples and 2 outputs need shape (7, 2), not {output.shape}"
    only_bias = np.zeros(network.size)
    network.unpack(only_bias)[-1][0][:] = 5.0, -3.0
    constant = np.asarray(dnn(only_bias, x, widths))
    if np.allclose(constant, np.tanh([5.0, -3.0])):
        return "the last layer is affine; here an activation is applied to it"
    if not np.allclose(constant, [5.0, -3.0]):
        return "with nothing but the biases of the last layer, these are the outputs; here they are not"
    single = Network((3, 2))
    affine = rng.normal(size=single.size)
    ((b, W),) = single.unpack(affine)
    outputs = np.asarray(dnn(affine, x, (3, 2)))
    if np.allclose(outputs, x @ affine[2:].reshape(3, 2) + b):
        return "a row of W holds the weights of one neuron; here a column does"
    if not np.allclose(outputs, x @ W.T + b):
        return "one layer is the affine map of its biases and then its weights; here it is not"
    if not np.allclose(output, network.predict(theta, x)):
        return "a single layer is right, but with hidden layers the outputs are not those of the formula"
    return None
