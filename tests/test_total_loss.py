"""The equations of a network and of its loss, each written out beside what the package computes."""

import numpy as np
import pytest

from lecturecode import Adam, CrossEntropy, Network, SquaredError, TotalLoss, minimize

pytestmark = pytest.mark.numeric


@pytest.mark.parametrize(("name", "sigma"), [
    ("tanh", np.tanh),
    ("relu", lambda a: np.maximum(a, 0)),
    ("sigmoid", lambda a: 1 / (1 + np.exp(-a))),
    ("softplus", lambda a: np.log1p(np.exp(a))),
    ("leaky relu", lambda a: np.where(a > 0, a, 0.01 * a)),
    ("identity", lambda a: a),
])  # fmt: skip
def test_four_layers_are_the_nested_formula(name, sigma):
    rng = np.random.default_rng(0)
    network = Network((3, 5, 4, 6, 2), name, name)
    theta, x = rng.normal(size=network.size), rng.normal(size=(7, 3))
    (b1, W1), (b2, W2), (b3, W3), (b4, W4) = network.unpack(theta)
    for sample, output in zip(x, network.predict(theta, x), strict=True):
        inner = sigma(b2 + W2 @ sigma(b1 + W1 @ sample))
        nested = sigma(b4 + W4 @ sigma(b3 + W3 @ inner))
        np.testing.assert_allclose(output, nested, rtol=1e-12, atol=1e-14)


def test_theta_is_biases_then_weights_row_by_row_and_they_are_views():
    network = Network((2, 3, 1))
    theta = np.arange(float(network.size))
    (b1, W1), (b2, W2) = network.unpack(theta)
    assert b1.tolist() == [0, 1, 2]
    assert W1.tolist() == [[3, 4], [5, 6], [7, 8]]
    assert b2.tolist() == [9]
    assert W2.tolist() == [[10, 11, 12]]
    W2[0, 1] = -1.0
    assert theta[11] == -1.0


@pytest.mark.parametrize("loss", [SquaredError(), CrossEntropy()])
def test_the_total_loss_is_the_mean_over_samples(loss):
    rng = np.random.default_rng(0)
    network = Network((2, 4, 3))
    x = rng.normal(size=(11, 2))
    y = rng.integers(0, 3, 11) if isinstance(loss, CrossEntropy) else rng.normal(size=(11, 3))
    theta = network.init(0)
    one_by_one = [TotalLoss(network, loss, x[t : t + 1], y[t : t + 1])(theta) for t in range(11)]
    np.testing.assert_allclose(TotalLoss(network, loss, x, y)(theta), np.mean(one_by_one), rtol=1e-13)


def test_the_l2_loss_is_summed_over_outputs():
    prediction = np.array([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0]])
    y = np.array([[1.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    assert SquaredError()(prediction, y).tolist() == [13.0, 3.0]
    assert SquaredError().with_gradient(prediction, y)[1].tolist() == [[0, 4, 6], [-2, -2, -2]]


def test_cross_entropy_is_minus_the_logarithm_of_the_softmax():
    rng = np.random.default_rng(0)
    a, y = rng.normal(size=(6, 4)), rng.integers(0, 4, 6)
    p = np.exp(a) / np.exp(a).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(CrossEntropy()(a, y), -np.log(p[np.arange(6), y]), rtol=1e-12)
    np.testing.assert_allclose(CrossEntropy().with_gradient(a, y)[1], p - np.eye(4)[y], atol=1e-14)


def test_the_empirical_risk_is_unbiased_before_a_fit_and_too_low_after_it():
    def draw(T, rng):
        x = rng.uniform(-1, 1, (T, 1))
        return x, x**2 + 0.5 * rng.normal(size=(T, 1))

    network, rng = Network((1, 8, 1)), np.random.default_rng(0)
    theta, fresh = network.init(0), draw(50_000, rng)
    risk = TotalLoss(network, SquaredError(), *fresh)
    sets = [draw(10, rng) for _ in range(400)]
    before = np.array([TotalLoss(network, SquaredError(), *data)(theta) for data in sets])
    assert abs(before.mean() - risk(theta)) < 4 * before.std() / 400**0.5
    for data in sets[:3]:
        g = TotalLoss(network, SquaredError(), *data)
        fitted = minimize(g.value_and_gradient, theta, Adam(0.03), steps=500, record_every=0)
        assert fitted.value < 0.25 < risk(fitted.theta)  # the variance of the noise
        assert risk(fitted.theta) > 1.3 * fitted.value
