"""Backpropagation: central differences, PyTorch's autograd, the slides line by line, one formula."""

import numpy as np
import pytest
import torch
from torch_networks import LAYERS, autograd, module, random_case, total_loss

from lecturecode import (
    Backprop,
    CrossEntropy,
    Network,
    SquaredError,
    TotalLoss,
    backprop,
    backprop_by_hand,
    check_gradient,
    gradient_descent,
    random_search,
    sample_gradients,
)
from lecturecode.domains import Interval

pytestmark = pytest.mark.numeric

LIBRARIES = {"numpy": np.asarray, "torch": torch.as_tensor}
libraries = pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)
SLOPES = {
    "sigmoid": lambda a: 1 / (2 + np.exp(a) + np.exp(-a)),
    "tanh": lambda a: 1 / np.cosh(a) ** 2,
    "relu": lambda a: 1.0 * (a > 0),
    "leaky relu": lambda a: np.where(a > 0, 1.0, 0.01),
    "softplus": lambda a: 1 / (1 + np.exp(-a)),
    "identity": np.ones_like,
}


@pytest.mark.parametrize("seed", range(100))
def test_the_gradient_is_that_of_central_differences_and_of_autograd(seed):
    network, loss, theta, x, y = random_case(seed)
    value, gradient = backprop(network, loss, theta, x, y)
    expected, slopes = autograd(network, loss, theta, x, y)
    scale = abs(slopes).max()
    assert value == pytest.approx(expected, rel=1e-10)
    np.testing.assert_allclose(gradient, slopes, rtol=1e-10, atol=1e-10 * scale)

    h = 1e-5 * np.eye(network.size)
    g = TotalLoss(network, loss, x, y)
    measured = (8 * (g(theta + h) - g(theta - h)) - g(theta + 2 * h) + g(theta - 2 * h)) / 12e-5
    np.testing.assert_allclose(gradient, measured, rtol=1e-6, atol=1e-6 * scale)


def test_the_random_cases_have_all_activations_and_both_losses():
    cases = [random_case(seed)[:2] for seed in range(100)]
    for loss in (SquaredError(), CrossEntropy()):
        assert {net.activation for net, of in cases if of == loss and net.depth > 1} == set(LAYERS)
    assert {net.output for net, of in cases if of == SquaredError()} == set(LAYERS)
    assert {net.depth for net, _ in cases} == {1, 2, 3, 4, 5}


@pytest.mark.parametrize("seed", range(40))
@libraries
def test_three_ways_to_one_gradient(seed, library):
    """By hand, sample by sample; all samples' own gradients; and the mean of them."""
    rng = np.random.default_rng(seed)
    _, loss, _, _, _ = random_case(seed)
    hidden, output = rng.choice(list(LAYERS), 2)
    if isinstance(loss, CrossEntropy):
        output = "identity"
    network = Network(tuple(int(n) for n in rng.integers(2, 6, 5)), str(hidden), str(output))
    x, theta = rng.standard_normal((5, network.widths[0])), network.init(seed)
    labels = isinstance(loss, CrossEntropy)
    y = (
        rng.integers(0, network.widths[-1], 5)
        if labels
        else rng.standard_normal((5, network.widths[-1]))
    )
    given = network, loss, library(theta), library(x), library(y)
    value, gradient = backprop(*given)
    values, gradients = sample_gradients(*given)
    assert (tuple(values.shape), tuple(gradients.shape)) == ((5,), (5, network.size))
    np.testing.assert_allclose(float(value), float(values.mean()), rtol=1e-12)
    np.testing.assert_allclose(
        np.asarray(gradient), np.asarray(gradients).mean(0), rtol=1e-11, atol=1e-13
    )
    for t in range(5):
        r, G_theta, _ = backprop_by_hand(network, loss, library(theta), given[3][t], given[4][t])
        np.testing.assert_allclose(float(r), float(values[t]), rtol=1e-12)
        np.testing.assert_allclose(np.asarray(G_theta), np.asarray(gradients[t]), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("hidden", LAYERS)
@pytest.mark.parametrize("output", LAYERS)
def test_the_formula_of_one_line_gives_the_gradient_of_the_sample(hidden, output):
    network, rng = Network((3, 4, 5, 2, 3), hidden, output), np.random.default_rng(0)
    theta, x, y = network.init(1) + 0.1, rng.standard_normal(3), rng.standard_normal(3)
    _, _, G = backprop_by_hand(network, SquaredError(), theta, x, y)
    (_, W1), (_, W2), (_, W3), (_, W4) = network.unpack(theta)
    pre, xs = network.forward(theta, x[None, :])
    D1, D2, D3, D4 = (np.diag(SLOPES[s](a[0])) for s, a in zip(network.activations, pre, strict=True))
    grad = 2 * (xs[4][0] - y)
    G_x0 = W1.T @ D1 @ W2.T @ D2 @ W3.T @ D3 @ W4.T @ D4 @ grad
    np.testing.assert_allclose(G["x0"], G_x0, rtol=1e-11, atol=1e-14)
    h = 1e-6 * np.eye(3)
    g = SquaredError()
    up, down = (g(network.predict(theta, x + s * h), np.tile(y, (3, 1))) for s in (1, -1))
    np.testing.assert_allclose(G["x0"], (up - down) / 2e-6, rtol=1e-6, atol=1e-8)


def test_the_names_of_the_slides():
    network = Network((2, 3, 4, 3, 2))
    theta = network.init(0)
    _, gradient, G = backprop_by_hand(network, SquaredError(), theta, [1.0, -1.0], [0.0, 1.0])
    for i, (b, W) in enumerate(network.unpack(theta), start=1):
        assert G[f"x{i}"].shape == G[f"a{i}"].shape == G[f"b{i}"].shape == b.shape
        assert G[f"W{i}"].shape == W.shape
        np.testing.assert_array_equal(G[f"b{i}"], G[f"a{i}"])
        np.testing.assert_array_equal(G[f"x{i - 1}"], W.T @ G[f"a{i}"])
    assert len(G) == 17
    for i, (b, W) in enumerate(network.unpack(gradient), start=1):
        np.testing.assert_array_equal(b, G[f"b{i}"])
        np.testing.assert_array_equal(W, G[f"W{i}"])


def test_a_class_number_is_taken_by_hand_in_every_form():
    network, theta = Network((1, 2, 2, 2, 3)), Network((1, 2, 2, 2, 3)).init(0)
    y = [1, np.int64(1), np.array(1), np.array([1, 2])[0]]
    found = [backprop_by_hand(network, CrossEntropy(), theta, [0.5], one)[0] for one in y]
    t = torch.as_tensor
    found.append(backprop_by_hand(network, CrossEntropy(), t(theta), t([0.5]).double(), t(1))[0].numpy())
    np.testing.assert_allclose(found, found[0], rtol=1e-14)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("lead", [(1,), (4,), (2, 3)])
@libraries
def test_leading_axes_are_several_networks(seed, lead, library):
    network, loss, _, x, y = random_case(seed)
    thetas = network.init(seed, networks=lead)
    values, gradients = backprop(network, loss, library(thetas), library(x), library(y))
    assert (tuple(values.shape), tuple(gradients.shape)) == (lead, thetas.shape)
    for k in np.ndindex(lead):
        value, gradient = backprop(network, loss, library(thetas[k]), library(x), library(y))
        np.testing.assert_allclose(float(values[k]), float(value), rtol=1e-12)
        np.testing.assert_allclose(
            np.asarray(gradients[k]), np.asarray(gradient), rtol=1e-10, atol=1e-13
        )


@libraries
def test_buffers_are_used_again_and_follow_shapes_and_kinds(library):
    network, loss = Network((3, 4, 2)), SquaredError()
    step, rng = Backprop(network, loss), np.random.default_rng(0)
    for lead, T, dtype in [((), 6, "f8"), ((), 4, "f8"), ((2,), 4, "f8"), ((), 4, "f4"), ((), 6, "f8")]:
        theta = library(network.init(rng, networks=lead).astype(dtype))
        x = library(rng.standard_normal((T, 3)).astype(dtype))
        y = library(rng.standard_normal((T, 2)).astype(dtype))
        value, gradient = step(theta, x, y)
        expected = backprop(network, loss, theta, x, y)
        assert np.asarray(value).tolist() == np.asarray(expected[0]).tolist()
        assert gradient.tolist() == expected[1].tolist()
        assert gradient.dtype == theta.dtype
        assert step(theta, x, y)[1] is gradient


@libraries
@pytest.mark.parametrize("loss", [SquaredError(), CrossEntropy()])
@pytest.mark.parametrize("times", [0.0, 1e-3, 0.3, 1.0, 7.0])
def test_a_multiple_of_the_gradient_is_asked_for_in_one_call(library, loss, times):
    network, rng = Network((5, 7, 3), "relu"), np.random.default_rng(0)
    theta, x = library(network.init(rng)), library(rng.standard_normal((6, 5)))
    y = library(rng.integers(0, 3, 6) if loss == CrossEntropy() else rng.standard_normal((6, 3)))
    value, gradient = backprop(network, loss, theta, x, y)
    same, multiple = Backprop(network, loss)(theta, x, y, times)
    assert float(same) == float(value)
    np.testing.assert_allclose(
        np.asarray(multiple), times * np.asarray(gradient), rtol=1e-13, atol=times * 1e-15
    )


def test_one_backprop_serves_arrays_and_tensors_in_turn():
    step, theta = Backprop(Network((1, 1)), SquaredError()), np.array([0.0, 2.0])
    x, y = np.array([[3.0]]), np.array([[5.0]])
    for library in (np.asarray, torch.as_tensor, np.asarray):
        _, gradient = step(library(theta), library(x), library(y))
        assert type(gradient) is type(library(theta))
        assert gradient.tolist() == [2, 6]


@libraries
@pytest.mark.parametrize("loss", [SquaredError(), CrossEntropy()])
def test_arguments_stay_as_they_are_and_float32_stays_float32(library, loss):
    network, rng = Network((3, 4, 2), "relu"), np.random.default_rng(0)
    theta, x = network.init(0).astype("f4"), rng.standard_normal((5, 3)).astype("f4")
    y = rng.integers(0, 2, 5) if loss == CrossEntropy() else rng.standard_normal((5, 2)).astype("f4")
    given = [library(part.copy()) for part in (theta, x, y)]
    for take in (backprop, sample_gradients):
        value, gradient = take(network, loss, *given)
        assert value.dtype == gradient.dtype == given[0].dtype
    for part, before in zip(given, (theta, x, y), strict=True):
        np.testing.assert_array_equal(np.asarray(part), before)


@pytest.mark.parametrize("seed", range(10))
@libraries
def test_the_total_loss_is_a_function_like_any_other(seed, library):
    network, loss, theta, x, y = random_case(seed)
    g = TotalLoss(network, loss, library(x), library(y))
    expected = backprop(network, loss, library(theta), library(x), library(y))
    assert float(g(library(theta))) == pytest.approx(float(expected[0]), rel=1e-13)
    np.testing.assert_array_equal(np.asarray(g.gradient(library(theta))), np.asarray(expected[1]))
    smooth = Network(network.widths, "tanh")
    g = TotalLoss(smooth, loss, library(x), library(y))
    assert check_gradient(g, g.gradient, library(theta)) < 1e-6


@libraries
def test_the_hessian_of_the_total_loss_is_that_of_autograd(library):
    network, rng = Network((2, 3, 1)), np.random.default_rng(0)
    x, y, thetas = (
        rng.standard_normal((7, 2)),
        rng.standard_normal((7, 1)),
        network.init(0, networks=(3,)),
    )

    def g(theta):
        b1, W1, b2, W2 = theta[:3], theta[3:9].reshape(3, 2), theta[9:10], theta[10:].reshape(1, 3)
        outputs = torch.tanh(torch.as_tensor(x) @ W1.T + b1) @ W2.T + b2
        return ((outputs - torch.as_tensor(y)) ** 2).sum(-1).mean()

    H = TotalLoss(network, SquaredError(), library(x), library(y)).hessian(library(thetas))
    theirs = torch.stack([torch.autograd.functional.hessian(g, t) for t in torch.as_tensor(thetas)])
    np.testing.assert_allclose(np.asarray(H), theirs.numpy(), atol=1e-8)
    assert np.array_equal(np.asarray(H), np.asarray(H).swapaxes(-1, -2))


def test_searches_and_descents_take_the_total_loss():
    x = np.linspace(-1, 1, 40)[:, None]
    g = TotalLoss(Network((1, 3, 1)), SquaredError(), x, np.tanh(3 * x))
    start = g.network.init(0)
    assert gradient_descent(g, start, 0.05, steps=300).value < 0.2 * float(g(start))
    assert random_search(g, Interval(-3, 3) ** 10, 3000, rng=0).value < 0.2


def test_a_theta_that_autograd_watches_is_taken_as_numbers():
    g = TotalLoss(Network((1, 1)), SquaredError(), torch.ones((2, 1)), torch.zeros((2, 1)))
    theta = torch.tensor([1.0, 1.0], requires_grad=True)
    assert g.gradient(theta).tolist() == [4, 4]
    assert not g.gradient(theta).requires_grad


def test_one_step_worked_out_by_hand_in_the_tests_of_scikit_learn():
    """Its weight decay of 0.1 is added to the gradients of the weights, not of the biases."""
    network = Network((3, 2, 2), "sigmoid")
    # two outputs 0 and o have the softmax of one logistic output o
    theta = np.concatenate([[0.1, 0.1], [0.1, 0.3, 0.5], [0.2, 0.1, 0], [0, 1.0], [0, 0], [0.1, 0.2]])
    x = np.array([[0.6, 0.8, 0.7]])
    _, gradient = backprop(network, CrossEntropy(), theta, x, [0])
    _, hidden, _ = network.forward(theta, x)[1]
    np.testing.assert_allclose(hidden[0], [0.679178699175393, 0.574442516811659], rtol=1e-14)
    decay = 0.1 * theta
    decay[[0, 1, 8, 9]] = 0
    (b1, W1), (b2, W2) = network.unpack(theta - 0.1 * (gradient + decay))
    published = [[0.098, 0.195756], [0.2956664, 0.096008], [0.4939998, -0.002244]]
    np.testing.assert_allclose(W1.T, published, atol=1.5e-3)
    np.testing.assert_allclose(W2[1], [0.04706, 0.154089], atol=1.5e-3)
    np.testing.assert_allclose(b1, [0.098333, 0.09626], atol=1.5e-3)
    np.testing.assert_allclose(b2[1], 0.9235, atol=1.5e-3)
    _, G_W2 = network.unpack(gradient)[1]
    probability = 0.7654329236196236  # right to four digits
    np.testing.assert_allclose(G_W2[1], probability * hidden[0], rtol=1e-4)
    np.testing.assert_allclose(G_W2[0], -G_W2[1], rtol=1e-13)


@pytest.mark.parametrize("seed", range(30))
def test_autograd_and_torch_func_differentiate_the_total_loss(seed):
    network, loss, theta, x, y = random_case(seed)
    g = TotalLoss(network, loss, torch.as_tensor(x), torch.as_tensor(y))
    thetas = torch.as_tensor(theta) + 0.1 * torch.arange(3.0, dtype=torch.float64)[:, None]
    exact = {"rtol": 1e-10, "atol": 1e-10}
    torch.testing.assert_close(torch.func.grad(g)(thetas[0]), g.gradient(thetas[0]), **exact)
    torch.testing.assert_close(torch.vmap(g)(thetas), g(thetas), **exact)
    torch.testing.assert_close(torch.vmap(torch.func.grad(g))(thetas), g.gradient(thetas), **exact)
    watched = thetas.clone().requires_grad_()
    g(watched).sum().backward()
    torch.testing.assert_close(watched.grad, g.gradient(thetas), **exact)


@pytest.mark.parametrize("seed", range(20))
def test_the_hessian_of_torch_func_is_that_of_pytorchs_layers_and_ours_is_near(seed):
    """Ours comes from central differences: 1e-8 is what they can do."""
    network, loss, theta, x, y = random_case(seed)
    theta, x, y = (torch.as_tensor(part) for part in (theta, x, y))
    g, net = TotalLoss(network, loss, x, y), module(network, theta)
    names = [name for name, _ in net.named_parameters()]

    def theirs(theta):
        parts, rest = {}, theta
        for weight, bias in zip(names[::2], names[1::2], strict=True):
            n, m = net.get_parameter(weight).shape
            parts[bias], parts[weight] = rest[:n], rest[n : n + n * m].reshape(n, m)
            rest = rest[n + n * m :]
        return total_loss(loss, torch.func.functional_call(net, parts, (x,)), y)

    H = torch.func.hessian(g)(theta)
    scale = max(1.0, float(H.abs().max()))
    expected = torch.autograd.functional.hessian(theirs, theta)
    # torch.nn.Softplus is linear above 20, and its second derivative is none there.
    torch.testing.assert_close(H, expected, rtol=1e-10, atol=1e-10 * scale)
    torch.testing.assert_close(g.hessian(theta), H, rtol=1e-8, atol=1e-8 * scale)


def test_autograd_goes_through_forward_and_backprop_takes_what_it_watches():
    network = Network((2, 3, 3, 1), "softplus", "sigmoid")
    theta = torch.as_tensor(network.init(0)).requires_grad_()
    x, y = torch.ones((4, 2), dtype=torch.float64), torch.zeros((4, 1), dtype=torch.float64)
    pre, xs = network.forward(theta, x)
    (SquaredError()(xs[-1], y).mean() + 0 * pre[0].sum()).backward()
    _, gradient = backprop(network, SquaredError(), theta, x, y)
    assert not gradient.requires_grad
    torch.testing.assert_close(theta.grad, gradient, rtol=1e-12, atol=1e-14)
