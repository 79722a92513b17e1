"""Losses: PyTorch's values and gradients, of one minibatch and of several networks at once."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lecturecode import CrossEntropy, SquaredError

LIBRARIES = {"numpy": np.asarray, "torch": torch.as_tensor}
libraries = pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)


def case(loss, lead=(), T=7, N=4, seed=0):
    rng = np.random.default_rng(seed)
    prediction = 3 * rng.standard_normal((*lead, T, N))
    return prediction, rng.integers(0, N, T) if loss == CrossEntropy() else rng.standard_normal((T, N))


def pytorch(loss, prediction, y):
    prediction = torch.tensor(prediction, requires_grad=True)
    y = torch.as_tensor(y)
    if isinstance(loss, CrossEntropy):
        losses = torch.nn.functional.cross_entropy(prediction, y, reduction="none")
    else:
        losses = torch.nn.functional.mse_loss(prediction, y, reduction="none").sum(-1)
    (gradient,) = torch.autograd.grad(losses.sum(), prediction)
    return losses.detach().numpy(), gradient.numpy()


@pytest.mark.parametrize("loss", [SquaredError(), CrossEntropy()])
@libraries
def test_value_and_gradient_are_those_of_pytorch(loss, library):
    prediction, y = case(loss)
    value, gradient = loss.with_gradient(library(prediction), library(y))
    expected, slopes = pytorch(loss, prediction, y)
    np.testing.assert_allclose(np.asarray(value), expected, rtol=1e-13, atol=1e-15)
    np.testing.assert_allclose(np.asarray(gradient), slopes, rtol=1e-12, atol=1e-15)
    np.testing.assert_array_equal(np.asarray(loss(library(prediction), library(y))), np.asarray(value))


@pytest.mark.parametrize("loss", [SquaredError(), CrossEntropy()])
@libraries
def test_leading_axes_are_several_networks(loss, library):
    prediction, y = case(loss, (2, 3))
    value, gradient = loss.with_gradient(library(prediction), library(y))
    assert (tuple(value.shape), tuple(gradient.shape)) == ((2, 3, 7), (2, 3, 7, 4))
    for k in np.ndindex(2, 3):
        one, slopes = loss.with_gradient(library(prediction[k]), library(y))
        np.testing.assert_array_equal(np.asarray(value[k]), np.asarray(one))
        np.testing.assert_array_equal(np.asarray(gradient[k]), np.asarray(slopes))


@pytest.mark.parametrize("loss", [SquaredError(), CrossEntropy()])
@libraries
def test_arguments_stay_as_they_are_and_float32_stays_float32(loss, library):
    prediction, y = case(loss)
    prediction = library(prediction.astype(np.float32))
    y = loss.targets(library(y if y.dtype == np.int64 else y.astype(np.float32)), 4, prediction)
    before = np.asarray(prediction).copy()
    value, gradient = loss.with_gradient(prediction, y)
    gradient *= 0
    np.testing.assert_array_equal(np.asarray(prediction), before)
    assert value.dtype == gradient.dtype == prediction.dtype


def test_the_squared_error_sums_over_outputs_and_is_not_halved():
    value, gradient = SquaredError().with_gradient(np.array([[1.0, 2.0]]), np.array([[4.0, -2.0]]))
    assert (value.tolist(), gradient.tolist()) == ([25.0], [[-6.0, 8.0]])


@settings(max_examples=100, deadline=None)
@given(st.floats(-1e3, 1e3), st.integers(0, 10**6))
def test_softmax_does_not_feel_a_constant_added_to_all_outputs(shift, seed):
    prediction, y = case(CrossEntropy(), seed=seed)
    value, gradient = CrossEntropy().with_gradient(prediction, y)
    moved, slopes = CrossEntropy().with_gradient(prediction + shift, y)
    np.testing.assert_allclose(moved, value, atol=1e-11)
    np.testing.assert_allclose(slopes, gradient, atol=1e-12)
    np.testing.assert_allclose(gradient.sum(-1), 0, atol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_enormous_outputs_do_not_overflow(dtype):
    outputs = np.array([[1e30, -1e30], [-1e30, 1e30]], dtype)
    with np.errstate(all="raise", under="ignore"):
        value, gradient = CrossEntropy().with_gradient(outputs, np.array([0, 0]))
    assert value.tolist() == [0, dtype(2e30)]
    assert gradient.tolist() == [[0, 0], [-1, 1]]


@libraries
def test_targets_become_arrays_of_the_kind_of_x(library):
    like = library(np.ones((2, 3), np.float32))
    for y in ([[1, 2], [3, 4]], [[1.0, 2.0], [3.0, 4.0]], library(np.array([[1, 2], [3, 4]]))):
        got = SquaredError().targets(y, 2, like)
        assert (type(got), got.dtype, got.tolist()) == (type(like), like.dtype, [[1, 2], [3, 4]])
    for y in ([0, 2], library(np.array([0, 2], np.uint8)), library(np.array([0, 2], np.int32))):
        got = CrossEntropy().targets(y, 3, like)
        assert (type(got), got.tolist()) == (type(like), [0, 2])
        assert str(got.dtype).endswith("int64")


def test_the_smallest_and_the_largest_label_are_taken():
    assert CrossEntropy().targets([0, 2, 1], 3, np.empty(0)).tolist() == [0, 2, 1]
    for y in ([0, 3], [-1, 0]):
        with pytest.raises(ValueError, match=r"y must hold class numbers.*from 0 to 2; got"):
            CrossEntropy().targets(y, 3, np.empty(0))


def test_targets_of_one_axis_are_not_spread_over_the_others():
    with pytest.raises(
        ValueError, match=r"equal shapes: prediction \(50, 1\), target \(50,\); add an a"
    ):
        SquaredError()(np.ones((50, 1)), np.ones(50))
