"""Activations: PyTorch's functions, their derivatives from x = sigma(a), in place, no overflow."""

import numpy as np
import pytest
import torch
from torch_networks import LAYERS

from lecturecode.activations import ACTIVATIONS

GRID = np.concatenate([np.linspace(-12, 12, 400), [-1e-9, 1e-9, 40.0, -40.0]])
each = pytest.mark.parametrize("name", ACTIVATIONS)


def applied(name, a):
    sigma = ACTIVATIONS[name]
    x = sigma.function(a, out=a)
    return x, sigma.derivative(x)


def test_all_of_them_are_compared_with_pytorch():
    assert list(ACTIVATIONS) == list(LAYERS)


@each
def test_function_and_derivative_are_those_of_pytorch(name):
    a = torch.tensor(GRID, requires_grad=True)
    theirs = LAYERS[name]()(a)
    (slopes,) = torch.autograd.grad(theirs.sum(), a)
    x, derivative = applied(name, GRID.copy())
    # torch.nn.Softplus is a itself above 20, where log(1 + e^a) - a is below 2e-9.
    tolerance = {"rtol": 2e-10, "atol": 3e-16} if name == "softplus" else {"rtol": 1e-13, "atol": 3e-16}
    np.testing.assert_allclose(x, theirs.detach().numpy(), **tolerance)
    tolerance = {"rtol": 2e-9, "atol": 1e-15} if name == "softplus" else {"rtol": 1e-12, "atol": 3e-16}
    np.testing.assert_allclose(derivative * np.ones_like(x), slopes.numpy(), **tolerance)


@each
def test_the_derivative_is_that_of_central_differences(name):
    a, h = np.linspace(-3, 3, 61) + 0.01, 1e-6
    function = ACTIVATIONS[name].function
    measured = (function(a + h) - function(a - h)) / (2 * h)
    np.testing.assert_allclose(applied(name, a.copy())[1] * np.ones(61), measured, atol=1e-9)


@each
@pytest.mark.parametrize("library", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_argument_is_overwritten_and_keeps_its_kind(name, library, dtype):
    a = library(np.linspace(-2, 2, 12, dtype=dtype).reshape(3, 4))
    expected = ACTIVATIONS[name].function(library(np.linspace(-2, 2, 12).reshape(3, 4)))
    x, derivative = applied(name, a)
    assert x is a
    np.testing.assert_allclose(np.asarray(a), np.asarray(expected), rtol=1e-6)
    product = library(np.ones((3, 4), dtype))
    product *= derivative
    assert x.dtype == product.dtype == library(np.ones(1, dtype)).dtype


@each
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_nothing_overflows_where_the_answer_does_not(name, dtype):
    most = float(np.finfo(dtype).max) / 4
    with np.errstate(all="raise", under="ignore"):
        x, derivative = applied(name, np.array([-most, -1e4, 0.0, 1e4, most], dtype))
    assert np.isfinite(x).all()
    assert np.isfinite(derivative * np.ones(5, dtype)).all()


def test_known_values():
    assert applied("sigmoid", np.array([0.0])) == (0.5, 0.25)
    assert applied("tanh", np.array([0.0])) == (0.0, 1.0)
    assert applied("softplus", np.array([0.0]))[0] == pytest.approx(np.log(2), rel=1e-15)
    assert applied("softplus", np.array([0.0]))[1] == pytest.approx(0.5, rel=1e-15)
    assert applied("relu", np.array([-2.0, 0.0, 3.0]))[0].tolist() == [0, 0, 3]
    assert applied("leaky relu", np.array([-2.0, 0.0, 3.0]))[0].tolist() == [-0.02, 0, 3]


def test_at_its_kink_a_relu_takes_the_slope_from_below():
    assert applied("relu", np.array([0.0]))[1].tolist() == [False]
    assert applied("leaky relu", np.array([0.0]))[1].tolist() == [0.01]
