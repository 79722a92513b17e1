"""Symmetries: other thetas of the same function, and counterexamples where there are none."""

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lecturecode import Network, flip_neuron, reorder_neurons, rescale_neuron

LIBRARIES = {"numpy": np.asarray, "torch": torch.as_tensor}
libraries = pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)


@st.composite
def networks(draw, activations):
    hidden = draw(st.lists(st.integers(1, 5), min_size=1, max_size=4))
    widths = (draw(st.integers(1, 4)), *hidden, draw(st.integers(1, 3)))
    network = Network(widths, draw(st.sampled_from(activations)))
    layer = draw(st.integers(1, len(hidden)))
    seed = draw(st.integers(0, 10**6))
    lead = draw(st.sampled_from([(), (3,)]))
    rng = np.random.default_rng(seed)
    theta = rng.standard_normal((*lead, network.size))
    return network, theta, layer, rng.standard_normal((6, widths[0])), rng


def same_function(network, theta, other, x):
    expected = network.predict(theta, x)
    np.testing.assert_allclose(network.predict(other, x), expected, rtol=1e-9, atol=1e-10)


@settings(max_examples=200, deadline=None)
@given(networks(["sigmoid", "tanh", "relu", "leaky relu", "softplus", "identity"]))
def test_a_reordered_layer_is_the_same_function(case):
    network, theta, layer, x, rng = case
    order = rng.permutation(network.widths[layer])
    other = reorder_neurons(network, theta, layer, order)
    same_function(network, theta, other, x)
    np.testing.assert_array_equal(np.sort(other, -1), np.sort(theta, -1))
    back = reorder_neurons(network, other, layer, np.argsort(order))
    np.testing.assert_array_equal(back, theta)


@settings(max_examples=200, deadline=None)
@given(networks(["relu", "leaky relu", "identity"]), st.floats(1e-3, 1e3))
def test_a_rescaled_neuron_is_the_same_function(case, beta):
    network, theta, layer, x, rng = case
    k = int(rng.integers(network.widths[layer]))
    other = rescale_neuron(network, theta, layer, k, beta)
    same_function(network, theta, other, x)
    back = rescale_neuron(network, other, layer, k, 1 / beta)
    np.testing.assert_allclose(back, theta, rtol=1e-14)
    changed = 1 + network.widths[layer - 1] + network.widths[layer + 1]
    assert ((other != theta).sum(-1) == (changed if beta != 1 else 0)).all()


@settings(max_examples=200, deadline=None)
@given(networks(["tanh", "identity"]))
def test_a_flipped_neuron_is_the_same_function(case):
    network, theta, layer, x, rng = case
    k = int(rng.integers(network.widths[layer]))
    other = flip_neuron(network, theta, layer, k)
    same_function(network, theta, other, x)
    np.testing.assert_array_equal(flip_neuron(network, other, layer, k), theta)
    np.testing.assert_array_equal(abs(other), abs(theta))
    changed = 1 + network.widths[layer - 1] + network.widths[layer + 1]
    assert ((other != theta).sum(-1) == changed).all()


def test_all_orderings_of_a_small_network_are_one_function():
    """K = 2 hidden layers of N = 3 neurons have 3!^2 = 36 orderings, and no two are the same theta."""
    network = Network((2, 3, 3, 1))
    theta, x = network.init(0), np.random.default_rng(1).standard_normal((10, 2))
    orders = list(itertools.permutations(range(3)))
    thetas = [
        reorder_neurons(network, reorder_neurons(network, theta, 1, first), 2, second)
        for first, second in itertools.product(orders, orders)
    ]
    assert len({t.tobytes() for t in thetas}) == math.factorial(3) ** 2
    outputs = network.predict(np.stack(thetas), x)
    np.testing.assert_allclose(outputs, np.broadcast_to(outputs[0], outputs.shape), atol=1e-14)


def test_all_signs_of_a_layer_are_one_function():
    network = Network((2, 3, 1), "tanh")
    theta, x = network.init(0) + 0.1, np.random.default_rng(1).standard_normal((10, 2))
    thetas = [theta]
    for k in range(3):
        thetas += [flip_neuron(network, t, 1, k) for t in thetas]
    assert len({t.tobytes() for t in thetas}) == 2**3
    outputs = network.predict(np.stack(thetas), x)
    np.testing.assert_allclose(outputs, np.broadcast_to(outputs[0], outputs.shape), atol=1e-14)


def test_a_negative_factor_is_another_function():
    """relu(-a) is not -relu(a): with beta = -1, |x| = relu(x) + relu(-x) would turn into -|x|."""
    network, x = Network((1, 2, 1), "relu"), np.array([[-2.0], [1.0]])
    theta = np.array([0.0, 0.0, 1.0, -1.0, 0.0, 1.0, 1.0])
    assert network.predict(theta, x).ravel().tolist() == [2, 1]
    scaled = theta * [-1, -1, -1, -1, 1, -1, -1]
    assert network.predict(scaled, x).ravel().tolist() == [-2, -1]
    for beta in (-1.0, 0.0, -1e-9, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="beta must be positive and finite"):
            rescale_neuron(network, theta, 1, 0, beta)


def test_symmetries_that_an_activation_has_not_are_refused():
    theta = np.zeros(7)
    for name in ("tanh", "sigmoid", "softplus"):
        with pytest.raises(ValueError, match=f"scaling changes a network of {name} neurons; it leaves"):
            rescale_neuron(Network((1, 2, 1), name), theta, 1, 0, 2.0)
    for name in ("relu", "leaky relu", "sigmoid", "softplus"):
        with pytest.raises(ValueError, match=f"a change of signs changes a network of {name} neurons"):
            flip_neuron(Network((1, 2, 1), name), theta, 1, 0)


@libraries
def test_theta_stays_as_it_is_and_float32_stays_float32(library):
    network = Network((2, 3, 1), "relu")
    theta = library(np.arange(13, dtype=np.float32))
    for other in (
        reorder_neurons(network, theta, 1, [2, 0, 1]),
        rescale_neuron(network, theta, 1, 2, 0.5),
        flip_neuron(Network((2, 3, 1)), theta, 1, 0),
    ):
        assert (type(other), other.dtype) == (type(theta), theta.dtype)
        assert other.tolist() != theta.tolist()
    assert theta.tolist() == list(range(13))


def test_a_reordering_says_where_each_neuron_goes():
    network = Network((1, 3, 1))
    got = reorder_neurons(network, np.arange(10.0), 1, [2, 0, 1])
    assert got.tolist() == [2, 0, 1, 5, 3, 4, 6, 9, 7, 8]
