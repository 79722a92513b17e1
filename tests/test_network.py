"""Networks: the function that PyTorch computes, on one flat theta, alone and in populations."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from torch_networks import LAYERS, module, random_case

from lecturecode import Network

pytestmark = pytest.mark.numeric

LIBRARIES = {"numpy": np.asarray, "torch": torch.as_tensor}
libraries = pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)


@pytest.mark.parametrize("seed", range(40))
@libraries
def test_outputs_are_those_of_pytorchs_layers(seed, library):
    network, _, theta, x, _ = random_case(seed)
    expected = module(network, theta)(torch.as_tensor(x)).detach().numpy()
    outputs = network.predict(library(theta), library(x))
    np.testing.assert_allclose(np.asarray(outputs), expected, rtol=1e-10, atol=1e-12)


def test_the_four_layers_of_the_lecture_written_out():
    network = Network((3, 5, 4, 2, 1), "sigmoid", "sigmoid")
    theta, x = network.init(0), np.random.default_rng(1).standard_normal(3)
    (b1, W1), (b2, W2), (b3, W3), (b4, W4) = network.unpack(theta)

    def sigma(a):
        return 1 / (1 + np.exp(-a))

    expected = sigma(b4 + W4 @ sigma(b3 + W3 @ sigma(b2 + W2 @ sigma(b1 + W1 @ x))))
    np.testing.assert_allclose(network.predict(theta, x[None, :])[0], expected, rtol=1e-14)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("lead", [(4,), (2, 3)])
@libraries
def test_leading_axes_are_a_population_evaluated_in_one_call(seed, lead, library):
    network, _, _, x, _ = random_case(seed)
    thetas = network.init(seed, networks=lead)
    assert thetas.shape == (*lead, network.size)
    outputs = np.asarray(network.predict(library(thetas), library(x)))
    assert outputs.shape == (*lead, len(x), network.widths[-1])
    for k in np.ndindex(lead):
        one = np.asarray(network.predict(library(thetas[k]), library(x)))
        np.testing.assert_allclose(outputs[k], one, rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize("lead", [(), (3,)])
@libraries
def test_forward_returns_every_value_on_the_way(seed, lead, library):
    network, _, _, x, _ = random_case(seed)
    theta = network.init(seed, networks=lead) + 0.1  # biases, too, are not zero
    pre, xs = network.forward(library(theta), library(x))
    assert (len(pre), len(xs)) == (network.depth, network.depth + 1)
    np.testing.assert_array_equal(np.asarray(xs[0]), x)
    layers = network.unpack(library(theta))
    for i, name in enumerate(network.activations):
        b, W = (np.asarray(part) for part in layers[i])
        a = np.einsum("...nm,...tm->...tn", W, np.asarray(xs[i])) + b[..., None, :]
        np.testing.assert_allclose(np.asarray(pre[i]), a, rtol=1e-12, atol=1e-13)
        sigma = LAYERS[name]()(torch.as_tensor(np.asarray(pre[i]))).numpy()
        np.testing.assert_allclose(np.asarray(xs[i + 1]), sigma, rtol=1e-9, atol=1e-15)
    outputs = network.predict(library(theta), library(x))
    np.testing.assert_allclose(np.asarray(xs[-1]), np.asarray(outputs), rtol=1e-13, atol=1e-15)


@libraries
@pytest.mark.parametrize("lead", [(), (2, 3)])
def test_weights_are_views_into_theta_and_fill_it(library, lead):
    network = Network((3, 4, 2))
    theta = library(np.zeros((*lead, network.size)))
    for k, (b, W) in enumerate(network.unpack(theta)):
        b[...] = 2 * k + 1
        W[...] = 2 * k + 2
    expected = [1] * 4 + [2] * 12 + [3] * 2 + [4] * 8
    assert np.asarray(theta).reshape(-1, 26).tolist() == [expected] * math.prod(lead)


def test_weights_stand_row_by_row():
    (b, W), _ = Network((2, 3, 1)).unpack(np.arange(13.0))
    assert b.tolist() == [0, 1, 2]
    assert W.tolist() == [[3, 4], [5, 6], [7, 8]]


@libraries
@pytest.mark.parametrize("name", LAYERS)
def test_arguments_stay_as_they_are(library, name):
    network = Network((2, 3, 2), name, name)
    theta, x = network.init(0), np.random.default_rng(0).standard_normal((5, 2))
    given = library(theta.copy()), library(x.copy())
    network.predict(*given)
    pre, xs = network.forward(*given)
    np.testing.assert_array_equal(np.asarray(given[0]), theta)
    np.testing.assert_array_equal(np.asarray(given[1]), x)
    xs[-1][...] = 7
    assert not (np.asarray(pre[-1]) == 7).any()


@libraries
@pytest.mark.parametrize("name", LAYERS)
def test_float32_stays_float32(library, name):
    network = Network((2, 3, 2), name, name)
    like = library(np.ones((4, 2), np.float32))
    theta = network.init(0, like=like)
    assert type(theta) is type(like)
    assert theta.dtype == network.predict(theta, like).dtype == like.dtype
    assert {part.dtype for parts in network.forward(theta, like) for part in parts} == {like.dtype}


def test_size_depth_and_names_of_layers():
    network = Network([784, 128, 10], "relu")
    assert network.widths == (784, 128, 10)
    assert (network.size, network.depth) == (101_770, 2)
    assert network.activations == ("relu", "identity")
    assert Network(np.array([2, 1])) == Network((2, 1))
    with pytest.raises(dataclasses.FrozenInstanceError):
        network.widths = (1, 1)


@libraries
@pytest.mark.parametrize("name", LAYERS)
def test_starts_are_as_wide_as_glorot_and_he_say(library, name):
    network = Network((300, 200, 100), name)
    theta = network.init(0, like=library(np.empty(0)))
    (b1, W1), (b2, W2) = ((np.asarray(b), np.asarray(W)) for b, W in network.unpack(theta))
    assert not b1.any()
    assert not b2.any()
    glorot = math.sqrt(6 / 300)
    assert abs(W2).max() == pytest.approx(glorot, rel=1e-3)
    assert abs(W2).max() <= glorot
    assert W2.std() == pytest.approx(glorot / math.sqrt(3), rel=0.02)
    if "relu" in name:
        assert W1.std() == pytest.approx(math.sqrt(2 / 300), rel=0.02)
        assert abs(W1).max() > 3.5 * math.sqrt(2 / 300)  # a normal distribution has tails
    else:
        assert abs(W1).max() == pytest.approx(math.sqrt(6 / 500), rel=1e-3)
    for W in (W1, W2):
        assert abs(W.mean()) < 4 * W.std() / math.sqrt(W.size)


def test_signals_keep_their_size_through_twenty_relu_layers():
    """He's variance keeps the mean square of the signals; Glorot's would halve it at each layer."""
    network = Network((400,) * 21, "relu", "relu")
    x = np.random.default_rng(0).standard_normal((20, 400)).astype(np.float32)
    _, xs = network.forward(network.init(1, like=x), x)
    assert 0.3 < (xs[-1] ** 2).mean() / (x**2).mean() < 3


def test_a_start_is_drawn_from_the_rng():
    network = Network((3, 4, 2))
    np.testing.assert_array_equal(network.init(5), network.init(np.random.default_rng(5)))
    assert not np.array_equal(network.init(5), network.init(6))
    like = torch.empty(0)
    draw = network.init(torch.Generator().manual_seed(0), like=like)
    assert torch.equal(draw, network.init(torch.Generator().manual_seed(0), like=like))
    population = network.init(0, networks=(2,))
    assert not np.array_equal(population[0], population[1])


def test_so_many_networks_may_be_one_number():
    network = Network((3, 4, 2))
    np.testing.assert_array_equal(network.init(3, networks=5), network.init(3, networks=(5,)))
    assert network.init(0, networks=np.int64(2)).shape == (2, network.size)
    assert network.init(0, networks=[2, 3]).shape == (2, 3, network.size)
    for bad in (2.0, "2", True, (2, 1.5), None, -1, (2, -1)):
        with pytest.raises(ValueError, match="networks must be an integer of at least 0; got"):
            network.init(0, networks=bad)
