"""What chapter 4 says of penalties: each library's own weight, for one and the same minimum."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import Lasso, Ridge

T, P, MU = 60, 3, 0.1


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    W = rng.normal(size=(T, P))
    return W, W @ [1.0, -2.0, 0.5] + rng.normal(size=T)


def ridge(W, y, mu):
    """Return the zero of the gradient of (1/T)||W theta - y||^2 + mu ||theta||^2."""
    size = W.shape[1]
    return np.linalg.solve(W.T @ W / len(y) + mu * np.eye(size), W.T @ y / len(y))


def trained(optimizer, W, y, *, scale=1.0, steps=1000, **options):
    """Return where an optimizer of PyTorch ends with the mean squared error, its rate going to zero."""
    theta = torch.zeros(W.shape[1], dtype=torch.float64, requires_grad=True)
    moved = optimizer([theta], **options)
    falling = torch.optim.lr_scheduler.LinearLR(moved, 1.0, 1e-4, steps)
    inputs, targets = torch.tensor(W), torch.tensor(y)
    for _ in range(steps):
        moved.zero_grad()
        (scale * torch.nn.functional.mse_loss(inputs @ theta, targets)).backward()
        moved.step()
        falling.step()
    return theta.detach().numpy()


def test_scikit_learns_ridge_has_a_weight_t_times_as_large(data):
    theirs = Ridge(alpha=T * MU, fit_intercept=False, tol=1e-12).fit(*data).coef_
    np.testing.assert_allclose(theirs, ridge(*data, MU), rtol=1e-9)


def test_scikit_learns_ridge_leaves_the_intercept_without_a_penalty(data):
    W, y = data
    theirs = Ridge(alpha=T * MU).fit(W, y + 100)
    centered = ridge(W - W.mean(0), y - y.mean(), MU)
    np.testing.assert_allclose(theirs.coef_, centered, rtol=1e-9)
    assert theirs.intercept_ == pytest.approx(y.mean() + 100 - W.mean(0) @ centered)


def test_scikit_learns_lasso_has_half_the_weight(data):
    W, y = data
    mu = 0.9 * 2 / T * abs(W.T @ y).max()  # from this maximum on all are zero
    theta = Lasso(alpha=mu / 2, fit_intercept=False, tol=1e-14, max_iter=100_000).fit(W, y).coef_
    slope = 2 / T * W.T @ (W @ theta - y)
    on = theta != 0
    assert 0 < on.sum() < P
    np.testing.assert_allclose(slope[on], -mu * np.sign(theta[on]), rtol=1e-6)
    assert (abs(slope[~on]) <= mu).all()


def test_half_squares_keep_the_weight(data):
    W, y = data
    theta = ridge(W, y, MU)
    half = W.T @ (W @ theta - y) / T + MU * theta  # of (1/2T)||W theta - y||^2 + (mu/2)||theta||^2
    np.testing.assert_allclose(half, 0, atol=1e-12)


@pytest.mark.parametrize("optimizer", [torch.optim.SGD, torch.optim.Adam])
def test_pytorchs_weight_decay_is_twice_the_weight(data, optimizer):
    ended = trained(optimizer, *data, lr=0.05, weight_decay=2 * MU)
    np.testing.assert_allclose(ended, ridge(*data, MU), atol=1e-5)


def test_pytorch_decays_the_bias_too(data):
    W, y = data
    line = torch.nn.Linear(P, 1, dtype=torch.float64)
    moved = torch.optim.SGD(line.parameters(), lr=0.1, weight_decay=2 * MU)
    for _ in range(500):
        moved.zero_grad()
        torch.nn.functional.mse_loss(line(torch.tensor(W))[:, 0], torch.tensor(y + 10)).backward()
        moved.step()
    together = ridge(np.column_stack([W, np.ones(T)]), y + 10, MU)
    assert line.bias.item() == pytest.approx(together[-1], rel=1e-6)


def test_adamw_with_the_full_gradient_is_no_penalty_but_a_bound(data):
    alone = np.linalg.lstsq(*data)[0]
    inside = trained(torch.optim.AdamW, *data, lr=0.05, weight_decay=2 * MU, steps=3000)
    assert abs(alone).max() < 1 / (2 * MU)
    assert abs(inside - alone).max() < 0.2 * abs(ridge(*data, MU) - alone).max()
    scaled = trained(torch.optim.AdamW, *data, lr=0.05, weight_decay=2 * MU, steps=3000, scale=1000.0)
    np.testing.assert_allclose(scaled, inside, atol=1e-4)
    bounded = trained(torch.optim.AdamW, *data, lr=0.05, weight_decay=1.0, steps=3000)
    assert abs(alone).max() > 1
    assert abs(bounded).max() <= 1


def test_the_penalty_going_to_zero_leaves_the_solution_of_least_norm():
    W, y = np.array([[2.0, 1.0]] * 3), np.array([1.0, 2.0, 3.0])
    least = np.linalg.pinv(W) @ y
    for mu in (1.0, 5.0, 1e-3, 1e-6):  # the eigenvalues of the Hessian are 10 and 0
        np.testing.assert_allclose(ridge(W, y, mu), 10 / (10 + 2 * mu) * least, atol=1e-8)
