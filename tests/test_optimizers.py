"""Update rules: pure functions of theta, gradient and state."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lecturecode import GradientDescent
from lecturecode.optimizers import positive

numbers = st.floats(-1e6, 1e6)


@settings(max_examples=100, deadline=None)
@given(arrays(float, 3, elements=numbers), arrays(float, 3, elements=numbers), st.floats(1e-6, 1e3))
def test_the_step_is_theta_minus_epsilon_times_the_gradient(theta, gradient, epsilon):
    optimizer = GradientDescent(epsilon)
    after, state = optimizer.step(theta, gradient, optimizer.init(theta))
    assert after.tolist() == [
        t - epsilon * s for t, s in zip(theta.tolist(), gradient.tolist(), strict=True)
    ]
    assert state == ()


@pytest.mark.parametrize("library", [np.asarray, torch.as_tensor], ids=["numpy", "torch"])
def test_a_step_changes_none_of_its_arguments_and_can_be_repeated(library):
    theta, gradient = library(np.array([1.0, 2.0])), library(np.array([3.0, -4.0]))
    optimizer = GradientDescent(0.5)
    first, state = optimizer.step(theta, gradient, optimizer.init(theta))
    second, _ = optimizer.step(theta, gradient, state)
    assert first.tolist() == second.tolist() == [-0.5, 4.0]
    assert theta.tolist() == [1.0, 2.0]
    assert gradient.tolist() == [3.0, -4.0]


@pytest.mark.parametrize("shape", [(2,), (5, 2)])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rate", [0.1, 1, np.float64(0.1), np.array(0.1), torch.tensor(0.1)], ids=repr)
def test_a_step_keeps_shape_dtype_and_library(shape, dtype, rate):
    theta = np.ones(shape, dtype)
    for library in (np.asarray, torch.from_numpy):
        after, _ = GradientDescent(rate).step(library(theta), library(theta), ())
        assert type(after) is type(library(theta))
        assert after.dtype == library(theta).dtype
        assert tuple(after.shape) == shape


def test_an_optimizer_is_frozen_and_comparable():
    optimizer = GradientDescent(0.1)
    with pytest.raises(dataclasses.FrozenInstanceError):
        optimizer.learning_rate = 0.2
    assert optimizer == GradientDescent(np.float64(0.1))
    assert repr(optimizer) == "GradientDescent(learning_rate=0.1)"


@pytest.mark.parametrize("rate", [0, 0.0, -0.1, float("nan"), float("inf"), -float("inf"), False])
def test_a_learning_rate_is_positive_and_finite(rate):
    with pytest.raises(ValueError, match=r"learning_rate must be positive and finite; got .*Try 0\.1"):
        GradientDescent(rate)


@pytest.mark.parametrize("rate", ["0.1", None, 1j, [0.1, 0.2], np.array([0.1, 0.2])], ids=repr)
def test_a_learning_rate_is_a_number(rate):
    with pytest.raises(TypeError, match=f"learning_rate must be a number; got {type(rate).__name__}"):
        GradientDescent(rate)


def test_positive_returns_a_python_number():
    assert type(positive(np.float32(2.0), "x")) is float
